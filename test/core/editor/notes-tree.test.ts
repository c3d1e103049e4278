import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NO_COUNTERS, type NoteCounters } from '../../../src/core/activity/totals.ts';
import type { Note, StoredNote } from '../../../src/core/notebook/note.ts';
import { fits, GROUPINGS, grouped, hasWords, isFiltering, NO_FILTER, type NoteFilter, SORTINGS } from '../../../src/vscode/notebook/arrange.ts';
import { type FolderSnapshot, type GroupNode, type NotesNode, notesTree, page, type TreeOptions, viewItemOf } from '../../../src/vscode/notebook/notes-tree.ts';
import { findOrigin, staysInside } from '../../../src/vscode/notebook/origin.ts';
import { SeenNotes } from '../../../src/vscode/notebook/seen-notes.ts';
import { NoteUndo } from '../../../src/vscode/notebook/undo.ts';
import { aNote } from '../doubles.ts';

const NOW = Date.parse('2026-06-30T12:00:00Z');
const DAY = 86_400_000;
const ago = (days: number) => new Date(NOW - days * DAY).toISOString();
const stored = (o: Partial<Note> = {}, quarantined = false): StoredNote => ({ note: aNote(o), file: `/w/.safenote/notes/${o.kind ?? 'security'}/${o.id ?? 'x'}.md`, quarantined });
const without = <K extends keyof Note>(o: Partial<Note>, key: K): StoredNote => {
  const { [key]: _, ...note } = aNote(o);
  return { note: note as Note, file: `/${o.id ?? 'x'}.md`, quarantined: false };
};
const folder = (notes: StoredNote[], name = 'shop', setAside: { file: string; reason: string }[] = []): FolderSnapshot => ({ folder: `file:///${name}`, name, snapshot: { notes, setAside } });
const titleOf = (cwe: string) => ({ 'CWE-89': 'SQL injection' })[cwe] ?? '';
const options = (o: Partial<TreeOptions> = {}): TreeOptions => ({ groupBy: 'cwe', sortBy: 'frequency', filter: NO_FILTER, titleOf, now: NOW, ...o });
const labels = (nodes: readonly NotesNode[]) => nodes.map((n) => (n.kind === 'group' ? n.label : n.kind));
const ids = (node: NotesNode | undefined) => (node?.kind === 'group' ? node.children.map((n) => n.id) : []);

