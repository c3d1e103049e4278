import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import type { ScanResult } from '../../../src/node/analysis/messages.ts';

const never = new AbortController().signal;
const rule = (id: string, what: object, more: object = {}) => ({ id, language: 'python', severity: 'error', message: `${id} found`, rule: what, metadata: { cwe: ['CWE-089'], family: 'f' }, ...more });

describe('built-in rules', () => {
  let assets: string;
  const workers: AnalysisWorker[] = [];
  before(async () => {
    assets = await mkdtemp(path.join(os.tmpdir(), 'safenote-rules-'));
    for (const part of ['grammars', 'wasm', 'analysis-worker.js']) await cp(path.resolve('dist', part), path.join(assets, part), { recursive: true });
    await mkdir(path.join(assets, 'rules'));
  });
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.dispose())));
  after(() => rm(assets, { recursive: true, force: true }));

  const scan = async (rules: unknown, text: string, language = 'python', file = 'a'): Promise<ScanResult> => {
    await writeFile(path.join(assets, 'rules/builtin.json'), typeof rules === 'string' ? rules : JSON.stringify(rules));
    const worker = new AnalysisWorker({ assetsRoot: assets });
    workers.push(worker);
    return worker.scan({ path: file, language, text }, never);
  };
  const ids = (result: ScanResult) => result.findings.map((f) => f.ruleId);

  it('become findings with their place in UTF-16', async () => {
    const { findings } = await scan([rule('a', { pattern: 'execute($Q)' })], '# 😀\r\nx = "é😀"; execute("漢" + q)\r\n');
    assert.deepEqual(findings, [{ ruleId: 'a', ruleFamily: 'f', cwe: ['CWE-89'], severity: 'error', message: 'a found', analyzer: 'builtin', startLine: 2, startColumn: 12, endLine: 2, endColumn: 28 }]);
  });
  it('that match the same node are all reported', async () => {
    const rules = [rule('a', { pattern: 'f($X)' }), rule('b', { pattern: 'f($X)' }), rule('c', { kind: 'call' }), rule('d', { pattern: 'f(1)' })];
    assert.deepEqual(ids(await scan(rules, 'f(1)\n')), ['a', 'b', 'c', 'd']);
  });
  it('do not hide each other behind a constraint', async () => {
    const rules = [rule('a', { pattern: 'f($X)' }, { constraints: { X: { regex: '^no$' } } }), rule('b', { pattern: 'f($X)' }, { constraints: { X: { regex: '^yes$' } } })];
    assert.deepEqual(ids(await scan(rules, 'f(yes)\n')), ['b']);
  });
  it('may have utilities of the same name', async () => {
    const rules = [
      rule('a', { kind: 'call', matches: 'sink' }, { utils: { sink: { pattern: 'one($X)' } } }),
      rule('b', { kind: 'call', matches: 'sink' }, { utils: { sink: { any: [{ pattern: 'two($X)' }, { matches: 'other' }] }, other: { pattern: 'three($X)' } } }),
    ];
    assert.deepEqual(ids(await scan(rules, 'one(1)\ntwo(1)\nthree(1)\n')), ['a', 'b', 'b']);
  });
  it('may share a regular expression, beside a utility too', async () => {
    const regex = '(?i)^(one|two)\\b';
    const rules = [rule('a', { kind: 'call', regex }), rule('b', { kind: 'call', regex, matches: 'u' }, { utils: { u: { pattern: 'two($X)' } } }), rule('c', { kind: 'call', not: { regex } })];
    assert.deepEqual(ids(await scan(rules, 'ONE(1)\ntwo(1)\nthree(1)\n')), ['a', 'a', 'b', 'c']);
  });
  it('look around and inside', async () => {
    const rules = [rule('a', { pattern: 'run($X)', inside: { kind: 'function_definition', stopBy: 'end', has: { field: 'name', regex: '^handler' } }, has: { stopBy: 'end', kind: 'binary_operator' } })];
    assert.deepEqual(ids(await scan(rules, 'def handler_a(q):\n    run("a" + q)\n    run(q)\ndef other(q):\n    run("a" + q)\n')), ['a']);
  });
  it('say in words what they found, and may offer a fix', async () => {
    const { findings } = await scan([rule('a', { pattern: 'yaml.load($X, $$$MORE)' }, { message: 'Use safe_load for $X, not $Y.', fix: 'yaml.safe_load($X)' })], 'a = yaml.load(f(1), Loader=L, x=2)\n');
    assert.equal(findings[0]?.message, 'Use safe_load for f(1), not $Y.');
    assert.deepEqual(findings[0]?.fix, { start: 4, end: 34, text: 'yaml.safe_load(f(1))' });
  });
  it('put several arguments into a fix as they are written', async () => {
    const { findings } = await scan([rule('a', { pattern: 'old($$$A)' }, { fix: 'new($$$A)' })], 'old(1,  "é",b)\n');
    assert.equal(findings[0]?.fix?.text, 'new(1,  "é",b)');
  });
  it('of which one is broken run all the same, and it is named', async () => {
    const result = await scan([rule('a', { kind: 'nonsense' }), rule('b', { pattern: 'f($X)' }), rule('c', { pattern: 'f($X)' }, { constraints: { X: { regex: '(' } } })], 'f(1)\n');
    assert.deepEqual([result.status, ids(result)], ['ran', ['b']]);
    assert.match(result.brokenRules.join('\n'), /^a: .*nonsense/m);
    assert.match(result.brokenRules.join('\n'), /^c: /m);
  });
  it('that are no rules are named', async () => {
    const result = await scan([{ id: 'x' }, rule('b', { pattern: 'f($X)' })], 'f(1)\n');
    assert.deepEqual(ids(result), ['b']);
    assert.match(result.brokenRules[0] ?? '', /^rule 1/);
  });
  it('find what stands beside a syntax error', async () => {
    assert.deepEqual(ids(await scan([rule('a', { pattern: 'f($X)' })], 'def g(:\n    f(1)\ny = = 2\nf(2)\n')), ['a', 'a']);
  });
  it('are those of the document’s grammar', async () => {
    const rules = [rule('ts', { pattern: 'f($X)' }, { language: 'typescript' }), rule('tsx', { pattern: 'f($X)' }, { language: 'tsx' })];
    assert.deepEqual(ids(await scan(rules, 'f(1);', 'typescript', 'a.ts')), ['ts']);
    assert.deepEqual(ids(await scan(rules, 'f(1);', 'typescript', 'a.tsx')), ['tsx']);
  });
  it('are unavailable for a language that has none', async () => {
    for (const language of ['go', 'ruby']) {
      const result = await scan([rule('a', { pattern: 'f($X)' })], 'f(1)', language);
      assert.deepEqual([result.status, result.reason], ['unavailable', `no rules for ${language}`]);
    }
  });
  it('are unavailable when their file is damaged', async () => {
    const result = await scan('{"not": "a list"', 'f(1)');
    assert.equal(result.status, 'unavailable');
    assert.match(result.reason ?? '', /could not be analysed/);
  });
});
