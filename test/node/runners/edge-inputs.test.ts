import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { languageOfPath } from '../../../src/core/language.ts';
import { SILENT } from '../../../src/core/log.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { FunctionVerdict } from '../../../src/core/verification/verdict.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import { detectEdgeInputs } from '../../../src/node/runners/edge-inputs/detect.ts';
import { parametersOf, shapeOf } from '../../../src/node/runners/edge-inputs/types.ts';
import { WorkspaceTests } from '../../../src/node/runners/workspace-tests.ts';
import { Sandbox } from '../../../src/node/sandbox/box.ts';
import { testRunners } from '../../../tools/setup/paths.mjs';

describe('edge inputs', function () {
  this.timeout(120_000);

  describe('types', () => {
    it('are read from annotations, from JSDoc, and as optional', () => {
      assert.deepEqual(parametersOf('export function f(items: number[], by?: "a" | \'b\', n = 3): string ', ''), undefined);
      assert.deepEqual(parametersOf('export function f(items: number[], by?: "a" | \'b\'): string ', '')?.map((p) => [p.name, p.shape]), [
        ['items', { of: 'array', item: { of: 'number' } }],
        ['by', { of: 'union', options: [{ of: 'union', options: [{ of: 'literal', value: 'a' }, { of: 'literal', value: 'b' }] }, { of: 'undefined' }] }],
      ]);
      assert.deepEqual(parametersOf('exports.f = (map, name) => ', '@param {Record<string, number[]>} map what\n@param {string} [name]')?.map((p) => p.shape), [
        { of: 'record', item: { of: 'array', item: { of: 'number' } } },
        { of: 'union', options: [{ of: 'string' }, { of: 'undefined' }] },
      ]);
    });

    it('are refused where no value can be made of them', () => {
      for (const type of ['', 'Request', 'Map<string, number>', '() => void', 'T[]', '{ a: Foo }', 'Array<string']) assert.equal(shapeOf(type), undefined, type);
      for (const header of ['f() ', 'f({ a }: { a: string }) ', 'f(...rest: string[]) ', 'f(a) ']) assert.equal(parametersOf(header, ''), undefined, header);
    });
  });

  describe('in the box', () => {
    const sandbox = new Sandbox();
    const parser = new AnalysisWorker({ assetsRoot: path.join(import.meta.dirname, '../../../dist') });
    let workspace: string;
    let root: string;

    before(async function () {
      if (!(await sandbox.state()).available) this.skip();
    });
    after(() => parser.dispose());
    const begin = async (language: 'python' | 'javascript') => {
      workspace = await realpath(path.join(testRunners, language));
      await mkdir(path.join(workspace, 'packages'), { recursive: true });
      root = await mkdtemp(path.join(workspace, 'packages', 'safenote-edge-'));
    };
    afterEach(async () => {
      if (root) await rm(root, { recursive: true, force: true });
    });
    const check = async (name: string, text: string): Promise<FunctionVerdict> => {
      const file = path.join(root, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, '');
      const before = await readdir(root, { recursive: true });
      const common = { workspaceFolder: workspace, sandbox, trusted: () => true, consent: { command: () => Promise.resolve(false), unboxed: () => Promise.resolve(false) }, env: process.env, log: SILENT };
      const edge = new WorkspaceTests({ ...common, detector: (project, signal) => detectEdgeInputs(project, parser, signal) });
      const checker = new FunctionCheck(new WorkspaceTests(common), parser, { runner: edge, enabled: () => true });
      const verdict = await checker.checkEdits({ path: file, language: languageOfPath(file), text: '' }, [{ start: 0, end: 0, text }], { signal: new AbortController().signal, budgetMs: 60_000 });
      assert.deepEqual(await readdir(root, { recursive: true }), before);
      return verdict;
    };
    const fails = (verdict: FunctionVerdict, says: RegExp) => {
      assert.equal(verdict.status, 'fail', verdict.reason);
      assert.match(verdict.reason ?? '', says);
    };

    describe('of Python, by hypothesis', () => {
      before(function () {
        if (!existsSync(path.join(testRunners, 'python', '.complete'))) this.skip();
      });
      beforeEach(() => begin('python'));

      it('find the input that a function cannot take, the smallest one', async () => {
        const verdict = await check('stats.py', 'def average(items: list[int]) -> float:\n    return sum(items) / len(items)\n');
        fails(verdict, /average\(items=\[\]\) raised ZeroDivisionError/);
        assert.match(verdict.failures?.[0]?.details ?? '', /stats\.py/);
      });

      it('take an error that is raised on purpose for an answer, and a pass for no proof', async () => {
        const verdict = await check('stats.py', 'def average(items: list[int]) -> float:\n    if not items:\n        raise ValueError("no items")\n    return sum(items) / len(items)\n');
        assert.deepEqual([verdict.status, verdict.reason], ['unavailable', 'the workspace has no Python tests; edge inputs found nothing']);
      });

      it('find a loop without end', async () => fails(await check('loop.py', 'def halve(n: int) -> int:\n    while n != 0:\n        n = n // 2\n    return n\n'), /halve\(n=-\d+\) did not end within 2 s/));

      it('are not tried on what does more than compute, or has no types', async () => {
        const verdict = await check('files.py', 'def read(name: str) -> str:\n    return open(name).read()\n\ndef untyped(a):\n    return a.b\n');
        assert.equal(verdict.status, 'unavailable');
      });
    });

    describe('of JavaScript and TypeScript, by fast-check', () => {
      before(function () {
        if (!existsSync(path.join(testRunners, 'javascript', '.complete'))) this.skip();
      });
      beforeEach(() => begin('javascript'));

      it('find the input by JSDoc', async () => fails(await check('first.cjs', '/**\n * @param {string[]} words\n * @returns {string}\n */\nexports.first = function first(words) {\n  return words[0].toUpperCase();\n};\n'), /first\(\[\]\) threw TypeError/));

      it('find the input by annotations, and a loop without end', async () => {
        fails(await check('first.ts', 'export function first(words: readonly string[]): string {\n  return words[0]!.trim();\n}\n'), /first\(\[\]\) threw TypeError/);
        fails(await check('loop.ts', 'export function count(n: number): number {\n  let i = 0;\n  while (i !== n) i++;\n  return i;\n}\n'), /count\(.*\) did not end within 2 s/);
      });

      it('take an error that is thrown on purpose for an answer', async () => {
        const verdict = await check('first.cjs', '/** @param {string[]} words */\nexports.first = function first(words) {\n  if (words.length === 0) throw new RangeError("no words");\n  return words[0].trim();\n};\n');
        assert.match(verdict.reason ?? '', /edge inputs found nothing/);
      });
    });
  });
});
