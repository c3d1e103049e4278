#!/usr/bin/env node
// npm start: sets up what is missing, builds, packs, and opens SafeNote in a real VS Code on 127.0.0.1.
//   npm start -- [--port N] [--no-open] [--fresh]
// Needs nothing but Node 20: what needs more runs in children, under the Node 24 that set-up installs.
import { spawn } from 'node:child_process';
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

let child;
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopped = true;
    if (child) child.kill(signal);
    else process.exit(130);
  });
}

await setUp(['deps', 'semgrep', 'server', 'model', 'bubblewrap']).catch(fail);
for (const script of [['esbuild.mjs'], ['tools/package.mjs', '--no-build']]) {
  const code = await run(script, ['ignore', 2, 2]);
  if (stopped) process.exit(130);
  if (code !== 0) process.exit(1);
}
// The channel tells the child when this process is gone, however it ended.
process.exit(await run(['--import', 'tsx', path.join('tools', 'start', 'main.mts'), ...args], ['ignore', 'inherit', 'inherit', 'ipc']));

/** Runs a script under Node 24 and resolves with its exit code. */
function run(script, stdio) {
  return new Promise((resolve) => {
    child = spawn(node24, script, { cwd: root, env: environment(), stdio });
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', (error) => {
      console.error(`Node 24 could not be started: ${error.message}`);
      resolve(1);
    });
  });
}
