import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run } from '../process/run.ts';
import type { BoxResult } from './box.ts';

export interface UnboxedRequest {
  /** Absolute real path of what is copied. */
  readonly workspace: string;
  readonly files: ReadonlyMap<string, string>;
  /** Names of folders that are not copied but linked. */
  readonly heavy: readonly string[];
  /** Names of folders that are left out. */
  readonly without: readonly string[];
  /** What to run, once it is known where the copy lies. */
  readonly start: (at: { readonly workspace: string; readonly tmp: string }) => { readonly cwd: string; readonly command: readonly string[]; readonly env: Readonly<Record<string, string>>; readonly report: readonly string[] };
  readonly timeMs: number;
  readonly signal: AbortSignal;
}

/** What a program needs of the environment on systems that have no sandbox. */
const NEEDED = ['SYSTEMROOT', 'SystemRoot', 'PATHEXT', 'COMSPEC', 'WINDIR', 'DYLD_LIBRARY_PATH', 'LD_LIBRARY_PATH'];

/**
 * Runs a command on a copy of the workspace, without a sandbox: the code can do what the user can. Only after the user
 * has agreed. The copy keeps tests off the user's files as far as they keep to their own folder.
 */
export async function runUnboxed(r: UnboxedRequest): Promise<BoxResult> {
  const base = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-copy-')));
  const workspace = path.join(base, 'workspace');
  const tmp = path.join(base, 'tmp');
  try {
    await mkdir(path.join(tmp, 'home'), { recursive: true });
    await copy(r, workspace);
    for (const [file, text] of r.files) await writeFile(path.join(workspace, path.relative(r.workspace, file)), text);
    const { cwd, command, env, report } = r.start({ workspace, tmp });
    const inherited = Object.fromEntries(NEEDED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    const [program = '', ...args] = command;
    const home = path.join(tmp, 'home');
    const result = await run(program, args, { cwd, env: { ...inherited, ...env, HOME: home, USERPROFILE: home, TMPDIR: tmp, TEMP: tmp, TMP: tmp }, timeoutMs: r.timeMs, signal: r.signal });
    const reports = await Promise.all((await Promise.all(report.map(matching))).flat().map((file) => readFile(file, 'utf8').catch(() => '')));
    // What a report says of the copy is said of the workspace.
    const renamed = (text: string) => text.split(workspace).join(r.workspace);
    return { code: result.code, output: renamed(result.stdout + result.stderr), report: renamed(reports.join('')), ...(result.timedOut ? { ended: 'time' as const } : {}), ms: result.ms };
  } finally {
    await rm(base, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  }
}

async function copy({ workspace: from, heavy, without, signal }: UnboxedRequest, to: string): Promise<void> {
  const linked: string[] = [];
  await cp(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => {
      signal.throwIfAborted();
      const name = path.basename(source);
      if (source === from) return true;
      if (name === '.git' || name === '.safenote' || without.includes(name)) return false;
      if (!heavy.includes(name)) return true;
      linked.push(source);
      return false;
    },
  });
  for (const source of linked) await symlink(source, path.join(to, path.relative(from, source)), 'junction').catch(() => undefined);
}

/** Files of a pattern whose last part may have stars. */
async function matching(pattern: string): Promise<string[]> {
  const folder = path.dirname(pattern);
  const name = new RegExp(`^${path.basename(pattern).split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
  const entries = await readdir(folder).catch(() => []);
  return entries.filter((entry) => name.test(entry)).sort().map((entry) => path.join(folder, entry));
}
