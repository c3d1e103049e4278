import { type Disposable, Listeners } from '../common/disposables.ts';

interface Job {
  readonly controller: AbortController;
  timer: NodeJS.Timeout | undefined;
}

export interface CheckQueueOptions {
  /** What a job throws that is not its cancellation. */
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * The one queue of checks that nobody waits for: of inserted text, and again after edits. One at a time; the newest of a kind
 * wins for its document, and the one before is cancelled. Without work there is no timer.
 */
export class CheckQueue implements Disposable {
  private readonly jobs = new Map<string, Job>();
  private readonly changes = new Listeners<number>();
  private turn: Promise<unknown> = Promise.resolve();
  private readonly o: CheckQueueOptions;
  private disposed = false;

  constructor(options: CheckQueueOptions) {
    this.o = options;
  }

  /** Jobs that wait or run. */
  get size(): number {
    return this.jobs.size;
  }

  /** Calls back with the number of jobs. */
  onDidChange(listener: (size: number) => void): Disposable {
    return this.changes.on(listener);
  }

  /** Runs `work` for a document after a quiet time, in the place of what was planned of the kind. */
  later(kind: string, uri: string, quietMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.disposed) return;
    const key = `${kind} ${uri}`;
    this.stop(this.jobs.get(key));
    const job: Job = { controller: new AbortController(), timer: undefined };
    job.timer = setTimeout(() => {
      this.turn = this.turn.then(() => this.run(kind, key, job, work));
    }, quietMs);
    this.jobs.set(key, job);
    this.changes.fire(this.jobs.size);
  }

  /** Forgets what is planned for a document. */
  cancel(uri: string): void {
    for (const [key, job] of this.jobs) {
      if (!key.endsWith(` ${uri}`)) continue;
      this.stop(job);
      this.jobs.delete(key);
    }
    this.changes.fire(this.jobs.size);
  }

  /** Resolves when nothing is planned and nothing runs. */
  async idle(): Promise<void> {
    while (this.jobs.size > 0) await new Promise<void>((resolve) => {
      const listener = this.onDidChange(() => {
        listener.dispose();
        resolve();
      });
    });
    await this.turn;
  }

  dispose(): void {
    this.disposed = true;
    for (const job of this.jobs.values()) this.stop(job);
    this.jobs.clear();
  }

  private async run(kind: string, key: string, job: Job, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = job.controller;
    try {
      if (!signal.aborted) await work(signal);
    } catch (error) {
      if (!signal.aborted) this.o.onError(kind, error);
    } finally {
      if (this.jobs.get(key) === job) {
        this.jobs.delete(key);
        this.changes.fire(this.jobs.size);
      }
    }
  }

  private stop(job: Job | undefined): void {
    clearTimeout(job?.timer);
    job?.controller.abort(new DOMException('A newer check took its place.', 'AbortError'));
  }
}
