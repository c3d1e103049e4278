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
  // One copy for everybody, and the one that can live in a CommonJS bundle: the other asks for import.meta.url.
  [/^web-tree-sitter$/, path.resolve(here, '../../node_modules/web-tree-sitter/web-tree-sitter.cjs')],
  // Of vectra, LocalIndex alone and not what else its entry offers (documents, tokenizers, embeddings, servers): 9 MB
  // become 40 KB. What LocalIndex itself loads for keyword search and protobuf is never called.
  [/^vectra$/, path.resolve(here, '../../node_modules/vectra/lib/LocalIndex.js')],
  [/^(wink-[\w-]+|protobufjs(\/.*)?)$/, empty],
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
