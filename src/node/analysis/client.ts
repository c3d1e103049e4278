import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ExpectedError } from '../../core/errors.ts';
import { type Logger, SILENT } from '../../core/log.ts';
import type { SourceDocument } from '../../core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline, type SyntaxParser } from '../../core/syntax/outline.ts';
import { grammarFor } from './grammars.ts';
import type { Answers, RequestKind, ScanResult, WorkerReply, WorkerRequest, WorkerSettings } from './messages.ts';

export interface AnalysisWorkerOptions {
  /** The build's output folder: `analysis-worker.js`, `grammars/`, `wasm/`, `rules/`. */
  readonly assetsRoot: string;
  readonly log?: Logger;
  /** A request that takes longer ends the worker, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** The worker's script, where it is not `analysis-worker.js` of the assets. */
  readonly script?: string;
}

/** Longer texts are not analysed, in UTF-16 units: generated code and data, for which a tree would take hundreds of megabytes. */
const MAX_TEXT = 2_000_000;
const DEFAULT_TIMEOUT_MS = 10_000;
/** After this many unexpected ends the worker stays down: something is wrong that another start does not cure. */
const MAX_CRASHES = 5;

interface Job {
  readonly request: WorkerRequest;
  readonly resolve: (value: Answers[RequestKind]) => void;
  readonly reject: (error: unknown) => void;
  abandoned: boolean;
}

/**
 * The analysis worker as seen from outside: tree-sitter and ast-grep in a thread of their own. It starts with the first
 * request, takes one text at a time, is started again after a crash, and never keeps the process alive.
 */
export class AnalysisWorker implements SyntaxParser {
  private readonly options: AnalysisWorkerOptions;
  private readonly log: Logger;
  private readonly queue: Job[] = [];
  private current: { job: Job; timer: NodeJS.Timeout } | undefined;
  private worker: Worker | undefined;
  private crashes = 0;
  private lastId = 0;
  private disposed = false;

  constructor(options: AnalysisWorkerOptions) {
    this.options = options;
    this.log = options.log ?? SILENT;
  }

  /** `supported: false` for a language without a grammar. Rejects on abort, and with `ExpectedError` `analysis-*` when the worker cannot answer. */
  async outline(document: SourceDocument, signal: AbortSignal): Promise<SyntaxOutline> {
    if (!grammarFor(document.language, document.path)) return EMPTY_OUTLINE;
    return this.ask('outline', document, signal);
  }

  /** Runs the built-in rules. Rejects as `outline` does. */
  scan(document: SourceDocument, signal: AbortSignal): Promise<ScanResult> {
    return this.ask('scan', document, signal);
  }

  /**
   * The security-focused slice of `secure` against `vulnerable`; `undefined` where a side does not parse, nothing tells them
   * apart, or nothing can be left out. Rejects as `outline` does.
   */
  async slice(secure: SourceDocument, vulnerable: string, signal: AbortSignal): Promise<string | undefined> {
    if (!grammarFor(secure.language, secure.path)) return undefined;
    return (await this.ask('slice', secure, signal, vulnerable)) ?? undefined;
  }

  /** Starts the worker and loads a language, so that the first question is answered as quickly as the others. */
  async warmUp(language: string, signal: AbortSignal): Promise<void> {
    await this.ask('warm', { path: '', language, text: 'f(a, "b" + c)\n' }, signal);
  }

  /** Tries every rule of a language and says what is wrong with those that cannot be used. For tools and tests. */
  checkRules(language: string, path: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.ask('check', { path, language, text: '' }, signal);
  }

  /** Ends the worker; open requests are rejected. */
  async dispose(): Promise<void> {
    this.disposed = true;
    const gone = new ExpectedError('analysis-stopped', 'The analysis was stopped.', 'It starts again with the editor.');
    for (const job of this.queue.splice(0)) job.reject(gone);
    await this.stopWorker(gone);
  }

