import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type InstallOptions, installSemgrep } from '../../../../src/node/analyzers/semgrep/install.ts';
import { locateSemgrep, managedLauncher, PINNED_VERSION } from '../../../../src/node/analyzers/semgrep/locate.ts';
import { run } from '../../../../src/node/process/run.ts';
import { fakeSemgrep } from './fake-semgrep.ts';

const REQUIREMENTS = 'semgrep==1.182.0 \\\n    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n';

describe('installing Semgrep', function () {
  if (process.platform === 'win32') return;
  this.timeout(60_000);
  let folder: string;
  let n = 0;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-install-'));
    await mkdir(path.join(folder, 'assets'));
    await writeFile(path.join(folder, 'assets/semgrep-requirements.txt'), REQUIREMENTS);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A Python that does what `venv` and `pip` do, as far as it is seen from outside. */
  const fakePython = async (pip: string, version = '3.12') => {
    const bin = path.join(folder, `python${n++}`);
    await mkdir(bin);
    const semgrep = await fakeSemgrep(path.join(bin, 'made'), { version: PINNED_VERSION });
    const file = path.join(bin, 'python3');
    await writeFile(file, `#!/bin/sh
PATH=/usr/bin:/bin
echo "$*" >> ${bin}/asked
case "$*" in
  "-c "*) echo ${version} ;;
  *"-m venv --clear "*) for target; do :; done; mkdir -p "$target/bin" && cp "$0" "$target/bin/python" ;;
  *"-m pip install"*) ${pip} ;;
  *"make semgrep"*) ;;
esac
`);
    await chmod(file, 0o755);
    return { bin, semgrep };
  };
  const good = async () => {
    const python = await fakePython('echo "Collecting semgrep==1.182.0"; echo "Installing collected packages: semgrep"; cp "$(dirname "$0")/../../../SEMGREP" "$(dirname "$0")/semgrep"');
    return python;
  };
  const options = (managed: string, bin: string, more: Partial<InstallOptions> = {}): InstallOptions => ({ managedFolder: path.join(folder, managed), assetsRoot: path.join(folder, 'assets'), env: { PATH: bin, HOME: folder }, signal: new AbortController().signal, ...more });
  /** Where the fake pip takes its program from. */
  const prepare = async (managed: string, semgrep: string) => {
    await mkdir(path.join(folder, managed), { recursive: true });
    await writeFile(path.join(folder, managed, '../SEMGREP'), await readFile(semgrep), { mode: 0o755 });
  };

  it('makes an environment, installs by hash, and is found afterwards', async () => {
    const { bin, semgrep } = await good();
    await prepare('managed', semgrep);
    const said: string[] = [];
    const installed = await installSemgrep(options('managed', bin, { onProgress: (message) => said.push(message) }));
    assert.deepEqual(installed, { path: managedLauncher(path.join(folder, 'managed')), version: PINNED_VERSION, fresh: true });
    assert.deepEqual(said, ['Making a Python environment (Python 3.12)', 'Downloading semgrep', 'Unpacking', 'Trying it', 'Done']);
    const asked = await readFile(path.join(bin, 'asked'), 'utf8');
    assert.match(asked, /-m venv --clear/);
    const { launch } = await locateSemgrep({ setting: '', workspaceFolder: '', trusted: true, managedFolder: path.join(folder, 'managed'), env: { PATH: '' } });
    assert.deepEqual([launch?.from, launch?.version], ['managed', PINNED_VERSION]);
  });

  it('does nothing when it is there already', async () => {
    const { bin } = await fakePython('exit 1');
    const installed = await installSemgrep(options('managed', bin));
    assert.equal(installed.fresh, false);
    assert.equal(existsSync(path.join(bin, 'asked')), false);
  });

  it('installs again what was cut short, and removes other versions', async () => {
    const { bin, semgrep } = await good();
    await prepare('again', semgrep);
    await mkdir(path.join(folder, 'again', PINNED_VERSION, 'bin'), { recursive: true });
    await mkdir(path.join(folder, 'again', '1.100.0'));
    await mkdir(path.join(folder, 'again', 'something-else'));
    assert.equal((await installSemgrep(options('again', bin))).fresh, true);
    assert.deepEqual((await readdir(path.join(folder, 'again'))).sort(), [PINNED_VERSION, 'something-else'].sort());
  });

  it('leaves nothing behind when pip fails, and says why', async () => {
    const { bin } = await fakePython('echo "ERROR: Could not find a version that satisfies the requirement" >&2; exit 1');
    await assert.rejects(installSemgrep(options('fails', bin)), { code: 'semgrep-install', message: /Pip could not install Semgrep: ERROR: Could not find a version/ });
    assert.deepEqual(await readdir(path.join(folder, 'fails')), []);
  });

  it('leaves nothing behind when what was installed does not work', async () => {
    const { bin } = await fakePython('printf "#!/bin/sh\\nexit 7\\n" > "$(dirname "$0")/semgrep"; chmod +x "$(dirname "$0")/semgrep"');
    await assert.rejects(installSemgrep(options('broken', bin)), { code: 'semgrep-install', message: /does not start/ });
    assert.deepEqual(await readdir(path.join(folder, 'broken')), []);
  });

  it('leaves nothing behind when it is aborted', async () => {
    const { bin } = await fakePython('sleep 30');
    const abort = new AbortController();
    const installing = installSemgrep(options('aborted', bin, { signal: abort.signal }));
    for (let tries = 0; tries < 200 && !(await readFile(path.join(bin, 'asked'), 'utf8').catch(() => '')).includes('pip install'); tries++) await delay(20);
    abort.abort();
    await assert.rejects(installing, { name: 'AbortError' });
    assert.deepEqual(await readdir(path.join(folder, 'aborted')), []);
  });

  it('waits for another window, which does the work once', async () => {
    const { bin, semgrep } = await good();
    await prepare('two', semgrep);
    const said: string[] = [];
    const both = await Promise.all([installSemgrep(options('two', bin)), installSemgrep(options('two', bin, { onProgress: (message) => said.push(message) }))]);
    assert.deepEqual(both.map((i) => i.fresh).sort(), [false, true]);
    assert.equal((await readFile(path.join(bin, 'asked'), 'utf8')).split('\n').filter((l) => l.includes('pip install')).length, 1);
  });

  it('needs a Python that is new enough and has venv', async () => {
    const old = await fakePython('', '3.8');
    await assert.rejects(installSemgrep(options('old', old.bin)), { code: 'python-missing', message: /python3 is Python 3\.8/ });
    await mkdir(path.join(folder, 'empty'));
    await assert.rejects(installSemgrep(options('old', path.join(folder, 'empty'))), { code: 'python-missing', hint: /python3-venv/ });
  });

  it('refuses a package whose hash is another', async function () {
    const python = await run('python3', ['-c', 'import venv, ensurepip, pip; print("yes")']).catch(() => undefined);
    if (python?.stdout.trim() !== 'yes') this.skip();
    const links = path.join(folder, 'links');
    await mkdir(path.join(links, 'semgrep-1.182.0.dist-info'), { recursive: true });
    await writeFile(path.join(links, 'semgrep-1.182.0.dist-info/METADATA'), 'Metadata-Version: 2.1\nName: semgrep\nVersion: 1.182.0\n');
    await writeFile(path.join(links, 'semgrep-1.182.0.dist-info/WHEEL'), 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n');
    await writeFile(path.join(links, 'semgrep-1.182.0.dist-info/RECORD'), '');
    const wheel = 'semgrep-1.182.0-py3-none-any.whl';
    const zipped = await run('python3', ['-m', 'zipfile', '-c', wheel, 'semgrep-1.182.0.dist-info'], { cwd: links });
    assert.equal(zipped.code, 0, zipped.stderr);
    const env = { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: links };
    const attempt = () => installSemgrep({ ...options('hashes', ''), env });
    await assert.rejects(attempt(), { code: 'semgrep-install', message: /hash/i });
    assert.deepEqual(await readdir(path.join(folder, 'hashes')), []);
    // With its own hash the same package goes through pip, and is then found to be no Semgrep.
    const sha = createHash('sha256').update(await readFile(path.join(links, wheel))).digest('hex');
    await writeFile(path.join(folder, 'assets/semgrep-requirements.txt'), REQUIREMENTS.replace(/0{64}/, sha));
    await assert.rejects(attempt(), { code: 'semgrep-install', message: /does not start/ });
    await writeFile(path.join(folder, 'assets/semgrep-requirements.txt'), REQUIREMENTS);
  });
});
