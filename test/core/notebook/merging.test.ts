import assert from 'node:assert/strict';
import fc from 'fast-check';
import { absorb, failuresOf, hasRoom, mayMerge, split } from '../../../src/core/notebook/merging.ts';
import { NoteEditing } from '../../../src/core/notebook/note-editing.ts';
import { approvalText, formatNote, parseNote } from '../../../src/core/notebook/note-markdown.ts';
import { redactNote } from '../../../src/core/notebook/redact.ts';
import type { Note } from '../../../src/core/notebook/note.ts';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { aNote, house, MemoryStore } from '../doubles.ts';

const signal = new AbortController().signal;
const NOW = '2026-05-05T00:00:00.000Z';
let ids = 0;
const newId = () => `part-${++ids}`;
const tasks = (notes: readonly Note[]) => notes.flatMap((n) => n.tasks).sort();
const sum = (notes: readonly Note[]) => notes.reduce((total, n) => total + n.frequency, 0);

/** A note of one failure, all texts its own. */
const single = fc.record({ n: fc.integer({ min: 0, max: 30 }), code: fc.integer({ min: 0, max: 5 }), frequency: fc.integer({ min: 1, max: 4 }) }).map(({ n, code, frequency }) =>
  aNote({ id: `n${n}-${code}`, title: `SQL injection: task ${n}`, tasks: [`task ${n}`], erroneousCode: `code ${n} ${code}`, diagnosis: `said of ${n} ${code}`, file: `src/${n}.py`, line: code + 1, guidance: code % 2 === 0 ? `guide ${n} ${code}` : '', frequency, ...(code > 3 ? { secureExample: `secure ${n}` } : {}) }),
);
const singles = fc.uniqueArray(single, { minLength: 1, maxLength: 8, selector: (n) => n.id });
const merge = (notes: readonly Note[]) => notes.slice(1).reduce((into, other) => absorb(into, other, NOW), notes[0]!);
const told = (notes: readonly Note[]) => notes.flatMap(failuresOf).map((m) => `${m.task}|${m.erroneousCode}|${m.diagnosis}|${m.frequency}`).sort();

