import { existsSync, realpathSync } from 'node:fs';
import { access, constants as fsConstants, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run, type RunResult } from '../process/run.ts';
import { watch } from './watchdog.ts';

export interface BoxLimits {
  readonly timeMs: number;
  readonly memoryBytes: number;
  /** What a process may map, where that is more than it uses: a sanitizer maps terabytes that it never touches. */
  readonly mappedBytes?: number;
  readonly processes: number;
  /** Size of what can be written, in bytes; it lies in memory. */
  readonly writableBytes: number;
}

export interface BoxRequest {
  /** Absolute real path; visible at this path, read-only or as a copy. */
  readonly workspace: string;
  /** Absolute path inside the workspace → its text inside the box. The files exist. */
  readonly files: ReadonlyMap<string, string>;
  /** Where the command starts. */
  readonly cwd: string;
  readonly command: readonly string[];
  /** The whole environment, but for HOME and TMPDIR. */
  readonly env: Readonly<Record<string, string>>;
  /** Programs and caches outside the workspace that the command needs, read-only. */
  readonly tools: readonly string[];
  /**
   * `copy`: the workspace can be written to, without a change of the original: under a layer in memory where the system has
   * such, else as a copy in which `heavy` folders stay read-only.
   */
  readonly workspaceAs: 'readOnly' | 'copy';
  /** Names of folders that are bound read-only instead of copied. */
  readonly heavy?: readonly string[];
  /** Names of folders that a copy does not have. */
  readonly without?: readonly string[];
  /** Folders inside the workspace that are writable copies of themselves, in `readOnly`. */
  readonly copied?: readonly string[];
  /** Shell patterns of files whose contents become `report`, read after the command has ended. */
  readonly report?: readonly string[];
  readonly limits: BoxLimits;
  readonly signal: AbortSignal;
}

export interface BoxResult {
  readonly code: number | null;
  /** What the command wrote, both streams. */
  readonly output: string;
  readonly report: string;
  /** Why it was ended before its time. */
  readonly ended?: 'time' | 'memory' | 'processes';
  readonly ms: number;
}

export type BoxState = { readonly available: true; readonly program: string; readonly version: string } | { readonly available: false; readonly reason: string };

/** Folders of the system that hold programs and libraries; of `/etc` only what these need, never accounts or keys. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/opt', '/nix/store'];
const SYSTEM_SETTINGS = ['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives', 'nsswitch.conf', 'localtime', 'timezone', 'mime.types', 'java-8-openjdk', 'java-11-openjdk', 'java-17-openjdk', 'java-21-openjdk', 'java-25-openjdk', 'maven', 'gradle', 'ssl/certs', 'ssl/openssl.cnf', 'python3'];
const HOME = '/tmp/home';
const ORIGIN = '/run/safenote/workspace';
const CANDIDATES = '/run/safenote/files';

/**
 * Copies where it has to, limits, runs, and hands the report out on stdout. Everything the command writes itself goes to
 * stderr. $1: origin or empty, $2: workspace, $3: report patterns, one a line, $4: most processes, $5: tar exclusions,
 * one a line, $6: where the command starts, $7: folders to copy from the origin, one a line. Root of a namespace is exempt from the limit on processes, but not from the highest number of one.
 */
const SCRIPT = `
mkdir -p ${HOME}
if [ "$(id -u)" = 0 ]; then { echo "$(($4 > 301 ? $4 : 301))" > /proc/sys/kernel/pid_max; } 2>/dev/null; fi
newline='
'
if [ -n "$7" ]; then
  IFS=$newline; for f in $7; do cp -a "$1/$f/." "$2/$f"; done; unset IFS
elif [ -n "$1" ]; then
  printf '%s\\n' "$5" > /tmp/.exclude
  tar -C "$1" --exclude-from=/tmp/.exclude -cf - . | tar -C "$2" -xf - 2>/dev/null
  rm -f /tmp/.exclude
fi
[ -d ${CANDIDATES} ] && cp -R ${CANDIDATES}/. "$2"/
report="$3"; cd "$6" || exit 125
shift 7
"$@" >&2 </dev/null
code=$?
IFS=$newline; for f in $report; do [ -f "$f" ] && cat "$f"; done
exit $code
`;

/**
 * Lays a writable layer in memory over the workspace, seen by nobody else, and starts the box in it. $1: where, $2: the
 * workspace, $3: size, $4: further options. What follows is the command of the box.
 */
const LAYER = `
mount -t tmpfs -o "size=$3,mode=755" tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/all" || exit 125
mount -t overlay -o "lowerdir=$2,upperdir=$1/up,workdir=$1/work$4" overlay "$1/all" || exit 125
shift 4
exec "$@"
`;

