// How libraries are bundled: what is replaced by what, and why.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const empty = path.join(here, 'empty.cjs');

/** Module (by pattern) → what the bundle uses instead. */
const replacements = [
  // The WASM build of ONNX Runtime: no native module, one file for every platform.
  [/^onnxruntime-node$/, path.resolve(here, '../../src/node/embedding/onnx-runtime.ts')],
  // Images are never embedded.
  [/^sharp$/, empty],
  // One copy for everybody, and the one that can live in a CommonJS bundle: the other asks for import.meta.url.
  [/^web-tree-sitter$/, path.resolve(here, '../../node_modules/web-tree-sitter/web-tree-sitter.cjs')],
  // Of vectra, LocalIndex alone and not what else its entry offers (documents, tokenizers, embeddings, servers): 9 MB
  // become 40 KB. What LocalIndex itself loads for keyword search and protobuf is never called.
  [/^vectra$/, path.resolve(here, '../../node_modules/vectra/lib/LocalIndex.js')],
  [/^(wink-[\w-]+|protobufjs(\/.*)?)$/, empty],
  // zod's error messages in fifty languages (English is loaded apart from them): 260 KB in every bundle.
  [/^\.\.\/locales\/index\.js$/, empty],
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

/** transformers.js asks for its native runtime in a way that no bundler sees; written as an import, it can be replaced. */
const runtimeImport = {
  name: 'transformers-runtime',
  setup(build) {
    build.onLoad({ filter: /[\\/]@huggingface[\\/]transformers[\\/]dist[\\/]transformers\.node\.mjs$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      const contents = source.replace('= requireFromHere("onnxruntime-node");', '= bundledRuntime;\nimport * as bundledRuntime from "onnxruntime-node";');
      if (contents === source) throw new Error(`${file} no longer loads its runtime as it did: see how it does, and adapt tools/build/bundling.mjs.`);
      return { contents, loader: 'js' };
    });
  },
};

/** Of the OpenAI client, chat and models alone: the other thirty services become empty classes, which its constructor wants. */
const openAiServices = {
  name: 'openai-services',
  setup(build) {
    build.onLoad({ filter: /[\\/]openai[\\/]resources[\\/].*\.mjs$/ }, async ({ path: file }) => {
      if (/resources[\\/](?:chat[\\/].*|models\.mjs|shared\.mjs|index\.mjs)$/.test(file)) return undefined;
      const source = await readFile(file, 'utf8');
      const names = [...source.matchAll(/^export class (\w+)/gm)].map((match) => match[1]);
      return { contents: names.map((name) => `export class ${name} {}`).join('\n'), loader: 'js' };
    });
  },
};

/** Modules that are bundles of their own: required when they are first needed, by their name in dist/. */
export const besideTheBundle = {
  name: 'beside-the-bundle',
  setup(build) {
    build.onResolve({ filter: /\/openai-client\.ts$/ }, (args) => (args.kind === 'entry-point' ? undefined : { path: './openai-client.js', external: true }));
  },
};

export const plugins = [replace, runtimeImport, openAiServices];

export const banner = {
  // Before anything else is loaded: an old Node gets a sentence instead of a syntax error.
  cli: '#!/usr/bin/env node\nif (Number(process.versions.node.split(".")[0]) < 22) { process.stderr.write("safenote needs Node.js 22 or newer; this is " + process.version + ".\\n"); process.exit(2); }',
};
