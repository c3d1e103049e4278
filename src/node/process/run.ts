import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import os from 'node:os';
import { ExpectedError } from '../../core/errors.ts';

export interface StartOptions {
  readonly cwd?: string;
  /** The whole environment of the process; that of this process where absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** What the program sees as its own name. */
  readonly argv0?: string;
  /** Yields the processor to the editor; on by default. */
  readonly lowPriority?: boolean;
}

export interface RunOptions extends StartOptions {
  readonly signal?: AbortSignal;
  /** The process group is ended after this; the result then says `timedOut`. No limit where absent. */
  readonly timeoutMs?: number;
  /** Kept of each stream, in bytes; the rest is read and dropped. Default 16 MB. */
  readonly maxOutputBytes?: number;
  /** Written to stdin, which is closed afterwards. */
  readonly input?: string;
  /** Gets the text of both streams as it arrives. */
  readonly onOutput?: (text: string) => void;
  /** Gets the process id, which is also that of its group, once it is started. */
  readonly onStart?: (pid: number) => void;
}

export interface RunResult {
  /** Exit code, or `null` when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Some output was dropped because it was larger than `maxOutputBytes`. */
  readonly truncated: boolean;
  readonly timedOut: boolean;
  readonly ms: number;
}

const DEFAULT_MAX_OUTPUT = 16 * 1024 * 1024;
/** Between the polite signal and the one that cannot be ignored. */
const GRACE_MS = 500;
const WINDOWS = process.platform === 'win32';

/** Groups that still run. A detached group outlives its parent, so whoever leaves takes them along. */
const groups = new Set<ChildProcess>();
let exitHooked = false;

/**
 * Starts a process as the leader of a group of its own, with low priority, so that it can be ended with all that it starts
 * (`endGroup`). It is ended with this process too. A program that cannot be started emits `error`, as `spawn` does.
 */
export function startGroup(command: string, args: readonly string[], options: StartOptions = {}): ChildProcessWithoutNullStreams {
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
    ...(options.argv0 === undefined ? {} : { argv0: options.argv0 }),
    // A new session on POSIX: signals to -pid reach the whole group. On Windows it would open a console window.
    detached: !WINDOWS,
    windowsHide: true,
    stdio: 'pipe',
  });
  // A child that ends before it has read its input breaks the pipe: its exit tells the story, not this error.
  child.stdin.on('error', () => {});
  if (child.pid !== undefined) {
    groups.add(child);
    child.once('exit', () => groups.delete(child));
    if (options.lowPriority ?? true) lowerPriority(child.pid);
    if (!exitHooked) {
      exitHooked = true;
      process.once('exit', () => {
        for (const group of groups) signalGroup(group, 'SIGKILL');
      });
    }
  }
  return child;
}

/** Ends a group: asks, and after half a second insists. Resolves when its leader is gone. */
export function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      // The leader is gone; whoever of its group ignored the first signal is not asked again.
      signalGroup(child, 'SIGKILL');
      resolve();
    };
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
    if (child.exitCode !== null || child.signalCode !== null) return finish();
    child.once('exit', finish);
    signalGroup(child, 'SIGTERM');
  });
}

/**
 * Runs a program to its end. Throws the signal's reason when it is aborted (the whole group is gone by then) and
 * `ExpectedError` `process-start` when the program cannot be started; any exit code is a result.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const started = performance.now();
  const child = startGroup(command, args, options);
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const limit = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT;
  const stdout = new Collector(limit, options.onOutput);
  const stderr = new Collector(limit, options.onOutput);
  child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  child.stdin.end(options.input ?? '');

  let timedOut = false;
  const end = () => void endGroup(child);
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => { timedOut = true; end(); }, options.timeoutMs);
  options.signal?.addEventListener('abort', end, { once: true });
  try {
    const { code, signal } = await closed(child, command);
    options.signal?.throwIfAborted();
    return { code, signal, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.dropped || stderr.dropped, timedOut, ms: performance.now() - started };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
  }
}

function closed(child: ChildProcess, command: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      // A started process also reports a failed signal here; its end is still to come.
      if (child.pid !== undefined) return;
      reject(new ExpectedError('process-start', `${command} could not be started: ${startProblem(cause)}.`, 'Check that the program exists at this place and that you may run it.', { cause }));
    });
    // A grandchild that left the group can hold the pipes open for ever: after the exit they are waited for only shortly.
    child.once('exit', (code, signal) => {
      const late = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, GRACE_MS);
      child.once('close', () => {
        clearTimeout(late);
        resolve({ code, signal });
      });
    });
  });
}

function startProblem(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'it does not exist';
  if (error.code === 'EACCES') return 'it is not executable';
  return error.message;
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Gone already, or the system does not allow it: it then runs as any other process.
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    if (WINDOWS) {
      if (child.exitCode === null && child.signalCode === null) spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true });
    } else process.kill(-pid, signal);
  } catch {
    // No such group: it has ended.
  }
}

/** Keeps the first bytes of a stream. */
class Collector {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private readonly limit: number;
  private readonly onOutput: ((text: string) => void) | undefined;
  dropped = false;

  constructor(limit: number, onOutput: ((text: string) => void) | undefined) {
    this.limit = limit;
    this.onOutput = onOutput;
  }

  add(chunk: Buffer): void {
    this.onOutput?.(chunk.toString('utf8'));
    const room = this.limit - this.size;
    if (chunk.length > room) this.dropped = true;
    if (room <= 0) return;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.chunks.push(kept);
    this.size += kept.length;
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
