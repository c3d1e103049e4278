#!/usr/bin/env node
// Prepares this checkout: npm packages with Node 24, Semgrep, Chromium, bubblewrap, the VS Code server, the embedding model.
//   node tools/setup.mjs [--only=deps,semgrep,chromium,bubblewrap,server,model,runners]
// Needs nothing but Node 20 and Python 3.10. Does only what is missing; when nothing is, it needs no network.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as bubblewrap from './setup/bubblewrap.mjs';
import * as chromium from './setup/chromium.mjs';
import * as dependencies from './setup/dependencies.mjs';
import { withLock } from './setup/lock.mjs';
import * as model from './setup/model.mjs';
import { SetupError } from './setup/run.mjs';
import * as semgrep from './setup/semgrep.mjs';
import * as testRunners from './setup/test-runners.mjs';
import * as server from './setup/vscode-server.mjs';

/** Step → how it is made, and which step it waits for. */
const STEPS = {
  deps: { title: 'npm packages', step: dependencies },
  semgrep: { title: 'Semgrep', step: semgrep },
  model: { title: 'embedding model', step: model },
  chromium: { title: 'Chromium', step: chromium },
  bubblewrap: { title: 'bubblewrap', step: bubblewrap },
  runners: { title: 'test runners', step: testRunners, after: 'deps' },
  // npm of the server wants Node 24, which comes with the packages.
  server: { title: 'VS Code server', step: server, after: 'deps' },
};
export const ALL_STEPS = Object.keys(STEPS);

/** Runs the named steps as far as they are needed, at the same time where they do not wait for each other. Throws `SetupError`. */
export async function setUp(names = ALL_STEPS, write = (line) => console.error(line)) {
  if (Number(process.versions.node.split('.')[0]) < 20) throw new SetupError(`SafeNote needs Node 20 or newer to set itself up; this is ${process.version}.`, 'Install a newer Node.js, then run it again.');
  const unknown = names.filter((name) => !STEPS[name]);
  if (unknown.length > 0) throw new SetupError(`There is no set-up step "${unknown.join('", "')}".`, `Steps: ${ALL_STEPS.join(', ')}.`);
  const began = Date.now();
  const seconds = () => ((Date.now() - began) / 1000).toFixed(1);
  const missing = (await Promise.all(names.map(async (name) => [name, await STEPS[name].step.needed()]))).filter(([, why]) => why).map(([name]) => name);
  if (missing.length === 0) return void write(`Set-up: everything is there (${seconds()} s).`);
  const failures = [];
  await withLock((line) => write(`Set-up: ${line}`), async () => {
    const running = {};
    for (const name of [...new Set(missing.flatMap((n) => [STEPS[n].after, n]))].filter(Boolean)) {
      const { title, step, after } = STEPS[name];
      running[name] = (async () => {
        if (after && running[after] && !(await running[after])) return false;
        let worked = false;
        const log = (line) => {
          worked = true;
          write(`Set-up: ${title}: ${line}`);
        };
        const heartbeat = setInterval(() => log(`still at it (${seconds()} s)`), 20_000);
        try {
          await step.prepare(log);
          if (worked) log(`ready (${seconds()} s)`);
          return true;
        } catch (error) {
          if (step.optional) log(`${error.message}\n  ${error.hint ?? ''}`);
          else failures.push({ title, error });
          return Boolean(step.optional);
        } finally {
          clearInterval(heartbeat);
        }
      })();
    }
    await Promise.all(Object.values(running));
  });
  if (failures.length > 0) {
    const unexpected = failures.find(({ error }) => !(error instanceof SetupError));
    if (unexpected) throw unexpected.error;
    throw new SetupError(failures.map(({ title, error }) => `${title}: ${error.message}\n  ${error.hint}`).join('\n'), '');
  }
  write(`Set-up: done (${seconds()} s).`);
}

const DISK = {
  EACCES: 'Run it as the user to whom this folder belongs.',
  EROFS: 'Make a copy of this folder where files can be written.',
  ENOSPC: 'Free some disk space (about 3 GB are needed in all) and run it again.',
};

/** Ends the process with what to do when set-up cannot go on. */
export function fail(error) {
  if (!(error instanceof SetupError) && !DISK[error?.code]) throw error;
  const hint = error.hint ?? DISK[error.code];
  console.error(`\nSet-up could not be finished.\n${error.message}${hint ? `\n  ${hint}` : ''}`);
  process.exit(1);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const only = process.argv.slice(2).find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
  await setUp(only?.split(',').filter(Boolean)).catch(fail);
}
