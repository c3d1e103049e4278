import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { readImportRow } from '../../../src/core/knowledge/import-row.ts';
import { NO_EXTRAS, normalizeNote, type NoteExtras } from '../../../src/core/notebook/note-markdown.ts';
import type { Note } from '../../../src/core/notebook/note.ts';
import { changedLines, noPair, preferenceRow, trainingRow } from '../../../src/core/notebook/transfer/pairs.ts';
import { noteRow, readNoteRow } from '../../../src/core/notebook/transfer/rows.ts';
import { intoRulesFile, rulesSection } from '../../../src/core/notebook/transfer/rules-file.ts';
import { HOSTILE } from '../../fixtures/hostile-notes.ts';
import { parseNote } from '../../../src/core/notebook/note-markdown.ts';
import { aNote } from '../doubles.ts';

const options = { hash: (text: string) => createHash('sha256').update(text).digest('hex'), now: '2026-05-01T00:00:00.000Z' };
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('a\n\n```\nb', '## Task', '- x\n- y', '\u2028', '---'));
const note: fc.Arbitrary<Note> = fc
  .record({
    id: fc.constant('note-1'), kind: fc.constantFrom('security' as const, 'function' as const), title: text, cwe: fc.option(fc.constantFrom('CWE-89', 'CWE-22'), { nil: undefined }), language: fc.constantFrom('python', 'go'), rule: fc.option(text, { nil: undefined }),
    frequency: fc.integer({ min: 1, max: 1000 }), origin: fc.constantFrom('completion' as const, 'ci' as const), model: text, created: fc.constant('2026-01-01T00:00:00.000Z'), updated: fc.constant('2026-01-02T00:00:00.000Z'), status: fc.constantFrom('active' as const, 'muted' as const),
    statusReason: fc.option(text, { nil: undefined }), pinned: fc.constantFrom(true as const, undefined), tasks: fc.array(text, { minLength: 1, maxLength: 3 }), erroneousCode: text, diagnosis: text, secureExample: fc.option(text, { nil: undefined }), guidance: text,
  })
  .map((n) => normalizeNote(Object.fromEntries(Object.entries(n).filter(([, v]) => v !== undefined)) as unknown as Note));
const extras: fc.Arbitrary<NoteExtras> = fc.record({ keys: fc.dictionary(fc.constantFrom('team', 'see'), fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.array(fc.boolean()))), preface: fc.constantFrom('', 'Words.'), sections: fc.array(fc.record({ title: fc.constantFrom('History'), body: fc.constantFrom('x', '') }), { maxLength: 1 }) });
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

describe('notes in other forms', () => {
  it('come back from JSON lines exactly, with what stands beside them', () => {
    fc.assert(
      fc.property(note, extras, (n, e) => {
        const row = noteRow({ note: n, extras: e });
        assert.ok(!row.includes('\n'));
        const back = readNoteRow(row, options);
        assert.ok(!('problem' in back), JSON.stringify(back));
        assert.deepEqual(plain(back), plain({ note: n, extras: e }));
        assert.deepEqual(JSON.parse(noteRow(back)), JSON.parse(row));
      }),
      { numRuns: 300 },
    );
  });

  it('come back from training pairs and preferences with both sides and the task, and are the same note each time', () => {
    const code = fc.stringMatching(/^[a-z(){};\n =]{1,60}$/).filter((s) => s.trim() !== '');
    fc.assert(
      fc.property(code, code, fc.constantFrom('Find a user.', 'Read a file.'), (bad, good, task) => {
        const n = aNote({ erroneousCode: bad, secureExample: good, tasks: [task] });
        const [pair, preference] = [trainingRow(n), preferenceRow(n)];
        if (noPair(n) !== undefined) return assert.deepEqual([pair, preference], [undefined, undefined]);
        assert.ok(pair && preference);
        const back = readNoteRow(preference, options);
        assert.ok(!('problem' in back), JSON.stringify(back));
        assert.deepEqual([back.note.erroneousCode, back.note.secureExample, back.note.tasks, back.note.cwe], [bad, good, [task], 'CWE-89']);
        const [one, two] = [readNoteRow(pair, options), readNoteRow(pair, { ...options, now: '2027-01-01T00:00:00.000Z' })];
        const taken = readImportRow(pair);
        // Pairs that differ in white space alone are none for the shelf, and none for the notebook.
        if ('problem' in taken) return assert.deepEqual(one, taken);
        assert.ok(!('problem' in one) && !('problem' in two));
        assert.equal(one.note.id, two.note.id);
        assert.deepEqual([one.note.erroneousCode, one.note.secureExample, one.note.tasks], [taken.content.vulnerable, taken.content.secure, [task]]);
      }),
    );
  });

  it('name the lines that differ, from which each side can be made from the other', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 }).map((l) => l.join('\n'));
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const { deleted, added } = changedLines(before, after);
        const without = (s: string, out: readonly number[]) => s.split('\n').filter((_, at) => !out.includes(at + 1));
        assert.deepEqual(without(before, deleted), without(after, added));
      }),
    );
  });

  it('say what is wrong with a row', () => {
    const why = (line: string) => (readNoteRow(line, options) as { problem?: string }).problem ?? '';
    assert.match(why('{'), /not JSON/);
    assert.match(why('[1]'), /not an object/);
    assert.match(why('{"a":1}'), /neither a note/);
    assert.match(why('{"format":"safenote-note/1"}'), /"id"/);
    assert.match(why(noteRow({ note: { ...aNote(), id: '../x' }, extras: NO_EXTRAS })), /its id "\.\.\/x"/);
    assert.match(why('{"cwe":"CWE-89","language":"python","vulnerable":"a","secure":"b"}'), /"description" nor "func_name"/);
    assert.match(why('{"prompt":"p","chosen":"x","rejected":"x","language":"go"}'), /the same/);
  });
});

