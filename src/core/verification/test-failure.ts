import type { TestCase } from './test-runner.ts';

const MAX_LINES = 24;
const MAX_CHARS = 1800;
/** Frames of runners, standard libraries and installed packages say nothing about the user's code. */
const FOREIGN_FRAME = /(?:node:internal|[\\/]node_modules[\\/]|[\\/]site-packages[\\/]|[\\/]lib[\\/]python3|^\s*at (?:Test|Suite|process|async Promise|new Promise)\b|java\.base\/|org\.junit|jdk\.internal|[\\/]_pytest[\\/])/;

/** A failure cut to what matters: the assertion, its values, the frames in the user's code. */
export function cutFailure(test: TestCase, root = ''): string {
  const inside = (text: string) => (root ? text.split(`${root}/`).join('') : text);
  const message = inside(test.message ?? 'it failed').trim();
  const lines = inside(withoutColours(test.details ?? ''))
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line, at, all) => line.trim() && !isForeign(line, all[at - 1]));
  // The end of a traceback has the assertion and the values, its beginning says where it came from.
  const kept = lines.length > MAX_LINES ? [...lines.slice(0, 4), '…', ...lines.slice(-(MAX_LINES - 5))] : lines;
  const details = kept.join('\n');
  const whole = [`Test ${test.name} failed: ${message.split('\n')[0] ?? ''}`, details.includes(message) || !message.includes('\n') ? '' : message, details].filter(Boolean).join('\n');
  return whole.length > MAX_CHARS ? `${whole.slice(0, MAX_CHARS - 1)}…` : whole;
}

/** Several failures as one diagnosis; three tell enough. */
export function describeFailures(failures: readonly TestCase[], root = ''): string {
  const shown = failures.slice(0, 3).map((test) => cutFailure(test, root));
  if (failures.length > 3) shown.push(`${failures.length - 3} more tests failed.`);
  return shown.join('\n\n');
}

/** What a failure says without what differs from run to run: addresses, durations, temporary names, line numbers. */
export function failureKey(test: TestCase): string {
  return (test.message ?? test.details ?? '')
    .replace(/0x[0-9a-f]+/gi, '0x')
    .replace(/\b\d+(?:\.\d+)?\s?m?s\b/g, 'time')
    .replace(/:\d+(?::\d+)?\b/g, ':n')
    .replace(/\bline \d+/g, 'line n')
    .replace(/\s+/g, ' ')
    .trim();
}

function isForeign(line: string, before: string | undefined): boolean {
  // In a Python traceback the line after a frame quotes it.
  return FOREIGN_FRAME.test(line) || (before !== undefined && /^\s*File "/.test(before) && FOREIGN_FRAME.test(before) && /^\s{4}/.test(line));
}

function withoutColours(text: string): string {
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
}
