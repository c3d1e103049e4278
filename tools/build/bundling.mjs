// How libraries are bundled: what is replaced by what, and why.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const empty = path.join(here, 'empty.cjs');

/** Module (by pattern) → what the bundle uses instead. */
const replacements = [
  // The WASM build of ONNX Runtime: no native module, one file for every platform.
  [/^onnxruntime-node$/, 'onnxruntime-web/wasm'],
  // Images are never embedded.
  [/^sharp$/, empty],
  // vectra's document, tokenizer and server parts: SafeNote uses its LocalIndex only.
  [/^(wink-[\w-]+|gpt-tokenizer(\/.*)?|cheerio|turndown|@grpc\/.*|protobufjs(\/.*)?|axios)$/, empty],
];

const replace = {
  name: 'replace-modules',
  setup(build) {
    for (const [filter, target] of replacements) {
      build.onResolve({ filter }, (args) =>
        path.isAbsolute(target) ? { path: target } : build.resolve(target, { kind: args.kind, resolveDir: args.resolveDir, importer: args.importer }),
      );
    }
  },
};

export const plugins = [replace];

export const banner = {
  // Before anything else is loaded: an old Node gets a sentence instead of a syntax error.
  cli: '#!/usr/bin/env node\nif (Number(process.versions.node.split(".")[0]) < 22) { process.stderr.write("safenote needs Node.js 22 or newer; this is " + process.version + ".\\n"); process.exit(2); }',
};
