import assert from 'node:assert/strict';
import fc from 'fast-check';
import { firstConflict, versionsOf } from '../../../src/core/conflict-marks.ts';
import { formatNote, NO_EXTRAS, normalizeNote, parseNote, type NoteExtras } from '../../../src/core/notebook/note-markdown.ts';
import { mergeNotes, mergeNoteTexts, type NoteFile } from '../../../src/core/notebook/note-merge.ts';
import type { Note } from '../../../src/core/notebook/note.ts';
import { aNote } from '../doubles.ts';

const file = (change: Partial<Note> = {}, extras: NoteExtras = NO_EXTRAS): NoteFile => ({ note: normalizeNote(aNote(change)), extras });
function merged(base: NoteFile | undefined, ours: NoteFile, theirs: NoteFile) {
  const result = mergeNotes(base, ours, theirs);
  assert.ok(!('problem' in result), 'these can be merged');
  return result;
}
function clean(base: NoteFile | undefined, ours: NoteFile, theirs: NoteFile): Note {
  const { text, conflicts } = merged(base, ours, theirs);
  assert.deepEqual(conflicts, []);
  const parsed = parseNote(text, 'note-1.md');
  assert.equal(parsed.problem, undefined);
  return parsed.note!;
}

const text = fc.oneof(fc.constantFrom('', 'one', 'one\ntwo', '```\nx\n```', '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x', '## Task', '- a\n- b'), fc.string({ maxLength: 30 }));
const change = fc.record(
  {
    title: fc.constantFrom('A title', 'Another', '<<<<<<< odd'), cwe: fc.constantFrom('CWE-89', 'CWE-78'), frequency: fc.integer({ min: 1, max: 50 }), status: fc.constantFrom('active' as const, 'muted' as const), statusReason: fc.constantFrom('no', 'so'),
    pinned: fc.boolean(), file: fc.constantFrom('src/a.py', 'src/b.py'), line: fc.integer({ min: 1, max: 9 }), updated: fc.constantFrom('2026-01-02T00:00:00.000Z', '2030-01-01T00:00:00.000Z'),
    tasks: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd\n- e'), { minLength: 1 }), erroneousCode: text, diagnosis: text, secureExample: text, guidance: text,
    merged: fc.uniqueArray(fc.record({ task: fc.constantFrom('a', 'b'), erroneousCode: fc.constantFrom('', 'x', '<<<<<<< a'), diagnosis: fc.constant('d'), frequency: fc.integer({ min: 1, max: 3 }), origin: fc.constant('ci' as const), model: fc.constant('m'), created: fc.constant('2026-01-01T00:00:00.000Z') }), { selector: (m) => m.task + m.erroneousCode, minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);
const extras = fc.record({ keys: fc.dictionary(fc.constantFrom('team', 'reviewed-by'), fc.oneof(fc.string({ maxLength: 5 }), fc.array(fc.integer()))), preface: fc.constantFrom('', '# A heading', 'words'), sections: fc.uniqueArray(fc.record({ title: fc.constantFrom('See also', 'History'), body: fc.constantFrom('x', 'y', '') }), { selector: (s) => s.title }) });
const version = fc.tuple(change, extras).map(([c, e]) => file(c as Partial<Note>, e));
/** Unknown keys come back in a form of their own, and sections in some order; only what they say counts. */
const plain = (f: NoteFile) => JSON.parse(JSON.stringify({ note: f.note, extras: { ...f.extras, sections: [...f.extras.sections].sort((a, b) => a.title.localeCompare(b.title)) } })) as NoteFile;

describe('merging two versions of a note', () => {
  it('takes what one side changed', () => {
    const base = file();
    const note = clean(base, file({ title: 'Ours', status: 'muted', statusReason: 'a false alarm' }), file({ guidance: 'Theirs.', pinned: true }));
    assert.deepEqual([note.title, note.status, note.statusReason, note.guidance, note.pinned], ['Ours', 'muted', 'a false alarm', 'Theirs.', true]);
  });

  it('unites tasks, adds up what was seen since, and keeps the wider dates', () => {
    const base = file({ frequency: 3, tasks: ['a', 'b'] });
    const note = clean(base, file({ frequency: 5, tasks: ['a', 'b', 'c'], updated: '2026-03-01T00:00:00.000Z' }), file({ frequency: 4, tasks: ['a', 'b', 'd'], updated: '2026-02-01T00:00:00.000Z', created: '2025-01-01T00:00:00.000Z' }));
    assert.deepEqual([note.frequency, note.tasks, note.updated, note.created], [6, ['a', 'b', 'c', 'd'], '2026-03-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z']);
  });

  it('keeps the longer text where it holds the other, and text where the other side deleted it', () => {
    const base = file({ guidance: '', secureExample: 'a' });
    assert.equal(clean(base, file({ guidance: 'Bind values.', secureExample: 'a' }), file({ guidance: 'Bind values.\nAlways.', secureExample: 'a' })).guidance, 'Bind values.\nAlways.');
    assert.equal(clean(base, file({ guidance: '' }), file({ guidance: '', secureExample: 'a changed' })).secureExample, 'a changed');
  });

  it('keeps both where they do not go together, sets the note aside, and says what to do', () => {
    const { text, conflicts } = merged(file(), file({ guidance: 'Bind values.', title: 'Ours', erroneousCode: 'x = 1' }), file({ guidance: 'Use an ORM.', title: 'Theirs', frequency: 2 }));
    assert.deepEqual(conflicts, ['title', 'Guidance']);
    assert.match(text, /^<<<<<<< ours\ntitle: Ours\n=======\ntitle: Theirs\n>>>>>>> theirs$/m);
    assert.match(text, /^## Guidance\n\n<<<<<<< ours\nBind values.\n=======\nUse an ORM.\n>>>>>>> theirs$/m);
    assert.match(text, /^frequency: 2$/m);
    assert.match(parseNote(text, 'note-1.md').problem ?? '', /^line 5: a merge left two versions .* Resolve Note Conflict/);
  });

  it('refuses to merge two notes, or what is no note', () => {
    assert.deepEqual(mergeNotes(undefined, file(), file({ id: 'other' })), { problem: 'they are two different notes' });
    assert.match(JSON.stringify(mergeNoteTexts({ ours: formatNote(aNote()), theirs: 'nonsense' }, 'note-1.md')), /their side: line 1/);
  });

  it('reads both sides out of what a line merge left, and merges those', () => {
    const base = formatNote(aNote({ frequency: 2 }));
    const one = formatNote(aNote({ frequency: 3, tasks: ['Find a user by name', 'Find an order'] }));
    const two = formatNote(aNote({ frequency: 5, tasks: ['Find a user by name', 'Find an item'] }));
    const marked = one.replace('frequency: 3', '<<<<<<< HEAD\nfrequency: 3\n||||||| 1234567\nfrequency: 2\n=======\nfrequency: 5\n>>>>>>> topic').replace(/- Find an? order/, '<<<<<<< HEAD\n- Find an order\n||||||| 1234567\n=======\n- Find an item\n>>>>>>> topic');
    const sides = versionsOf(marked)!;
    assert.deepEqual([sides.ours, sides.theirs], [one, two]);
    const result = mergeNoteTexts({ ...sides, base }, 'note-1.md');
    assert.ok(!('problem' in result));
    const note = parseNote(result.text, 'note-1.md').note!;
    assert.deepEqual([result.conflicts, note.frequency, note.tasks], [[], 6, ['Find a user by name', 'Find an order', 'Find an item']]);
  });

  it('writes code that is itself about conflicts so that it reads back and is no conflict', () => {
    const note = aNote({ erroneousCode: '<<<<<<< a\n\n=======\n  x\n>>>>>>> b', diagnosis: '<<<<<<< a\n=======\n>>>>>>> b', tasks: ['>>>>>>> b', '<<<<<<< a'] });
    assert.deepEqual(parseNote(formatNote(note), 'note-1.md').note, note);
  });
});

describe('merging any versions of a note', () => {
  it('changes nothing where one side changed nothing, or both did the same', () => {
    fc.assert(
      fc.property(version, version, (base, mine) => {
        for (const [b, o, t] of [[base, mine, base], [base, base, mine], [base, mine, mine], [undefined, mine, mine]] as const) {
          const { text, conflicts } = merged(b, o, t);
          assert.deepEqual(conflicts, []);
          const parsed = parseNote(text, 'note-1.md');
          assert.equal(parsed.problem, undefined);
          // A text that one side deleted and the other left alone is gone; that is the change.
          const { merged: united, ...rest } = parsed.note!;
          const { merged: wanted, ...note } = mine.note;
          assert.deepEqual(united?.map((m) => m.task + m.erroneousCode), wanted?.map((m) => m.task + m.erroneousCode));
          assert.deepEqual(plain({ note: rest, extras: parsed.extras! }), plain({ note: { ...note, updated: [o.note.updated, t.note.updated].sort().at(-1)!, ...(b && { frequency: Math.max(1, o.note.frequency + t.note.frequency - b.note.frequency) }) }, extras: mine.extras }));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('loses no text: what a side added or changed is in the result, whole', () => {
    fc.assert(
      fc.property(fc.option(version, { nil: undefined }), version, version, (base, ours, theirs) => {
        const { text: result, conflicts } = merged(base, ours, theirs);
        const sides = conflicts.length === 0 ? { ours: result, theirs: result } : versionsOf(result);
        assert.ok(sides, 'marks can be taken apart');
        const [left, right] = [parseNote(sides.ours, 'note-1.md'), parseNote(sides.theirs, 'note-1.md')];
        assert.ok(left.note && right.note, left.problem ?? right.problem);
        if (conflicts.length > 0) assert.match(parseNote(result, 'note-1.md').problem ?? '', /a merge left/);
        for (const [side, read] of [[ours, left.note], [theirs, right.note]] as const) {
          for (const key of ['erroneousCode', 'diagnosis', 'secureExample', 'guidance'] as const) {
            const wanted = side.note[key];
            if (wanted !== undefined && wanted !== base?.note[key]) assert.ok(read[key]?.includes(wanted.trim()), `${key} of a side is lost`);
          }
          for (const task of side.note.tasks) if (!base?.note.tasks.includes(task)) assert.ok(read.tasks.includes(task), 'a task is lost');
          const known = (list: Note['merged'], m: { task: string; erroneousCode: string }) => list?.some((x) => x.task === m.task && x.erroneousCode === m.erroneousCode) ?? false;
          for (const failure of side.note.merged ?? []) if (!known(base?.note.merged, failure)) assert.ok(known(read.merged, failure), 'a failure is lost');
          assert.equal(read.frequency, base ? Math.max(1, ours.note.frequency + theirs.note.frequency - base.note.frequency) : Math.max(ours.note.frequency, theirs.note.frequency));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says the same whichever side is called ours', () => {
    const sorted = (note: Note) => ({ ...note, tasks: [...note.tasks].sort(), merged: [...(note.merged ?? [])].sort((a, b) => (a.task + a.erroneousCode).localeCompare(b.task + b.erroneousCode)) });
    fc.assert(
      fc.property(fc.option(version, { nil: undefined }), version, version, (base, ours, theirs) => {
        const [one, two] = [merged(base, ours, theirs), merged(base, theirs, ours)];
        assert.deepEqual([...one.conflicts].sort(), [...two.conflicts].sort());
        if (one.conflicts.length > 0) return;
        const [a, b] = [parseNote(one.text, 'note-1.md').note!, parseNote(two.text, 'note-1.md').note!];
        // Where both moved it, the place is that of ours.
        for (const note of [a, b]) Object.assign(note, { file: '', line: 0 });
        assert.deepEqual(sorted(a), sorted(b));
      }),
      { numRuns: 200 },
    );
  });

  it('takes marked texts apart as they were put together', () => {
    const block = fc.array(fc.constantFrom('a', 'b', '', '======', '<<<<<<', 'x >>>>>>>'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(block, block, block), { minLength: 1, maxLength: 3 }), (parts) => {
        const marked = parts.flatMap(([before, left, right]) => [...before, '<<<<<<< HEAD', ...left, '=======', ...right, '>>>>>>> topic']).join('\n');
        assert.ok(firstConflict(marked) > 0);
        assert.deepEqual(versionsOf(marked), { ours: parts.flatMap(([b, l]) => [...b, ...l]).join('\n'), theirs: parts.flatMap(([b, , r]) => [...b, ...r]).join('\n') });
      }),
    );
  });
});
