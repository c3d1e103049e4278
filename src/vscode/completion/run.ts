import { cancelled } from '../common/cancellation.ts';

/** How long a request goes on after nobody waits for it any more, in milliseconds: the editor drops and asks again at once. */
const GRACE_MS = 150;

/** One running request that several askers may wait for; it is cancelled when the last of them has gone. */
export class Run<T> {
  readonly key: string;
  /** Where it asks for a completion. */
  readonly uri: string;
  readonly offset: number;
  private readonly controller = new AbortController();
  private readonly result: Promise<T>;
  private waiting = 0;
  private done = false;

  constructor(key: string, place: { readonly uri: string; readonly offset: number }, work: (signal: AbortSignal) => Promise<T>) {
    this.key = key;
    this.uri = place.uri;
    this.offset = place.offset;
    this.result = work(this.controller.signal).finally(() => (this.done = true));
    this.result.catch(() => undefined);
  }

  get finished(): boolean {
    return this.done;
  }

  get aborted(): boolean {
    return this.controller.signal.aborted;
  }

  /** Ends it; does nothing to one that has ended. */
  cancel(): void {
    if (!this.done) this.controller.abort(cancelled());
  }

  /** The result, or a rejection as soon as the asker's own signal aborts. */
  async wait(signal: AbortSignal): Promise<T> {
    this.waiting++;
    let onAbort: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      onAbort = () => reject(cancelled());
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([this.result, left]);
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
      this.waiting--;
      if (!this.done && this.waiting === 0) setTimeout(() => this.waiting === 0 && !this.done && this.cancel(), GRACE_MS);
    }
  }
}
