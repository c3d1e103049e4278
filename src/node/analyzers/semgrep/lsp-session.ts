import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { messageOf } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import { endGroup, startGroup } from '../../process/run.ts';
import { type Canary, isCodeCanary, isTextCanary } from './canary.ts';
import { frame, FrameReader } from './framing.ts';
import { type SemgrepLaunch, semgrepEnvironment } from './launch.ts';
import { MAX_MEMORY_MB, RULE_TIMEOUT_S } from './one-shot.ts';
import type { SemgrepMatch } from './output.ts';
import { Scratch } from './scratch.ts';

export interface SessionOptions {
  readonly launch: SemgrepLaunch;
  /** Rule files, absolute; the canary's own is added. */
  readonly configs: readonly string[];
  readonly canary: Canary;
  readonly log: Logger;
  /** Until rules are loaded and the first canary is found, in milliseconds. Default 20,000. */
  readonly startTimeoutMs?: number;
}

/** What the server said of one text. */
export interface SessionAnswer {
  readonly matches: readonly SemgrepMatch[];
  /** Why it may have missed something; empty where it read the whole text with all rules. */
  readonly problems: readonly string[];
}

/** The server is of no more use; `message` says why. */
export class SessionFailed extends Error {
  override readonly name = 'SessionFailed';
}

const Message = z.object({ id: z.union([z.string(), z.number()]).optional(), method: z.string().optional(), params: z.unknown().optional(), error: z.object({ message: z.string() }).optional() });
const Place = z.object({ line: z.int().min(0), character: z.int().min(0) });
const Published = z.object({
  uri: z.string(),
  diagnostics: z.array(z.object({ code: z.union([z.string(), z.number()]), message: z.string(), range: z.object({ start: Place, end: Place }) })),
});
const Telemetry = z.object({ name: z.string().catch(''), message: z.string().catch('') });

const START_TIMEOUT_MS = 20_000;
const CANARY_TRIES = 5;
/** The engine is tried again with code after this many texts. */
const CODE_CANARY_EVERY = 100;
/** An answer is published and its log line written at the same time; the line may arrive a moment later. */
const LOG_GRACE_MS = 20;

interface Waiting {
  readonly file: string;
  resolve(matches: SemgrepMatch[]): void;
  reject(error: unknown): void;
}

/**
 * One warm `semgrep lsp`. The server has no documents in memory and caches what it read by path, wrongly (1.182), so every
 * text goes to a new file that is announced, opened, and thrown away when the answer is there. One text at a time: the
 * caller queues.
 */
export class LspSession {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly scratch: Scratch;
  private readonly canary: Canary;
  private readonly log: Logger;
  private readonly reader = new FrameReader();
  private readonly awaited = new Map<string, () => void>();
  private waiting: Waiting | undefined;
  private stderr = '';
  private failure: SessionFailed | undefined;
  private readonly failed: Promise<never>;
  private fail!: (error: SessionFailed) => void;
  private ending: Promise<void> | undefined;
  /** Texts scanned so far. */
  scans = 0;

