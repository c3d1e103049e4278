import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUsable } from '../../../src/core/notebook/note.ts';
import type { NotebookSnapshot } from '../../../src/core/notebook/store.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileNoteStore } from '../../../src/node/notes/file-note-store.ts';
import { aNote, Workspace } from './fixture.ts';

describe('A note whose file is broken by an edit', () => {
  let workspace: Workspace;
  let kept: string;
  const opened: FileNoteStore[] = [];
  const open = (lastGood: string | undefined = kept) => {
    const store = new FileNoteStore({ workspaceFolder: workspace.root, approvals: new Approvals({ file: workspace.approvalsFile, workspaceFolder: workspace.root }), ...(lastGood ? { lastGood } : {}) });
    opened.push(store);
    return store;
  };
  const breakIt = (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('kind: security', 'kind: nonsense'));

  /** The notebook once the store has noticed; it hears of changes from the system. */
  const seen = async (store: FileNoteStore, expected: (snapshot: NotebookSnapshot) => boolean) => {
    for (;;) {
      const snapshot = await store.load();
      if (expected(snapshot)) return snapshot;
      await sleep(10);
    }
  };
  const aside = (snapshot: NotebookSnapshot) => snapshot.setAside.length === 1;

  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
    kept = path.join(path.dirname(workspace.approvalsFile), 'last-good');
  });
  afterEach(() => {
    for (const store of opened.splice(0)) store.dispose();
    workspace.dispose();
  });

  it('stays in use as it was, is named, and its file is left alone', async () => {
    const store = open();
    const { file, note } = await store.create(aNote());
    await store.load();
    breakIt(file);
    const broken = readFileSync(file, 'utf8');
    const { notes, setAside } = await seen(store, aside);
    assert.deepEqual(notes[0]?.note, note);
    assert.ok(notes[0] && isUsable(notes[0]));
    assert.match(notes[0].broken ?? '', /kind/);
    assert.deepEqual(setAside.map((s) => s.file), [file]);
    assert.equal(readFileSync(file, 'utf8'), broken);
    await assert.rejects(store.modify(note.id, (n) => ({ ...n, frequency: 5 })), { code: 'note-unreadable' });
  });

  it('is used so by another window and after a restart, too', async () => {
    const first = open();
    const { file, note } = await first.create(aNote());
    await first.load();
    breakIt(file);
    await seen(first, aside);
    first.dispose();
    const second = open();
    assert.deepEqual((await second.load()).notes.map((n) => [n.note.id, n.quarantined, typeof n.broken]), [[note.id, false, 'string']]);
  });

  it('takes over the mended file at once, and forgets the old version', async () => {
    const store = open();
    const { file, note } = await store.create(aNote());
    await store.load();
    breakIt(file);
    await seen(store, aside);
    assert.equal(readdirSync(kept).length, 1);
    writeFileSync(file, formatNote({ ...note, guidance: 'Mended.' }));
    const { notes, setAside } = await seen(store, (snapshot) => !aside(snapshot));
    assert.deepEqual([notes[0]?.note.guidance, notes[0]?.broken, setAside.length], ['Mended.', undefined, 0]);
    assert.deepEqual(readdirSync(kept), []);
  });

  it('is gone when its file is deleted', async () => {
    const store = open();
    const { file } = await store.create(aNote());
    await store.load();
    breakIt(file);
    await seen(store, aside);
    rmSync(file);
    await seen(store, (snapshot) => snapshot.notes.length === 0);
    assert.deepEqual(readdirSync(kept), []);
  });

  it('is forgotten, too, when its file was deleted while nobody looked', async () => {
    const first = open();
    const { file } = await first.create(aNote());
    await first.load();
    breakIt(file);
    await seen(first, aside);
    first.dispose();
    rmSync(file);
    assert.deepEqual((await open().load()).notes, []);
    assert.deepEqual(readdirSync(kept), []);
  });

  it('is no way around approval: a last version that was not approved stays so', async () => {
    const store = open();
    const { file } = await store.create(aNote());
    writeFileSync(file, formatNote({ ...aNote(), guidance: 'From a stranger.' }));
    await seen(store, ({ notes: [first] }) => first?.quarantined === true);
    breakIt(file);
    const { notes } = await seen(store, aside);
    assert.deepEqual(notes.map((n) => [n.quarantined, isUsable(n)]), [[true, false]]);
  });

  it('was never good: it is set aside as ever', async () => {
    const store = open();
    const { file } = await store.create(aNote());
    store.dispose();
    breakIt(file);
    const fresh = open();
    const { notes, setAside } = await fresh.load();
    assert.deepEqual([notes.length, setAside.length, existsSync(kept)], [0, 1, false]);
  });
});
