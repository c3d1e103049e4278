/** The marks that a merge leaves where two versions of a text could not be put together. */

const OURS = /^<{7}(?: .*)?$/;
const BASE = /^\|{7}(?: .*)?$/;
const BETWEEN = /^={7}$/;
const THEIRS = /^>{7}(?: .*)?$/;

/** A text with marks taken apart: what it was on each side, and before, where the merge wrote that down. */
export interface Versions {
  readonly base?: string;
  readonly ours: string;
  readonly theirs: string;
}

/** True for a line that could be taken for the begin or end of a conflict. */
export function isConflictMark(line: string): boolean {
  return OURS.test(line) || THEIRS.test(line);
}

/** 1-based line of the first conflict of a text whose lines end in `\n`; 0 where there is none. */
export function firstConflict(text: string): number {
  if (!text.includes('<<<<<<<') || !text.includes('>>>>>>>')) return 0;
  const lines = text.split('\n');
  let begin = 0;
  let between = false;
  for (const [at, line] of lines.entries()) {
    if (OURS.test(line)) [begin, between] = [at + 1, false];
    else if (begin && BETWEEN.test(line)) between = true;
    else if (between && THEIRS.test(line)) return begin;
  }
  return 0;
}

/** Both sides of a text with conflicts, or nothing where there is none or the marks are not in order. */
export function versionsOf(text: string): Versions | undefined {
  if (firstConflict(text) === 0) return undefined;
  const sides = { base: [] as string[], ours: [] as string[], theirs: [] as string[] };
  let at: 'all' | 'base' | 'ours' | 'theirs' = 'all';
  let conflicts = 0;
  let withBase = 0;
  for (const line of text.split('\n')) {
    if (at === 'all' && OURS.test(line)) {
      at = 'ours';
      conflicts++;
    } else if (at === 'ours' && BASE.test(line)) {
      at = 'base';
      withBase++;
    } else if ((at === 'ours' || at === 'base') && BETWEEN.test(line)) at = 'theirs';
    else if (at === 'theirs' && THEIRS.test(line)) at = 'all';
    else if (at === 'all') for (const side of Object.values(sides)) side.push(line);
    else sides[at].push(line);
  }
  if (at !== 'all') return undefined;
  return { ours: sides.ours.join('\n'), theirs: sides.theirs.join('\n'), ...(withBase === conflicts && { base: sides.base.join('\n') }) };
}
