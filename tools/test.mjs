#!/usr/bin/env node
// npm test: sets up what is missing, builds, checks layers and types, and runs all suites.
//   npm test -- [--only core,node,vscode,e2e]
// Needs nothing but Node 20: everything else runs in children, under the Node 24 that set-up installs.
// The last line is always "N passed, N failed" (", N skipped"); the exit code is 0 only when nothing failed.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail, setUp } from './setup.mjs';
import { environment, node24, root } from './setup/paths.mjs';
import { SUITES } from './test/suites.mjs';

const args = process.argv.slice(2);
const onlyAt = args.findIndex((argument) => argument === '--only' || argument.startsWith('--only='));
const only = onlyAt === -1 ? undefined : (args[onlyAt].split('=')[1] ?? args[onlyAt + 1] ?? '').split(',').filter(Boolean);
const chosen = only ?? Object.keys(SUITES);
const unknown = chosen.filter((name) => !SUITES[name]);
if (unknown.length > 0 || chosen.length === 0) {
  console.error(`--only takes suites out of ${Object.keys(SUITES).join(', ')}; "${unknown.join(', ')}" is none.`);
  process.exit(2);
}

const began = Date.now();
const total = { passed: 0, failed: 0, skipped: [], failures: [] };
let current;

process.on('exit', (code) => {
  current?.kill();
  if (code === 2) return;
  if (total.skipped.length > 0) console.log(`\nSkipped:\n${total.skipped.map((name) => `  ${name}`).join('\n')}`);
  if (total.failures.length > 0) console.log(`\nFailed:\n${total.failures.map((name) => `  ${name}`).join('\n')}`);
  console.log(`\nAll in ${seconds(began)}.`);
  if (code !== 0 && total.failed === 0) total.failed = 1;
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : ''}`);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

await setUp([...new Set(chosen.flatMap((name) => SUITES[name].setup))]).catch(fail);
await check('build', ['esbuild.mjs', '--check'], 5);
// Without a build only the core can still be tried.
const suites = total.failed > 0 ? chosen.filter((name) => name === 'core') : chosen;
await check('layers', ['node_modules/dependency-cruiser/bin/dependency-cruise.mjs', 'src', 'test', 'bench', '--config', '.dependency-cruiser.cjs'], 3);
await check('types', ['node_modules/typescript/bin/tsc', '-p', '.'], 5);
if (suites.some((name) => SUITES[name].package)) await check('package', ['tools/package.mjs', '--no-build'], 3);
for (const name of suites) await suite(name);
process.exit(total.failed > 0 ? 1 : 0);

/** A step that counts as one test. */
async function check(name, command, minutes) {
  const since = headline(name);
  const { problem } = await run(command, minutes, {});
  if (problem) failed(`${name}: ${problem}`);
  else total.passed++;
  console.log(`  ${problem ? 'failed' : 'passed'} in ${seconds(since)}`);
}

/** Runs a suite and adds up what its tests have written; a suite that ends without saying that it is through has crashed. */
async function suite(name) {
  const since = headline(`suite: ${name}`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-test-'));
  const file = path.join(folder, 'results.jsonl');
  const { command, minutes } = SUITES[name];
  // Temporary files of the suite lie in a folder of ours, so that what a test forgets does not stay on the machine.
  const temporary = path.join(folder, 'tmp');
  mkdirSync(temporary);
  const own = { SAFENOTE_TEST_RESULTS: file, SAFENOTE_HOME: path.join(folder, 'home'), TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const { problem } = await run(command, minutes, own);
  const lines = readLines(file);
  const forgotten = new Set(readdirSync(temporary).map((entry) => entry.replace(/-[^-]*$/, '')).filter((entry) => entry.startsWith('safenote')));
  if (forgotten.size > 0) console.log(`  left behind in the temporary folder: ${[...forgotten].join(', ')}`);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const line of lines) {
    count.passed += line.passed ?? 0;
    for (let i = 0; i < (line.failed ?? 0); i++) failed(`${name}: ${line.name ?? 'a test'}`);
    count.failed += line.failed ?? 0;
    total.skipped.push(...(line.skipped ?? []).map((title) => `${name}: ${title}`));
    count.skipped += line.skipped?.length ?? 0;
  }
  total.passed += count.passed;
  if (!lines.some((line) => line.ended)) failed(`${name}: the suite crashed (${problem ?? 'it ended without a word'})`);
  else if (problem && count.failed === 0) failed(`${name}: ${problem}`);
  else if (count.passed + count.failed + count.skipped === 0) failed(`${name}: the suite has run no test`);
  console.log(`  ${name}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped in ${seconds(since)}`);
}

/** Runs a script under Node 24 with its output on the screen. `problem` says why it is not a success. */
function run(command, minutes, extra) {
  return new Promise((resolve) => {
    // A process group of its own, so that nothing a suite started can stay behind.
    const child = spawn(node24, command, { cwd: root, env: withoutModels(environment(extra)), stdio: ['ignore', 'inherit', 'inherit'], detached: process.platform !== 'win32' });
    let late = false;
    const end = () => {
      try {
        if (process.platform === 'win32') child.kill();
        else process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nothing is left of it.
      }
    };
    current = { kill: end };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, minutes * 60_000);
    const done = (problem) => {
      clearTimeout(timer);
      end();
      current = undefined;
      resolve({ problem });
    };
    child.once('error', (error) => done(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => done(late ? `not finished after ${minutes} minutes` : code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`));
  });
}

/** The environment without what names a model: a test must not ask one that a developer's shell happens to know. */
function withoutModels(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(OPENAI_|SAFENOTE_(BASE_URL|API_KEY|MODEL)$)/.test(name)));
}

function readLines(file) {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}

function failed(what) {
  total.failed++;
  total.failures.push(what);
}

function headline(text) {
  console.log(`\n== ${text} (${seconds(began)})`);
  return Date.now();
}

function seconds(since) {
  const all = Math.round((Date.now() - since) / 1000);
  return all < 60 ? `${all} s` : `${Math.floor(all / 60)} min ${all % 60} s`;
}