describe('merging', () => {
  it('is allowed within one kind, language, CWE and rule family only', () => {
    const part = fc.record({ kind: fc.constantFrom('security' as const, 'function' as const), language: fc.constantFrom('c', 'go'), cwe: fc.constantFrom('CWE-1', 'CWE-2', undefined), ruleFamily: fc.constantFrom('x', 'y'), rule: fc.constantFrom('x.1', 'x.2') });
    fc.assert(
      fc.property(part, part, (a, b) => {
        const same = a.kind === b.kind && a.language === b.language && (a.kind === 'function' || (a.cwe === b.cwe && (a.cwe === undefined ? a.rule === b.rule : a.ruleFamily === b.ruleFamily)));
        const noteOf = ({ cwe, ...rest }: typeof a) => ({ ...rest, ...(cwe === undefined ? {} : { cwe }) });
        assert.equal(mayMerge(noteOf(a), noteOf(b)), same);
      }),
    );
  });

  it('loses no task, no count, no code and no diagnosis, in any order', () => {
    fc.assert(
      fc.property(singles, (notes) => {
        const one = merge(notes);
        assert.equal(one.frequency, sum(notes));
        assert.deepEqual(one.tasks, [...new Set(notes.flatMap((n) => n.tasks))]);
        assert.deepEqual(told([one]), told(notes));
        assert.deepEqual(told([merge(notes.toReversed())]), told(notes));
      }),
    );
  });

  it('counts the very same failure where it stands', () => {
    const note = merge([aNote(), aNote({ tasks: ['Another'], erroneousCode: 'x' }), aNote(), aNote({ tasks: ['Another'], erroneousCode: ' x ' })]);
    assert.equal(note.frequency, 4);
    assert.deepEqual(failuresOf(note).map((m) => m.frequency), [2, 2]);
  });

  it('comes apart again: every failure with its own code, diagnosis, guidance and count', () => {
    fc.assert(
      fc.property(singles, (notes) => {
        const one = merge(notes);
        const made = split(one, { newId, now: NOW });
        if (!made) return assert.equal(one.tasks.length, 1);
        const all = [made.rest, ...made.parts];
        assert.equal(made.rest.id, one.id);
        assert.equal(new Set(all.map((n) => n.id)).size, all.length);
        assert.equal(sum(all), one.frequency);
        assert.deepEqual(tasks(all), one.tasks.toSorted());
        assert.deepEqual(told(all), told(notes));
        for (const n of all) {
          assert.ok(mayMerge(n, one));
          const first = notes.find((o) => o.tasks[0] === n.tasks[0] && o.erroneousCode === n.erroneousCode);
          if (first?.guidance) assert.equal(n.guidance, first.guidance);
          assert.ok(!first || (n.title === first.title && n.file === first.file && n.line === first.line));
        }
      }),
    );
  });

  it('takes out single tasks, the first too, and leaves the rest whole', () => {
    fc.assert(
      fc.property(singles.filter((notes) => new Set(notes.map((n) => n.tasks[0])).size > 1), fc.nat(), (notes, pick) => {
        const one = merge(notes);
        const at = pick % one.tasks.length;
        const made = split(one, { tasks: [at], newId, now: NOW })!;
        assert.equal(made.parts.length, 1);
        assert.deepEqual(made.parts[0]!.tasks, [one.tasks[at]]);
        assert.deepEqual(made.rest.tasks, one.tasks.filter((_, n) => n !== at));
        assert.deepEqual(told([made.rest, ...made.parts]), told(notes));
        // And together again it is the same set of failures.
        assert.deepEqual(told([absorb(made.rest, made.parts[0]!, NOW)]), told(notes));
      }),
    );
  });

  it('splits a note of before, which kept tasks only: what is not known is copied', () => {
    const made = split(aNote({ tasks: ['a', 'b', 'c'], frequency: 5 }), { tasks: [1], newId, now: NOW })!;
    assert.deepEqual([made.rest.tasks, made.rest.frequency], [['a', 'c'], 4]);
    assert.deepEqual([made.parts[0]!.tasks, made.parts[0]!.frequency, made.parts[0]!.erroneousCode, made.parts[0]!.title], [['b'], 1, aNote().erroneousCode, 'SQL injection: b']);
    assert.equal(split(aNote(), { newId, now: NOW }), undefined);
  });

  it('ends where a file would grow too large, without losing what came before', () => {
    let note = aNote();
    let other = aNote({ tasks: ['other'], erroneousCode: 'x' });
    for (let n = 0; hasRoom(note, other); n++) {
      note = absorb(note, other, NOW);
      other = aNote({ tasks: [`task ${n} ${'t'.repeat(3000)}`], erroneousCode: `${n}${'c'.repeat(9000)}` });
      assert.ok(n < 300);
    }
    assert.ok(note.tasks.length > 20);
    assert.deepEqual(parseNote(formatNote(note), `${note.id}.md`).note, note);
    assert.ok(hasRoom(note, aNote()), 'the very same failure can still be counted');
  });

  it('hides secrets in what was merged, and does not let a stranger in by splitting', () => {
    const secret = 'password = "kJ8#vQ2!xZ9p"';
    const note = absorb(aNote(), aNote({ tasks: ['log in'], erroneousCode: secret }), NOW);
    assert.ok(!JSON.stringify(redactNote(note)).includes('kJ8'));
    const { merged: _, ...without } = note;
    assert.notEqual(approvalText(note), approvalText(without));
    assert.equal(approvalText({ ...note, frequency: 99 }), approvalText(note));
  });

  it('finds the same weaknesses in any order of failures, and never mixes two', async () => {
    const failure = fc.record({ cwe: fc.constantFrom('CWE-89', 'CWE-78', ''), family: fc.constantFrom('sql', 'shell'), language: fc.constantFrom('python', 'go'), words: fc.constantFrom('db execute name', 'db execute user name', 'os system run', 'print all of it') });
    await fc.assert(
      fc.asyncProperty(fc.array(failure, { maxLength: 12 }), async (failures) => {
        const seen = failures.map((f, n) => ({ ...f, task: `task ${n}` }));
        const learn = async (list: typeof seen) => {
          const { learner, store } = house();
          for (const f of list) {
            const finding: Finding = { ruleId: `${f.family}.rule`, ruleFamily: f.family, cwe: f.cwe ? [f.cwe] : [], severity: 'error', message: 'bad', analyzer: 'builtin', startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 };
            await learner.learnSecurity({ language: f.language, task: f.task, code: f.words, scanned: f.words, findings: [finding], modelName: 'm', origin: 'completion' }, undefined, signal);
          }
          return [...store.notes.values()].map((s) => s.note);
        };
        const notes = await learn(seen);
        const key = (n: { cwe?: string; language: string }, family: string) => `${n.cwe || '-'} ${family} ${n.language}`;
        const byKey = (list: readonly Note[]) => Object.fromEntries([...Map.groupBy(list, (n) => key(n, n.ruleFamily ?? ''))].map(([k, own]) => [k, [sum(own), tasks(own)]]));
        const expected = Object.fromEntries([...Map.groupBy(seen, (f) => key(f, f.family))].map(([k, own]) => [k, [own.length, own.map((f) => f.task).sort()]]));
        assert.deepEqual(byKey(notes), expected);
        assert.deepEqual(byKey(await learn(seen.toReversed())), expected);
        for (const note of notes) {
          for (const task of note.tasks) assert.equal(key(note, note.ruleFamily ?? ''), key(seen.find((f) => f.task === task)!, seen.find((f) => f.task === task)!.family));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('editing notes', () => {
  const other = aNote({ id: 'note-2', tasks: ['Find an order'], erroneousCode: 'other code', frequency: 2 });
  const editing = (store: MemoryStore) => new NoteEditing({ store, newId: (words) => `${words.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${++ids}`, now: () => new Date(NOW) });

  it('merges by the user\'s will and splits again', async () => {
    const store = new MemoryStore([aNote(), other]);
    const { note, removed } = await editing(store).merge('note-1', ['note-2']);
    assert.deepEqual([note.note.frequency, note.note.tasks.length, removed.map((r) => r.id), store.notes.size], [3, 2, ['note-2'], 1]);
    const { rest, parts } = await editing(store).split('note-1', [1]);
    assert.equal(rest.note.erroneousCode, aNote().erroneousCode);
    assert.equal(parts[0]?.note.erroneousCode, 'other code');
    assert.match(parts[0]?.note.id ?? '', /^cwe-89-sql-injection-/);
    assert.equal(store.notes.size, 2);
  });

  it('refuses what would mix mistakes, what is not approved, and what is not there', async () => {
    const store = new MemoryStore([aNote(), aNote({ id: 'xss', cwe: 'CWE-79' }), { note: other, file: 'f', quarantined: true }]);
    const refused = (work: Promise<unknown>, code: string) => assert.rejects(work, (error: { code?: string }) => error.code === code);
    await refused(editing(store).merge('note-1', ['xss']), 'not-mergeable');
    await refused(editing(store).merge('note-1', ['note-2']), 'note-quarantined');
    await refused(editing(store).merge('note-1', ['note-1']), 'nothing-to-merge');
    await refused(editing(store).split('nobody'), 'note-missing');
    await refused(editing(store).split('note-1'), 'nothing-to-split');
    await refused(editing(store).split('note-1', [4]), 'no-such-task');
    assert.equal(store.notes.size, 3);
  });

  it('takes its parts back when the note changes under it', async () => {
    class Busy extends MemoryStore {
      override modify(id: string, change: (current: Note) => Note) {
        const stored = this.notes.get(id)!;
        this.notes.set(id, { ...stored, note: { ...stored.note, frequency: 50 } });
        return Promise.resolve().then(() => super.modify(id, change));
      }
    }
    const store = new Busy([aNote({ tasks: ['a', 'b'] })]);
    await assert.rejects(editing(store).split('note-1'), /was changed while/);
    assert.deepEqual([...store.notes.keys()], ['note-1']);
    assert.deepEqual(store.notes.get('note-1')?.note.tasks, ['a', 'b']);
  });
});
