// Bundles test files for the extension host, with an entry that runs them by mocha.
import { build, type Plugin } from 'esbuild';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../../tools/setup/paths.mjs';

/** Writes the bundles into `folder` and returns the entry's path, for `extensionTestsPath`. */
export async function bundleTests(files: readonly string[], folder: string): Promise<string> {
  if (files.length === 0) throw new Error('There is no test file to run.');
  const named = Object.fromEntries(files.map((file) => [file.replace(/\.ts$/, '').replaceAll('/', '-'), path.resolve(root, file)]));
  await build({
    entryPoints: { ...named, index: path.join(root, 'test/vscode/harness/entry.ts') },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    sourcemap: 'inline',
    logLevel: 'warning',
    external: ['vscode'],
    plugins: [projectMocha, sourceUrls],
    define: { TEST_BUNDLES: JSON.stringify(Object.keys(named).map((name) => `${name}.cjs`)) },
  });
  return path.join(folder, 'index.cjs');
}

/** mocha must be one copy, the one that runs the tests; it lies in the project, the bundles do not. */
const projectMocha: Plugin = {
  name: 'project-mocha',
  setup: (b) => b.onResolve({ filter: /^mocha$/ }, () => ({ path: path.join(root, 'node_modules/mocha/index.js'), external: true })),
};

/** A test that finds files beside itself must find them from within a bundle too. */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup: (b) =>
    b.onLoad({ filter: /\.m?ts$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8');
      if (!text.includes('import.meta.')) return undefined;
      const own = { url: pathToFileURL(file).href, dirname: path.dirname(file), filename: file };
      return { contents: text.replace(/\bimport\.meta\.(url|dirname|filename)\b/g, (_, name: keyof typeof own) => JSON.stringify(own[name])), loader: 'ts' };
    }),
};
