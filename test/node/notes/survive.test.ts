import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../../../src/core/log.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { App } from '../../../src/node/app.ts';
import { userFolders } from '../../../src/node/user-folders.ts';
import { Workspace, aNote, bundleWriter, startWriter } from './fixture.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const cliFile = path.join(root, 'dist/cli.js');

describe('a notebook that things happen to', function () {
  this.timeout(120_000);
  let workspace: Workspace;
  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
  });
  afterEach(() => workspace.dispose());

  const env = () => ({ ...process.env, SAFENOTE_HOME: path.join(workspace.folder, 'home') });
  const cli = (...args: string[]) => {
    const done = spawnSync(process.execPath, [cliFile, ...args, '--json', '--workspace', workspace.root], { env: env(), encoding: 'utf8' });
    return { code: done.status, json: JSON.parse(done.stdout) as { setAside: { file: string; reason: string }[]; index: { status: string; notes: number }; notes: number; quarantined: number }, stderr: done.stderr };
  };
  const noteFile = (id: string) => workspace.file('notes', 'security', `${id}.md`);

  it('loses nothing when two windows write and the command line mutes and approves at the same time', async () => {
    const script = bundleWriter(workspace.folder);
    const store = workspace.store();
    await store.create(aNote());
    const writers = ['a', 'b'].map((prefix) => startWriter(script, workspace, prefix, 60));
    const muted = Promise.all(
      [1, 2, 3].map(
        (n) =>
          new Promise<number | null>((resolve) => {
            spawn(process.execPath, [cliFile, 'notebook', 'mute', 'sql-injection-1', '--reason', `round ${n}`, '--workspace', workspace.root], { env: env(), stdio: 'ignore' }).once('close', resolve);
          }),
      ),
    );
    for (let at = 0; at < 20; at++) await store.modify('sql-injection-1', (note) => ({ ...note, frequency: note.frequency + 1, tasks: [...note.tasks, `task ${at}`] }));
    assert.deepEqual(await muted, [0, 0, 0]);
    assert.deepEqual(await Promise.all(writers.map((writer) => writer.ended)), [0, 0]);
    const { notes, setAside } = await workspace.store().load();
    assert.deepEqual(setAside, []);
    assert.equal(notes.length, 121);
    const shared = notes.find(({ note }) => note.id === 'sql-injection-1')!.note;
    assert.deepEqual([shared.frequency, shared.tasks.length, shared.status], [21, 21, 'muted']);
  });

  it('names every file that is no note with what to do, and leaves it as it is', () => {
    mkdirSync(workspace.file('notes/security'), { recursive: true });
    mkdirSync(workspace.file('notes/function'), { recursive: true });
    const texts: Record<string, string | Buffer> = {
      'torn.md': formatNote(aNote({ id: 'torn' })).slice(0, 200),
      'newer.md': formatNote(aNote({ id: 'newer' })).replace('version: 1', 'version: 7'),
      'foreign.md': '# A recipe\n\nPancakes.\n',
      'binary.md': Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]),
      'conflict.md': formatNote(aNote({ id: 'conflict' })).replace('frequency: 1', '<<<<<<< HEAD\nfrequency: 2\n=======\nfrequency: 3\n>>>>>>> topic'),
      'misplaced.md': formatNote(aNote({ id: 'misplaced', kind: 'function' })),
      'zero.md': '',
    };
    for (const [name, text] of Object.entries(texts)) writeFileSync(workspace.file('notes/security', name), text);
    symlinkSync('/etc/hostname', noteFile('link'));
    mkdirSync(noteFile('folder'));
    writeFileSync(noteFile('good'), formatNote(aNote({ id: 'good' })));
    const { code, json } = cli('notebook', 'check');
    assert.equal(code, 1);
    const reasons = Object.fromEntries(json.setAside.map(({ file, reason }) => [path.basename(file), reason]));
    const expected: Record<string, RegExp> = { 'torn.md': /front matter/, 'newer.md': /newer SafeNote \(format 7\); update/, 'foreign.md': /must begin with front matter/, 'binary.md': /not UTF-8 text; save it/, 'conflict.md': /notebook resolve/, 'misplaced.md': /move it or correct "kind"/, 'zero.md': /must begin with/, 'link.md': /symbolic link; put the file itself/, 'folder.md': /not a file/ };
    for (const [name, reason] of Object.entries(expected)) assert.match(reasons[name] ?? '', reason, name);
    assert.deepEqual([Object.keys(reasons).length, json.notes], [9, 1]);
    for (const [name, text] of Object.entries(texts)) assert.deepEqual(readFileSync(workspace.file('notes/security', name)), Buffer.from(text), name);
  });

  it('reads notes of before: without a version, and without what was added since', async () => {
    mkdirSync(workspace.file('notes/security'), { recursive: true });
    // As the first form was: no version, place or merged failures; several tasks with one failure.
    const before = formatNote(aNote({ id: 'old', frequency: 4, tasks: ['a', 'b'] })).replace('version: 1\n', '');
    writeFileSync(noteFile('old'), before);
    const store = workspace.store();
    assert.deepEqual((await store.load()).setAside, []);
    await store.approve(['old']);
    const after = await store.modify('old', (note) => ({ ...note, frequency: note.frequency + 1 }));
    // It gets the present form, loses nothing, and what was approved stays approved.
    assert.deepEqual([after.quarantined, after.note], [false, aNote({ id: 'old', frequency: 5, tasks: ['a', 'b'] })]);
    assert.match(readFileSync(noteFile('old'), 'utf8'), /^---\nversion: 1\n/);
  });

  it('goes by no clock: times of the past and the future, of files and in notes, change nothing', async () => {
    const store = workspace.store();
    await store.create(aNote({ created: '1970-01-01T00:00:00.000Z', updated: '9999-12-31T23:59:59.999Z' }));
    for (const when of [new Date(0), new Date('2100-01-01T00:00:00Z'), new Date()]) {
      utimesSync(noteFile('sql-injection-1'), when, when);
      writeFileSync(noteFile('sql-injection-1'), readFileSync(noteFile('sql-injection-1'), 'utf8').replace(/^Bind values.*$/m, `Bind values ${when.getTime()}.`));
      utimesSync(noteFile('sql-injection-1'), when, when);
      // The system reports a change a moment later.
      for (let at = 0; at < 100 && !(await store.get('sql-injection-1'))?.note.guidance.includes(` ${when.getTime()}.`); at++) await sleep(50);
      assert.equal((await store.get('sql-injection-1'))?.note.guidance, `Bind values ${when.getTime()}.`);
    }
    await store.approve(['sql-injection-1']);
    assert.equal((await store.modify('sql-injection-1', (note) => ({ ...note, frequency: 2 }))).note.frequency, 2);
  });

  it('makes the index again when it was deleted, was damaged, or belongs to another embedding model', async function () {
    const store = workspace.store();
    await store.create(aNote());
    await store.create(aNote({ id: 'b', tasks: ['Read a file'], erroneousCode: 'open(name)' }));
    // In one process: the model is loaded once.
    const open = () => new App({ assetsRoot: path.join(root, 'dist'), workspaceFolder: workspace.root, settings: () => DEFAULT_SETTINGS, trusted: () => true, model: () => Promise.reject(new Error('none')), log: SILENT, semgrepWarm: false, env: env() });
    let folder = '';
    const check = async () => {
      const app = open();
      folder = userFolders(env()).index(workspace.root, app.embedder.modelId);
      try {
        const before = (await app.index.known()).size;
        await app.notebook.indexer?.sync((await app.store.load()).notes);
        await app.notebook.indexer?.idle();
        const [vector] = await app.embedder.embed(['open(name)']);
        const nearest = await app.index.nearest('security', 'code', vector!, 1);
        return [before, (await app.index.known()).size, nearest[0]?.noteId];
      } catch (error) {
        if ((error as { code?: string }).code === 'embedder-unavailable') return 'no model';
        throw error;
      } finally {
        await app.dispose();
      }
    };
    const first = await check();
    if (first === 'no model') return this.skip();
    assert.deepEqual(first, [0, 2, 'b']);
    rmSync(folder, { recursive: true });
    assert.deepEqual(await check(), [0, 2, 'b']);
    for (const name of readdirSync(folder)) writeFileSync(path.join(folder, name), 'damaged');
    assert.deepEqual(await check(), [0, 2, 'b']);
    // Another model has a space of its own; the other's stays.
    assert.notEqual(userFolders(env()).index(workspace.root, 'another-model'), folder);
    assert.ok(existsSync(folder));
  });
});
