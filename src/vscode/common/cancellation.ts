import type { CancellationToken } from 'vscode';

/** A controller that is aborted with the token; `release` ends the link. */
export function controllerOf(token: CancellationToken): { controller: AbortController; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(cancelled());
  if (token.isCancellationRequested) abort();
  const link = token.onCancellationRequested(abort);
  return { controller, release: () => link.dispose() };
}

export function cancelled(): DOMException {
  return new DOMException('Cancelled by the user.', 'AbortError');
}

/** Resolves after so many milliseconds; rejects with `AbortError` when the signal aborts first. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    const onAbort = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
