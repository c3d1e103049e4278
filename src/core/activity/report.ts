import type { StoredNote } from '../notebook/note.ts';
import type { ActivityEvent, CompletionEvent } from './event.ts';
import { type ActivityTotals, countersOf, type NoteCounters } from './totals.ts';
import { byWorth, retirementReason, type Standing, standingOf, worthFactor } from './worth.ts';

/** A note with what became of it. */
export interface NoteWorth {
  readonly stored: StoredNote;
  readonly counters: NoteCounters;
  /** What its score in the ranking is multiplied by. */
  readonly factor: number;
  readonly standing: Standing;
  /** Why it is proposed for retirement. */
  readonly retire?: string;
}

/** The notes of a notebook, the most useful first. */
export function notesByWorth(notes: readonly StoredNote[], totals: ActivityTotals): NoteWorth[] {
  return notes
    .map((stored): NoteWorth => {
      const counters = countersOf(totals, stored.note.id);
      const retire = retirementReason(stored, counters);
      return { stored, counters, factor: worthFactor(counters), standing: standingOf(counters), ...(retire === undefined ? {} : { retire }) };
    })
    .sort((a, b) => byWorth(a.counters, b.counters) || b.stored.note.frequency - a.stored.note.frequency || (a.stored.note.id < b.stored.note.id ? -1 : 1));
}

/** A completion and whether it was taken over; `undefined` where nothing of it was. */
export interface PastCompletion {
  readonly event: CompletionEvent;
  readonly accepted?: 'whole' | 'part';
  /** What the workspace's tests said after it was shown. */
  readonly tested?: 'pass' | 'fail';
}

/** The completions that are remembered one by one, latest first. */
export function pastCompletions(events: readonly ActivityEvent[]): PastCompletion[] {
  const accepted = new Map<string, 'whole' | 'part'>();
  for (const event of events) if (event.type === 'accepted' && accepted.get(event.of) !== 'whole') accepted.set(event.of, event.how);
  const tested = new Map(events.flatMap((event) => (event.type === 'tested' ? [[event.of, event.status] as const] : [])));
  return events
    .flatMap((event): PastCompletion[] => {
      if (event.type !== 'completion') return [];
      const how = accepted.get(event.id);
      const tests = tested.get(event.id);
      return [{ event, ...(how ? { accepted: how } : {}), ...(tests ? { tested: tests } : {}) }];
    })
    .sort((a, b) => (a.event.at < b.event.at ? 1 : a.event.at > b.event.at ? -1 : 0));
}
