import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { withoutSuppressed } from '../../../src/core/verification/suppression.ts';

function finding(startLine: number, more: Partial<Finding> = {}): Finding {
  return {
    startLine, startColumn: 1, endLine: startLine, endColumn: 5, ruleId: 'safenote.python.sql-injection.fstring', ruleFamily: 'sql-injection',
    cwe: ['CWE-89'], severity: 'error', message: 'm', analyzer: 'builtin', ...more,
  };
}

const left = (text: string, findings: Finding[] = [finding(1)], notIn?: { start: number; end: number }[]) => withoutSuppressed(findings, text, notIn ? { notIn } : {}).length;

describe('a comment accepts a finding', () => {
  it('on its line, by CWE', () => assert.equal(left('run(q)  # safenote: ignore CWE-89 because it is a constant\n'), 0));
  it('on its line, by CWE in another writing', () => assert.equal(left('run(q);  // safenote: ignore cwe-089\n'), 0));
  it('by family', () => assert.equal(left('run(q)  # safenote: ignore sql-injection\n'), 0));
  it('by a family of one word', () => assert.equal(left('run(q)  # safenote: ignore xss because trusted\n', [finding(1, { ruleFamily: 'xss' })]), 0));
  it('by rule id, and by its end', () => {
    assert.equal(left('run(q)  # safenote: ignore safenote.python.sql-injection.fstring\n'), 0);
    assert.equal(left('run(q)  # safenote: ignore fstring\n'), 0);
  });
  it('whatever it is, without a name', () => assert.equal(left('run(q)  # safenote: ignore\n'), 0));
  it('one of several names', () => assert.equal(left('run(q)  # safenote: ignore CWE-78, CWE-89 because both are known\n'), 0));
  it('in a block comment', () => assert.equal(left('run(q); /* safenote: ignore CWE-89 */\n'), 0));
  it('alone on the line before', () => assert.equal(left('  # safenote: ignore CWE-89\nrun(q)\n', [finding(2)]), 0));
  it('on the last line of a long statement', () => assert.equal(left('run(\n  q,\n)  # safenote: ignore CWE-89\n', [finding(1, { endLine: 3 })]), 0));
  it('in the words of Semgrep', () => {
    assert.equal(left('run(q)  # nosemgrep\n'), 0);
    assert.equal(left('run(q)  # nosem\n'), 0);
    assert.equal(left('run(q)  # nosemgrep: safenote.python.sql-injection.fstring\n'), 0);
  });
});

describe('a comment does not accept', () => {
  it('another weakness', () => assert.equal(left('run(q)  # safenote: ignore CWE-78\n'), 1));
  it('another rule in the words of Semgrep', () => assert.equal(left('run(q)  # nosemgrep: other.rule\n'), 1));
  it('the line after, when code stands before it', () => assert.equal(left('x = 1  # safenote: ignore CWE-89\nrun(q)\n', [finding(2)]), 1));
  it('the line after the next', () => assert.equal(left('# safenote: ignore CWE-89\nx = 1\nrun(q)\n', [finding(3)]), 1));
  it('from within a text that is no comment', () => assert.equal(left('run("safenote: ignore CWE-89")\n'), 1));
  it('when its reason has no "because" before it and is read as names', () => assert.equal(left('run(q)  # safenote: ignore this is fine\n'), 1));
  it('when it was generated together with the code', () => {
    const text = 'a = 1\nrun(q)  # safenote: ignore CWE-89\n';
    assert.equal(left(text, [finding(2)], [{ start: 6, end: text.length }]), 1);
    assert.equal(left(text, [finding(2)], [{ start: 0, end: 5 }]), 0);
  });
});

describe('suppression', () => {
  it('of one finding leaves the others', () => {
    const kept = withoutSuppressed([finding(1), finding(2)], 'run(q)  # safenote: ignore CWE-89\nrun(q)\n');
    assert.deepEqual(kept.map((f) => f.startLine), [2]);
  });

  it('never throws and never adds, whatever the text', () => {
    const line = fc.oneof(fc.string(), fc.constantFrom('# safenote: ignore CWE-89', '// nosemgrep: a,b', '/* safenote: ignore', 'x'));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.tuple(fc.integer({ min: -2, max: 20 }), fc.integer({ min: -2, max: 20 }))), (lines, places) => {
        const findings = places.map(([a, b]) => finding(a, { endLine: b }));
        const kept = withoutSuppressed(findings, lines.join('\n'));
        assert.ok(kept.every((f) => findings.includes(f)));
      }),
    );
  });
});
