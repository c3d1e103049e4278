#!/usr/bin/env node
// npm start: sets up what is missing, builds, packs, and opens SafeNote in a real VS Code on 127.0.0.1.
//   npm start -- [--port N] [--no-open] [--fresh]
// Needs nothing but Node 20: what needs more runs in children, under the Node 24 that set-up installs.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fail, setUp } from './setup.mjs';
import { environment, node24, root } from './setup/paths.mjs';

const args = process.argv.slice(2);
const known = /^(--no-open|--fresh|--port(=\d+)?|\d+)$/;
const unknown = args.find((argument) => !known.test(argument));
if (unknown) {
  console.error(`npm start does not know "${unknown}". It takes --port N, --no-open and --fresh (a new copy of the example workspace).`);
  process.exit(2);
}

await setUp(['deps', 'semgrep', 'server', 'model', 'bubblewrap']).catch(fail);
for (const script of [['esbuild.mjs'], ['tools/package.mjs', '--no-build']]) {
  const { status, signal } = spawnSync(node24, script, { cwd: root, env: environment(), stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(signal ? 130 : 1);
}

// The channel tells the child when this process is gone, however it ended.
const child = spawn(node24, ['--import', 'tsx', path.join('tools', 'start', 'main.mts'), ...args], { cwd: root, env: environment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
child.once('error', (error) => {
  console.error(`Node 24 could not be started: ${error.message}`);
  process.exit(1);
});