describe('The tree of notes', () => {
  it('groups security notes by CWE in the order of numbers, with titles', () => {
    const { roots } = notesTree('security', [folder([stored({ id: 'a', cwe: 'CWE-787' }), stored({ id: 'b', cwe: 'CWE-89' }), stored({ id: 'c', cwe: 'CWE-89' })])], options());
    assert.deepEqual(roots.map((n) => (n.kind === 'group' ? [n.label, n.title, n.children.length] : n.kind)), [['CWE-89', 'SQL injection', 2], ['CWE-787', '', 1]]);
  });

  it('puts what has no name of the kind last', () => {
    assert.deepEqual(labels(notesTree('security', [folder([without({ id: 'house' }, 'cwe'), stored({ id: 'b' })])], options()).roots), ['CWE-89', '']);
    assert.deepEqual(labels(notesTree('security', [folder([stored({ id: 'b' }), stored({ id: 'c', file: 'shop/a.py' })])], options({ groupBy: 'file' })).roots), ['shop/a.py', '']);
  });

  it('groups function notes by the module they failed in', () => {
    const { roots } = notesTree('function', [folder([stored({ id: 'a', kind: 'function', file: 'shop/b.py' }), stored({ id: 'c', kind: 'function', file: 'shop/a.py' }), stored({ id: 's' })])], options({ groupBy: 'file' }));
    assert.deepEqual(labels(roots), ['shop/a.py', 'shop/b.py']);
  });

  it('groups by age, the youngest first', () => {
    const notes = [ago(900), ago(0.5), ago(3), ago(200), ago(20)].map((created, n) => stored({ id: `n${n}`, created }));
    assert.deepEqual(labels(notesTree('security', [folder(notes)], options({ groupBy: 'age' })).roots), ['today', 'week', 'month', 'year', 'older']);
  });

  it('sorts by frequency, date or title, and pinned notes before all', () => {
    const notes = [stored({ id: 'rare', title: 'B', updated: ago(1) }), stored({ id: 'often', title: 'C', frequency: 7, updated: ago(9) }), stored({ id: 'pinned', title: 'Z', pinned: true, updated: ago(99) }), stored({ id: 'old', title: 'a', frequency: 2, updated: ago(50) })];
    const sorted = (sortBy: TreeOptions['sortBy']) => ids(notesTree('security', [folder(notes)], options({ sortBy })).roots[0]);
    assert.deepEqual(sorted('frequency'), ['pinned', 'often', 'old', 'rare']);
    assert.deepEqual(sorted('updated'), ['pinned', 'rare', 'often', 'old']);
    assert.deepEqual(sorted('title'), ['pinned', 'old', 'rare', 'often']);
  });

  it('sorts by worth: what prevented failures first, what failed in vain last', () => {
    const counted: Record<string, NoteCounters> = { helps: { ...NO_COUNTERS, shown: 5, prevented: 5 }, fails: { ...NO_COUNTERS, shown: 5, failed: 5 } };
    const shop = { ...folder([stored({ id: 'fails', frequency: 9 }), stored({ id: 'untried' }), stored({ id: 'helps' })]), counters: (id: string) => counted[id] ?? NO_COUNTERS };
    assert.deepEqual(ids(notesTree('security', [shop], options({ sortBy: 'worth' })).roots[0]), ['helps', 'untried', 'fails']);
  });

  it('gives each of several folders its own name and count, and none to a single one', () => {
    const two = notesTree('security', [folder([stored({ id: 'a' })], 'shop'), folder([stored({ id: 'a' })], 'api')], options());
    assert.deepEqual(two.roots.map((n) => n.kind === 'folder' && [n.name, n.count]), [['shop', 1], ['api', 1]]);
    assert.equal(new Set(two.roots.flatMap((n) => (n.kind === 'folder' ? n.children.map((c) => c.key) : []))).size, 2, 'rows of two folders are two rows');
    assert.deepEqual(notesTree('security', [folder([])], options()).roots, []);
  });

  it('names files that cannot be read in the view of their notebook, filtered or not', () => {
    const aside = [{ file: '/w/.safenote/notes/security/bad.md', reason: 'line 1: x' }, { file: '/w/.safenote/notes/function/bad.md', reason: 'y' }];
    const files = (kind: 'security' | 'function') => notesTree(kind, [folder([], 'shop', aside)], options({ filter: { ...NO_FILTER, text: 'nothing' } })).roots.map((n) => n.kind === 'setAside' && n.file.file);
    assert.deepEqual(files('security'), ['/w/.safenote/notes/security/bad.md']);
    assert.deepEqual(files('function'), ['/w/.safenote/notes/function/bad.md']);
  });

  it('counts what the filter leaves out', () => {
    const tree = notesTree('security', [folder([stored({ id: 'a' }), stored({ id: 'b', language: 'go' })])], options({ filter: { ...NO_FILTER, languages: ['go'] } }));
    assert.deepEqual([tree.shown, tree.all], [1, 2]);
  });

  it('gives a long group out in pages, and every note of it in the end', () => {
    const notes = Array.from({ length: 450 }, (_, n) => stored({ id: `n${n}` }));
    const [group] = notesTree('security', [folder(notes)], options()).roots as [GroupNode];
    const pages = [1, 2, 3].map((n) => page(group, n, 200));
    assert.deepEqual(pages.map((rows) => rows.length), [201, 401, 450]);
    const more = pages[0]?.at(-1);
    assert.equal(more?.kind === 'more' && more.hidden, 250);
    assert.equal(page(group, 1, 449).length, 450, 'a row is not replaced by a row that stands for it');
  });

  it('says to menus what a note has', () => {
    const item = (s: StoredNote) => viewItemOf({ kind: 'note', key: 'k', id: s.note.id, folder: 'f', stored: s, state: s.quarantined ? 'quarantined' : s.note.status });
    assert.equal(item(stored()), 'note.active');
    assert.equal(item(stored({ pinned: true, tasks: ['a', 'b'], file: 'a.py', secureExample: 'x' })), 'note.active.pinned.merged.origin.secure');
    assert.equal(item(stored({ status: 'muted' }, true)), 'note.quarantined');
  });

  it('holds every note once, however it is arranged (property)', () => {
    const note = fc.record({ cwe: fc.constantFrom('CWE-1', 'CWE-2'), language: fc.constantFrom('python', 'go'), model: fc.constantFrom('', 'm'), file: fc.constantFrom('a.py', 'b/c.py'), frequency: fc.integer({ min: 1, max: 5 }), pinned: fc.boolean(), created: fc.constantFrom(ago(0), ago(40)), status: fc.constantFrom('active' as const, 'muted' as const) });
    fc.assert(
      fc.property(fc.array(note, { maxLength: 40 }), fc.constantFrom(...GROUPINGS.security), fc.constantFrom(...SORTINGS), (parts, by, sortBy) => {
        const notes = parts.map((part, n) => stored({ ...part, id: `n${n}` }));
        const groups = grouped(notes, by, sortBy, NOW);
        assert.deepEqual(groups.flatMap((g) => g.notes.map((s) => s.note.id)).sort(), notes.map((s) => s.note.id).sort());
        assert.equal(new Set(groups.map((g) => g.label)).size, groups.length);
        for (const { notes: list } of groups) assert.ok(list.every((s, n) => !s.note.pinned || n === 0 || list[n - 1]?.note.pinned), 'pinned notes lead');
      }),
    );
  });

  it('is made of 5,000 notes with all of them in it', () => {
    const notes = Array.from({ length: 5000 }, (_, n) => stored({ id: `n${n}`, cwe: `CWE-${n % 30}`, frequency: (n % 9) + 1 }));
    const { roots } = notesTree('security', [folder(notes)], options());
    assert.equal(new Set(roots.flatMap((n) => (n.kind === 'group' ? n.children.map((c) => c.key) : []))).size, 5000);
  });
});

