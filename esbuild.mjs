// Bundles the extension, the command line and the workers into dist/, then packs the assets beside them.
import { build } from 'esbuild';
import { readFile, mkdir } from 'node:fs/promises';
import { packAssets } from './tools/build/assets.mjs';
import { plugins, banner } from './tools/build/bundling.mjs';

const pkg = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));
const development = process.argv.includes('--development');
await mkdir('dist', { recursive: true });
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
  define: { SAFENOTE_VERSION: JSON.stringify(pkg.version) },
  plugins,
};
const entries = [
  { in: 'src/extension.ts', out: 'dist/extension.js', external: ['vscode'] },
  { in: 'src/cli/main.ts', out: 'dist/cli.js', banner: { js: banner.cli } },
  { in: 'src/node/analysis/worker.ts', out: 'dist/analysis-worker.js' },
  { in: 'src/node/embedding/worker.ts', out: 'dist/embedding-worker.js' },
];
const results = await Promise.all(
  entries.map(({ in: input, out, ...rest }) => build({ ...common, ...rest, entryPoints: [input], outfile: out, metafile: true })),
);
await packAssets({ inputs: results.flatMap((r) => Object.keys(r.metafile.inputs)) });
