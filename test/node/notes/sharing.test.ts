import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Note } from '../../../src/core/notebook/note.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { NoteAuthors } from '../../../src/node/notes/authors.ts';
import { NoteConflicts } from '../../../src/node/notes/conflicts.ts';
import { FileNoteStore, GITIGNORE } from '../../../src/node/notes/file-note-store.ts';
import { WorkspaceGit } from '../../../src/node/notes/git.ts';
import { NoteSharing } from '../../../src/node/notes/sharing.ts';
import { userFolders } from '../../../src/node/user-folders.ts';
import { Workspace, aNote } from './fixture.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const cliFile = path.join(root, 'dist/cli.js');
const SECRET = 'AKIA' + 'QWERTYUIOPASDFGH'.replace(/[01]/g, 'A');
/** Git without anybody's own configuration. */
const gitEnv = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };

describe('sharing notes', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let store: FileNoteStore;

  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
    store = workspace.store();
  });
  afterEach(() => workspace.dispose());

  const git = (args: string[], o: { who?: string; cwd?: string; fails?: boolean } = {}): string => {
    const [name, email] = o.who === undefined ? ['Ann', 'ann@example.org'] : [o.who, `${o.who.toLowerCase()}@example.org`];
    const done = spawnSync('git', ['-c', `user.name=${name}`, '-c', `user.email=${email}`, '-c', 'init.defaultBranch=main', ...args], { cwd: o.cwd ?? workspace.root, env: gitEnv, encoding: 'utf8' });
    if (!o.fails) assert.equal(done.status, 0, `git ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  const parts = (folder = workspace.root, of = store) => {
    const wg = new WorkspaceGit({ workspaceFolder: folder, trusted: () => true, env: gitEnv });
    return {
      git: wg,
      sharing: new NoteSharing({ workspaceFolder: folder, store: of, git: wg, driverFolder: path.join(workspace.folder, 'home', "merge driver's"), runtime: process.execPath, assetsRoot: path.join(root, 'dist') }),
      authors: new NoteAuthors({ store: of, git: wg }),
      conflicts: new NoteConflicts({ store: of, git: wg }),
    };
  };
  const cli = (args: string[]) => {
    const done = spawnSync(process.execPath, [cliFile, ...args, '--json', '--workspace', workspace.root], { env: { ...gitEnv, SAFENOTE_HOME: path.join(workspace.folder, 'cli-home') }, encoding: 'utf8' });
    return { code: done.status, json: JSON.parse(done.stdout) as Record<string, unknown> & { error?: { code: string; message: string; hint: string } }, stderr: done.stderr };
  };
  const noteFile = (id = 'sql-injection-1') => workspace.file('notes', 'security', `${id}.md`);
  const untracked = () => git(['status', '--porcelain', '-uall']).split('\n').filter(Boolean).map((line) => line.slice(3)).sort();
  /** A second user of the same repository: a clone with a home of its own. */
  const edit = (change: Partial<Note>) => writeFileSync(noteFile(), formatNote({ ...aNote(), ...change }));

  it('shows Git the notes and nothing else, and takes them back exactly', async () => {
    git(['init', '-q']);
    await store.create(aNote());
    const { sharing } = parts();
    assert.deepEqual(untracked(), ['.safenote/.gitignore']);
    assert.equal((await sharing.plan()).shared, false);
    await sharing.share();
    assert.equal((await sharing.plan()).shared, true);
    assert.deepEqual(untracked(), ['.safenote/.gitattributes', '.safenote/.gitignore', '.safenote/notes/security/sql-injection-1.md']);
    await sharing.share();
    await sharing.stop();
    assert.equal(readFileSync(workspace.file('.gitignore'), 'utf8'), GITIGNORE);
    assert.deepEqual(untracked(), ['.safenote/.gitignore']);
  });

  it('names the rule of the repository that hides the notes all the same', async () => {
    git(['init', '-q']);
    writeFileSync(path.join(workspace.root, '.gitignore'), 'node_modules\n.safenote/\n');
    await store.create(aNote());
    assert.match((await parts().sharing.plan()).ignoredBy ?? '', /^\.gitignore:2: \.safenote\/$/);
  });

  it('takes secrets out first, of what it cannot read too, and keeps approvals', async () => {
    await store.create(aNote());
    const text = formatNote(aNote(), { keys: { reviewed: 'yes' }, preface: '', sections: [{ title: 'See also', body: `the key ${SECRET}` }] });
    writeFileSync(noteFile(), text);
    await store.approve(['sql-injection-1']);
    const { sharing } = parts();
    assert.deepEqual((await sharing.plan()).secrets, ['sql-injection-1']);
    assert.deepEqual(await sharing.share(), ['sql-injection-1']);
    assert.ok(!readFileSync(noteFile(), 'utf8').includes(SECRET));
    assert.match(readFileSync(noteFile(), 'utf8'), /redacted: aws access key/);
    assert.equal((await store.get('sql-injection-1'))?.quarantined, false);

    await sharing.stop();
    writeFileSync(noteFile('broken'), `no note, but ${SECRET}`);
    await assert.rejects(sharing.share(), { code: 'secret-in-file' });
    assert.equal(sharing.isShared(), false);
  });

  it('says what it would do, and does nothing, until it is confirmed on the command line', async () => {
    git(['init', '-q']);
    await store.create(aNote());
    const asked = cli(['notebook', 'share']);
    assert.deepEqual([asked.code, asked.json.error?.code], [2, 'not-confirmed']);
    assert.match(asked.json.error?.message ?? '', /1 note becomes visible to everybody/);
    assert.equal(readFileSync(workspace.file('.gitignore'), 'utf8'), GITIGNORE);
    const done = cli(['notebook', 'share', '--yes']);
    assert.deepEqual([done.code, done.json['files']], [0, ['.safenote/notes/security/sql-injection-1.md']]);
    assert.equal(cli(['notebook', 'share', '--stop']).code, 0);
    assert.equal(readFileSync(workspace.file('.gitignore'), 'utf8'), GITIGNORE);
  });

  describe('with others', () => {
    /** Ann's notebook is shared and committed. */
    beforeEach(async () => {
      git(['init', '-q']);
      await store.create(aNote());
      await parts().sharing.share();
      git(['add', '-A']);
      git(['commit', '-qm', 'notes']);
    });

    it('merges by section with the driver that sharing installs, through spaces and quotes in its path', async () => {
      await parts().sharing.installMergeDriver();
      git(['checkout', '-qb', 'bob']);
      edit({ frequency: 4, tasks: ['Find a user by name', 'Find an order'], guidance: 'Bind values.\nAlso in ORDER BY.' });
      git(['commit', '-qam', 'bob'], { who: 'Bob' });
      git(['checkout', '-q', 'main']);
      await store.modify('sql-injection-1', (note) => ({ ...note, frequency: 3, title: 'Another title', tasks: [...note.tasks, 'Find an item'] }));
      git(['commit', '-qam', 'ann']);
      git(['merge', '-q', '--no-edit', 'bob']);
      const merged = await store.get('sql-injection-1');
      assert.deepEqual([merged?.note.frequency, merged?.note.title, merged?.note.tasks.length, merged?.note.guidance, merged?.quarantined], [6, 'Another title', 3, 'Bind values.\nAlso in ORDER BY.', true]);
    });

    it('leaves both versions of what does not go together, sets the note aside, and resolves it by a word', async () => {
      await parts().sharing.installMergeDriver();
      git(['checkout', '-qb', 'bob']);
      edit({ guidance: 'Use an ORM.' });
      git(['commit', '-qam', 'bob'], { who: 'Bob' });
      git(['checkout', '-q', 'main']);
      await store.modify('sql-injection-1', (note) => ({ ...note, guidance: 'Bind values, always.' }));
      git(['commit', '-qam', 'ann']);
      git(['merge', '-q', '--no-edit', 'bob'], { fails: true });
      const { notes, setAside } = await store.load();
      // Whoever had read it goes on with the last good version.
      assert.deepEqual(notes.map(({ note }) => note.guidance), ['Bind values, always.']);
      assert.match(setAside[0]?.reason ?? '', /a merge left two versions/);
      assert.match(readFileSync(noteFile(), 'utf8'), /Bind values, always\.[^]*Use an ORM\./);
      const open = cli(['notebook', 'resolve']);
      assert.deepEqual([open.code, (open.json['open'] as { parts: string[] }[])[0]?.parts], [1, ['Guidance']]);
      assert.equal(cli(['notebook', 'resolve', '--theirs']).code, 0);
      assert.equal((await store.get('sql-injection-1'))?.note.guidance, 'Use an ORM.');
      assert.equal(cli(['notebook', 'resolve']).code, 0);
    });

    it("resolves what Git's own merge left, with the base that Git still knows", async () => {
      rmSync(workspace.file('.gitattributes'));
      git(['checkout', '-qb', 'bob']);
      edit({ frequency: 4, tasks: ['Find a user by name', 'Find an order'], updated: '2026-03-01T00:00:00.000Z' });
      git(['commit', '-qam', 'bob'], { who: 'Bob' });
      git(['checkout', '-q', 'main']);
      await store.modify('sql-injection-1', (note) => ({ ...note, frequency: 3, tasks: [...note.tasks, 'Find an item'], updated: '2026-02-01T00:00:00.000Z' }));
      git(['commit', '-qam', 'ann']);
      git(['merge', '-q', '--no-edit', 'bob'], { fails: true });
      const { conflicts } = parts();
      const [file] = await conflicts.files();
      assert.deepEqual(await conflicts.resolve(file!), { file, open: [] });
      const { note } = (await store.get('sql-injection-1'))!;
      assert.deepEqual([note.frequency, note.updated, [...note.tasks].sort()], [6, '2026-03-01T00:00:00.000Z', ['Find a user by name', 'Find an item', 'Find an order']]);
    });

    it('falls back to lines for what is no note, and where SafeNote is gone', async () => {
      await parts().sharing.installMergeDriver();
      writeFileSync(noteFile('odd'), 'one\ntwo\nthree\n');
      git(['add', '-A']);
      git(['commit', '-qm', 'odd']);
      const round = (name: string) => {
        git(['checkout', '-qb', name]);
        writeFileSync(noteFile('odd'), readFileSync(noteFile('odd'), 'utf8').replace('three', `three ${name}`));
        git(['commit', '-qam', name]);
        git(['checkout', '-q', 'main']);
        writeFileSync(noteFile('odd'), `${name}\n${readFileSync(noteFile('odd'), 'utf8')}`);
        git(['commit', '-qam', `main ${name}`]);
        git(['merge', '-q', '--no-edit', name]);
      };
      round('a');
      rmSync(path.join(workspace.folder, 'home', "merge driver's", 'merge-notes.cjs'));
      round('b');
      assert.equal(readFileSync(noteFile('odd'), 'utf8'), 'b\na\none\ntwo\nthree b a\n');
      await parts().sharing.stop();
      assert.equal(spawnSync('git', ['config', '--local', '--get-regexp', 'merge.safenote'], { cwd: workspace.root, env: gitEnv }).status, 1);
    });

    it('approves what is one author\'s alone, and not what others changed or what lies here uncommitted', async () => {
      for (const [id, who] of [['by-bob', 'Bob'], ['by-both', 'Bob'], ['by-eve', 'Eve'], ['touched', 'Bob']] as const) {
        writeFileSync(noteFile(id), formatNote(aNote({ id, guidance: id })));
        git(['add', '-A']);
        git(['commit', '-qm', id], { who });
      }
      writeFileSync(noteFile('by-both'), formatNote(aNote({ id: 'by-both', guidance: 'now by Eve' })));
      git(['commit', '-qam', 'eve'], { who: 'Eve' });
      writeFileSync(noteFile('touched'), formatNote(aNote({ id: 'touched', guidance: 'changed on disk' })));
      writeFileSync(noteFile('fresh'), formatNote(aNote({ id: 'fresh', guidance: 'never committed' })));
      const { authors } = parts();
      const ids = async (who: string) => (await authors.quarantinedBy(who)).map(({ note }) => note.id).sort();
      assert.deepEqual(await ids('bob@EXAMPLE.org'), ['by-bob']);
      assert.deepEqual(await ids('Eve'), ['by-eve']);
      await assert.rejects(authors.quarantinedBy('Mallory'), (error: Error & { hint?: string }) => /Bob <bob@example.org>, Eve <eve@example.org>/.test(error.hint ?? ''));
      // The command line has a home of its own here: for it everything is quarantined.
      assert.deepEqual(cli(['notebook', 'approve', '--author', 'Bob <bob@example.org>']).json['approved'], ['by-bob']);
      assert.equal(cli(['notebook', 'approve', '--author', 'Mallory']).code, 2);
      assert.equal(cli(['notebook', 'approve', '--all', '--author', 'Bob']).code, 2);
    });

    it('sees an author who changed a note in a merge only', async () => {
      writeFileSync(noteFile('by-bob'), formatNote(aNote({ id: 'by-bob', guidance: 'Bob wrote this.' })));
      git(['add', '-A']);
      git(['commit', '-qm', 'bob'], { who: 'Bob' });
      git(['checkout', '-qb', 'side', 'HEAD~1']);
      git(['commit', '-q', '--allow-empty', '-m', 'side']);
      git(['checkout', '-q', 'main']);
      git(['merge', '-q', '--no-commit', '--no-ff', 'side']);
      writeFileSync(noteFile('by-bob'), formatNote(aNote({ id: 'by-bob', guidance: 'Eve wrote this.' })));
      git(['add', '-A']);
      git(['commit', '-qm', 'merge'], { who: 'Eve' });
      const sources = await parts().authors.of((await store.load()).notes);
      assert.deepEqual(sources.get('by-bob')?.authors.toSorted(), ['Bob <bob@example.org>', 'Eve <eve@example.org>']);
    });

    it('goes by the origin of notes where there is no repository', async () => {
      rmSync(path.join(workspace.root, '.git'), { recursive: true });
      writeFileSync(noteFile('taken-in'), formatNote(aNote({ id: 'taken-in', guidance: 'x', origin: 'import' })));
      assert.deepEqual((await parts().authors.quarantinedBy('import')).map(({ note }) => note.id), ['taken-in']);
    });

    it('shows what changed since a note was approved', async () => {
      assert.equal(store.approvedText({ id: 'sql-injection-1', kind: 'security' }), readFileSync(noteFile(), 'utf8'));
      edit({ guidance: 'Bind values. Or not.' });
      assert.equal((await store.get('sql-injection-1'))?.quarantined, true);
      assert.match(store.approvedText({ id: 'sql-injection-1', kind: 'security' }) ?? '', /^Bind values\.$/m);
      await store.approve(['sql-injection-1']);
      assert.match(store.approvedText({ id: 'sql-injection-1', kind: 'security' }) ?? '', /Or not/);
      // On the command line: first never approved, then changed.
      assert.match(String(cli(['notebook', 'show', 'sql-injection-1', '--diff']).json['diff']), /never approved/);
      cli(['notebook', 'approve', '--all']);
      edit({ guidance: 'Bind values. Or else.' });
      assert.match(String(cli(['notebook', 'show', 'sql-injection-1', '--diff']).json['diff']), /^-Bind values\. Or not\.\n\+Bind values\. Or else\.$/m);
    });

    it('uses unapproved notes on a build server when told to, and approves none by that', () => {
      writeFileSync(path.join(workspace.root, 'user.py'), 'import sqlite3\n\ndef find(cursor, name):\n    ');
      const at = ['complete', path.join(workspace.root, 'user.py'), '--line', '4', '--column', '5', '--task', 'Find a user by name', '--dry-run'];
      const sent = (args: string[]) => JSON.stringify(cli(args).json['messages']).includes('Bind values.');
      assert.deepEqual([sent([...at, '--trust-notes']), sent(at)], [true, false]);
      assert.equal((cli(['notebook', 'list']).json['notes'] as { quarantined: boolean }[])[0]?.quarantined, true);
    });
  });
});

describe('a workspace folder that is moved', () => {
  let workspace: Workspace;
  beforeEach(() => {
    workspace = new Workspace();
    mkdirSync(workspace.root);
  });
  afterEach(() => workspace.dispose());

  const open = (folder: string) => new FileNoteStore({ workspaceFolder: folder, approvals: new Approvals({ file: userFolders({ SAFENOTE_HOME: path.join(workspace.folder, 'home') }).approvals(folder), workspaceFolder: folder }) });
  const quarantined = async (folder: string) => {
    const store = open(folder);
    try {
      return Object.fromEntries((await store.load()).notes.map(({ note, quarantined: it }) => [note.id, it]));
    } finally {
      store.dispose();
    }
  };

  it('takes its approvals along, and only for the texts that were approved', async () => {
    const store = open(workspace.root);
    await store.create(aNote());
    store.dispose();
    const moved = path.join(workspace.folder, 'moved');
    renameSync(workspace.root, moved);
    writeFileSync(path.join(moved, '.safenote/notes/security/b.md'), formatNote(aNote({ id: 'b', guidance: 'put there meanwhile' })));
    assert.deepEqual(await quarantined(moved), { 'sql-injection-1': false, b: true });
    // A copy goes its own way from then on.
    const copy = path.join(workspace.folder, 'copy');
    cpSync(moved, copy, { recursive: true });
    const there = open(copy);
    await there.approve(['b']);
    there.dispose();
    assert.deepEqual(await quarantined(copy), { 'sql-injection-1': false, b: false });
    assert.deepEqual(await quarantined(moved), { 'sql-injection-1': false, b: true });
  });

  it('gives a clone nothing: the name stays out of Git, and without it nothing is trusted', async () => {
    const store = open(workspace.root);
    await store.create(aNote());
    store.dispose();
    const options = { cwd: workspace.root, env: gitEnv, encoding: 'utf8' as const };
    execFileSync('git', ['init', '-q'], options);
    await new NoteSharing({ workspaceFolder: workspace.root, store, git: new WorkspaceGit({ workspaceFolder: workspace.root, trusted: () => true, env: gitEnv }), driverFolder: '', runtime: '', assetsRoot: '' }).share();
    execFileSync('git', ['add', '-A'], options);
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'x'], options);
    const clone = path.join(workspace.folder, 'clone');
    execFileSync('git', ['clone', '-q', workspace.root, clone], options);
    assert.equal(existsSync(path.join(clone, '.safenote/.id')), false);
    assert.deepEqual(await quarantined(clone), { 'sql-injection-1': true });
    // A made-up name, a link, or something large finds nothing either.
    for (const name of ['../../x', '0'.repeat(32), 'x'.repeat(100_000)]) {
      writeFileSync(path.join(clone, '.safenote/.id'), name);
      assert.deepEqual(await quarantined(clone), { 'sql-injection-1': true });
    }
  });
});