  private constructor(child: ChildProcessWithoutNullStreams, scratch: Scratch, canary: Canary, log: Logger) {
    this.child = child;
    this.scratch = scratch;
    this.canary = canary;
    this.log = log;
    this.failed = new Promise((_, reject) => {
      this.fail = (error) => {
        if (this.failure) return;
        this.failure = error;
        reject(error);
        this.waiting?.reject(error);
        void this.end();
      };
    });
    this.failed.catch(() => {});
    child.stdout.on('data', (chunk: Buffer) => this.onOutput(chunk));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr = (this.stderr + chunk.toString('utf8')).slice(-200_000)));
    child.on('error', (error) => this.fail(new SessionFailed(`Semgrep could not be started: ${error.message}`)));
    child.on('exit', (code, signal) => this.fail(new SessionFailed(`Semgrep's server ended (${signal ?? `code ${code}`})${this.lastWords()}`)));
  }

  /** Starts a server and tries it with the canary. Throws `SessionFailed`, or the signal's reason. */
  static async start(options: SessionOptions, signal: AbortSignal): Promise<LspSession> {
    const scratch = await Scratch.create();
    const { launch } = options;
    let session: LspSession | undefined;
    try {
      signal.throwIfAborted();
      const canaryFile = await scratch.writeConfig('canary.json', options.canary.rules);
      const child = startGroup(launch.command, ['lsp', '--experimental'], { cwd: scratch.folder, env: semgrepEnvironment(scratch.configFolder), ...(launch.argv0 === undefined ? {} : { argv0: launch.argv0 }) });
      session = new LspSession(child, scratch, options.canary, options.log);
      const started = session.handshake([...options.configs, canaryFile]);
      const timeout = options.startTimeoutMs ?? START_TIMEOUT_MS;
      await withDeadline(started, timeout, signal, () => new SessionFailed(`Semgrep's server was not ready within ${timeout / 1000} s${session?.lastWords() ?? ''}`));
      return session;
    } catch (error) {
      await (session?.end() ?? scratch.remove());
      throw error;
    }
  }

  get alive(): boolean {
    return this.failure === undefined && this.ending === undefined;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * What the server finds in a text that ends with the canary's line. Throws `SessionFailed` when there is no answer that
   * can be trusted within `timeoutMs`; the session has ended then.
   */
  async scan(content: string, extension: string, timeoutMs: number): Promise<SessionAnswer> {
    if (this.scans > 0 && this.scans % CODE_CANARY_EVERY === 0) await this.tryCode(timeoutMs);
    return this.scanText(content, extension, timeoutMs);
  }

  /** Resident memory in MB where the system tells it. */
  async memoryMb(): Promise<number | undefined> {
    if (this.child.pid === undefined) return undefined;
    const statm = await readFile(`/proc/${this.child.pid}/statm`, 'utf8').catch(() => undefined);
    const pages = Number(statm?.split(' ')[1]);
    return Number.isFinite(pages) ? Math.round((pages * 4096) / 1e6) : undefined;
  }

  /** Does not keep this process alive while nothing is asked. */
  unref(): void {
    this.setReferenced(false);
  }

  /** Ends the server and removes its folders. Safe to call again. */
  end(): Promise<void> {
    this.ending ??= Promise.resolve().then(async () => {
      this.setReferenced(true);
      await endGroup(this.child);
      await this.scratch.remove();
    });
    this.fail(new SessionFailed("Semgrep's server was ended"));
    return this.ending;
  }

  private async handshake(configs: readonly string[]): Promise<void> {
    const root = pathToFileURL(this.scratch.folder).toString();
    const initialized = this.once('response');
    const refreshed = this.once('semgrep/rulesRefreshed');
    this.send({
      id: 0,
      method: 'initialize',
      params: {
        processId: process.pid,
        rootUri: root,
        workspaceFolders: [{ uri: root, name: 'safenote' }],
        capabilities: {},
        initializationOptions: {
          metrics: { enabled: false },
          doHover: false,
          scan: {
            configuration: configs, exclude: [], include: [], jobs: 1, maxMemory: MAX_MEMORY_MB, maxTargetBytes: 0,
            timeout: RULE_TIMEOUT_S, timeoutThreshold: 0, onlyGitDirty: false, ci: false,
          },
        },
      },
    });
    await initialized;
    this.send({ method: 'initialized', params: {} });
    await refreshed;
    await this.tryCode(START_TIMEOUT_MS);
  }

  /**
   * Right after it has loaded its rules the server may answer with an empty list once; so the first tries are forgiven, and
   * nothing is trusted before the known finding was found.
   */
  private async tryCode(timeoutMs: number): Promise<void> {
    const content = `${this.canary.code}# ${this.canary.token}\n`;
    for (let n = 0; n < CANARY_TRIES; n++) {
      const { matches } = await this.scanText(content, 'py', timeoutMs, true);
      if (matches.some((match) => isCodeCanary(match.ruleId))) return;
    }
    const error = new SessionFailed("Semgrep's server does not find a weakness that is known to be there");
    this.fail(error);
    throw error;
  }

  private async scanText(content: string, extension: string, timeoutMs: number, forgiving = false): Promise<SessionAnswer> {
    if (this.failure) throw this.failure;
    this.setReferenced(true);
    const file = await this.scratch.write(content, extension);
    const uri = pathToFileURL(file).toString();
    const started = performance.now();
    this.stderr = '';
    try {
      const answer = new Promise<SemgrepMatch[]>((resolve, reject) => {
        this.waiting = { file, resolve: (matches) => (forgiving || matches.some((m) => isTextCanary(m.ruleId)) ? resolve(matches) : undefined), reject };
      });
      this.send({ method: 'workspace/didCreateFiles', params: { files: [{ uri }] } });
      this.send({ method: 'textDocument/didOpen', params: { textDocument: { uri, languageId: extension, version: 1, text: '' } } });
      const matches = await withDeadline(answer, timeoutMs, undefined, () => new SessionFailed(`Semgrep's server gave no answer that can be trusted within ${timeoutMs / 1000} s${this.lastWords()}`));
      this.scans++;
      const problems = await this.problemsOf(file);
      if (performance.now() - started > RULE_TIMEOUT_S * 1000) problems.push(`a rule may have been given up after ${RULE_TIMEOUT_S} s`);
      return { matches, problems };
    } catch (error) {
      this.fail(error instanceof SessionFailed ? error : new SessionFailed(messageOf(error)));
      throw error;
    } finally {
      this.waiting = undefined;
      await this.scratch.discard(file);
      if (!this.failure) {
        this.send({ method: 'textDocument/didClose', params: { textDocument: { uri } } });
        this.send({ method: 'workspace/didDeleteFiles', params: { files: [{ uri }] } });
      }
    }
  }

  /** A text that could not be parsed is only in the server's log: without this it would look clean. */
  private async problemsOf(file: string): Promise<string[]> {
    for (let waited = 0; waited < LOG_GRACE_MS && !/Found \d+ match/.test(this.stderr); waited += 2) await delay(2);
    const problems = new Set<string>();
    const name = path.basename(file);
    for (const [, line] of this.stderr.matchAll(new RegExp(`Syntax error at line \\S*${name}:(\\d+)`, 'g'))) problems.add(`Semgrep could not read line ${line}`);
    if (problems.size === 0 && new RegExp(`target: \\S*${name}[\\s\\S]{0,400}?exception: `).test(this.stderr)) {
      problems.add(/Syntax_error|Parsing_error/.test(this.stderr) ? 'Semgrep could not parse the text' : 'a rule failed on the text');
    }
    return [...problems];
  }

  private onOutput(chunk: Buffer): void {
    let messages: unknown[];
    try {
      messages = this.reader.push(chunk);
    } catch (error) {
      return this.fail(new SessionFailed(`Semgrep's server answered with ${messageOf(error)}`));
    }
    for (const message of messages) {
      const parsed = Message.safeParse(message);
      if (parsed.success) this.onMessage(parsed.data);
    }
  }

  private onMessage({ id, method, params, error }: z.infer<typeof Message>): void {
    if (method === undefined) {
      if (error) return this.fail(new SessionFailed(`Semgrep's server refused to start: ${error.message}`));
      return this.arrived('response');
    }
    // A request of the server: it only asks to show progress.
    if (id !== undefined) return this.send({ id, result: null });
    if (method === 'textDocument/publishDiagnostics') return this.onPublished(params);
    if (method === 'telemetry/event') {
      // The server reports its own exceptions as telemetry and then answers nothing.
      const event = Telemetry.safeParse(params);
      const what = event.success ? `${event.data.message} ${event.data.name}`.replace(/\s+/g, ' ').slice(0, 200) : 'an error';
      this.log.debug(`Semgrep's server reports: ${what}`);
      if (this.awaited.has('semgrep/rulesRefreshed')) this.fail(new SessionFailed(`Semgrep's server could not load its rules: ${what}`));
      return;
    }
    this.arrived(method);
  }

  private onPublished(params: unknown): void {
    const { waiting } = this;
    const published = Published.safeParse(params);
    if (!waiting || !published.success || !decodeURIComponent(published.data.uri).endsWith(`/${path.basename(waiting.file)}`)) return;
    waiting.resolve(
      published.data.diagnostics.map(({ code, message, range }) => ({
        ruleId: String(code),
        message,
        path: waiting.file,
        startLine: range.start.line + 1,
        startColumn: range.start.character + 1,
        endLine: range.end.line + 1,
        endColumn: range.end.character + 1,
      })),
    );
  }

  private once(event: string): Promise<void> {
    const arrived = new Promise<void>((resolve) => this.awaited.set(event, resolve));
    return Promise.race([arrived, this.failed]);
  }

  private arrived(event: string): void {
    const resolve = this.awaited.get(event);
    this.awaited.delete(event);
    resolve?.();
  }

  private send(message: object): void {
    this.child.stdin.write(frame({ jsonrpc: '2.0', ...message }));
  }

  private lastWords(): string {
    const line = this.stderr.split('\n').map((l) => l.trim()).filter((l) => l && !/^[{}"]/.test(l)).at(-1);
    return line ? `; its last words: ${line.slice(0, 200)}` : '';
  }

  private setReferenced(referenced: boolean): void {
    const handles = [this.child, this.child.stdin, this.child.stdout, this.child.stderr] as unknown as { ref?(): void; unref?(): void }[];
    for (const handle of handles) referenced ? handle.ref?.() : handle.unref?.();
  }
}

/** The promise, the signal's reason, or after `ms` the error that `late` makes. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, signal: AbortSignal | undefined, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), ms);
        onAbort = () => reject(signal?.reason);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    ]);
  } finally {
    promise.catch(() => {});
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}
