// Bundles the extension, the command line and the workers into dist/, then packs the assets beside them.
//   node esbuild.mjs [--development] [--watch] [--check]      --check: THIRD_PARTY_NOTICES must be up to date already
import { build, context } from 'esbuild';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetProblems, MODEL, packAssets } from './tools/build/assets.mjs';
import { banner, besideTheBundle, plugins } from './tools/build/bundling.mjs';
import { writeIfChanged } from './tools/build/files.mjs';
import { makeNotices } from './tools/build/notices.mjs';
import { packSlices } from './tools/build/slices.mjs';
import { packVectors } from './tools/build/vectors.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const pkg = JSON.parse(await readFile('package.json', 'utf8'));
const watch = process.argv.includes('--watch');
const development = watch || process.argv.includes('--development');

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  sourcemap: development ? 'linked' : false,
  minify: !development,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // Written by us: a file that did not change keeps its time, and nobody ever loads half a bundle.
  write: false,
  define: { SAFENOTE_VERSION: JSON.stringify(pkg.version) },
  plugins: [...plugins, { name: 'write-whole', setup: (b) => b.onEnd(writeOutputs) }],
};
/** The client of a model is loaded with the first request, from beside the bundle. */
const apart = { plugins: [...common.plugins, besideTheBundle], supported: { 'dynamic-import': false } };
const all = [
  { in: 'src/extension.ts', out: 'dist/extension.js', external: ['vscode'] },
  // What the extension loads when it is first used.
  // Nothing in it goes by a function's or class's own name (errors carry theirs as a property), and names are 5 % of it.
  { in: 'src/vscode/compose.ts', out: 'dist/main.js', external: ['vscode'], keepNames: false, ...apart },
  { in: 'src/cli/main.ts', out: 'dist/cli.js', banner: { js: banner.cli }, ...apart },
  { in: 'src/node/llm/openai-client.ts', out: 'dist/openai-client.js' },
  // Copied into the user's own folder, so that Git finds it whatever becomes of the extension's.
  { in: 'src/cli/merge-notes.ts', out: 'dist/merge-notes.js' },
  { in: 'src/node/analysis/worker.ts', out: 'dist/analysis-worker.js' },
  { in: 'src/node/embedding/worker.ts', out: 'dist/embedding-worker.js' },
  // The dashboard: its window, loaded when it is opened, and its page with the chart library.
  { in: 'src/vscode/dashboard/panel.ts', out: 'dist/dashboard-panel.js', external: ['vscode'], keepNames: false },
  { in: 'src/vscode/dashboard/webview/main.ts', out: 'dist/dashboard.js', platform: 'browser', format: 'iife', target: 'es2022', keepNames: false },
  // The chart library, for reports alone: loaded when one is drawn.
  { in: 'src/node/charts/render.ts', out: 'dist/charts.js', keepNames: false },
];
const entries = all.filter((entry) => existsSync(entry.in) || console.warn(`${entry.in} does not exist: ${entry.out} is not built.`));

const complete = entries.length === all.length;

async function writeOutputs(result) {
  await Promise.all((result.outputFiles ?? []).map((file) => writeIfChanged(file.path, Buffer.from(file.contents), { mode: path.basename(file.path) === 'cli.js' ? 0o755 : undefined })));
}

const options = ({ in: input, out, ...rest }) => ({ ...common, ...rest, entryPoints: [input], outfile: out });

// One bundle or asset that fails does not keep the others from being built; the build as a whole has failed then.
const results = watch
  ? await Promise.allSettled(entries.map(async (entry) => (await context(options(entry))).watch()))
  : await Promise.allSettled(entries.map((entry) => build(options(entry))));
let failed = results.filter((result) => result.status === 'rejected').length;
try {
  const packed = await packAssets();
  console.log(`Packed ${packed.prompts} prompts, ${packed.guidelines} guidelines, ${packed.samples} samples, ${packed.builtinRules} built-in and ${packed.semgrepRules} Semgrep rules${packed.model ? ', the embedding model' : ''}.`);
} catch (error) {
  if (!(error instanceof AssetProblems)) throw error;
  failed++;
  for (const problem of error.problems) console.error(`error: ${problem}`);
}
if (existsSync('dist/analysis-worker.js') && existsSync('dist/knowledge.json')) {
  // Without them a prompt gets the whole secure side: worth a warning, not a failed build.
  await packSlices(path.join(root, 'dist')).catch((error) => console.warn(`warning: the samples have no slices: ${error.message}`));
}
if (existsSync('dist/embedding-worker.js') && existsSync(`dist/model/${MODEL.id}`)) {
  // Without them knowledge is ranked by words: worth a warning, not a failed build.
  const { samples } = JSON.parse(await readFile('dist/knowledge.json', 'utf8'));
  await packVectors({ root, outdir: path.join(root, 'dist'), modelId: MODEL.id, samples }).catch((error) => console.warn(`warning: the knowledge base has no vectors: ${error.message}`));
}
if (!watch) {
  for (const [index, result] of results.entries()) {
    if (result.status === 'rejected' && !result.reason?.errors) console.error(result.reason);
    const bytes = result.value?.outputFiles?.find((file) => file.path.endsWith('.js'))?.contents.byteLength;
    if (bytes) console.log(`${entries[index].out}  ${(bytes / 1024).toFixed(0)} KB`);
  }
  // Of half a build the notices would be half a list.
  if (complete && results.every((result) => result.status === 'fulfilled')) await notices();
  if (failed > 0) {
    console.error(`The build failed: ${failed} of its parts could not be made.`);
    process.exitCode = 1;
  }
}

async function notices() {
  const inputs = results.flatMap((result) => Object.keys(result.value.metafile.inputs));
  const text = await makeNotices(root, inputs);
  if ((await readFile('THIRD_PARTY_NOTICES', 'utf8').catch(() => '')) === text) return;
  if (process.argv.includes('--check')) {
    failed++;
    console.error('error: THIRD_PARTY_NOTICES does not list what is bundled. Run "npm run build" and commit it.');
  } else {
    await writeIfChanged(path.join(root, 'THIRD_PARTY_NOTICES'), text);
    console.log('THIRD_PARTY_NOTICES has changed: commit it.');
  }
}