describe('a rules file for other agents', () => {
  const stored = (change: Partial<Note>, quarantined = false) => ({ note: aNote(change), file: '', quarantined });

  it('has the most frequent notes first, within its size, and only what may reach a prompt', () => {
    const notes = Array.from({ length: 100 }, (_, at) => stored({ id: `n${at}`, title: `Title ${at}`, frequency: at + 1, guidance: `Do ${at}. ${'x'.repeat(200)}` }));
    const { text: section, taken, left } = rulesSection([...notes, stored({ id: 'q', title: 'QUARANTINED', frequency: 999 }, true), stored({ id: 'm', title: 'MUTED', status: 'muted', frequency: 999 }), stored({ id: 'g', title: 'SILENT', guidance: '', frequency: 999 })], () => 'SQL injection', 4_000);
    assert.ok(section.length <= 4_000 && taken > 5 && taken + left === 100, `${section.length} ${taken} ${left}`);
    assert.match(section, /### CWE-89: SQL injection\n\n- \*\*Title 99\*\* \(python, seen 100 times\): Do 99\./);
    assert.doesNotMatch(section, /QUARANTINED|MUTED|SILENT/);
  });

  it("stays in its place and leaves the team's own text alone, however often it is written", () => {
    fc.assert(
      fc.property(fc.constantFrom('', '# Our rules\n\nBe kind.\n', 'x'), fc.constantFrom('', '\n## After\n'), (before, after) => {
        const [one, two] = [rulesSection([stored({})], () => '', 4_000).text, rulesSection([stored({ guidance: 'Other.' })], () => '', 4_000).text];
        const first = `${intoRulesFile(before, one)}${after}`;
        assert.equal(intoRulesFile(first, one), first);
        const second = intoRulesFile(first, two);
        assert.ok(second.startsWith(before.trimEnd()) && second.endsWith(after) && second.includes('Other.') && !second.includes('Pass values'));
        assert.equal(intoRulesFile(second, one), first);
      }),
    );
  });

  it('gives hostile notes no way out of their line', () => {
    for (const { name, content, file } of HOSTILE.filter((h) => h.reads === 'note')) {
      const parsed = parseNote(content as string, file).note!;
      const { text: section, taken } = rulesSection([{ note: { ...parsed, kind: 'security', cwe: 'CWE-89' }, file: '', quarantined: false }], () => '', 100_000);
      const lines = section.split('\n').filter(Boolean);
      assert.equal(lines.length, taken === 1 ? 6 : 5, `${name}: ${lines.length} lines`);
      assert.equal(section.match(/<!--/g)?.length, 2, name);
    }
  });
});
