import { isUsable, type StoredNote } from '../notebook/note.ts';
import type { NoteCounters } from './totals.ts';

/** How far a note can sink for failing, and rise for helping. */
const MOST_LOST = 0.5;
const MOST_GAINED = 0.1;
/** What the user says weighs more than what a check saw. */
const WRONG = 0.5;
/** Judgements that count as none yet: the first ones move a note a little only. */
const DOUBT = 4;

/** Bounds of `worthFactor`. */
export const LEAST_WORTH = (1 - MOST_LOST) * WRONG;
export const MOST_WORTH = 1 + MOST_GAINED;

/**
 * What a note's score in the ranking is multiplied by. With h = (prevented − failed) / (prevented + failed + 4):
 * 1 + 0.1 h where it helped, 1 + 0.5 h where it did not, halved where the user said that it is wrong. So it lies in
 * [0.25, 1.1], is 1 without evidence, grows with each failure prevented and falls with each that came in spite of the note. It sinks
 * faster than it rises: a note in the prompt takes room from another, and a failure is seen where a prevention is only likely.
 * (Scores of neighbours in the ranking differ by 1 or 2 %: 0.93 after the first failure in vain is some four places.)
 */
export function worthFactor({ prevented, failed, wrong }: NoteCounters): number {
  const help = (prevented - failed) / (prevented + failed + DOUBT);
  return (1 + (help < 0 ? MOST_LOST : MOST_GAINED) * help) * (wrong > 0 ? WRONG : 1);
}

/** Failures in spite of a note from which on it may be proposed for retirement. */
const FAILED_IN_VAIN = 3;
/** So often was it looked up and came into no prompt, … */
const NEVER_CHOSEN = 25;

/**
 * Why a note had better go, in words, or `undefined`. A proposal: only the user mutes or deletes. Notes that are muted or not
 * approved are out of use already.
 */
export function retirementReason(stored: StoredNote, counters: NoteCounters): string | undefined {
  if (!isUsable(stored)) return undefined;
  const { prevented, failed, wrong, retrieved, shown } = counters;
  if (wrong > 0) return 'you said that it is wrong';
  // A pin is the user's word, too.
  if (stored.note.pinned) return undefined;
  if (failed >= FAILED_IN_VAIN && failed >= 2 * prevented) {
    return prevented === 0 ? `in ${failed} prompts it prevented nothing: the failure came all the same` : `the failure came in spite of it ${failed} times, and stayed away only ${prevented === 1 ? 'once' : `${prevented} times`}`;
  }
  if (retrieved >= NEVER_CHOSEN && shown === 0) return `found ${retrieved} times and never chosen: others always fit better`;
  return undefined;
}

/** Where a note stands: for sorting and for a mark beside it. */
export type Standing = 'untried' | 'helps' | 'mixed' | 'fails' | 'wrong';

export function standingOf({ prevented, failed, wrong }: NoteCounters): Standing {
  if (wrong > 0) return 'wrong';
  if (prevented + failed === 0) return 'untried';
  if (prevented > 2 * failed) return 'helps';
  return failed > prevented ? 'fails' : 'mixed';
}

/** A note's worth in a line: `prevented 4, failed 1 of 9 prompts`; empty where it was never looked up. */
export function describeWorth(counters: NoteCounters): string {
  const { retrieved, shown, prevented, failed, wrong } = counters;
  const parts: string[] = [];
  if (wrong > 0) parts.push('you said it is wrong');
  if (prevented > 0) parts.push(`prevented ${prevented}`);
  if (failed > 0) parts.push(`failed in spite of it ${failed}`);
  if (shown > 0) parts.push(`in ${shown} ${shown === 1 ? 'prompt' : 'prompts'}`);
  else if (retrieved > 0) parts.push(`found ${retrieved === 1 ? 'once' : `${retrieved} times`}, in no prompt yet`);
  return parts.join(', ');
}

/** The most useful first; then those without evidence; then those that fail, and last those that are wrong. */
export function byWorth(a: NoteCounters, b: NoteCounters): number {
  return worthFactor(b) - worthFactor(a) || b.shown - a.shown || b.retrieved - a.retrieved;
}
