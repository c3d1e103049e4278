// Packs what the product reads at run time into dist/, beside the bundles: prompts, knowledge, rules, WASM files, the model.
import { access } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyIfChanged, removeOthers, writeIfChanged } from './files.mjs';
import { readKnowledge } from './knowledge.mjs';
import { readPrompts } from './prompts.mjs';
import { readRules } from './rules.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** WASM files: place in dist/ → file of an npm package. */
export const WASM = {
  'grammars/python.wasm': 'tree-sitter-python/tree-sitter-python.wasm',
  'grammars/javascript.wasm': 'tree-sitter-javascript/tree-sitter-javascript.wasm',
  'grammars/typescript.wasm': 'tree-sitter-typescript/tree-sitter-typescript.wasm',
  'grammars/tsx.wasm': 'tree-sitter-typescript/tree-sitter-tsx.wasm',
  'grammars/c.wasm': 'tree-sitter-c/tree-sitter-c.wasm',
  'grammars/cpp.wasm': 'tree-sitter-cpp/tree-sitter-cpp.wasm',
  'grammars/go.wasm': 'tree-sitter-go/tree-sitter-go.wasm',
  'grammars/java.wasm': 'tree-sitter-java/tree-sitter-java.wasm',
  'wasm/web-tree-sitter.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
  'wasm/ast-grep.wasm': '@ast-grep/wasm/wasm_bg.wasm',
  // The build without GPU parts: half the size of the others, and the only one that Node can run.
  'wasm/ort-wasm-simd-threaded.wasm': 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
  'wasm/ort-wasm-simd-threaded.mjs': 'onnxruntime-web/dist/ort-wasm-simd-threaded.mjs',
};

/** Folder of the embedding model in the cache, where set-up puts it, and its files that are packed. */
export const MODEL = { id: 'all-MiniLM-L6-v2', files: ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'onnx/model_quantized.onnx'] };

/** Other files: place in dist/ → place in the project. Packed as they are. */
const FILES = { 'semgrep-requirements.txt': 'src/node/analyzers/semgrep/requirements.txt' };

/**
 * Writes all assets into `outdir`. What is valid is written even when something else is not; then an `AssetProblems`
 * with every problem is thrown, so that one bad rule shows itself without hiding the next.
 */
export async function packAssets({ outdir = path.join(root, 'dist'), warn = (line) => console.warn(line) } = {}) {
  const [{ prompts, problems: a }, { knowledge, problems: b, undescribed }, rules] = await Promise.all([readPrompts(root), readKnowledge(root), readRules(root)]);
  const write = (name, content) => writeIfChanged(path.join(outdir, name), content);
  await Promise.all([
    write('prompts.json', JSON.stringify(prompts)),
    write('knowledge.json', JSON.stringify(knowledge)),
    write('rules/builtin.json', JSON.stringify(rules.builtin)),
    write('rules/semgrep.yml', rules.semgrep),
    write('rules/metadata.json', JSON.stringify(rules.metadata)),
  ]);
  const problems = [...a, ...b, ...rules.problems];
  for (const cwe of undescribed) warn(`warning: knowledge: ${cwe} has samples but no guideline.md.`);
  for (const [place, file] of Object.entries(WASM)) {
    const from = path.join(root, 'node_modules', file);
    if (await exists(from)) await copyIfChanged(from, path.join(outdir, place));
    else problems.push(`${file}: missing from its package; run npm ci.`);
  }
  for (const folder of ['grammars', 'wasm']) {
    await removeOthers(path.join(outdir, folder), Object.keys(WASM).filter((p) => p.startsWith(`${folder}/`)).map((p) => p.slice(folder.length + 1)));
  }
  for (const [place, file] of Object.entries(FILES)) {
    if (await exists(path.join(root, file))) await copyIfChanged(path.join(root, file), path.join(outdir, place));
  }
  const model = await packModel(outdir, warn);
  if (problems.length > 0) throw new AssetProblems(problems);
  return {
    prompts: Object.keys(prompts).length,
    guidelines: knowledge.guidelines.length,
    samples: knowledge.samples.length,
    builtinRules: rules.builtin.length,
    semgrepRules: Object.values(rules.metadata).filter((m) => m.engines.includes('semgrep')).length,
    model,
  };
}

/** Files of the project that cannot be packed; one line each. */
export class AssetProblems extends Error {
  constructor(problems) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

async function packModel(outdir, warn) {
  const from = path.join(root, '.cache', 'models', MODEL.id);
  const to = path.join(outdir, 'model', MODEL.id);
  for (const file of MODEL.files) {
    if (!(await exists(path.join(from, file)))) {
      warn(`The embedding model is not in .cache/models/${MODEL.id} (${file} is missing): the build goes on without it. Run "npm run setup" to make it.`);
      return false;
    }
  }
  await Promise.all(MODEL.files.map((file) => copyIfChanged(path.join(from, file), path.join(to, file))));
  await removeOthers(to, MODEL.files);
  return true;
}

async function exists(file) {
  return access(file).then(() => true, () => false);
}
