import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineIndex } from '../../../src/core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline } from '../../../src/core/syntax/outline.ts';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { Identities, identityKey } from '../../../src/core/verification/identity.ts';
import { type Mark, Marks, type MarkStore, type StoredMark } from '../../../src/core/verification/marks.ts';
import { LineParser } from '../doubles.ts';

/** Marks in memory; each keeps the contract of the port. */
class MemoryMarks implements MarkStore {
  marks: StoredMark[] = [];
  load = () => ({ marks: this.marks, problems: [] });
  add = (mark: Mark) => Promise.resolve(void this.marks.push({ mark, approved: true }));
  remove = () => Promise.resolve(void (this.marks = []));
  approve = () => Promise.resolve(void (this.marks = this.marks.map((m) => ({ ...m, approved: true }))));
}

const CODE = 'import db\n\ndef find(name):\n    q = "x" + name\n    db.execute(q)\n    return 1\n\ndef other(name):\n    db.execute(q)\n    db.execute(q)\n';
const outlineOf = (text: string): Promise<SyntaxOutline> => new LineParser().outline({ path: '/ws/a.py', language: 'python', text });
const at = (text: string, part: string, n = 0, o: Partial<Finding> = {}): Finding => {
  let start = -1;
  for (let i = 0; i <= n; i++) start = text.indexOf(part, start + 1);
  assert.ok(start >= 0, part);
  return { ruleId: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'error', message: 'm', analyzer: 'builtin', ...new LineIndex(text).toRange({ start, end: start + part.length }), ...o };
};
const identify = async (text: string, finding: Finding) => new Identities('a.py', text, await outlineOf(text)).of(finding);

describe('What a finding is', () => {
  it('is told by file, mistake, function and flagged lines', async () => {
    assert.deepEqual(await identify(CODE, at(CODE, 'db.execute(q)')), { path: 'a.py', family: 'sql-injection', in: 'find', code: 'db.execute(q)', nth: 1 });
  });
  it('counts those alike in one function apart, and those of other functions not at all', async () => {
    assert.deepEqual([(await identify(CODE, at(CODE, 'db.execute(q)', 1))).nth, (await identify(CODE, at(CODE, 'db.execute(q)', 2))).nth], [1, 2]);
  });
  it('survives moved lines, other functions, indentation and line ends', async () => {
    const before = identityKey(await identify(CODE, at(CODE, 'db.execute(q)')));
    const moved = `# a\n# b\n${CODE.replace('def other', 'def before():\n    db.execute(q)\n\ndef other')}`;
    assert.equal(identityKey(await identify(moved, at(moved, 'db.execute(q)'))), before);
    const crlf = CODE.replaceAll('\n', '\r\n').replace('    db.execute', '\t  db.execute');
    assert.equal(new Identities('a.py', crlf, EMPTY_OUTLINE).of(at(crlf, 'db.execute(q)')).code, 'db.execute(q)');
  });
  it('ends when a flagged line changes, also one in the middle of a long statement', async () => {
    const long = CODE.replace('db.execute(q)', 'db.execute(\n        q,\n    )');
    const flagged = 'db.execute(\n        q,\n    )';
    const changed = long.replace('        q,', '        q + name,');
    assert.notEqual(identityKey(await identify(long, at(long, flagged))), identityKey(await identify(changed, at(changed, flagged.replace('q,', 'q + name,')))));
  });
  it('holds no secret', async () => {
    const text = 'password = "hR7kQ2vX9mZ4Lw8TqB1"\n';
    assert.doesNotMatch((await identify(text, at(text, 'password'))).code, /hR7/);
  });
  it('never throws, wherever the finding claims to be (property)', () => {
    const n = fc.integer({ min: -3, max: 40 });
    fc.assert(fc.property(fc.string(), n, n, n, n, (text, startLine, startColumn, endLine, endColumn) => {
      const identity = new Identities('a.py', text, EMPTY_OUTLINE).of({ ...at(CODE, 'db'), startLine, startColumn, endLine, endColumn });
      assert.ok(identity.nth >= 1);
    }));
  });
});

describe('A mark of a false positive', () => {
  const store = new MemoryMarks();
  let now = '2026-06-01';
  const marks = (trustAll = false) => new Marks({ store, relative: (file) => (file.startsWith('/ws/') ? file.slice(4) : undefined), now: () => new Date(`${now}T12:00:00Z`), trustAll: () => trustAll });
  const sort = async (findings: Finding[], text = CODE, file = '/ws/a.py', trustAll = false) => marks(trustAll).sort({ path: file, text }, await outlineOf(text), findings);
  beforeEach(async () => {
    store.marks = [];
    now = '2026-06-01';
    const mark = marks().make({ path: '/ws/a.py', text: CODE }, await outlineOf(CODE), at(CODE, 'db.execute(q)'), { reason: ' it is\nconstant ', expires: '2026-06-30' });
    assert.ok(mark);
    await store.add(mark);
  });

  it('takes its finding out, with its reason, and no other', async () => {
    const { kept, marked, lapsed } = await sort([at(CODE, 'db.execute(q)'), at(CODE, 'db.execute(q)', 1), at(CODE, '"x" + name')]);
    assert.deepEqual([kept.length, marked.length, lapsed.length, marked[0]?.mark.reason], [2, 1, 0, 'it is constant']);
  });
  it('holds where the lines have moved', async () => {
    const moved = `# one\n${CODE}`;
    assert.equal((await sort([at(moved, 'db.execute(q)')], moved)).kept.length, 0);
  });
  it('covers what another analyzer says of the same weakness on the line', async () => {
    assert.equal((await sort([at(CODE, 'db.execute(q)'), at(CODE, 'q)', 0, { analyzer: 'semgrep', ruleFamily: 'tainted-sql' })])).kept.length, 0);
    assert.equal((await sort([at(CODE, 'db.execute(q)'), at(CODE, 'q)', 0, { ruleFamily: 'xss', cwe: ['CWE-79'] })])).kept.length, 1);
  });
  it('counts up to its last day, and then is named', async () => {
    now = '2026-06-30';
    assert.equal((await sort([at(CODE, 'db.execute(q)')])).kept.length, 0);
    now = '2026-07-01';
    const { kept, lapsed } = await sort([at(CODE, 'db.execute(q)')]);
    assert.deepEqual([kept.length, lapsed[0]?.why], [1, 'expired']);
  });
  it('that nobody approved hides nothing and is named, unless a job trusts them all', async () => {
    store.marks = store.marks.map((m) => ({ ...m, approved: false }));
    const { kept, lapsed } = await sort([at(CODE, 'db.execute(q)')]);
    assert.deepEqual([kept.length, lapsed[0]?.why], [1, 'not approved']);
    assert.equal((await sort([at(CODE, 'db.execute(q)')], CODE, '/ws/a.py', true)).kept.length, 0);
  });
  it('is about one file of the workspace', async () => {
    assert.equal((await sort([at(CODE, 'db.execute(q)')], CODE, '/ws/b.py')).kept.length, 1);
    assert.equal(marks().make({ path: 'Untitled-1', text: CODE }, await outlineOf(CODE), at(CODE, 'db.execute(q)'), { reason: 'r' }), undefined);
  });
});