describe('A filter of notes', () => {
  const passes = (s: StoredNote, o: Partial<NoteFilter>) => fits(s, { ...NO_FILTER, ...o }, titleOf);

  it('lets everything through when nothing is chosen', () => {
    assert.ok(passes(stored(), {}));
    assert.ok(!isFiltering({ ...NO_FILTER, text: '  ' }));
  });

  it('adds up within a heading and narrows down across headings', () => {
    const note = stored({ language: 'go', model: 'm1', origin: 'ci' });
    assert.ok(passes(note, { languages: ['python', 'go'], models: ['m1'], origins: ['ci'] }));
    assert.ok(!passes(note, { languages: ['go'], models: ['m2'] }));
    assert.ok(!passes(note, { languages: ['python'] }));
  });

  it('knows the states, pinned beside the others', () => {
    assert.ok(passes(stored({}, true), { states: ['quarantined'] }));
    assert.ok(!passes(stored({}, true), { states: ['active'] }));
    assert.ok(passes(stored({ pinned: true, status: 'muted' }), { states: ['pinned'] }));
    assert.ok(!passes(stored(), { states: ['pinned'] }));
  });

  it('finds words in any part of a note and in the title of its CWE', () => {
    const note = stored({ title: 'Find a user', guidance: 'Pass parameters', erroneousCode: 'db.execute(x)', cwe: 'CWE-89' });
    for (const text of ['user', 'PARAMETERS', 'db.execute', 'cwe-89', 'injection', 'user injection']) assert.ok(hasWords(note, text, titleOf), text);
    assert.ok(!hasWords(note, 'user elephant', titleOf));
  });
});

