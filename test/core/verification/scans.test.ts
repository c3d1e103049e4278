import assert from 'node:assert/strict';
import fc from 'fast-check';
import { codeOnly } from '../../../src/core/verification/code-only.ts';
import type { Analyzer, AnalyzerReport } from '../../../src/core/verification/finding.ts';
import { type ScanEvent, Scans } from '../../../src/core/verification/scans.ts';
import { Turn } from '../../../src/core/verification/turn.ts';

const document = (text: string) => ({ path: '/w/a.py', language: 'python', text });
const never = new AbortController().signal;

/** An analyzer whose answers are given by hand. */
class Held implements Analyzer {
  readonly name = 'builtin';
  readonly asked: { text: string; signal: AbortSignal; answer: (status?: AnalyzerReport['status']) => void }[] = [];
  analyze({ text }: { text: string }, signal: AbortSignal): Promise<AnalyzerReport> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      this.asked.push({ text, signal, answer: (status = 'ran') => resolve({ name: 'builtin', version: '1', status, findings: [], ms: 7 }) });
    });
  }
}

describe('Scans of one text', () => {
  it('are one scan for all who ask at a time, and for those who ask right after', async () => {
    const analyzer = new Held();
    const scans = new Scans();
    const both = [scans.ask(analyzer, document('a'), never), scans.ask(analyzer, document('a'), never)];
    analyzer.asked[0]?.answer();
    assert.deepEqual((await Promise.all(both)).map((r) => r.status), ['ran', 'ran']);
    await scans.ask(analyzer, document('a'), never);
    assert.equal(analyzer.asked.length, 1);
    void scans.ask(analyzer, document('b'), never);
    assert.equal(analyzer.asked.length, 2);
  });
  it('go on while somebody waits, and end when the last has gone', async () => {
    const analyzer = new Held();
    const scans = new Scans();
    const [one, two] = [new AbortController(), new AbortController()];
    const asked = [scans.ask(analyzer, document('a'), one.signal), scans.ask(analyzer, document('a'), two.signal)];
    one.abort();
    await assert.rejects(asked[0] ?? Promise.resolve(), { name: 'AbortError' });
    assert.equal(analyzer.asked[0]?.signal.aborted, false);
    two.abort();
    await assert.rejects(asked[1] ?? Promise.resolve(), { name: 'AbortError' });
    assert.equal(analyzer.asked[0]?.signal.aborted, true);
    void scans.ask(analyzer, document('a'), never);
    assert.equal(analyzer.asked.length, 2, 'what was cancelled is asked again');
  });
  it('that did not run are asked again, and are a report where the analyzer throws', async () => {
    const analyzer = new Held();
    const scans = new Scans();
    const first = scans.ask(analyzer, document('a'), never);
    analyzer.asked[0]?.answer('unavailable');
    assert.equal((await first).status, 'unavailable');
    void scans.ask(analyzer, document('a'), never);
    assert.equal(analyzer.asked.length, 2);
    const throwing: Analyzer = { name: 'semgrep', analyze: () => Promise.reject(new Error('broken')) };
    assert.deepEqual((await scans.ask(throwing, document('a'), never)).reason, 'broken');
  });
  it('are told when they begin and when they end', async () => {
    const events: ScanEvent[] = [];
    const analyzer = new Held();
    const asked = new Scans((event) => events.push(event)).ask(analyzer, document('a'), never);
    analyzer.asked[0]?.answer();
    await asked;
    assert.deepEqual(events.map((e) => [e.running, e.report?.ms]), [[true, undefined], [false, 7]]);
  });
});

describe('Turns', () => {
  it('run one at a time, in order, whatever becomes of each', async () => {
    const turn = new Turn();
    const log: string[] = [];
    const work = (name: string, fails = false) => turn.run(async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
    const all = [work('a'), work('b', true), work('c')];
    await Promise.allSettled(all);
    assert.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
    await assert.rejects(all[1] ?? Promise.resolve(), /b/);
  });
});

describe('A text without its comments', () => {
  const same = (a: string, b: string, language = 'python') => codeOnly(a, language) === codeOnly(b, language);
  it('stays the same when only comments or blank lines change', () => {
    assert.ok(same('x = 1\n', '# new\nx = 1  # here\n\n\n# end\n'));
    assert.ok(same('f();\n', '/* a\n b */\nf(); // c\n', 'javascript'));
    assert.ok(same('int a;\n', '// x\r\nint a; /* y */\r\n'.replaceAll('\r', ''), 'c'));
  });
  it('changes with any code, indentation included', () => {
    for (const other of ['x = 2\n', '  x = 1\n', 'x = 1\ny = 1\n', 'x = "1"\n']) assert.ok(!same('x = 1\n', other), other);
    assert.ok(!same('x = "a # b"\n', 'x = "a # c"\n'));
    assert.ok(!same('"""doc"""\n', '"""other"""\n'));
  });
  it('changes with a comment that accepts a finding', () => {
    assert.ok(!same('run(q)\n', 'run(q)  # safenote: ignore CWE-89 because it is constant\n'));
    assert.ok(!same('run(q);\n', 'run(q); // nosemgrep\n', 'javascript'));
  });
  it('takes nothing for a comment that may be a part of code', () => {
    assert.ok(!same('x = /https?:\\/\\//; a()\n', 'x = /https?:\\/\\//; b()\n', 'javascript'));
    assert.ok(!same('x = f"{d["#"]} a"\n', 'x = f"{d["#"]} b"\n'));
    assert.ok(!same('s = `\n${a} // b`\n', 's = `\n${a} // c`\n', 'javascript'));
    assert.ok(!same('#include "a.h"\n', '#include "b.h"\n', 'c'));
  });
  it('never hides a changed line that holds no comment (property)', () => {
    const line = fc.stringMatching(/^[a-z0-9 =+().,]{1,20}$/).filter((s) => s.trim() !== '');
    fc.assert(fc.property(fc.array(fc.oneof(line, fc.constant('# comment'))), line, line, (lines, a, b) => {
      if (a.trimEnd() === b.trimEnd()) return;
      assert.ok(!same([...lines, a].join('\n'), [...lines, b].join('\n')));
    }));
  });
});
