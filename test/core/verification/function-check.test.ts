import assert from 'node:assert/strict';
import type { SourceDocument } from '../../../src/core/source.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import { cutFailure, failureKey } from '../../../src/core/verification/test-failure.ts';
import type { TestCase, TestPlan, TestRun, TestRunner } from '../../../src/core/verification/test-runner.ts';
import { LineParser } from '../doubles.ts';

const DOCUMENT: SourceDocument = { path: '/w/a.py', language: 'python', text: 'def f():\n    old\n' };
const EDIT = { start: 13, end: 16, text: 'new' };
const options = { signal: new AbortController().signal, budgetMs: 1_000 };

const passed = (name: string): TestCase => ({ id: name, name, status: 'passed' });
const failed = (name: string, message = 'assert 1 == 2'): TestCase => ({ id: name, name, status: 'failed', message });

/** Answers by the text that it gets; a list is used up from run to run, its last entry stays. */
class ScriptedRunner implements TestRunner {
  runs = 0;
  private readonly script: { old: (TestCase[] | string)[]; new: (TestCase[] | string)[] };
  constructor(script: { old: (TestCase[] | string)[]; new: (TestCase[] | string)[] }) {
    this.script = script;
  }
  plan(): Promise<TestPlan> {
    return Promise.resolve({ runner: 'scripted', because: 'a test says so', targets: ['t'] });
  }
  run(_plan: TestPlan, document: SourceDocument): Promise<TestRun> {
    this.runs++;
    const list = document.text.includes('new') ? this.script.new : this.script.old;
    const next = (list.length > 1 ? list.shift() : list[0]) ?? [];
    return Promise.resolve(typeof next === 'string' ? { status: 'unavailable', reason: next, ms: 1 } : { status: 'ran', cases: next, ms: 1 });
  }
}

const judge = (script: { old: (TestCase[] | string)[]; new: (TestCase[] | string)[] }) => new FunctionCheck(new ScriptedRunner(script), new LineParser()).checkEdits(DOCUMENT, [EDIT], options);

describe('the function verdict', () => {
  it('passes when every test does, and asks for no baseline', async () => {
    const runner = new ScriptedRunner({ old: [[]], new: [[passed('a')]] });
    const verdict = await new FunctionCheck(runner, new LineParser()).checkEdits(DOCUMENT, [EDIT], options);
    assert.deepEqual([verdict.status, verdict.tests, runner.runs], ['pass', 1, 1]);
  });

  it('fails with a test that passed before and fails twice', async () => {
    const verdict = await judge({ old: [[passed('a'), passed('b')]], new: [[failed('a'), passed('b')]] });
    assert.deepEqual([verdict.status, verdict.broken, verdict.failures?.map((f) => f.name)], ['fail', 1, ['a']]);
    assert.match(verdict.reason ?? '', /assert 1 == 2/);
  });

  it('fails with a test that failed before in another way, as one of an empty function does', async () => {
    const verdict = await judge({ old: [[failed('a', 'assert None == 2')]], new: [[failed('a')]] });
    assert.deepEqual([verdict.status, verdict.broken], ['fail', 0]);
  });

  it('blames the completion of an empty function for a test that reads the same as with nothing written', async () => {
    const text = 'def f():\n    """Count."""\n    \n';
    const seen: string[] = [];
    const runner: TestRunner = {
      plan: () => Promise.resolve({ runner: 'scripted', because: 'a test says so', targets: ['t'] }),
      run: (_plan, document) => {
        seen.push(document.text);
        const own = document.text.includes('not written yet') ? failed('a', 'NotImplementedError') : failed('a', '0 != 12');
        return Promise.resolve({ status: 'ran', cases: [own, failed('unrelated', 'No module named x')], ms: 1 });
      },
    };
    const verdict = await new FunctionCheck(runner, new LineParser()).checkEdits({ ...DOCUMENT, text }, [{ start: text.length - 1, end: text.length - 1, text: 'new' }], options);
    assert.deepEqual([verdict.status, verdict.failures?.map((f) => f.name)], ['fail', ['a']]);
    assert.match(seen[1] ?? '', /"""Count\."""\n {4}raise NotImplementedError\("safenote: not written yet"\)\n/);
  });

  it('does not blame the completion for what failed before in the same way', async () => {
    const verdict = await judge({ old: [[failed('a'), passed('b')]], new: [[failed('a'), passed('b')]] });
    assert.deepEqual([verdict.status, verdict.reason], ['pass', '1 test failed before too']);
  });

  it('cannot say where nothing but old failures is left', async () => {
    assert.equal((await judge({ old: [[failed('a')]], new: [[failed('a')]] })).status, 'unavailable');
  });

  it('cannot say when the failure does not repeat', async () => {
    const verdict = await judge({ old: [[passed('a')]], new: [[failed('a')], [passed('a')]] });
    assert.equal(verdict.status, 'unavailable');
    assert.match(verdict.reason ?? '', /^flaky: a /);
  });

  it('never passes without a test that ran', async () => {
    assert.equal((await judge({ old: [[]], new: [[]] })).status, 'unavailable');
    assert.equal((await judge({ old: [[]], new: [[{ id: 'a', name: 'a', status: 'skipped' }]] })).status, 'unavailable');
    assert.deepEqual((await judge({ old: [[]], new: ['too slow'] })).reason, 'too slow');
  });

  it('cannot say when the baseline or the repetition did not run', async () => {
    assert.equal((await judge({ old: ['no'], new: [[failed('a')]] })).status, 'unavailable');
    assert.equal((await judge({ old: [[passed('a')]], new: [[failed('a')], 'no'] })).status, 'unavailable');
  });

  it('runs the baseline of one text once', async () => {
    const runner = new ScriptedRunner({ old: [[passed('a')]], new: [[failed('a')]] });
    const check = new FunctionCheck(runner, new LineParser());
    await check.checkEdits(DOCUMENT, [EDIT], options);
    await check.checkEdits(DOCUMENT, [{ ...EDIT, text: 'new again' }], options);
    assert.equal(runner.runs, 5);
  });

  it('counts every failing test of a document by itself', async () => {
    const check = new FunctionCheck(new ScriptedRunner({ old: [[failed('a'), passed('b')]], new: [[]] }), new LineParser());
    assert.equal((await check.checkDocument(DOCUMENT, options)).status, 'fail');
  });
});

describe('a failure cut to what matters', () => {
  it('keeps the assertion and the frames in the user\'s code', () => {
    const details = 'Traceback (most recent call last):\n  File "/usr/lib/python3.11/unittest/case.py", line 57, in run\n    self._call()\n  File "/w/tests/test_a.py", line 3, in test_a\n    assert f() == 2\nAssertionError: assert 1 == 2';
    const cut = cutFailure({ ...failed('test_a'), details }, '/w');
    assert.match(cut, /File "tests\/test_a\.py", line 3/);
    assert.match(cut, /AssertionError/);
    assert.doesNotMatch(cut, /unittest\/case|_call/);
  });

  it('stays small', () => {
    assert.ok(cutFailure({ ...failed('a'), details: 'x'.repeat(90).concat('\n').repeat(5_000) }).length <= 1_800);
  });

  it('takes two failures that differ in addresses, lines and times for the same', () => {
    assert.equal(failureKey(failed('a', 'f at 0x7f01 line 3 took 12 ms')), failureKey(failed('a', 'f at 0x9bcd line 8 took 5 ms')));
    assert.notEqual(failureKey(failed('a', 'assert 1 == 2')), failureKey(failed('a', 'assert 3 == 2')));
  });
});
