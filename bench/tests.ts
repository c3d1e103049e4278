/**
 * From candidate to verdict, set-up of the box included, for one affected test file in a generated workspace of 2,000 files,
 * beside the whole suite in the same box.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { languageOfPath } from '../src/core/language.ts';
import { SILENT } from '../src/core/log.ts';
import { EMPTY_OUTLINE } from '../src/core/syntax/outline.ts';
import { FunctionCheck } from '../src/core/verification/function-check.ts';
import { WorkspaceTests } from '../src/node/runners/workspace-tests.ts';
import { type BoxRequest, Sandbox } from '../src/node/sandbox/box.ts';
import { testRunners } from '../tools/setup/paths.mjs';
import { type BenchRow, percentiles } from './rows.ts';

const FILES = 2_000;
const FOLDERS = 50;
/** Test files of each language. */
const TESTS = 120;
const TIMES = 7;
const NO = { command: () => Promise.resolve(false), unboxed: () => Promise.resolve(false) };
const signal = new AbortController().signal;

export async function run(): Promise<BenchRow[]> {
  const sandbox = new Sandbox();
  const state = await sandbox.state();
  if (!state.available) throw new Error(state.reason);
  const root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-bench-')));
  try {
    await generate(root);
    const python = path.join(testRunners, 'python', '.venv', 'bin');
    const env = { ...process.env, ...(existsSync(python) ? { PATH: `${python}${path.delimiter}${process.env['PATH'] ?? ''}` } : {}) };
    const rows: BenchRow[] = [];
    const box = (workspaceAs: BoxRequest['workspaceAs']) =>
      sandbox.run({ workspace: root, files: new Map(), cwd: root, command: ['true'], env: { PATH: '/usr/bin:/bin' }, tools: [], workspaceAs, heavy: ['node_modules'], limits: { timeMs: 60_000, memoryBytes: 2 ** 31, processes: 400, writableBytes: 2 ** 28 }, signal });
    rows.push(row('box set-up, workspace read-only', await repeat(() => box('readOnly')), 100), row('box set-up, workspace copied', await repeat(() => box('copy')), 100));
    for (const [what, file, good] of [
      ['pytest', 'shop/f7/module_7.py', 'def total_7(items):\n    return sum(items)\n'],
      ['node:test', 'web/f7/module_7.js', 'exports.total_7 = (items) => items.reduce((a, b) => a + b, 0);\n'],
    ] as const) {
      const make = () => new WorkspaceTests({ workspaceFolder: root, sandbox, trusted: () => true, consent: NO, env, log: SILENT });
      const document = { path: path.join(root, file), language: languageOfPath(file), text: good };
      const cold = await repeat(async () => make().plan(document, ['total_7'], signal), 3);
      const tests = make();
      const plan = await tests.plan(document, ['total_7'], signal);
      if ('unavailable' in plan) throw new Error(`${what}: ${plan.unavailable}`);
      const warm = await repeat(() => tests.plan(document, ['total_7'], signal));
      const checker = new FunctionCheck(tests, { outline: () => Promise.resolve(EMPTY_OUTLINE) });
      const one = await repeat(async () => {
        const verdict = await checker.checkDocument(document, { signal, budgetMs: 60_000 });
        if (verdict.status !== 'pass' || verdict.runner !== what || verdict.tests !== 1) throw new Error(`${what}: ${JSON.stringify(verdict)}`);
      });
      const all = Array.from({ length: TESTS }, (_, i) => testFile(what === 'pytest' ? 'py' : 'js', i));
      const everything = { ...plan, chosen: { ...plan.chosen, targets: all, first: [] } };
      const whole = await repeat(async () => {
        const ran = await tests.run(everything, document, { signal, budgetMs: 120_000 });
        if (ran.status !== 'ran' || ran.cases.length < TESTS) throw new Error(`${what}: ${JSON.stringify(ran).slice(0, 300)}`);
      }, 3);
      rows.push(
        row(`${what}: finding the tests, first time`, cold), row(`${what}: finding the tests, later`, warm),
        { ...row(`${what}: candidate to verdict, one affected test file`, one), note: `${(whole.median / one.median).toFixed(1)} times as fast as the whole suite` },
        row(`${what}: the whole suite, ${TESTS} test files`, whole),
      );
    }
    return rows;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function row(name: string, { median }: { median: number }, budget?: number): BenchRow {
  return { name, value: median, unit: 'ms', ...(budget === undefined ? {} : { budget }) };
}

async function repeat(work: () => Promise<unknown>, times = TIMES): Promise<{ median: number; p95: number }> {
  const samples: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    samples.push(performance.now() - started);
  }
  return percentiles(samples);
}

function testFile(kind: 'py' | 'js', i: number): string {
  return kind === 'py' ? `tests/f${i % FOLDERS}/test_module_${i}.py` : `web/f${i % FOLDERS}/module_${i}.test.js`;
}

/** Modules of Python and JavaScript that import each other, and a test file for some of them. */
async function generate(root: string): Promise<void> {
  const files = new Map<string, string>([['pytest.ini', '[pytest]\npythonpath = .\naddopts = --import-mode=importlib -p no:hypothesispytest\n'], ['package.json', '{"scripts": {"test": "node --test"}}'], ['shop/__init__.py', '']]);
  for (let i = 0; i < FOLDERS; i++) files.set(`shop/f${i}/__init__.py`, '');
  for (let i = 0; i < TESTS; i++) {
    files.set(testFile('py', i), `from shop.f${i % FOLDERS}.module_${i} import total_${i}\n\ndef test_total():\n    assert total_${i}([1, 2]) == 3\n`);
    files.set(testFile('js', i), `const assert = require('node:assert/strict');\nconst { test } = require('node:test');\nconst { total_${i} } = require('./module_${i}');\ntest('adds up', () => assert.equal(total_${i}([1, 2]), 3));\n`);
  }
  for (let i = 0; files.size < FILES; i++) {
    const filler = Array.from({ length: 40 }, (_, n) => `line ${n} of module ${i}`);
    files.set(`shop/f${i % FOLDERS}/module_${i}.py`, `from shop import f${(i + 1) % FOLDERS}\n\n${filler.map((l) => `# ${l}`).join('\n')}\n\ndef total_${i}(items):\n    return sum(items)\n`);
    files.set(`web/f${i % FOLDERS}/module_${i}.js`, `${filler.map((l) => `// ${l}`).join('\n')}\nexports.total_${i} = (items) => items.reduce((a, b) => a + b, 0);\n`);
  }
  for (const [name, text] of files) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
}
