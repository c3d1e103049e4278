import assert from 'node:assert/strict';
import { introduced, sortErrors, withoutRepeats } from '../../../src/core/verification/differential.ts';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { applyEdits, LineIndex } from '../../../src/core/source.ts';
import { EMPTY_OUTLINE } from '../../../src/core/syntax/outline.ts';

function finding(text: string, flagged: string, o: Partial<Finding> & { nth?: number } = {}): Finding {
  let start = -1;
  for (let n = 0; n <= (o.nth ?? 0); n++) start = text.indexOf(flagged, start + 1);
  assert.ok(start >= 0);
  const { nth: _, ...rest } = o;
  return { ruleId: 'r', ruleFamily: 'r', cwe: ['CWE-1'], severity: 'warning', message: 'm', analyzer: 'builtin', ...new LineIndex(text).toRange({ start, end: start + flagged.length }), ...rest };
}

describe('what a change introduces', () => {
  const before = 'a()\nbad(1)\nb()\n';
  const edit = { start: 0, end: 0, text: 'bad(2)\n' };
  const after = applyEdits(before, [edit]);
  it('is a finding that was not there', () => {
    const now = [finding(after, 'bad(1)'), finding(after, 'bad(2)')];
    assert.deepEqual(introduced({ text: before, findings: [finding(before, 'bad(1)')], comparable: true }, { text: after, findings: now }, [edit]).map((f) => f.startLine), [1]);
  });
  it('is not an old finding that moved', () => {
    assert.deepEqual(introduced({ text: before, findings: [finding(before, 'bad(1)')], comparable: true }, { text: after, findings: [finding(after, 'bad(1)')] }, [edit]), []);
  });
  it('is the one inside the change when several read alike', () => {
    const again = { start: before.length, end: before.length, text: 'bad(1)\n' };
    const text = applyEdits(before, [again]);
    const found = introduced({ text: before, findings: [finding(before, 'bad(1)')], comparable: true }, { text, findings: [finding(text, 'bad(1)'), finding(text, 'bad(1)', { nth: 1 })] }, [again]);
    assert.deepEqual(found.map((f) => f.startLine), [4]);
  });
  it('is what touches the change when the text before does not parse', () => {
    const now = [finding(after, 'bad(1)'), finding(after, 'bad(2)')];
    assert.deepEqual(introduced({ text: before, findings: [], comparable: false }, { text: after, findings: now }, [edit]).map((f) => f.startLine), [1]);
  });
  it('is also a sink elsewhere whose trace passes through the change', () => {
    const trace = [finding(after, 'bad(2)')];
    assert.equal(introduced({ text: before, findings: [], comparable: false }, { text: after, findings: [finding(after, 'b()', { trace })] }, [edit]).length, 1);
  });
});

describe('repeats', () => {
  const text = 'bad(1)\nworse(2)\n';
  it('of one weakness by two analyzers count once', () => {
    const found = withoutRepeats([finding(text, 'bad(1)'), finding(text, '1', { analyzer: 'semgrep', severity: 'error' })]);
    assert.deepEqual(found.map((f) => f.analyzer), ['semgrep']);
  });
  it('of different weaknesses stay', () => assert.equal(withoutRepeats([finding(text, 'bad(1)'), finding(text, 'bad(1)', { cwe: ['CWE-2'], ruleFamily: 's' })]).length, 2));
  it('on different lines stay', () => assert.equal(withoutRepeats([finding(text, 'bad(1)'), finding(text, 'worse(2)')]).length, 2));
});

describe('syntax errors', () => {
  it('are inside when they lie in the completed function', () => {
    const text = 'def f():\n  x\n\ndef g():\n  y(\n';
    const f = { name: 'f', range: { start: 0, end: 12 }, header: { start: 0, end: 8 }, body: { start: 8, end: 12 }, documentation: '' };
    const at = text.indexOf('y(');
    const outline = { ...EMPTY_OUTLINE, functions: [f], errors: [{ start: at, end: at + 2 }] };
    const edit = { start: 11, end: 11, text: 'x' };
    assert.equal(sortErrors(outline, [edit], text).inside.length, 0);
    assert.equal(sortErrors(outline, [edit], text).elsewhere.length, 1);
    assert.equal(sortErrors({ ...outline, errors: [{ start: 5, end: 6 }] }, [edit], text).inside.length, 1);
  });
});