describe('The origin of a note', () => {
  const CODE = 'import os\n\n# a comment\ndef find(name):\n    return db.execute(name)';

  it('is the line that begins its code, the one nearest to where it was', () => {
    const text = 'def find(name):\n    pass\n\n\n\ndef find(name):\n    pass\n';
    assert.deepEqual(findOrigin(text, { erroneousCode: CODE, line: 7 }), { line: 6, found: true });
    assert.deepEqual(findOrigin(text, { erroneousCode: CODE, line: 1 }), { line: 1, found: true });
    assert.deepEqual(findOrigin(text.replaceAll('\n', '\r\n'), { erroneousCode: CODE, line: 7 }), { line: 6, found: true });
  });

  it('is the line where it was when the code is gone, and never past the end', () => {
    assert.deepEqual(findOrigin('a\nb\nc', { erroneousCode: CODE, line: 2 }), { line: 2, found: false });
    assert.deepEqual(findOrigin('a\nb\nc', { erroneousCode: CODE, line: 2000 }), { line: 3, found: false });
    assert.deepEqual(findOrigin('', { erroneousCode: '' }), { line: 1, found: false });
  });

  it('stays inside the workspace folder', () => {
    for (const file of ['a.py', 'shop/a.py', 'a..b/c.py']) assert.ok(staysInside(file), file);
    for (const file of ['', '/etc/passwd', '../a.py', 'shop/../../a.py', 'C:\\a.py', '..\\a.py', '\\\\server\\a']) assert.ok(!staysInside(file), file);
  });
});

describe('New notes', () => {
  const memory = () => {
    const kept = new Map<string, unknown>();
    return { get: (key: string) => kept.get(key), update: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)) };
  };

  it('are those that were never in view, in this window or an earlier one', async () => {
    const kept = memory();
    const seen = new SeenNotes(kept, 'security');
    assert.deepEqual([...seen.unseen(['a', 'b'])], ['a', 'b']);
    await seen.markSeen(['a', 'b']);
    assert.deepEqual([...seen.unseen(['a', 'b', 'c'])], ['c']);
    assert.deepEqual([...new SeenNotes(kept, 'security').unseen(['b', 'c'])], ['c']);
    assert.deepEqual([...new SeenNotes(kept, 'function').unseen(['b'])], ['b']);
  });

  it('are new again after they were gone', async () => {
    const seen = new SeenNotes(memory(), 'security');
    await seen.markSeen(['a']);
    await seen.markSeen([]);
    assert.deepEqual([...seen.unseen(['a'])], ['a']);
  });
});

describe('Taking a change of notes back', () => {
  it('undoes the latest, or the one that is named, once', async () => {
    const done: string[] = [];
    const heard: boolean[] = [];
    const undo = new NoteUndo((can) => heard.push(can));
    const first = undo.push('first', () => Promise.resolve(void done.push('first')));
    undo.push('second', () => Promise.resolve(void done.push('second')));
    undo.push('third', () => Promise.resolve(void done.push('third')));
    assert.equal(await undo.undo(first), 'first');
    assert.equal(await undo.undo(), 'third');
    await assert.rejects(undo.undo(first), /no change/);
    assert.equal(await undo.undo(), 'second');
    await assert.rejects(undo.undo(), /no change/);
    assert.deepEqual(done, ['first', 'third', 'second']);
    assert.deepEqual([heard.at(0), heard.at(-1)], [true, false]);
  });

  it('keeps a step that failed', async () => {
    let fails = true;
    const undo = new NoteUndo(() => undefined);
    undo.push('step', () => (fails ? Promise.reject(new Error('disk full')) : Promise.resolve()));
    await assert.rejects(undo.undo(), /disk full/);
    fails = false;
    assert.equal(await undo.undo(), 'step');
  });
});
