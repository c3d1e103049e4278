import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { ExpectedError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import type { Logger } from '../../core/log.ts';
import type { Embedder } from '../../core/retrieval/embedder.ts';
import { findModel, folderNameOf, identify, isModelPath, modelPath } from './models.ts';
import type { ModelIdentity } from './models.ts';
import type { EmbedReply, WorkerSetup } from './protocol.ts';
import { startWorker } from './worker-host.ts';
import type { Isolation, WorkerHost } from './worker-host.ts';

export interface WorkerEmbedderOptions {
  /** The folder `dist`. */
  readonly assetsRoot: string;
  /** A name of `KNOWN_MODELS`, or a folder with a model in ONNX form (`config.json`, `tokenizer.json`, `onnx/…`). */
  readonly modelId: string;
  /** Folder of this very model, looked at before the others. */
  readonly modelFolder?: string;
  /** Folder of downloaded models. */
  readonly modelsFolder?: string;
  /** Asked at every start; a thread where not given. */
  readonly isolation?: () => Isolation;
  readonly log?: Logger;
  /** After so long without work the model's memory is given back. */
  readonly idleMs?: number;
}

/** Crashes after which it is not started again until the next session. */
const MAX_CRASHES = 5;
/** Requests at the worker at once: enough that it never waits, few enough that a cancelled one is not computed. */
const IN_FLIGHT = 2;
const CACHED_VECTORS = 2_000;

interface Job {
  readonly text: string;
  readonly key: string;
  /** Callers that want it; at zero it is not computed. */
  wanted: number;
  /** Crashes that happened while it was being computed. */
  crashes: number;
  readonly resolve: (vector: Float32Array) => void;
  readonly reject: (error: unknown) => void;
  readonly result: Promise<Float32Array>;
}

/**
 * Texts to vectors by a local model in a worker. The worker starts with the first text, restarts when it
 * crashes, and ends after ten idle minutes. It keeps the process alive only while a caller waits.
 */
export class WorkerEmbedder implements Embedder {
  private readonly identity: ModelIdentity;
  private readonly options: WorkerEmbedderOptions;
  private readonly log: Logger;
  private readonly cache = new LRUCache<string, Float32Array>({ max: CACHED_VECTORS });
  /** Jobs by text: whoever asks for the same text waits for the same answer. */
  private readonly jobs = new Map<string, Job>();
  private waiting: Job[] = [];
  private readonly running = new Map<number, Job>();
  private worker: WorkerHost | undefined;
  private isolation: Isolation = 'thread';
  private hasAnswered = false;
  private processFails = false;
  private nextId = 1;
  private crashes = 0;
  private idle: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(options: WorkerEmbedderOptions) {
    this.options = options;
    this.log = options.log ?? SILENT;
    this.identity = identify(options.modelId);
  }

  get modelId(): string {
    return this.identity.id;
  }

  get dimensions(): number {
    return this.identity.dimensions;
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    signal?.throwIfAborted();
    const results = texts.map((text) => this.vectorOf(text));
    const jobs = results.filter((result) => 'wanted' in result);
    if (jobs.length === 0) return results as Float32Array[];
    let stop: () => void = () => undefined;
    try {
      const all = Promise.all(results.map((result) => ('wanted' in result ? result.result : result)));
      if (!signal) return await all;
      const aborted = new Promise<never>((_, reject) => {
        stop = () => reject(signal.reason as Error);
        signal.addEventListener('abort', stop, { once: true });
      });
      return await Promise.race([all, aborted]);
    } finally {
      signal?.removeEventListener('abort', stop);
      for (const job of jobs) this.release(job);
    }
  }

  /** Ends the worker. Callers that still wait get an error. */
  async dispose(): Promise<void> {
    this.disposed = true;
    this.fail(unavailable('The embedder has been closed.', 'Try again.'));
    await this.stop();
  }

  private vectorOf(text: string): Float32Array | Job {
    const key = createHash('sha256').update(text).digest('base64');
    const cached = this.cache.get(key);
    // A copy: a caller that changes its vector must not change another's.
    if (cached) return cached.slice();
    let job = this.jobs.get(key);
    if (!job) {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
      // Every caller may have gone by the time it fails.
      promise.catch(() => undefined);
      job = { text, key, wanted: 0, crashes: 0, resolve, reject, result: promise };
      this.jobs.set(key, job);
      this.waiting.push(job);
    }
    job.wanted++;
    this.work();
    return job;
  }

  private release(job: Job): void {
    job.wanted--;
    if (job.wanted > 0 || !this.waiting.includes(job)) return;
    this.waiting = this.waiting.filter((other) => other !== job);
    this.jobs.delete(job.key);
  }

  private work(): void {
    if (this.waiting.length === 0 || this.running.size >= IN_FLIGHT) return;
    try {
      const worker = (this.worker ??= this.start());
      clearTimeout(this.idle);
      worker.setBusy(true);
      while (this.running.size < IN_FLIGHT) {
        const job = this.waiting.shift();
        if (!job) break;
        const id = this.nextId++;
        this.running.set(id, job);
        worker.send({ id, text: job.text });
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private start(): WorkerHost {
    if (this.disposed) throw unavailable('The embedder has been closed.', 'Try again.');
    if (this.crashes >= MAX_CRASHES) throw unavailable(`The embedding worker ended unexpectedly ${MAX_CRASHES} times.`, 'Reload the window to try again. Until then notes are found by their words alone.');
    const { assetsRoot, modelId, modelFolder, modelsFolder } = this.options;
    const script = path.join(assetsRoot, 'embedding-worker.js');
    const wasm = path.join(assetsRoot, 'wasm', 'ort-wasm-simd-threaded.wasm');
    for (const file of [script, wasm]) if (!existsSync(file)) throw unavailable(`${file} is missing.`, 'Install SafeNote again, or build it.');
    const folders = [modelFolder, ...(isModelPath(modelId) ? [modelPath(modelId)] : [path.join(assetsRoot, 'model', folderNameOf(modelId)), modelsFolder && path.join(modelsFolder, folderNameOf(modelId))])];
    const model = findModel(folders.filter((folder) => folder !== undefined), this.identity.known);
    if (!model) throw this.missing();
    const setup: WorkerSetup = { model, wasm };
    this.isolation = this.processFails ? 'thread' : (this.options.isolation?.() ?? 'thread');
    this.hasAnswered = false;
    const worker: WorkerHost = startWorker(this.isolation, script, setup, {
      onReply: (reply) => this.answered(reply),
      onError: (error) => this.log.warn('The embedding worker failed.', error),
      onExit: (code) => this.ended(worker, code),
    });
    return worker;
  }

  private answered(reply: EmbedReply): void {
    this.hasAnswered = true;
    const job = this.running.get(reply.id);
    this.running.delete(reply.id);
    if (job) {
      if ('vector' in reply) {
        if (reply.vector.length === this.dimensions) {
          this.cache.set(job.key, reply.vector);
          // Everyone who waited gets this one object; later ones get copies.
          this.settle(job, () => job.resolve(reply.vector.slice()));
        } else this.settle(job, () => job.reject(unavailable(`The model gives vectors of ${reply.vector.length} dimensions instead of ${this.dimensions}.`, 'Check safenote.embedding.model: the folder may hold another model than its name says.')));
      } else {
        const error = unavailable(`The embedding model could not be used: ${reply.error}`, 'The model may be damaged: install SafeNote again, or choose another model in safenote.embedding.model.');
        this.settle(job, () => job.reject(error));
        if (reply.fatal) {
          this.fail(error);
          void this.stop();
          return;
        }
      }
    }
    this.work();
    if (this.running.size === 0) this.rest();
  }

  /** Nothing to do: let the process end if it wants to, and after a while give the memory back. */
  private rest(): void {
    this.worker?.setBusy(false);
    clearTimeout(this.idle);
    this.idle = setTimeout(() => void this.stop(), this.options.idleMs ?? 10 * 60_000).unref();
  }

  private ended(worker: WorkerHost, code: number | null): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    if (this.isolation === 'process' && !this.hasAnswered) {
      this.log.info('The embedding process could not be started; using a thread instead.');
      this.processFails = true;
      this.waiting.unshift(...this.running.values());
      this.running.clear();
      this.work();
      return;
    }
    this.crashes++;
    this.log.warn(`The embedding worker ended unexpectedly (code ${code}, ${this.crashes} of ${MAX_CRASHES}).`);
    // What it was working on is tried once more, first: a text that ends the worker again is at fault itself.
    for (const job of [...this.running.values()].reverse()) {
      if (++job.crashes < 2) this.waiting.unshift(job);
      else this.settle(job, () => job.reject(unavailable('The embedding model ended twice over this text.', 'The note is found by its words alone. If it happens with every text, choose another model in safenote.embedding.model.')));
    }
    this.running.clear();
    this.work();
  }

  private async stop(): Promise<void> {
    clearTimeout(this.idle);
    const worker = this.worker;
    this.worker = undefined;
    await worker?.end();
  }

  private fail(error: unknown): void {
    const jobs = [...this.running.values(), ...this.waiting];
    this.running.clear();
    this.waiting = [];
    for (const job of jobs) this.settle(job, () => job.reject(error));
  }

  private settle(job: Job, how: () => void): void {
    this.jobs.delete(job.key);
    how();
  }

  private missing(): ExpectedError {
    const { modelId } = this.options;
    if (isModelPath(modelId)) return unavailable(`There is no embedding model in ${modelPath(modelId)}.`, 'The folder of safenote.embedding.model must hold config.json, tokenizer.json, tokenizer_config.json and onnx/model_quantized.onnx (or onnx/model.onnx).');
    if (this.identity.known?.source) return unavailable(`The embedding model ${modelId} has not been downloaded.`, 'Download it when SafeNote offers to, or set safenote.embedding.model to a folder that holds it.');
    if (this.identity.known) return unavailable(`The embedding model ${modelId} is missing from this installation.`, 'Install SafeNote again; in a checkout run npm run setup and build.');
    return unavailable(`SafeNote does not know an embedding model "${modelId}".`, 'Set safenote.embedding.model to all-MiniLM-L6-v2, BAAI/bge-base-en-v1.5, or the path of a folder with a model in ONNX form.');
  }
}

function unavailable(message: string, hint: string): ExpectedError {
  return new ExpectedError('embedder-unavailable', message, hint);
}
