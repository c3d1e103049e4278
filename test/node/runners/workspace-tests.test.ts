import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { languageOfPath } from '../../../src/core/language.ts';
import { SILENT } from '../../../src/core/log.ts';
import { EMPTY_OUTLINE } from '../../../src/core/syntax/outline.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { FunctionVerdict } from '../../../src/core/verification/verdict.ts';
import { run } from '../../../src/node/process/run.ts';
import { WorkspaceTests } from '../../../src/node/runners/workspace-tests.ts';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';
import { warmGo } from './warm-go.ts';

const project = path.join(import.meta.dirname, '../../..');

describe('workspace tests', function () {
  this.timeout(120_000);
  const sandbox = new Sandbox();
  let root: string;

  before(async function () {
    if (!(await sandbox.state()).available) this.skip();
  });
  beforeEach(async () => {
    root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-runner-')));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const put = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
  };
  /** Replaces `MARK` in a file by code and asks for the verdict; the file itself must stay as it was. */
  const check = async (name: string, code: string, o: { trusted?: boolean; budgetMs?: number } = {}): Promise<FunctionVerdict> => {
    const runner = new WorkspaceTests({ workspaceFolder: root, sandbox, trusted: () => o.trusted ?? true, consent: { command: () => Promise.resolve(true), unboxed: () => Promise.resolve(false) }, env: process.env, log: SILENT });
    const checker = new FunctionCheck(runner, { outline: () => Promise.resolve(EMPTY_OUTLINE) });
    const file = path.join(root, name);
    const text = await readFile(file, 'utf8');
    const start = text.indexOf('MARK');
    const verdict = await checker.checkEdits({ path: file, language: languageOfPath(file), text }, [{ start, end: start + 4, text: code }], { signal: new AbortController().signal, budgetMs: o.budgetMs ?? 60_000 });
    assert.equal(await readFile(file, 'utf8'), text);
    return verdict;
  };

  const PYTHON = { 'shop/__init__.py': '', 'shop/prices.py': 'def total(items):\n    MARK\n' };
  const PYTEST = { ...PYTHON, 'requirements.txt': 'pytest\n', 'tests/test_prices.py': 'from shop.prices import total\n\ndef test_total():\n    assert total([1, 2]) == 3\n\ndef test_empty():\n    assert total([]) == 0\n' };

  describe('pytest', () => {
    before(async function () {
      if ((await run('python3', ['-I', '-c', 'import pytest'])).code !== 0) this.skip();
    });

    it('passes what works', async () => {
      await put(PYTEST);
      const verdict = await check('shop/prices.py', 'return sum(items)');
      assert.deepEqual([verdict.status, verdict.runner, verdict.tests, verdict.reason], ['pass', 'pytest', 2, undefined]);
      assert.deepEqual(verdict.cases?.map((c) => c.name), ['test_total', 'test_empty']);
    });

    it('names the test that fails and what it saw', async () => {
      await put(PYTEST);
      const verdict = await check('shop/prices.py', 'return len(items)');
      assert.equal(verdict.status, 'fail', verdict.reason);
      assert.match(verdict.reason ?? '', /test_total.*2 == 3/);
      assert.deepEqual(verdict.failures?.map((f) => f.name), ['test_total']);
    });

    it('does not blame a completion for a test that failed before in the same way', async () => {
      await put({ ...PYTEST, 'shop/prices.py': 'def total(items):\n    return sum(items) # MARK\n', 'tests/test_prices.py': `${PYTEST['tests/test_prices.py']}\ndef test_old():\n    assert total([1]) == 5\n` });
      const verdict = await check('shop/prices.py', 'fine');
      assert.equal(verdict.status, 'pass', verdict.reason);
      assert.match(verdict.reason ?? '', /1 test failed before too/);
    });

    it('gives tests that write beside the code a copy', async () => {
      await put({ ...PYTEST, 'tests/test_prices.py': 'from shop.prices import total\n\ndef test_total():\n    open("out.txt", "w").write("x")\n    assert total([1]) == 1\n' });
      const verdict = await check('shop/prices.py', 'return sum(items)');
      assert.equal(verdict.status, 'pass', verdict.reason);
      await assert.rejects(readFile(path.join(root, 'out.txt')));
    });

    it('says that an endless loop was ended', async () => {
      await put(PYTEST);
      const verdict = await check('shop/prices.py', 'while True: pass', { budgetMs: 3_000 });
      assert.deepEqual([verdict.status, verdict.reason], ['unavailable', 'the tests took longer than 3 s and were ended']);
    });
  });

  it('runs unittest where there is no pytest', async function () {
    await put({ ...PYTHON, 'tests/test_prices.py': 'import unittest\nfrom shop.prices import total\n\nclass Prices(unittest.TestCase):\n    def test_total(self):\n        self.assertEqual(total([1, 2]), 3)\n' });
    if ((await run('python3', ['-m', 'venv', '--without-pip', path.join(root, '.venv')])).code !== 0) this.skip();
    const good = await check('shop/prices.py', 'return sum(items)');
    assert.deepEqual([good.status, good.runner], ['pass', 'unittest'], good.reason);
    const bad = await check('shop/prices.py', 'return 7');
    assert.equal(bad.status, 'fail', bad.reason);
    assert.match(bad.reason ?? '', /7 != 3/);
  });

  it('runs node:test', async () => {
    await put({
      'package.json': '{"type": "module", "scripts": {"test": "node --test"}}',
      'src/prices.js': 'export function total(items) {\n  MARK\n}\n',
      'test/prices.test.js': "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\nimport { total } from '../src/prices.js';\ntest('adds up', () => assert.equal(total([1, 2]), 3));\n",
    });
    const good = await check('src/prices.js', 'return items.reduce((a, b) => a + b, 0);');
    assert.deepEqual([good.status, good.runner], ['pass', 'node:test'], good.reason);
    const bad = await check('src/prices.js', 'return items.length;');
    assert.equal(bad.status, 'fail', bad.reason);
    assert.match(bad.reason ?? '', /adds up/);
  });

  it('runs mocha', async () => {
    await put({
      'package.json': '{"devDependencies": {"mocha": "*"}}',
      'prices.js': 'module.exports.total = function total(items) {\n  MARK\n};\n',
      'test/prices.test.js': "const assert = require('node:assert');\nconst { total } = require('../prices');\nit('adds up', () => assert.equal(total([1, 2]), 3));\n",
    });
    await mkdir(path.join(root, 'node_modules'));
    // mocha with what it needs, as an installation has it.
    for (const name of await closure('mocha')) await cp(path.join(project, 'node_modules', name), path.join(root, 'node_modules', name), { recursive: true });
    const good = await check('prices.js', 'return items.reduce((a, b) => a + b, 0);');
    assert.deepEqual([good.status, good.runner], ['pass', 'mocha'], good.reason);
    const bad = await check('prices.js', 'return items.length;');
    assert.equal(bad.status, 'fail', bad.reason);
  });

  it('runs go test', async function () {
    if (!(await onPath('go', process.env))) this.skip();
    await warmGo();
    await put({ 'go.mod': 'module shop\n\ngo 1.20\n', 'prices.go': 'package shop\n\nfunc Total(items []int) int {\n\tMARK\n}\n', 'prices_test.go': 'package shop\n\nimport "testing"\n\nfunc TestTotal(t *testing.T) {\n\tif got := Total([]int{1, 2}); got != 3 {\n\t\tt.Fatalf("got %d", got)\n\t}\n}\n' });
    const good = await check('prices.go', 'sum := 0\n\tfor _, i := range items {\n\t\tsum += i\n\t}\n\treturn sum');
    assert.deepEqual([good.status, good.runner], ['pass', 'go test'], good.reason);
    const bad = await check('prices.go', 'return len(items)');
    assert.equal(bad.status, 'fail', bad.reason);
    assert.match(bad.reason ?? '', /got 2/);
  });

  it('says for each part of a workspace which runner serves it, or what is missing', async () => {
    await put({
      ...PYTHON, 'tests/test_prices.py': "import unittest\nfrom shop.prices import total\n",
      'web/package.json': '{"scripts": {"test": "vitest"}}', 'web/a.js': '', 'web/a.test.js': "import './a.js';",
      'native/Makefile': 'test:\n\ttrue\n', 'native/a.c': '', 'service/main.go': 'package main\n',
    });
    const runner = new WorkspaceTests({ workspaceFolder: root, sandbox, trusted: () => true, consent: { command: () => Promise.reject(new Error('asked')), unboxed: () => Promise.reject(new Error('asked')) }, env: process.env, log: SILENT });
    const rows = new Map((await runner.survey(new AbortController().signal)).map(({ part, found }) => [part, 'unavailable' in found ? found.unavailable : `${found.runner}: ${found.because}`]));
    assert.deepEqual([...rows.keys()].sort(), ['C and C++ in native', 'Go', 'JavaScript in web', 'Python']);
    assert.match(rows.get('JavaScript in web') ?? '', /runs vitest, but vitest is not in node_modules/);
    assert.match(rows.get('C and C++ in native') ?? '', /^make: native\/Makefile has a test target/);
    assert.match(rows.get('Python') ?? '', /^(?:pytest|unittest): /);
    assert.match(rows.get('Go') ?? '', /no go\.mod/);
  });

  it('says why nothing was run', async () => {
    await put({ ...PYTHON, 'tests/test_other.py': 'def test_other():\n    assert True\n' });
    assert.equal((await check('shop/prices.py', 'pass')).reason, 'no test imports or names this code');
    assert.match((await check('shop/prices.py', 'pass', { trusted: false })).reason ?? '', /not trusted/);
    await symlink('/etc', path.join(root, 'elsewhere'));
    await rm(path.join(root, 'tests'), { recursive: true });
    assert.equal((await check('shop/prices.py', 'pass')).reason, 'the workspace has no Python tests');
  });
});

/** A package with its dependencies, as far as they lie at the top. */
async function closure(name: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(name)) return seen;
  const text = await readFile(path.join(project, 'node_modules', name, 'package.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return seen;
  seen.add(name);
  for (const dependency of Object.keys((JSON.parse(text) as { dependencies?: Record<string, string> }).dependencies ?? {})) await closure(dependency, seen);
  return seen;
}
