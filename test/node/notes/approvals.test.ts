import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Approvals, approvalHash } from '../../../src/node/notes/approvals.ts';
import { userFolders, workspaceKey } from '../../../src/node/user-folders.ts';
import { aNote } from './fixture.ts';

const hash = (n: number): string => n.toString(16).padStart(64, '0');

describe('approvals', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-approvals-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const open = (): Approvals => new Approvals({ file: path.join(folder, 'deep', 'a.txt'), workspaceFolder: '/home/ann/project' });

  it('are shared by all windows', async () => {
    const one = open();
    const two = open();
    assert.equal(two.hashes().size, 0);
    await one.add([hash(1)]);
    assert.deepEqual([...two.hashes()], [hash(1)]);
    await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).add([hash(i + 2)])));
    assert.equal(open().hashes().size, 21);
    await two.remove([hash(1), hash(99)]);
    assert.equal(one.hashes().has(hash(1)), false);
  });

  it('write nothing when there is nothing new', async () => {
    const one = open();
    await one.add([hash(1)]);
    const { ino } = statSync(one.file);
    await one.add([hash(1)]);
    await one.remove([hash(2)]);
    await one.add([]);
    assert.equal(statSync(one.file).ino, ino);
  });

  it('give the same set while nothing changes', async () => {
    const one = open();
    await one.add([hash(1)]);
    assert.equal(one.hashes(), one.hashes());
  });

  it('say for which folder they are, to the user alone', async () => {
    const one = open();
    await one.add([hash(1)]);
    assert.match(readFileSync(one.file, 'utf8'), /^# .*\/home\/ann\/project\n/);
    if (process.platform !== 'win32') assert.equal(statSync(one.file).mode & 0o077, 0);
  });

  it('ignore what is no hash', async () => {
    const one = open();
    await one.add([hash(1)]);
    writeFileSync(one.file, `${readFileSync(one.file, 'utf8')}all\n*\n${hash(2).slice(1)}\n ${hash(3)}\n`);
    assert.deepEqual([...one.hashes()], [hash(1)]);
  });

  it('approve nothing when the file is a folder', () => {
    assert.equal(new Approvals({ file: folder, workspaceFolder: '/x' }).hashes().size, 0);
  });

  it('know a note by what can reach a prompt', () => {
    assert.match(approvalHash(aNote()), /^[0-9a-f]{64}$/);
    assert.equal(approvalHash(aNote({ frequency: 9, id: 'x', status: 'muted' })), approvalHash(aNote()));
    assert.notEqual(approvalHash(aNote({ guidance: 'x' })), approvalHash(aNote()));
  });
});

describe("the user's folders", () => {
  it('lie where the environment says', () => {
    const folders = userFolders({ SAFENOTE_HOME: '/tmp/some home' });
    assert.equal(folders.data, path.resolve('/tmp/some home'));
    for (const place of [folders.models, folders.semgrep, folders.approvals('/w'), folders.index('/w', 'm')]) assert.ok(place.startsWith(folders.data + path.sep), place);
  });

  it('lie outside every repository by default', () => {
    assert.ok(path.isAbsolute(userFolders({}).data));
  });

  it('are one for each workspace, and one for each embedder', () => {
    const folders = userFolders({ SAFENOTE_HOME: '/tmp/h' });
    assert.notEqual(folders.approvals('/a/project'), folders.approvals('/b/project'));
    assert.equal(folders.approvals('/a/project/'), folders.approvals('/a/project'));
    assert.notEqual(folders.index('/a', 'm1'), folders.index('/a', 'm2'));
    assert.equal(path.basename(folders.index('/a', '../../etc/x')), '..-..-etc-x');
    assert.match(workspaceKey('/a/my project ü'), /^my-project--[0-9a-f]{16}$/);
  });
});
