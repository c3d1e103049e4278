import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { SILENT } from '../../../src/core/log.ts';
import { EMPTY_OUTLINE } from '../../../src/core/syntax/outline.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { TestConsent } from '../../../src/core/verification/test-runner.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { KeptConsent } from '../../../src/node/runners/kept-consent.ts';
import { WorkspaceTests } from '../../../src/node/runners/workspace-tests.ts';
import { Sandbox } from '../../../src/node/sandbox/box.ts';

describe('consent to run tests', function () {
  this.timeout(60_000);
  let base: string;
  let root: string;
  let asked: string[];

  beforeEach(async () => {
    base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-consent-')));
    root = path.join(base, 'workspace');
    asked = [];
    await mkdir(path.join(root, 'test'), { recursive: true });
    await writeFile(path.join(root, 'prices.js'), 'module.exports.total = (items) => items.length;\n');
    await writeFile(path.join(root, 'test', 'prices.test.js'), "const { test } = require('node:test');\nconst fs = require('node:fs');\nconst { total } = require('../prices');\ntest('adds up', () => { fs.writeFileSync('written.txt', 'x'); if (total([1, 2]) !== 3) throw new Error(`total was ${total([1, 2])}`); });\n");
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  const answering = (yes: boolean): TestConsent => ({
    command: (command) => (asked.push(command), Promise.resolve(yes)),
    unboxed: (reason) => (asked.push(reason), Promise.resolve(yes)),
  });
  const kept = (ask?: TestConsent) => new KeptConsent({ answers: new Approvals({ file: path.join(base, 'consents', 'w.txt'), workspaceFolder: root }), ask });
  /** A system on which no program of the sandbox is found. */
  const nowhere = new Sandbox({ PATH: path.join(os.tmpdir(), 'nothing-here') });
  const check = (consent: TestConsent, o: { text: string; command?: string; sandbox?: Sandbox }) => {
    const runner = new WorkspaceTests({ workspaceFolder: root, sandbox: o.sandbox ?? nowhere, trusted: () => true, consent, command: () => o.command ?? '', env: process.env, log: SILENT });
    const checker = new FunctionCheck(runner, { outline: () => Promise.resolve(EMPTY_OUTLINE) });
    return checker.checkDocument({ path: path.join(root, 'prices.js'), language: 'javascript', text: o.text }, { signal: new AbortController().signal, budgetMs: 30_000 });
  };
  const GOOD = 'module.exports.total = (items) => items.reduce((a, b) => a + b, 0);\n';

  it('runs nothing without a sandbox where nobody has agreed, and says why', async () => {
    const verdict = await check(kept(), { text: GOOD });
    assert.equal(verdict.status, 'unavailable');
    assert.match(verdict.reason ?? '', /sandbox.*once you have agreed/);
  });

  it('asks once per workspace, keeps the answer, and leaves the files alone', async () => {
    const before = await readdir(os.tmpdir());
    const good = await check(kept(answering(true)), { text: GOOD });
    assert.deepEqual([good.status, good.runner, good.unboxed], ['pass', 'node:test', true], good.reason);
    const bad = await check(kept(answering(false)), { text: 'module.exports.total = () => 7;\n' });
    assert.equal(bad.status, 'fail', bad.reason);
    assert.match(bad.reason ?? '', /total was 7/);
    assert.equal(asked.length, 1);
    assert.match(asked[0] ?? '', /sandbox|bubblewrap/);
    assert.deepEqual((await readdir(root)).sort(), ['prices.js', 'test']);
    assert.match(await readFile(path.join(root, 'prices.js'), 'utf8'), /items\.length/);
    assert.deepEqual((await readdir(os.tmpdir())).filter((name) => name.startsWith('safenote-copy-') && !before.includes(name)), []);
  });

  it('keeps a no too, and asks again once it is taken back', async () => {
    assert.equal((await check(kept(answering(false)), { text: GOOD })).status, 'unavailable');
    assert.equal((await check(kept(answering(true)), { text: GOOD })).status, 'unavailable');
    assert.equal(asked.length, 1);
    assert.equal(kept().answered('unboxed'), false);
    await kept().forget('unboxed');
    assert.equal((await check(kept(answering(true)), { text: GOOD })).status, 'pass');
  });

  it('asks one question for two runs at a time', async () => {
    const consent = kept({ ...answering(true), unboxed: (reason) => (asked.push(reason), new Promise((resolve) => setTimeout(() => resolve(true), 50))) });
    assert.deepEqual(await Promise.all([consent.unboxed('a'), consent.unboxed('a')]), [true, true]);
    assert.equal(asked.length, 1);
  });

  it('confirms a command once for each text', async () => {
    const consent = kept(answering(true));
    assert.equal((await check(kept(), { text: GOOD, command: 'node --test', sandbox: nowhere })).status, 'unavailable');
    const report = `node --test --test-reporter=junit --test-reporter-destination="$SAFENOTE_REPORT" && test "$SAFENOTE_FILE" = prices.js`;
    const good = await check(consent, { text: GOOD, command: report });
    assert.deepEqual([good.status, good.runner, good.tests], ['pass', 'command', 1], good.reason);
    await check(consent, { text: GOOD, command: report });
    const byCode = await check(consent, { text: 'module.exports.total = () => 8;\n', command: 'node test/prices.test.js' });
    assert.equal(byCode.status, 'fail');
    assert.match(byCode.reason ?? '', /total was 8/);
    assert.deepEqual(asked.filter((question) => question.startsWith('node ')), [report, 'node test/prices.test.js']);
  });

  it('runs a confirmed command in the box where there is one', async function () {
    const sandbox = new Sandbox();
    if (!(await sandbox.state()).available) this.skip();
    const verdict = await check(kept(answering(true)), { text: 'module.exports.total = () => 9;\n', command: 'node test/prices.test.js; exit 1', sandbox });
    assert.deepEqual([verdict.status, verdict.unboxed], ['fail', undefined]);
    assert.match(verdict.reason ?? '', /total was 9/);
  });
});
