/**
 * Finding Semgrep. In this order; the first that works is used:
 *  1. The setting `safenote.analyzers.semgrep.path` (or SAFENOTE_SEMGREP). What it names must work: nothing else is tried.
 *  2. A virtual environment of the workspace, `.venv` or `venv`, if the workspace is trusted.
 *  3. PATH.
 *  4. The copy that SafeNote installed.
 * Wherever `semgrep` is found, the `semgrep-core` that belongs to it is started directly: its Python launcher would add
 * 0.25 s to every start. Where that cannot be found (and on Windows), the launcher is used.
 */
import { existsSync } from 'node:fs';
import { access, constants, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import semver from 'semver';
import { messageOf } from '../../../core/errors.ts';
import { type Logger, SILENT } from '../../../core/log.ts';
import { run } from '../../process/run.ts';
import { type SemgrepLaunch, semgrepEnvironment } from './launch.ts';

/** The version that SafeNote is tested with and installs. */
export const PINNED_VERSION = '1.182.0';
/** Older ones have neither the server nor the command line that is used here. */
export const OLDEST_VERSION = '1.90.0';

export interface LocateOptions {
  /** A path, `~` allowed; empty where the user set none. */
  readonly setting: string;
  readonly workspaceFolder: string;
  readonly trusted: boolean;
  /** Folder of the copies that SafeNote installs. */
  readonly managedFolder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log?: Logger;
  readonly signal?: AbortSignal;
}

export type Located = {
  /** One line for each place that was looked at. */
  readonly tried: readonly string[];
} & ({ readonly launch: SemgrepLaunch } | { readonly launch?: undefined; readonly reason: string; readonly hint: string });

/** Written last into a copy that SafeNote installs; without it the installation was cut short. */
export const MANAGED_MARKER = 'safenote-installed.json';

const WINDOWS = process.platform === 'win32';
const EXECUTABLE = WINDOWS ? 'semgrep.exe' : 'semgrep';
const CORE = WINDOWS ? 'semgrep-core.exe' : 'semgrep-core';
const BIN = WINDOWS ? 'Scripts' : 'bin';
const INSTALL_HINT = 'Run "SafeNote: Install Semgrep" (safenote doctor says what was tried), or name an installed one in the setting safenote.analyzers.semgrep.path or in SAFENOTE_SEMGREP.';

/** Where the copy that SafeNote installs has its launcher. */
export function managedLauncher(managedFolder: string): string {
  return path.join(managedFolder, PINNED_VERSION, BIN, EXECUTABLE);
}

/** Looks for a Semgrep that works. Rejects only when `signal` aborts. */
export async function locateSemgrep(options: LocateOptions): Promise<Located> {
  const log = options.log ?? SILENT;
  const tried: string[] = [];
  const say = (line: string) => {
    tried.push(line);
    log.debug(`Semgrep: ${line}`);
  };

  if (options.setting.trim() !== '') {
    const named = expandHome(options.setting.trim(), options.env);
    const result = await probe(named, 'setting', options.signal);
    say(`setting: ${named}: ${typeof result === 'string' ? result : result.version}`);
    if (typeof result !== 'string') return { launch: result, tried };
    return { tried, reason: `the Semgrep named in the settings cannot be used: ${named} ${result}`, hint: 'Correct safenote.analyzers.semgrep.path (or SAFENOTE_SEMGREP), or leave it empty to let SafeNote look for one.' };
  }

  let unusable: string | undefined;
  for (const { from, place } of await candidates(options, say)) {
    const result = await probe(place, from, options.signal);
    say(`${from}: ${place}: ${typeof result === 'string' ? result : result.version}`);
    if (typeof result !== 'string') {
      log.info(`Semgrep ${result.version} is used, from ${result.shown}.`);
      return { launch: result, tried };
    }
    unusable ??= `${place} ${result}`;
  }
  return { tried, reason: unusable ? `no usable Semgrep: ${unusable}` : 'Semgrep is not installed', hint: INSTALL_HINT };
}

async function candidates(options: LocateOptions, say: (line: string) => void): Promise<{ from: SemgrepLaunch['from']; place: string }[]> {
  const found: { from: SemgrepLaunch['from']; place: string }[] = [];
  if (!options.trusted) say('workspace: not looked at, it is not trusted');
  else if (options.workspaceFolder) {
    for (const folder of ['.venv', 'venv']) {
      const place = path.join(options.workspaceFolder, folder, BIN, EXECUTABLE);
      if (existsSync(place)) found.push({ from: 'workspace', place });
      else say(`workspace: ${place}: not there`);
    }
  }
  const inPath = (options.env['PATH'] ?? options.env['Path'] ?? '')
    .split(path.delimiter)
    // A relative entry would be looked up in whatever folder this process happens to stand in.
    .filter((entry) => path.isAbsolute(entry))
    .map((entry) => path.join(entry, EXECUTABLE))
    .filter((place) => existsSync(place));
  if (inPath[0]) found.push({ from: 'path', place: inPath[0] });
  else say(`path: no ${EXECUTABLE} in any folder of PATH`);
  const managed = managedLauncher(options.managedFolder);
  if (existsSync(managed) && existsSync(path.join(options.managedFolder, PINNED_VERSION, MANAGED_MARKER))) found.push({ from: 'managed', place: managed });
  else say(`managed: ${managed}: not there`);
  return found;
}

/** How to start what is at `place`, or what is wrong with it. */
async function probe(place: string, from: SemgrepLaunch['from'], signal: AbortSignal | undefined): Promise<SemgrepLaunch | string> {
  const kind = await stat(place).catch(() => undefined);
  if (!kind) return 'does not exist';
  if (!kind.isFile()) return 'is not a file; name the program itself';
  try {
    await access(place, constants.X_OK);
  } catch {
    return 'is not executable';
  }
  const core = WINDOWS ? undefined : await coreOf(place);
  const command = core ?? place;
  let output: string;
  try {
    const result = await run(command, [core ? '-version' : '--version'], { env: semgrepEnvironment(), timeoutMs: 20_000, maxOutputBytes: 100_000, ...(signal ? { signal } : {}) });
    if (result.timedOut) return 'did not answer within 20 s';
    output = `${result.stdout}\n${result.stderr}`;
    if (result.code !== 0) return `ended with ${result.code ?? result.signal}: ${lastLine(output)}`;
  } catch (error) {
    signal?.throwIfAborted();
    return messageOf(error);
  }
  const version = /\b(\d+\.\d+\.\d+)\b/.exec(output)?.[1];
  if (!version) return 'does not say its version; it is no Semgrep';
  if (semver.lt(version, OLDEST_VERSION)) return `is version ${version}; ${OLDEST_VERSION} or newer is needed`;
  return { command, ...(core ? { argv0: 'osemgrep' } : {}), shown: place, version, from };
}

/** The `semgrep-core` that belongs to a launcher, or the file itself where it is one. */
async function coreOf(launcher: string): Promise<string | undefined> {
  const real = await realpath(launcher).catch(() => launcher);
  if (path.basename(real) === CORE) return real;
  const folders = new Set([path.dirname(real), path.dirname(launcher)]);
  const roots = new Set([...folders].map((folder) => path.dirname(folder)));
  const python = await shebang(real);
  if (python) roots.add(path.dirname(path.dirname(python)));
  for (const root of roots) {
    for (const lib of ['lib', 'lib64']) {
      const names = await readdir(path.join(root, lib)).catch(() => []);
      for (const name of names.filter((n) => n.startsWith('python'))) {
        for (const packages of ['site-packages', 'dist-packages']) folders.add(path.join(root, lib, name, packages, 'semgrep', 'bin'));
      }
    }
  }
  for (const folder of folders) {
    const core = path.join(folder, CORE);
    if (existsSync(core)) return core;
  }
  return undefined;
}

/** The interpreter that a script names in its first line. */
async function shebang(script: string): Promise<string | undefined> {
  const file = await open(script).catch(() => undefined);
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return /^#!\s*(\/[^\s]+)/.exec(buffer.toString('utf8', 0, bytesRead))?.[1];
  } finally {
    await file.close();
  }
}

function expandHome(place: string, env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] ?? env['USERPROFILE'];
  return home && /^~[\\/]/.test(place) ? path.join(home, place.slice(2)) : place;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
}
