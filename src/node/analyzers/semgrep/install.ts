import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { ExpectedError } from '../../../core/errors.ts';
import { type Logger, SILENT } from '../../../core/log.ts';
import { run } from '../../process/run.ts';
import { locateSemgrep, managedLauncher, MANAGED_MARKER, PINNED_VERSION } from './locate.ts';

export interface InstallOptions {
  /** Folder of SafeNote's own copies, one folder a version. */
  readonly managedFolder: string;
  /** The build's output folder, with `semgrep-requirements.txt`. */
  readonly assetsRoot: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log?: Logger;
  /** What is going on, in a few words, and how far it is (0 to 1) as far as that is known. */
  readonly onProgress?: (message: string, fraction: number | undefined) => void;
}

export interface Installed {
  readonly path: string;
  readonly version: string;
  /** False when it was there already. */
  readonly fresh: boolean;
}

const WINDOWS = process.platform === 'win32';
const OLDEST_PYTHON = [3, 10] as const;
const PIP_TIMEOUT_MS = 15 * 60_000;
/** A window that crashed during an installation leaves its lock; it is believed no longer than this. */
const STALE_LOCK_MS = 30_000;
const LOCK_RETRY_MS = 1000;

/**
 * Installs the pinned Semgrep into a virtual environment of SafeNote's own: every package by version and sha256. Other
 * windows wait. What was begun is removed on failure and on abort; older copies are removed on success. Throws
 * `ExpectedError` `python-missing`, `semgrep-install`, or the signal's reason.
 */
export async function installSemgrep(options: InstallOptions): Promise<Installed> {
  const { managedFolder, signal } = options;
  const log = options.log ?? SILENT;
  const progress = options.onProgress ?? (() => {});
  signal.throwIfAborted();
  await mkdir(managedFolder, { recursive: true });
  const release = await acquire(managedFolder, signal, progress);
  try {
    const target = path.join(managedFolder, PINNED_VERSION);
    const requirements = path.join(options.assetsRoot, 'semgrep-requirements.txt');
    const wanted = createHash('sha256').update(await readFile(requirements)).digest('hex');
    if (await isInstalled(target, wanted)) {
      const works = await tryOut(options);
      if (works) return { path: works, version: PINNED_VERSION, fresh: false };
    }
    await rm(target, { recursive: true, force: true });
    try {
      const python = await findPython(options);
      progress(`Making a Python environment (${python.version})`, 0.05);
      await mustSucceed(python.command, [...python.args, '-m', 'venv', '--clear', target], options, 'a Python environment could not be made', VENV_HINT);
      await installPackages(target, requirements, options, log);
      progress('Trying it', 0.95);
      await writeFile(path.join(target, MANAGED_MARKER), JSON.stringify({ version: PINNED_VERSION, requirements: wanted }));
      const works = await tryOut(options);
      if (!works) throw new ExpectedError('semgrep-install', 'Semgrep was installed but does not start.', 'See the log of SafeNote for what was tried. On a platform without ready-made packages, install Semgrep yourself and name it in safenote.analyzers.semgrep.path.');
      await removeOthers(managedFolder, log);
      progress('Done', 1);
      return { path: works, version: PINNED_VERSION, fresh: true };
    } catch (error) {
      await rm(target, { recursive: true, force: true, maxRetries: 3 });
      throw error;
    }
  } finally {
    await release();
  }
}

const VENV_HINT = 'On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere install Python 3.10 or newer from python.org.';

async function acquire(folder: string, signal: AbortSignal, progress: (message: string, fraction: undefined) => void): Promise<() => Promise<void>> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const release = await lockfile.lock(folder, { stale: STALE_LOCK_MS, lockfilePath: path.join(folder, 'install.lock') });
      return () => release().catch(() => {});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      progress('Waiting for another window that installs Semgrep', undefined);
      await delay(LOCK_RETRY_MS, undefined, { signal });
    }
  }
}

/** The marker is written last: without it an installation was cut short. */
async function isInstalled(target: string, requirements: string): Promise<boolean> {
  const marker = await readFile(path.join(target, MANAGED_MARKER), 'utf8').catch(() => '');
  return marker.includes(requirements) && existsSync(managedLauncher(path.dirname(target)));
}

async function tryOut(options: InstallOptions): Promise<string | undefined> {
  const launcher = managedLauncher(options.managedFolder);
  const { launch } = await locateSemgrep({ setting: launcher, workspaceFolder: '', trusted: true, managedFolder: options.managedFolder, env: options.env, signal: options.signal, ...(options.log ? { log: options.log } : {}) });
  return launch?.version === PINNED_VERSION ? launcher : undefined;
}

