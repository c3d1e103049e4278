/**
 * The one error path (DESIGN: cancelled, expected, or bug). Everything a user can do something about is an
 * `ExpectedError`; cancellation is the platform's own `AbortError`; whatever else is thrown is a bug.
 */

/** An error that is part of normal life. `message` says what happened, `hint` what the user can do about it. */
export class ExpectedError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ExpectedError';
    this.code = code;
    this.hint = hint;
  }
}

export function isExpected(error: unknown): error is ExpectedError {
  return error instanceof ExpectedError;
}

/** True for what `AbortSignal.throwIfAborted` and `fetch` throw on cancellation. */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'Canceled' || error.name === 'APIUserAbortError');
}

/** The text of any thrown value, for a `reason`. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
