// The VS Code server that `npm start` and the editor tests use: npm's `code-server`, about 600 MB, in the cache.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CODE_SERVER, environment, serverFolder, serverMain } from './paths.mjs';
import { run, SetupError } from './run.mjs';

const pins = path.join(path.dirname(fileURLToPath(import.meta.url)), 'vscode-server');

const logger = path.join('node_modules', '@vscode', 'spdlog', 'index.js');

export async function needed() {
  if (!existsSync(serverMain)) return 'it is not in the cache';
  return (await hasLogger(path.dirname(path.dirname(serverMain)))) ? undefined : 'its logger is missing';
}

export async function prepare(log) {
  if (!(await needed())) return;
  if (existsSync(serverMain)) return putLogger(path.dirname(path.dirname(serverMain)));
  log(`installing the VS Code server (code-server ${CODE_SERVER}, about 600 MB) into .cache`);
  const parent = path.dirname(serverFolder);
  await mkdir(parent, { recursive: true });
  for (const old of await readdir(parent)) await rm(path.join(parent, old), { recursive: true, force: true });
  const temporary = path.join(parent, `unfinished-${process.pid}`);
  await mkdir(temporary);
  for (const file of ['package.json', 'package-lock.json']) await copyFile(path.join(pins, file), path.join(temporary, file));
  const env = environment();
  const hint = 'Check the connection to the npm registry and the free disk space (1 GB), then run it again.';
  const npm = (cwd, args) => run('npm', [...args, '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], { cwd, env, hint, what: `npm ${args[0]} of code-server` });
  // Its own scripts would compile native modules that nothing here needs.
  await npm(temporary, ['ci']);
  const server = path.join(temporary, 'node_modules', 'code-server', 'lib', 'vscode');
  await npm(server, ['install']);
  await npm(path.join(server, 'extensions'), ['install']);
  await putLogger(server);
  // Renamed when it is whole: what stands under the final name is complete.
  await rename(temporary, serverFolder);
  if (await needed()) throw new SetupError('code-server was installed, but its server-main.js is not where it should be.', `Look into ${serverFolder}.`);
}

async function hasLogger(server) {
  const [wanted, found] = await Promise.all([readFile(path.join(pins, 'spdlog.cjs')), readFile(path.join(server, logger)).catch(() => null)]);
  return found !== null && wanted.equals(found);
}

async function putLogger(server) {
  await copyFile(path.join(pins, 'spdlog.cjs'), path.join(server, logger));
}
