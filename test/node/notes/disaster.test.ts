import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileNoteStore } from '../../../src/node/notes/file-note-store.ts';
import { Workspace, aNote, bundleWriter, startWriter } from './fixture.ts';

const readOnly = (error: Error & { code?: string; hint?: string }): boolean => error.code === 'read-only' && (error.hint ?? '').includes('writable');

describe('the note store in disasters', () => {
  let workspace: Workspace;
  let script: string;

  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
    script = bundleWriter(workspace.folder);
  });
  afterEach(() => workspace.dispose());

  it('loses nothing and leaves nothing unreadable when 200 writers are killed', async () => {
    const reported: string[] = [];
    // Two at a time, so that a kill also hits while another waits for the lock or holds it.
    const killMany = async (lane: string): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const writer = startWriter(script, workspace, `${lane}${i}`, 10_000);
        await writer.firstWrite;
        await sleep(Math.random() * 30);
        writer.process.kill('SIGKILL');
        assert.equal(await writer.ended, 'SIGKILL');
        reported.push(...writer.written);
      }
    };
    await Promise.all([killMany('a'), killMany('b')]);
    const store = workspace.store();
    const { notes, setAside } = await store.load();
    assert.deepEqual(setAside, []);
    const byId = new Map(notes.map((stored) => [stored.note.id, stored]));
    assert.ok(reported.length >= 200);
    for (const id of reported) {
      const found = byId.get(id);
      assert.ok(found, `${id} was reported and is lost`);
      assert.equal(found.quarantined, false, `${id} lost its approval`);
      if (Number(id.split('-')[1]) % 3 === 0) assert.equal(found.note.frequency, 2, `${id} lost its change`);
    }
    // The last one was killed too: nobody waits for its lock.
    await store.create(aNote());
    assert.equal((await store.get('sql-injection-1'))?.quarantined, false);
  }).timeout(180_000);

  it('keeps 1,000 notes of two processes that write 500 each', async () => {
    const writers = ['a', 'b'].map((prefix) => startWriter(script, workspace, prefix, 500));
    assert.deepEqual(await Promise.all(writers.map((writer) => writer.ended)), [0, 0]);
    const { notes, setAside } = await workspace.store().load();
    assert.deepEqual(setAside, []);
    assert.equal(notes.length, 1000);
    assert.equal(notes.filter((stored) => stored.quarantined).length, 0);
    assert.equal(notes.filter(({ note }) => note.frequency === 2).length, 334);
    assert.deepEqual(readdirSync(workspace.file('.tmp')), []);
    assert.deepEqual(readdirSync(workspace.file('.lock')), []);
  }).timeout(120_000);

  it('says what to do when the folder cannot be written', async function () {
    const store = workspace.store();
    await store.create(aNote());
    // The administrator may write everywhere: see the next test.
    if (process.getuid?.() === 0 || process.platform === 'win32') return this.skip();
    chmodSync(store.folders.security, 0o500);
    try {
      await assert.rejects(store.create(aNote({ id: 'b' })), readOnly);
      assert.equal((await store.load()).notes.length, 1);
    } finally {
      chmodSync(store.folders.security, 0o700);
    }
  });

  it('reads a notebook on a read-only disk, and says that it cannot write', async function () {
    const disk = path.join(workspace.folder, 'disk');
    mkdirSync(disk);
    if (process.platform !== 'linux' || spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', disk]).status !== 0) return this.skip();
    const store = new FileNoteStore({ workspaceFolder: disk, approvals: new Approvals({ file: workspace.approvalsFile, workspaceFolder: disk }) });
    try {
      await store.create(aNote());
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
      await assert.rejects(store.create(aNote({ id: 'b' })), readOnly);
      await assert.rejects(store.remove('sql-injection-1'), readOnly);
      assert.equal((await store.load()).notes.length, 1);
    } finally {
      store.dispose();
      spawnSync('umount', [disk]);
    }
  });

  it('says what to do when the disk is full, and has lost nothing', async function () {
    const disk = path.join(workspace.folder, 'disk');
    mkdirSync(disk);
    if (process.platform !== 'linux' || spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status !== 0) return this.skip();
    let store: FileNoteStore | undefined;
    try {
      store = new FileNoteStore({ workspaceFolder: disk, approvals: new Approvals({ file: workspace.approvalsFile, workspaceFolder: disk }) });
      await store.create(aNote());
      const before = readFileSync(path.join(store.folders.security, 'sql-injection-1.md'), 'utf8');
      writeFileSync(path.join(disk, 'filler'), Buffer.alloc(180 * 1024));
      const full = (error: Error & { code?: string; hint?: string }): boolean => error.code === 'disk-full' && (error.hint ?? '').includes('Free some space');
      await assert.rejects(store.create(aNote({ id: 'b', erroneousCode: 'x'.repeat(200_000) })), full);
      await assert.rejects(store.modify('sql-injection-1', (note) => ({ ...note, guidance: 'x'.repeat(200_000) })), full);
      const { notes, setAside } = await store.load();
      assert.deepEqual([notes.map(({ note }) => note.id), setAside], [['sql-injection-1'], []]);
      assert.equal(readFileSync(path.join(store.folders.security, 'sql-injection-1.md'), 'utf8'), before);
      assert.deepEqual(readdirSync(path.join(disk, '.safenote', '.tmp')), []);
      rmSync(path.join(disk, 'filler'));
      await store.create(aNote({ id: 'b' }));
    } finally {
      store?.dispose();
      spawnSync('umount', [disk]);
    }
  });

  it('works when the user has no folder of their own yet, and says so when there can be none', async () => {
    writeFileSync(path.join(workspace.folder, 'home'), 'a file where the folder should be');
    await assert.rejects(workspace.store().create(aNote()), (error: Error & { code?: string }) => error.code === 'write-failed' && /approved notes/.test(error.message));
  });

  it('names a workspace that is not there', async () => {
    rmSync(workspace.root, { recursive: true });
    assert.deepEqual(await workspace.store().load(), { notes: [], setAside: [] });
    await assert.rejects(workspace.store().create(aNote()), { code: 'no-workspace' });
  });
});
