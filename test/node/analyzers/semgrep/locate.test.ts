import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type LocateOptions, locateSemgrep, MANAGED_MARKER, PINNED_VERSION } from '../../../../src/node/analyzers/semgrep/locate.ts';
import { fakeSemgrep } from './fake-semgrep.ts';
import { realSemgrep, SEMGREP } from './real.ts';

describe('finding Semgrep', function () {
  if (process.platform === 'win32') return;
  let folder: string;
  before(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-locate-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const look = (more: Partial<LocateOptions> = {}) => locateSemgrep({ setting: '', workspaceFolder: path.join(folder, 'none'), trusted: true, managedFolder: path.join(folder, 'none'), env: { PATH: '' }, ...more });
  const managed = async (name: string) => {
    const managedFolder = path.join(folder, name);
    await fakeSemgrep(path.join(managedFolder, PINNED_VERSION, 'bin'), {});
    return managedFolder;
  };

  it('starts the core that belongs to the launcher', async function () {
    const launch = await realSemgrep(this);
    assert.match(launch.command, /semgrep-core$/);
    assert.deepEqual([launch.argv0, launch.shown, launch.version], ['osemgrep', SEMGREP, PINNED_VERSION]);
  });
  it('finds that core through a link, too', async function () {
    await realSemgrep(this);
    const link = path.join(folder, 'link');
    await symlink(SEMGREP, link);
    assert.match((await look({ setting: link })).launch?.command ?? '', /semgrep-core$/);
  });
  it('takes the setting first', async () => {
    const inSetting = await fakeSemgrep(path.join(folder, 'setting'), { version: '1.100.0' });
    const inPath = path.dirname(await fakeSemgrep(path.join(folder, 'path0'), {}));
    const { launch } = await look({ setting: inSetting, env: { PATH: inPath } });
    assert.deepEqual([launch?.from, launch?.version, launch?.command], ['setting', '1.100.0', inSetting]);
  });
  it('looks for nothing else when the setting does not work', async () => {
    const inPath = path.dirname(await fakeSemgrep(path.join(folder, 'path1'), {}));
    const result = await look({ setting: path.join(folder, 'gone'), env: { PATH: inPath } });
    assert.ok(!result.launch);
    assert.match(result.reason, /gone does not exist/);
    assert.match(result.hint, /safenote\.analyzers\.semgrep\.path/);
  });
  it('reads ~ in the setting', async () => {
    await fakeSemgrep(path.join(folder, 'home/bin'), {});
    assert.equal((await look({ setting: '~/bin/semgrep', env: { HOME: path.join(folder, 'home'), PATH: '' } })).launch?.from, 'setting');
  });
  it('then the workspace, if it is trusted', async () => {
    const workspaceFolder = path.join(folder, 'workspace');
    await fakeSemgrep(path.join(workspaceFolder, 'venv/bin'), {});
    assert.equal((await look({ workspaceFolder })).launch?.from, 'workspace');
    const distrusted = await look({ workspaceFolder, trusted: false });
    assert.equal(distrusted.launch, undefined);
    assert.match(distrusted.tried.join('\n'), /not trusted/);
  });
  it('then PATH, but no relative entry of it', async () => {
    const inPath = path.dirname(await fakeSemgrep(path.join(folder, 'path2'), {}));
    assert.equal((await look({ env: { PATH: `/nowhere:${inPath}` } })).launch?.from, 'path');
    assert.equal((await look({ env: { PATH: path.relative(process.cwd(), inPath) } })).launch, undefined);
  });
  it('then its own copy, if its installation was finished', async () => {
    const managedFolder = await managed('managed');
    assert.equal((await look({ managedFolder })).launch, undefined);
    await writeFile(path.join(managedFolder, PINNED_VERSION, MANAGED_MARKER), '{}');
    assert.equal((await look({ managedFolder })).launch?.from, 'managed');
  });
  it('goes on when one does not work', async () => {
    const inPath = path.dirname(await fakeSemgrep(path.join(folder, 'old'), { version: '0.86.5' }));
    const managedFolder = await managed('managed2');
    await writeFile(path.join(managedFolder, PINNED_VERSION, MANAGED_MARKER), '{}');
    const result = await look({ env: { PATH: inPath }, managedFolder });
    assert.equal(result.launch?.from, 'managed');
    assert.match(result.tried.join('\n'), /0\.86\.5; 1\.90\.0 or newer is needed/);
  });
  it('says what is wrong with each kind of file', async () => {
    const script = async (name: string, text: string, mode = 0o755) => {
      const file = path.join(folder, name);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
      await chmod(file, mode);
      return file;
    };
    const reason = async (setting: string) => {
      const result = await look({ setting });
      return result.launch ? 'works' : result.reason;
    };
    if (process.getuid?.() !== 0) assert.match(await reason(await script('no-mode', '#!/bin/sh\n', 0o644)), /is not executable/);
    assert.match(await reason(await script('silent', '#!/bin/sh\nexit 0\n')), /does not say its version/);
    assert.match(await reason(await script('fails', '#!/bin/sh\necho broken >&2\nexit 3\n')), /ended with 3: broken/);
    assert.match(await reason(await script('no-program', '#!/nowhere/sh\n')), /could not be started/);
    assert.match(await reason(folder), /is not a file/);
  });
  it('says what it tried and how to get one, when there is none', async () => {
    const result = await look();
    assert.ok(!result.launch);
    assert.equal(result.reason, 'Semgrep is not installed');
    assert.match(result.hint, /Install Semgrep/);
    assert.equal(result.tried.length, 4);
  });
  it('can be aborted', async () => {
    const slow = path.join(folder, 'slow');
    await writeFile(slow, '#!/bin/sh\nsleep 30\n', { mode: 0o755 });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(look({ setting: slow, signal: abort.signal }), { name: 'AbortError' });
  });
});
