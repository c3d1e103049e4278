// Makes dist/safenote-VERSION.vsix from what was built.   usage: node tools/package.mjs [--no-build]
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const LIMIT_MB = 30;
const pkg = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const name = `${pkg.name}-${pkg.version}.vsix`;
const dist = path.join(root, 'dist');

let child;
const unfinished = path.join(dist, `package-${process.pid}.tmp`);
process.on('exit', () => {
  child?.kill();
  rmSync(unfinished, { force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

if (!process.argv.includes('--no-build')) await run('inherit', 'esbuild.mjs');
// Everything that runs is bundled: no dependency is to be packed.
await run('pipe', 'node_modules/@vscode/vsce/vsce', 'package', '--no-dependencies', '--no-rewrite-relative-links', '--allow-missing-repository', '--skip-license', '--out', unfinished);
for (const old of await readdir(dist)) if (old.endsWith('.vsix')) await rm(path.join(dist, old));
await rename(unfinished, path.join(dist, name));
const megabytes = (await stat(path.join(dist, name))).size / 1e6;
console.log(`dist/${name}  ${megabytes.toFixed(1)} MB (limit ${LIMIT_MB} MB)`);
if (megabytes > LIMIT_MB) {
  console.error(`The package is larger than ${LIMIT_MB} MB. Look into it with: node_modules/.bin/vsce ls`);
  process.exitCode = 1;
}

/** Runs a script; its output is shown as it comes (`inherit`), or only when it fails (`pipe`). Ends this process when it fails. */
function run(output, file, ...args) {
  return new Promise((resolve) => {
    child = spawn(process.execPath, [path.join(root, file), ...args], { cwd: root, stdio: ['ignore', output, 'inherit'] });
    let said = '';
    child.stdout?.on('data', (chunk) => (said += chunk));
    child.once('close', (code) => {
      child = undefined;
      if (code === 0) return resolve();
      process.stderr.write(said);
      console.error(`${file} failed; no package was made.`);
      process.exit(1);
    });
  });
}