async function findPython(options: InstallOptions): Promise<{ command: string; args: string[]; version: string }> {
  const candidates: [string, string[]][] = WINDOWS
    ? [['py', ['-3']], ['python', []], ['python3', []]]
    : [['python3', []], ['python3.14', []], ['python3.13', []], ['python3.12', []], ['python3.11', []], ['python3.10', []], ['python', []]];
  let seen = '';
  for (const [command, args] of candidates) {
    const probe = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])';
    const result = await run(command, [...args, '-c', probe], { env: pythonEnvironment(options.env), signal: options.signal, timeoutMs: 20_000 }).catch(() => undefined);
    options.signal.throwIfAborted();
    const [major, minor] = (result?.stdout.trim() ?? '').split('.').map(Number);
    if (result?.code === 0 && major !== undefined && minor !== undefined) {
      if (major > OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1])) return { command, args, version: `Python ${major}.${minor}` };
      seen ||= `${command} is Python ${major}.${minor}`;
    } else if (result && /No module named '?(venv|ensurepip)/.test(result.stderr)) seen ||= `${command} has no venv module`;
  }
  throw new ExpectedError('python-missing', `Semgrep needs Python ${OLDEST_PYTHON.join('.')} or newer with its venv module${seen ? `; ${seen}` : ', and none was found'}.`, VENV_HINT);
}

async function installPackages(target: string, requirements: string, options: InstallOptions, log: Logger): Promise<void> {
  const total = (await readFile(requirements, 'utf8')).match(/^[a-z0-9][^\s]*==/gim)?.length ?? 1;
  let collected = 0;
  let partial = '';
  const onOutput = (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) {
      const name = /^\s*Collecting ([^\s=;]+)/.exec(line)?.[1];
      if (name) options.onProgress?.(`Downloading ${name}`, 0.1 + (0.7 * ++collected) / total);
      else if (/^Installing collected/.test(line)) options.onProgress?.('Unpacking', 0.85);
    }
  };
  const python = path.join(target, WINDOWS ? 'Scripts/python.exe' : 'bin/python');
  log.info(`Installing Semgrep ${PINNED_VERSION} into ${target}.`);
  const args = ['-m', 'pip', 'install', '--require-hashes', '--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--progress-bar=off', '--requirement', requirements];
  await mustSucceed(python, args, options, 'pip could not install Semgrep', 'Check the network and proxy settings (pip uses HTTPS_PROXY and its own configuration). A hash that does not match means that the package was changed on its way: do not install it by other means from the same place.', onOutput);
}

async function mustSucceed(command: string, args: readonly string[], options: InstallOptions, what: string, hint: string, onOutput?: (text: string) => void): Promise<void> {
  const result = await run(command, args, { env: pythonEnvironment(options.env), signal: options.signal, timeoutMs: PIP_TIMEOUT_MS, ...(onOutput ? { onOutput } : {}) });
  if (result.code === 0) return;
  const lines = `${result.stdout}\n${result.stderr}`.trim().split('\n');
  const why = (lines.findLast((line) => /^\s*ERROR/.test(line)) ?? lines.at(-1) ?? '').trim().slice(0, 400);
  options.log?.error(`${what}: ${lines.slice(-20).join('\n')}`);
  throw new ExpectedError('semgrep-install', `${what.charAt(0).toUpperCase()}${what.slice(1)}${result.timedOut ? ' in time' : ''}: ${why}`, hint);
}

/** Without what would send the packages elsewhere than into the environment that was made for them. */
function pythonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PYTHONPATH: _path, PYTHONHOME: _home, PIP_TARGET: _target, PIP_PREFIX: _prefix, PIP_USER: _user, PIP_REQUIRE_VIRTUALENV: _venv, VIRTUAL_ENV: _active, ...rest } = env;
  return rest;
}

/** Removes copies of other versions. One that is in use on Windows stays until the next time. */
async function removeOthers(folder: string, log: Logger): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\d+\.\d+\.\d+$/.test(name) || name === PINNED_VERSION) continue;
    await rm(path.join(folder, name), { recursive: true, force: true }).then(
      () => log.info(`Removed Semgrep ${name}, which SafeNote had installed before.`),
      (error: unknown) => log.debug(`Semgrep ${name} could not be removed: ${String(error)}`),
    );
  }
}
