// Makes dist/safenote-VERSION.vsix from what was built.   usage: node tools/package.mjs [--no-build]
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const LIMIT_MB = 30;
const pkg = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const name = `${pkg.name}-${pkg.version}.vsix`;
const dist = path.join(root, 'dist');

const run = (file, ...args) => {
  const result = spawnSync(process.execPath, [path.join(root, file), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  if (result.status !== 0) {
    process.stderr.write(result.stdout ?? '');
    console.error(`${file} failed; no package was made.`);
    process.exit(1);
  }
  return result.stdout;
};

if (!process.argv.includes('--no-build')) process.stdout.write(run('esbuild.mjs'));
const unfinished = path.join(dist, `unfinished-${process.pid}.vsix`);
// Everything that runs is bundled: no dependency is to be packed.
run('node_modules/@vscode/vsce/vsce', 'package', '--no-dependencies', '--no-rewrite-relative-links', '--allow-missing-repository', '--skip-license', '--out', unfinished);
for (const old of await readdir(dist)) if (old.endsWith('.vsix') && old !== path.basename(unfinished)) await rm(path.join(dist, old));
await rename(unfinished, path.join(dist, name));
const megabytes = (await stat(path.join(dist, name))).size / 1e6;
console.log(`dist/${name}  ${megabytes.toFixed(1)} MB (limit ${LIMIT_MB} MB)`);
if (megabytes > LIMIT_MB) {
  console.error(`The package is larger than ${LIMIT_MB} MB. Look into it with: node_modules/.bin/vsce ls`);
  process.exitCode = 1;
}