  private ask<K extends RequestKind>(kind: K, document: SourceDocument, signal: AbortSignal, before?: string): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.disposed) return reject(new ExpectedError('analysis-stopped', 'The analysis was stopped.', 'It starts again with the editor.'));
      if (document.text.length > MAX_TEXT) {
        return reject(new ExpectedError('analysis-too-large', `The text has ${document.text.length} characters; more than ${MAX_TEXT} are not analysed.`, 'Split the file, or leave generated code out.'));
      }
      const finish = () => signal.removeEventListener('abort', onAbort);
      const job: Job = {
        request: { id: ++this.lastId, kind, document: { path: document.path, language: document.language, text: document.text }, ...(before === undefined ? {} : { before }) },
        resolve: (value) => { finish(); resolve(value as Answers[K]); },
        reject: (error) => { finish(); reject(error); },
        abandoned: false,
      };
      // A text that is being parsed cannot be interrupted; its answer is thrown away when it comes.
      const onAbort = () => {
        job.abandoned = true;
        const at = this.queue.indexOf(job);
        if (at !== -1) this.queue.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.queue.push(job);
      this.next();
    });
  }

  private next(): void {
    if (this.current) return;
    const job = this.queue.shift();
    if (!job) {
      this.worker?.unref();
      return;
    }
    let worker: Worker;
    try {
      worker = this.started();
    } catch (error) {
      job.reject(error);
      return this.next();
    }
    const timer = setTimeout(() => {
      this.log.warn(`The analysis of a ${job.request.document.language} text of ${job.request.document.text.length} characters took too long; the worker was stopped.`);
      void this.stopWorker(new ExpectedError('analysis-timeout', `The analysis took longer than ${this.timeoutMs / 1000} s.`, 'The text may be very large or deeply nested; try a smaller part of it.'));
    }, this.timeoutMs);
    this.current = { job, timer };
    worker.ref();
    worker.postMessage(job.request);
  }

  private get timeoutMs(): number {
    return this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  private started(): Worker {
    if (this.worker) return this.worker;
    if (this.crashes >= MAX_CRASHES) {
      throw new ExpectedError('analysis-crashed', `The analysis worker ended unexpectedly ${MAX_CRASHES} times and was not started again.`, 'Reload the window; if it happens again, report it with the log of SafeNote.');
    }
    const worker = new Worker(this.options.script ?? path.join(this.options.assetsRoot, 'analysis-worker.js'), {
      workerData: { assetsRoot: this.options.assetsRoot } satisfies WorkerSettings,
      name: 'safenote-analysis',
      // The worker runs what the build packed and needs nothing of how its host was started.
      execArgv: [],
    });
    this.worker = worker;
    worker.on('message', (reply: WorkerReply) => this.onReply(worker, reply));
    worker.on('error', (error) => this.log.error(`The analysis worker failed: ${error instanceof Error ? error.message : String(error)}`));
    worker.on('exit', (code) => this.onExit(worker, code));
    return worker;
  }

  private onReply(worker: Worker, reply: WorkerReply): void {
    if (worker !== this.worker || this.current?.job.request.id !== reply.id) return;
    this.settle((job) => {
      if (reply.error === undefined && reply.value !== undefined) job.resolve(reply.value);
      else job.reject(new ExpectedError('analysis-failed', `The text could not be analysed: ${reply.error ?? 'no answer'}`, 'See the log of SafeNote; a damaged installation is cured by installing it again.'));
    });
  }

  private onExit(worker: Worker, code: number): void {
    if (worker !== this.worker) return;
    this.worker = undefined;
    this.crashes++;
    this.log.warn(`The analysis worker ended unexpectedly (code ${code}; ${this.crashes} of at most ${MAX_CRASHES} times).`);
    this.settle((job) => job.reject(new ExpectedError('analysis-crashed', 'The analysis worker ended unexpectedly.', 'It is started again with the next request; see the log of SafeNote.')));
  }

  /** Ends the worker for a reason that the open request is told. */
  private async stopWorker(reason: ExpectedError): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    this.settle((job) => job.reject(reason));
    await worker?.terminate();
  }

  /** Answers the open request and goes on with the next. */
  private settle(answer: (job: Job) => void): void {
    const { current } = this;
    if (!current) return;
    this.current = undefined;
    clearTimeout(current.timer);
    if (!current.job.abandoned) answer(current.job);
    this.next();
  }
}
