import { visibleText } from '../core/visible-text.ts';
import { isCancelled, isExpected, messageOf } from '../core/errors.ts';

/** 0 done and clean, 1 done with findings, 2 could not run. */
export type ExitCode = 0 | 1 | 2;

/** What a verb says: JSON for programs, text for people. */
export interface Output {
  readonly json: unknown;
  readonly text: string;
  readonly exitCode: ExitCode;
}

/** What a terminal may be given: notes and code are data, and nothing in them moves its cursor, turns text around or hides. */
export function printable(text: string): string {
  return visibleText(text);
}

/** The one error path of the command line: `{error: {code, message, hint}}` or two lines on stderr, exit code 2. */
export function errorOutput(error: unknown): Output {
  const cancelled = isCancelled(error);
  const code = isExpected(error) ? error.code : cancelled ? 'cancelled' : 'bug';
  const message = cancelled ? 'Cancelled.' : messageOf(error);
  const hint = isExpected(error) ? error.hint : cancelled ? 'Run the command again.' : 'This is a fault of SafeNote. Run again with --verbose and report what it prints.';
  return { json: { error: { code, message, hint } }, text: `error: ${printable(message)}\n${printable(hint)}\n`, exitCode: 2 };
}
