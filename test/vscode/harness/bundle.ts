// Bundles test files for the extension host, with an entry that runs them by mocha.
import { build } from 'esbuild';
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
    // mocha must be one copy, the one that runs the tests; it lies in the project, the bundles do not.
    external: ['vscode'],
    plugins: [
      {
        name: 'project-mocha',
        setup: (b) => b.onResolve({ filter: /^mocha$/ }, () => ({ path: path.join(root, 'node_modules/mocha/index.js'), external: true })),
      },
    ],
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(root, 'test/vscode/suite/bundle.ts')).href), TEST_BUNDLES: JSON.stringify(Object.keys(named).map((name) => `${name}.cjs`)) },
  });
  return path.join(folder, 'index.cjs');
}
