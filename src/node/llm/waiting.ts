/** What `generate` and its helpers throw when the caller cancelled. */
export function cancelled(): DOMException {
  return new DOMException('The request was cancelled.', 'AbortError');
}

/** Waits, or throws `AbortError` at once when `signal` aborts. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const stop = (): void => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** A signal that follows another and ends by itself after `ms`. `release` must be called: it lets both go. */
export function withTimeout(signal: AbortSignal, ms: number): { signal: AbortSignal; expired: () => boolean; release: () => void } {
  const own = new AbortController();
  let expired = false;
  const follow = (): void => own.abort();
  const timer = setTimeout(() => {
    expired = true;
    own.abort();
  }, ms);
  if (signal.aborted) own.abort();
  else signal.addEventListener('abort', follow, { once: true });
  return {
    signal: own.signal,
    expired: () => expired,
    release: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', follow);
    },
  };
}
