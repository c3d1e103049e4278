import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { endGroup, startGroup } from '../../process/run.ts';

/** How one command ended. */
export interface Answered {
  /** 0, or the exit code of the server, which a failing command ends; `null` when a signal did. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** What was said since the command began. */
  readonly stderr: string;
  readonly timedOut: boolean;
}

const IDLE_MS = 10 * 60_000;
/** For a polite end, in milliseconds. */
const SHUTDOWN_MS = 500;
/** Kept of each stream, in characters. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/**
 * CodeQL's own server (`execute cli-server`), kept between commands: each would else start a Java machine. One JSON array of
 * arguments and a NUL go in, the output and a NUL come back, one command at a time. A command that fails ends the server; the
 * next one starts another.
 */
export class CodeqlServer {
  private readonly command: string;
  private readonly env: NodeJS.ProcessEnv;
  private child: ChildProcessWithoutNullStreams | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(command: string, env: NodeJS.ProcessEnv) {
    this.command = command;
    this.env = env;
  }

  /** Runs one command; not to be called while another one runs. Throws the signal's reason, with the whole process group gone. */
  async run(args: readonly string[], options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Answered> {
    options.signal.throwIfAborted();
    clearTimeout(this.idle);
    // Somebody else may have ended it meanwhile.
    if (this.child && (this.child.exitCode !== null || this.child.signalCode !== null)) this.child = undefined;
    const child = (this.child ??= startGroup(this.command, ['execute', 'cli-server', '-v', '--log-to-stderr'], { env: this.env }));
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const onError = (chunk: Buffer) => (stderr = (stderr + chunk.toString('utf8')).slice(-MAX_OUTPUT));
    let onOutput: ((chunk: Buffer) => void) | undefined;
    let onExit: ((code: number | null, signal: NodeJS.Signals | null) => void) | undefined;
    let onStartFailure: ((error: Error) => void) | undefined;
    const end = () => void endGroup(child);
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, options.timeoutMs);
    options.signal.addEventListener('abort', end, { once: true });
    child.stderr.on('data', onError);
    try {
      const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
        onOutput = (chunk) => {
          stdout = (stdout + chunk.toString('utf8')).slice(-MAX_OUTPUT);
          if (stdout.endsWith('\0')) resolve({ code: 0, signal: null });
        };
        // Its last words may still be on their way when it is gone.
        onExit = (code, signal) => setImmediate(() => resolve({ code, signal }));
        onStartFailure = reject;
        child.stdout.on('data', onOutput);
        child.once('close', onExit);
        child.once('error', onStartFailure);
        child.stdin.write(`${JSON.stringify(args)}\0`);
      }).catch((error: unknown) => {
        this.child = undefined;
        throw error;
      });
      const alive = ended.code === 0 && ended.signal === null && stdout.endsWith('\0');
      if (!alive) {
        this.child = undefined;
        await endGroup(child);
      }
      options.signal.throwIfAborted();
      if (alive) this.rest();
      // A server that ends politely in the middle of a command has not answered it.
      return { code: alive ? 0 : ended.code === 0 ? null : ended.code, signal: ended.signal, stdout: stdout.replace(/\0$/, ''), stderr, timedOut };
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', end);
      child.stderr.off('data', onError);
      if (onOutput) child.stdout.off('data', onOutput);
      if (onExit) child.off('close', onExit);
      if (onStartFailure) child.off('error', onStartFailure);
    }
  }

  /** Asks it to end, and after a moment ends it. */
  async dispose(): Promise<void> {
    clearTimeout(this.idle);
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.stdin.write('["shutdown"]\0');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SHUTDOWN_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    await endGroup(child);
  }

  private rest(): void {
    this.idle = setTimeout(() => void this.dispose(), IDLE_MS);
    this.idle.unref();
  }
}