/** A place where code that nobody has read can run: no network, no home folder, nothing of the user's to change. */
export class Sandbox {
  private found: Promise<BoxState> | undefined;
  private layered: Promise<boolean> | undefined;
  private readonly env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = process.env, options: { /** False: copies are made file by file also where there are layers. */ layers?: boolean } = {}) {
    this.env = env;
    if (options.layers === false) this.layered = Promise.resolve(false);
  }

  /** Whether there is one on this system; tried once, with a real box. */
  state(): Promise<BoxState> {
    this.found ??= this.probe();
    return this.found;
  }

  private async probe(): Promise<BoxState> {
    if (process.platform !== 'linux') return { available: false, reason: `there is no sandbox for ${process.platform === 'darwin' ? 'macOS' : process.platform}; tests are run on Linux with bubblewrap only` };
    const program = await onPath('bwrap', this.env);
    if (!program) return { available: false, reason: 'bubblewrap is not installed (Debian and Ubuntu: apt install bubblewrap), and without it no test is run' };
    try {
      const version = await run(program, ['--version'], { timeoutMs: 5_000 });
      const tried = await run(program, [...ISOLATION, ...systemBinds(), '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', 'true'], { timeoutMs: 5_000 });
      if (tried.code !== 0) return { available: false, reason: `bubblewrap cannot make a sandbox here: ${tried.stderr.trim().split('\n')[0] ?? ''}` };
      return { available: true, program, version: version.stdout.trim() };
    } catch (error) {
      return { available: false, reason: `bubblewrap cannot be started: ${(error as Error).message}` };
    }
  }

  /** Whether a layer can be laid over a folder here; tried once. Where it cannot, a workspace is copied file by file. */
  private layers(): Promise<boolean> {
    this.layered ??= (async () => {
      if (!UNSHARE) return false;
      const scratch = await mkdtemp(path.join(os.tmpdir(), 'safenote-box-'));
      try {
        await mkdir(path.join(scratch, 'layer'));
        await writeFile(path.join(scratch, 'file'), 'x');
        const tried = await run(UNSHARE, layerArguments(path.join(scratch, 'layer'), scratch, MB, ['/bin/sh', '-c', 'echo y > "$0/file" && rm "$0/file"', path.join(scratch, 'layer', 'all')]), { timeoutMs: 5_000 });
        return tried.code === 0 && existsSync(path.join(scratch, 'file'));
      } catch {
        return false;
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    })();
    return this.layered;
  }

  /** Runs a command to its end or its limits. Throws the signal's reason when aborted; everything in the box is gone then. */
  async run(request: BoxRequest): Promise<BoxResult> {
    const state = await this.state();
    if (!state.available) throw new Error(state.reason);
    const scratch = await mkdtemp(path.join(os.tmpdir(), 'safenote-box-'));
    const started = performance.now();
    const watching = new AbortController();
    let ended: BoxResult['ended'];
    let stop: (() => void) | undefined;
    try {
      const layer = request.workspaceAs === 'copy' && !/[:,\\]/.test(request.workspace) && (await this.layers()) ? path.join(scratch, 'layer') : undefined;
      if (layer) await mkdir(layer);
      const args = await this.arguments(request, scratch, layer);
      const { memoryBytes, processes, writableBytes } = request.limits;
      const [program, ...rest] = layer && UNSHARE ? [UNSHARE, ...layerArguments(layer, request.workspace, writableBytes, [state.program, ...args])] : [state.program, ...args];
      const result: RunResult = await run(program ?? '', rest, {
        env: {},
        timeoutMs: request.limits.timeMs,
        signal: AbortSignal.any([request.signal, watching.signal]),
        onStart: (pid) => {
          stop = watch(pid, { memoryBytes, processes }, (what) => {
            ended = what;
            watching.abort(new DOMException(what, 'AbortError'));
          });
        },
      }).catch((error: unknown) => {
        request.signal.throwIfAborted();
        if (ended === undefined) throw error;
        return { code: null, signal: 'SIGKILL', stdout: '', stderr: '', truncated: false, timedOut: false, ms: performance.now() - started } as const;
      });
      if (result.timedOut) ended = 'time';
      return { code: result.code, output: result.stderr, report: result.stdout, ...(ended ? { ended } : {}), ms: performance.now() - started };
    } finally {
      stop?.();
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private async arguments(r: BoxRequest, scratch: string, layer?: string): Promise<string[]> {
    const size = String(r.limits.writableBytes);
    const args = [...ISOLATION, ...systemBinds(), '--proc', '/proc', '--dev', '/dev', '--size', size, '--perms', '1777', '--tmpfs', '/tmp', '--size', '1048576', '--tmpfs', '/run'];
    // What a system keeps in other places (a Go toolchain in a home folder) comes in path by path.
    for (const tool of r.tools) if (!covered(tool, SYSTEM)) args.push('--ro-bind-try', tool, tool);
    let n = 0;
    const candidates: { file: string; at: string }[] = [];
    for (const [file, text] of r.files) {
      const at = path.join(scratch, String(n++));
      await writeFile(at, text);
      candidates.push({ file, at });
    }
    let exclude: string[] = [];
    if (r.workspaceAs === 'readOnly') {
      args.push('--ro-bind', r.workspace, r.workspace);
      for (const { file, at } of candidates) args.push('--ro-bind', at, file);
      for (const folder of r.copied ?? []) args.push('--size', size, '--tmpfs', folder);
      if (r.copied?.length) args.push('--ro-bind', r.workspace, ORIGIN);
    } else if (layer) {
      // Whoever lays a layer is root of a namespace; the box has the user's own number again.
      if (process.getuid?.() !== 0) args.push('--unshare-user', '--uid', String(process.getuid?.() ?? 0), '--gid', String(process.getgid?.() ?? 0));
      args.push('--bind', path.join(layer, 'all'), r.workspace);
      for (const folder of await foldersNamed(r.workspace, r.without ?? [])) args.push('--size', size, '--tmpfs', folder);
      for (const { file, at } of candidates) args.push('--ro-bind', at, path.join(CANDIDATES, path.relative(r.workspace, file)));
    } else {
      args.push('--ro-bind', r.workspace, ORIGIN, '--size', size, '--tmpfs', r.workspace);
      const without = r.without ?? [];
      for (const folder of await foldersNamed(r.workspace, [...(r.heavy ?? []), ...without])) {
        if (!without.includes(path.basename(folder))) args.push('--ro-bind', folder, folder);
        exclude.push(`./${path.relative(r.workspace, folder)}`);
      }
      exclude = ['./.git', './.safenote', ...exclude];
      for (const { file, at } of candidates) args.push('--ro-bind', at, path.join(CANDIDATES, path.relative(r.workspace, file)));
    }
    for (const [name, value] of Object.entries({ ...r.env, HOME, TMPDIR: '/tmp' })) args.push('--setenv', name, value);
    args.push('--chdir', '/tmp', '--', '/bin/sh', '-c', SCRIPT, 'sh');
    const copied = r.workspaceAs === 'copy' ? [] : (r.copied ?? []);
    const origin = (r.workspaceAs === 'copy' && !layer) || copied.length > 0 ? ORIGIN : '';
    args.push(origin, r.workspace, (r.report ?? []).join('\n'), String(r.limits.processes), exclude.join('\n'), r.cwd, copied.map((folder) => path.relative(r.workspace, folder)).join('\n'), ...limitedTo(r.limits), ...r.command);
    return args;
  }
}

const ISOLATION = ['--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--hostname', 'safenote', '--cap-drop', 'ALL'];

const UNSHARE = ['/usr/bin/unshare', '/bin/unshare'].find((file) => existsSync(file));
const MB = 1024 * 1024;

/** `unshare` with a mount namespace of its own, in which the command finds the workspace under a layer at `layer/all`. */
function layerArguments(layer: string, workspace: string, size: number, command: readonly string[]): string[] {
  const root = process.getuid?.() === 0;
  return [...(root ? [] : ['--user', '--map-root-user']), '--mount', '--', '/bin/sh', '-c', LAYER, 'sh', layer, workspace, String(size), root ? '' : ',userxattr', ...command];
}

/** Set inside the box: outside, the user's other processes would count. */
function limitedTo({ timeMs, memoryBytes, mappedBytes, processes, writableBytes }: BoxLimits): string[] {
  if (!PRLIMIT) return [];
  return [PRLIMIT, `--data=${mappedBytes ?? memoryBytes}`, `--nproc=${processes}`, '--core=0', `--cpu=${Math.ceil((timeMs / 1000) * 4) + 1}`, `--fsize=${writableBytes}`, '--nofile=4096', '--'];
}

const PRLIMIT = ['/usr/bin/prlimit', '/bin/prlimit'].find((file) => existsSync(file));

function systemBinds(): string[] {
  const args: string[] = [];
  for (const folder of SYSTEM) args.push('--ro-bind-try', folder, folder);
  for (const name of SYSTEM_SETTINGS) args.push('--ro-bind-try', `/etc/${name}`, `/etc/${name}`);
  return args;
}

function covered(tool: string, by: readonly string[]): boolean {
  return by.some((folder) => tool === folder || tool.startsWith(`${folder}/`));
}

/** Folders of these names at the top of the workspace and two levels below; symbolic links are left to the copy. */
async function foldersNamed(workspace: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const look = async (folder: string, depth: number): Promise<void> => {
    const deeper: Promise<void>[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      if (!entry.isDirectory()) continue;
      const at = path.join(folder, entry.name);
      if (names.includes(entry.name)) found.push(at);
      else if (depth > 0 && !entry.name.startsWith('.')) deeper.push(look(at, depth - 1));
    }
    await Promise.all(deeper);
  };
  await look(workspace, 2);
  return found;
}

/** The first program of this name on PATH, outside of scripts that stand in for it. */
export async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, name);
    try {
      await access(file, fsConstants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}
