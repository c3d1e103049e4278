import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Note } from '../../../src/core/notebook/note.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import type { FileNoteStore } from '../../../src/node/notes/file-note-store.ts';
import { Workspace, aNote } from './fixture.ts';

describe('the note store', () => {
  let workspace: Workspace;
  let store: FileNoteStore;
  const ids = async (from: FileNoteStore = store): Promise<string[]> => (await from.load()).notes.map(({ note }) => note.id);
  /** Puts a file where a pull or an editor would. */
  const put = (name: string, content: string | Uint8Array, kind = 'security'): string => {
    mkdirSync(workspace.file('notes', kind), { recursive: true });
    writeFileSync(workspace.file('notes', kind, name), content);
    return workspace.file('notes', kind, name);
  };

  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
    store = workspace.store();
  });
  afterEach(() => workspace.dispose());

  describe('writing', () => {
    it('keeps a note as a Markdown file that another window reads', async () => {
      const stored = await store.create(aNote());
      assert.equal(stored.file, workspace.file('notes', 'security', 'sql-injection-1.md'));
      assert.equal(stored.quarantined, false);
      assert.equal(readFileSync(stored.file, 'utf8'), formatNote(aNote()));
      const other = await workspace.store().load();
      assert.deepEqual(other.notes, [{ note: aNote(), file: stored.file, quarantined: false }]);
    });

    it('keeps each kind in its folder', async () => {
      const { cwe: _, rule: __, ruleFamily: ___, ...rest } = aNote({ id: 'wrong-unit', kind: 'function' });
      assert.equal((await store.create(rest)).file, path.join(store.folders.function, 'wrong-unit.md'));
    });

    it('offers Git only the house rules', async () => {
      await store.create(aNote());
      assert.equal(readFileSync(workspace.file('.gitignore'), 'utf8'), '*\n!.gitignore\n!rules/\n!rules/**\n');
    });

    it('leaves a .gitignore alone that is there, and does not bring back one that was deleted', async () => {
      mkdirSync(workspace.file());
      writeFileSync(workspace.file('.gitignore'), 'mine\n');
      await store.create(aNote());
      assert.equal(readFileSync(workspace.file('.gitignore'), 'utf8'), 'mine\n');
      unlinkSync(workspace.file('.gitignore'));
      await store.create(aNote({ id: 'b' }));
      assert.equal(existsSync(workspace.file('.gitignore')), false);
    });

    it('makes nothing when it is only read', async () => {
      assert.deepEqual(await store.load(), { notes: [], setAside: [] });
      assert.equal(await store.get('a'), undefined);
      assert.deepEqual(readdirSync(workspace.root), []);
    });

    it('leaves no temporary file and no lock behind', async () => {
      await store.create(aNote());
      await store.modify('sql-injection-1', (note) => ({ ...note, frequency: 2 }));
      assert.deepEqual(readdirSync(workspace.file('.tmp')), []);
      assert.deepEqual(readdirSync(workspace.file('.lock')), []);
      assert.deepEqual(readdirSync(store.folders.security), ['sql-injection-1.md']);
    });

    it('refuses an id that is taken, in either folder, also when the file there is unreadable', async () => {
      await store.create(aNote());
      await assert.rejects(store.create(aNote()), { code: 'note-exists' });
      await assert.rejects(store.create(aNote({ kind: 'function' })), { code: 'note-exists' });
      put('broken.md', 'not a note');
      await assert.rejects(store.create(aNote({ id: 'broken' })), { code: 'note-exists' });
      assert.equal(readFileSync(workspace.file('notes', 'security', 'broken.md'), 'utf8'), 'not a note');
    });

    it('refuses an id that would leave the folder', async () => {
      for (const id of ['../../x', '..', 'a/b', 'A', '', 'con']) await assert.rejects(store.create(aNote({ id })), { code: 'bad-note-id' });
      await assert.rejects(store.modify('../../x', (note) => note), { code: 'note-missing' });
      assert.equal(existsSync(workspace.file('x.md')), false);
    });

    it('stores a note with a key in it redacted', async () => {
      const key = ['ghp_', 'q7Zt9Xb2LmP4vRk8WcD1hGf6NsJ3yUa5oEi0'].join('');
      const stored = await store.create(aNote({ erroneousCode: `token = "${key}"` }));
      assert.equal(stored.note.erroneousCode, 'token = "[redacted: github token]"');
      assert.ok(!readFileSync(stored.file, 'utf8').includes(key));
      const changed = await store.modify(stored.note.id, (note) => ({ ...note, guidance: `not ${key}` }));
      assert.ok(!readFileSync(changed.file, 'utf8').includes(key));
      assert.equal(changed.quarantined, false);
    });

    it('changes the note as it is on disk, not as it was read before', async () => {
      const { file } = await store.create(aNote());
      const other = workspace.store();
      await other.modify('sql-injection-1', (note) => ({ ...note, frequency: 2, tasks: [...note.tasks, 'another'] }));
      const seen = await store.modify('sql-injection-1', (note) => ({ ...note, frequency: note.frequency + 1 }));
      assert.equal(seen.note.frequency, 3);
      assert.deepEqual(seen.note.tasks, ['Find a user by name', 'another']);
      assert.match(readFileSync(file, 'utf8'), /frequency: 3/);
    });

    it('loses no change when many are made at once by two windows', async () => {
      await store.create(aNote());
      const other = workspace.store();
      const add = (from: FileNoteStore): Promise<unknown> => from.modify('sql-injection-1', (note) => ({ ...note, frequency: note.frequency + 1 }));
      await Promise.all(Array.from({ length: 40 }, (_, i) => add(i % 2 ? store : other)));
      assert.equal((await store.get('sql-injection-1'))?.note.frequency, 41);
    });

    it('keeps what a person added to the file', async () => {
      const { file } = await store.create(aNote());
      writeFileSync(file, readFileSync(file, 'utf8').replace('status: active', 'status: active\nreviewer: ann').concat('\n## Links\n\n- https://example.org\n'));
      await store.approve(['sql-injection-1']);
      await store.modify('sql-injection-1', (note) => ({ ...note, frequency: 2 }));
      const text = readFileSync(file, 'utf8');
      for (const kept of ['frequency: 2', 'reviewer: ann', '## Links\n\n- https://example.org']) assert.ok(text.includes(kept), kept);
    });

    it('says which note is gone', async () => {
      await assert.rejects(store.modify('gone', (note) => note), { code: 'note-missing' });
      await assert.rejects(store.remove('gone'), { code: 'note-missing' });
    });

    it('does not touch a note that cannot be read', async () => {
      const file = put('a.md', 'not a note');
      await assert.rejects(store.modify('a', (note) => note), { code: 'note-unreadable' });
      await assert.rejects(store.remove('a'), { code: 'note-unreadable' });
      assert.equal(readFileSync(file, 'utf8'), 'not a note');
    });

    it('writes nothing when the change throws, and frees the lock', async () => {
      const { file } = await store.create(aNote());
      const before = readFileSync(file, 'utf8');
      await assert.rejects(store.modify('sql-injection-1', () => assert.fail('no')), { message: 'no' });
      assert.equal(readFileSync(file, 'utf8'), before);
      await store.create(aNote({ id: 'b' }));
    });

    it('brings a removed note back exactly', async () => {
      const { file } = await store.create(aNote());
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'));
      const content = readFileSync(file, 'utf8');
      const removed = await store.remove('sql-injection-1');
      assert.equal(existsSync(file), false);
      assert.deepEqual(await ids(), []);
      const restored = await workspace.store().restore(removed);
      assert.equal(readFileSync(file, 'utf8'), content);
      assert.equal(restored.quarantined, false);
      assert.deepEqual(await ids(), ['sql-injection-1']);
    });

    it('does not overwrite a note that was written since', async () => {
      await store.create(aNote());
      const removed = await store.remove('sql-injection-1');
      await store.create(aNote({ guidance: 'new' }));
      await assert.rejects(store.restore(removed), { code: 'note-exists' });
      assert.equal((await store.get('sql-injection-1'))?.note.guidance, 'new');
    });

    it('restores into its own folder, whatever path it is given', async () => {
      await store.create(aNote());
      const removed = await store.remove('sql-injection-1');
      const restored = await store.restore({ ...removed, file: path.join(workspace.folder, 'elsewhere.md') });
      assert.equal(restored.file, path.join(store.folders.security, 'sql-injection-1.md'));
    });
  });

  describe('trust', () => {
    it('quarantines what came from elsewhere until it is approved', async () => {
      put('theirs.md', formatNote(aNote({ id: 'theirs' })));
      assert.equal((await store.get('theirs'))?.quarantined, true);
      assert.deepEqual(await store.approve(['theirs', 'unknown']), ['theirs']);
      assert.equal((await store.get('theirs'))?.quarantined, false);
      assert.equal((await workspace.store().get('theirs'))?.quarantined, false, 'in another window too');
      assert.deepEqual(await store.approve(['theirs']), []);
    });

    it('quarantines a note that was changed from outside, in all that can reach a prompt', async () => {
      const { file } = await store.create(aNote());
      const text = readFileSync(file, 'utf8');
      for (const [from, to] of [['Bind values.', 'Use eval.'], ['CWE-89', 'CWE-1'], ['language: python', 'language: c'], ['title: SQL', 'title: NoSQL'], ['User input', 'No input']] as const) {
        writeFileSync(file, text.replace(from, to));
        assert.equal((await workspace.store().get('sql-injection-1'))?.quarantined, true, to);
      }
      writeFileSync(file, text.replace('frequency: 1', 'frequency: 7').replace('status: active', 'status: muted').replace('updated: 2026', 'updated: 2027'));
      assert.equal((await workspace.store().get('sql-injection-1'))?.quarantined, false);
    });

    it('keeps a quarantined note quarantined when it is muted or merged into', async () => {
      put('theirs.md', formatNote(aNote({ id: 'theirs' })));
      assert.equal((await store.modify('theirs', (note) => ({ ...note, status: 'muted' }))).quarantined, true);
      assert.equal((await store.modify('theirs', (note) => ({ ...note, tasks: [...note.tasks, 'mine'] }))).quarantined, true);
    });

    it('keeps an approved note approved when it is merged into', async () => {
      await store.create(aNote());
      assert.equal((await store.modify('sql-injection-1', (note) => ({ ...note, tasks: [...note.tasks, 'mine'] }))).quarantined, false);
    });

    it('asks again about a note that was deleted and comes back from outside', async () => {
      const { file } = await store.create(aNote());
      const removed = await store.remove('sql-injection-1');
      writeFileSync(file, removed.content);
      assert.equal((await store.get('sql-injection-1'))?.quarantined, true);
    });

    it('does not withdraw trust from a twin', async () => {
      await store.create(aNote());
      await store.create(aNote({ id: 'twin' }));
      await store.load();
      await store.remove('sql-injection-1');
      assert.equal((await workspace.store().get('twin'))?.quarantined, false);
    });

    it('is not impressed by an approvals file inside the repository', async () => {
      put('theirs.md', formatNote(aNote({ id: 'theirs' })));
      mkdirSync(workspace.file('approvals'));
      const line = (await import('../../../src/node/notes/approvals.ts')).approvalHash(aNote());
      for (const name of ['approvals/workspace.txt', 'approvals.txt']) writeFileSync(workspace.file(name), `${line}\n`);
      assert.equal((await store.get('theirs'))?.quarantined, true);
    });

    it('restores a quarantined note as quarantined', async () => {
      put('theirs.md', formatNote(aNote({ id: 'theirs' })));
      const removed = await store.remove('theirs');
      assert.equal(removed.approved, false);
      assert.equal((await store.restore(removed)).quarantined, true);
    });
  });

  describe('files that are not notes', () => {
    it('are set aside with a reason, and the others are read', async () => {
      await store.create(aNote());
      put('empty.md', '');
      put('words.md', '# hello\n');
      put('latin1.md', Buffer.from([0x2d, 0x2d, 0x2d, 0x0a, 0xe4, 0x0a]));
      put('huge.md', 'x'.repeat(1024 * 1024 + 1));
      put('other-name.md', formatNote(aNote({ id: 'a-name' })));
      put('in-wrong-folder.md', formatNote(aNote({ id: 'in-wrong-folder' })), 'function');
      put('notes.txt', 'ignored');
      put('.hidden.md', 'ignored');
      mkdirSync(workspace.file('notes', 'security', 'folder.md'));
      const { notes, setAside } = await store.load();
      assert.deepEqual(notes.map(({ note }) => note.id), ['sql-injection-1']);
      const reasons = Object.fromEntries(setAside.map(({ file, reason }) => [path.basename(file), reason]));
      assert.deepEqual(Object.keys(reasons).sort(), ['empty.md', 'folder.md', 'huge.md', 'in-wrong-folder.md', 'latin1.md', 'other-name.md', 'words.md']);
      assert.match(reasons['empty.md'] ?? '', /front matter/);
      assert.match(reasons['latin1.md'] ?? '', /UTF-8/);
      assert.match(reasons['huge.md'] ?? '', /1 MB/);
      assert.match(reasons['other-name.md'] ?? '', /make them the same/);
      assert.match(reasons['in-wrong-folder.md'] ?? '', /folder of function notes/);
      assert.match(reasons['folder.md'] ?? '', /not a file/);
    });

    it('is read once it is corrected', async () => {
      const file = put('a.md', 'not yet');
      assert.equal((await store.load()).setAside.length, 1);
      writeFileSync(file, formatNote(aNote({ id: 'a' })));
      await waitFor(async () => (await store.load()).notes.length === 1);
      assert.deepEqual((await store.load()).setAside, []);
    });

    it('names the second of two notes with one id', async () => {
      await store.create(aNote());
      put('sql-injection-1.md', formatNote({ ...aNote(), kind: 'function' }), 'function');
      const { notes, setAside } = await workspace.store().load();
      assert.equal(notes.length, 1);
      assert.match(setAside[0]?.reason ?? '', /another note has the id/);
    });

    it('does not follow a link to a file', async function () {
      const secret = path.join(workspace.folder, 'secret.md');
      writeFileSync(secret, formatNote(aNote({ id: 'link' })));
      mkdirSync(workspace.file('notes', 'security'), { recursive: true });
      symlinkSync(secret, workspace.file('notes', 'security', 'link.md'));
      const { notes, setAside } = await store.load();
      assert.equal(notes.length, 0);
      assert.match(setAside[0]?.reason ?? '', /symbolic link/);
      await assert.rejects(store.modify('link', (note) => note), { code: 'note-unreadable' });
    });

    for (const linked of ['.safenote', '.safenote/notes', '.safenote/notes/security', '.safenote/.tmp', '.safenote/.lock']) {
      it(`neither reads nor writes through a link at ${linked}`, async () => {
        const outside = path.join(workspace.folder, 'outside');
        mkdirSync(path.join(outside, 'notes', 'security'), { recursive: true });
        mkdirSync(path.join(outside, 'security'), { recursive: true });
        const file = path.join(workspace.root, linked);
        mkdirSync(path.dirname(file), { recursive: true });
        symlinkSync(outside, file);
        for (const place of ['notes/security/x.md', 'security/x.md', 'x.md']) writeFileSync(path.join(outside, place), formatNote(aNote({ id: 'x' })));
        assert.deepEqual((await store.load()).notes, []);
        await assert.rejects(store.create(aNote()), (error: Error & { code?: string; hint?: string }) => error.code === 'not-a-folder' && /symbolic link/.test(error.hint ?? ''));
        assert.deepEqual(readdirSync(outside).sort(), ['notes', 'security', 'x.md']);
      });
    }

    it('says so when the folder is a file', async () => {
      writeFileSync(workspace.file(), 'a file');
      assert.match((await store.load()).setAside[0]?.reason ?? '', /not a folder/);
      await assert.rejects(store.create(aNote()), { code: 'not-a-folder' });
    });
  });

  describe('seeing changes', () => {
    it('gives the very same snapshot when nothing changed', async () => {
      await store.create(aNote());
      await sleep(120);
      await store.load();
      await sleep(60);
      const first = await store.load();
      assert.equal(await store.load(), first);
    });

    it('sees notes come, change in place, and go', async () => {
      await store.create(aNote());
      await store.load();
      const file = put('b.md', formatNote(aNote({ id: 'b' })));
      await waitFor(async () => (await ids()).join() === 'b,sql-injection-1');
      await sleep(120);
      await store.load();
      // In place, as an editor saves: the folder itself does not change.
      writeFileSync(file, formatNote(aNote({ id: 'b', guidance: 'New words.' })));
      await waitFor(async () => (await store.get('b'))?.note.guidance === 'New words.');
      renameSync(file, path.join(workspace.folder, 'gone.md'));
      await waitFor(async () => (await ids()).join() === 'sql-injection-1');
    });

    it('sees a change that keeps size and time', async () => {
      const { file } = await store.create(aNote({ guidance: 'aaaa' }));
      const time = new Date('2026-05-05T00:00:00Z');
      utimesSync(file, time, time);
      assert.equal((await workspace.store().get('sql-injection-1'))?.note.guidance, 'aaaa');
      await store.load();
      writeFileSync(file, readFileSync(file, 'utf8').replace('aaaa', 'bbbb'));
      utimesSync(file, time, time);
      await waitFor(async () => (await store.get('sql-injection-1'))?.note.guidance === 'bbbb');
    });

    it('sees the folder come, go and come again', async () => {
      assert.deepEqual(await ids(), []);
      await workspace.store().create(aNote());
      await waitFor(async () => (await ids()).length === 1);
      rmSync(workspace.file(), { recursive: true });
      await waitFor(async () => (await ids()).length === 0);
      put('b.md', formatNote(aNote({ id: 'b' })));
      await waitFor(async () => (await ids()).join() === 'b');
      await sleep(120);
      put('c.md', formatNote(aNote({ id: 'c' })));
      await waitFor(async () => (await ids()).join() === 'b,c');
    });

    it('sees a folder that was exchanged for another', async () => {
      await store.create(aNote());
      await store.load();
      renameSync(workspace.file(), path.join(workspace.folder, 'old'));
      put('b.md', formatNote(aNote({ id: 'b' })));
      assert.deepEqual(await ids(), ['b']);
      await sleep(120);
      await store.load();
      writeFileSync(workspace.file('notes', 'security', 'b.md'), formatNote(aNote({ id: 'b', guidance: 'changed' })));
      await waitFor(async () => (await store.get('b'))?.note.guidance === 'changed');
    });

    it('tells its listeners, once for many changes, of its own and of others', async () => {
      let calls = 0;
      const stop = store.watch(() => calls++);
      for (let i = 0; i < 5; i++) await store.create(aNote({ id: `n${i}` }));
      await waitFor(() => calls > 0);
      await sleep(300);
      assert.ok(calls <= 3, `${calls} calls for five writes`);
      calls = 0;
      put('theirs.md', formatNote(aNote({ id: 'theirs' })));
      await waitFor(() => calls > 0);
      await store.approve(['theirs']);
      stop();
      await sleep(200);
      calls = 0;
      put('more.md', formatNote(aNote({ id: 'more' })));
      await sleep(300);
      assert.equal(calls, 0, 'after it was stopped');
    });

    it('tells its listeners of the first note in a workspace that had none', async () => {
      let calls = 0;
      store.watch(() => calls++);
      await workspace.store().create(aNote());
      await waitFor(async () => calls > 0 && (await ids()).length === 1);
    });

    it('does not call for files that are no notes', async () => {
      await store.create(aNote());
      await sleep(250);
      let calls = 0;
      store.watch(() => calls++);
      put('x.txt', 'x');
      writeFileSync(path.join(workspace.root, 'main.py'), 'x');
      await sleep(300);
      assert.equal(calls, 0);
    });
  });

  it('reads thousands of notes and stays quick to ask', async () => {
    mkdirSync(workspace.file('notes', 'security'), { recursive: true });
    const text = formatNote(aNote({ id: 'some' }));
    for (let i = 0; i < 2000; i++) writeFileSync(workspace.file('notes', 'security', `n${i}.md`), text.replace('id: some', `id: n${i}`));
    const loaded = await store.load();
    assert.deepEqual(loaded.setAside, []);
    assert.equal(loaded.notes.length, 2000);
    await sleep(120);
    await store.load();
    const settled = await store.load();
    for (let i = 0; i < 1000; i++) assert.equal(await store.load(), settled);
  });

  it('keeps any note through a change', async () => {
    const note: Note = aNote({ erroneousCode: 'a\r\n```\n## Task\n', guidance: '---\n# x\n\n## Diagnosis\n', tasks: ['', '- x', '\n'] });
    await store.create(note);
    const changed = await workspace.store().modify(note.id, (current) => ({ ...current, frequency: 2 }));
    assert.deepEqual(changed.note, { ...note, erroneousCode: 'a\n```\n## Task\n', frequency: 2 });
  });
});

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await condition()) return;
    await sleep(20);
  }
  assert.fail('it did not happen within 4 s');
}
