import * as z from 'zod';
import type { ActivityEvent, CompletionEvent, SeenWeakness } from './event.ts';

const Count = z.number().finite().nonnegative().catch(0).default(0);
const Moment = z.string().optional();

/** What became of one note so far, with the dates of the last time. */
export const NoteCounters = z.object({
  /** It passed the gate of a request. */
  retrieved: Count,
  /** It went into the prompt. */
  shown: Count,
  prevented: Count,
  failed: Count,
  /** How often the user said that it is wrong; 0 again when that was taken back. */
  wrong: Count,
  lastRetrieved: Moment,
  lastShown: Moment,
  lastPrevented: Moment,
  lastFailed: Moment,
  lastWrong: Moment,
});
export type NoteCounters = z.infer<typeof NoteCounters>;
export const NO_COUNTERS: NoteCounters = Object.freeze({ retrieved: 0, shown: 0, prevented: 0, failed: 0, wrong: 0 });

/** One weakness in one language. */
export const Cell = z.object({
  /** Completions in which an answer had it. */
  found: Count,
  /** … and what was shown had it no more: a retry did without. */
  caught: Count,
  /** Completions with a note about it in the prompt in which it stayed away, and in which it came all the same. */
  prevented: Count,
  failed: Count,
});
export type Cell = z.infer<typeof Cell>;

/** The sums of one day (or, when it is long ago, of one month). */
export const DayTotals = z.object({
  completions: Count,
  accepted: Count,
  /** Security verdicts of what was shown. */
  pass: Count,
  fail: Count,
  unavailable: Count,
  /** Completions that needed a second request because the first answer failed. */
  retried: Count,
  promptTokens: Count,
  completionTokens: Count,
  modelMs: Count,
  checkMs: Count,
  totalMs: Count,
  /** By `CWE-89 python`; weaknesses that name no CWE are under `none`. */
  cells: z.record(z.string(), Cell).default({}),
});
export type DayTotals = z.infer<typeof DayTotals>;

/** Everything that was ever counted in a workspace. Plain data: a journal keeps it in place of the events that it drops. */
export const ActivityTotals = z.object({
  notes: z.record(z.string(), NoteCounters).default({}),
  /** By day, `2026-11-28`, or month, `2025-10`, in UTC. */
  days: z.record(z.string().regex(/^\d{4}-\d\d(?:-\d\d)?$/), DayTotals).default({}),
});
export type ActivityTotals = z.infer<typeof ActivityTotals>;

export function noTotals(): ActivityTotals {
  return { notes: {}, days: {} };
}

export function countersOf(totals: ActivityTotals, noteId: string): NoteCounters {
  return Object.hasOwn(totals.notes, noteId) ? (totals.notes[noteId] ?? NO_COUNTERS) : NO_COUNTERS;
}

/** `CWE-89 python`: the key of a cell. */
export function cellKey(cwe: string | undefined, language: string): string {
  return `${cwe ?? 'none'} ${language}`;
}

export function readCellKey(key: string): { cwe: string | undefined; language: string } {
  const at = key.indexOf(' ');
  const cwe = key.slice(0, at);
  return { cwe: cwe === 'none' ? undefined : cwe, language: key.slice(at + 1) };
}

/** Adds one event to the sums. */
export function addEvent(totals: ActivityTotals, event: ActivityEvent): void {
  switch (event.type) {
    case 'completion':
      addCompletion(totals, event);
      return;
    case 'accepted':
      day(totals, event.at).accepted++;
      return;
    case 'tested':
      for (const { id, result } of event.notes) addResult(note(totals, id), result, event.at);
      return;
    case 'wrong': {
      const counters = note(totals, event.note);
      counters.wrong = event.undone ? 0 : counters.wrong + 1;
      counters.lastWrong = event.undone ? undefined : latest(counters.lastWrong, event.at);
    }
  }
}

function addCompletion(totals: ActivityTotals, event: CompletionEvent): void {
  const sums = day(totals, event.at);
  const shown = event.attempts[event.shown];
  sums.completions++;
  if (shown) sums[shown.security]++;
  if (event.attempts.length > 1 || event.again) sums.retried++;
  sums.promptTokens += event.tokens.prompt;
  sums.completionTokens += event.tokens.completion;
  sums.modelMs += event.timings.generateMs;
  sums.checkMs += event.timings.verifyMs;
  sums.totalMs += event.timings.totalMs;

  const cell = (cwe: string | undefined) => own(sums.cells, cellKey(cwe, event.language), (): Cell => ({ found: 0, caught: 0, prevented: 0, failed: 0 }));
  const cwes = (findings: readonly SeenWeakness[]) => new Set(findings.map((f) => f.cwe[0]));
  const reached = cwes(shown?.findings ?? []);
  for (const cwe of cwes(event.attempts.flatMap((a) => a.findings))) {
    cell(cwe).found++;
    if (!reached.has(cwe)) cell(cwe).caught++;
  }
  for (const result of ['prevented', 'failed'] as const) {
    for (const cwe of new Set(event.notes.filter((n) => n.kind === 'security' && n.result === result).map((n) => n.cwe))) cell(cwe)[result]++;
  }

  for (const use of event.notes) {
    const counters = note(totals, use.id);
    counters.retrieved++;
    counters.lastRetrieved = latest(counters.lastRetrieved, event.at);
    if (use.shown) {
      counters.shown++;
      counters.lastShown = latest(counters.lastShown, event.at);
    }
    if (use.result) addResult(counters, use.result, event.at);
  }
}

function addResult(counters: NoteCounters, result: 'prevented' | 'failed', at: string): void {
  counters[result]++;
  if (result === 'prevented') counters.lastPrevented = latest(counters.lastPrevented, at);
  else counters.lastFailed = latest(counters.lastFailed, at);
}

/** Days that keep their own sums; older ones are added up by month. */
const DAYS_KEPT = 400;
/** Notes whose counters are kept: more than a notebook is made for, and a bound on what the journal can grow to. */
const NOTES_KEPT = 20_000;

/** Keeps the sums from growing without end. Nothing is taken from any total. */
export function rollUp(totals: ActivityTotals, now: Date): void {
  const oldest = new Date(now.getTime() - DAYS_KEPT * 86_400_000).toISOString().slice(0, 10);
  for (const [key, sums] of Object.entries(totals.days)) {
    if (key.length !== 10 || key >= oldest) continue;
    addSums(own(totals.days, key.slice(0, 7), noSums), sums);
    delete totals.days[key];
  }
  const notes = Object.entries(totals.notes);
  if (notes.length <= NOTES_KEPT) return;
  const lastSeen = (c: NoteCounters) => [c.lastRetrieved ?? '', c.lastWrong ?? ''].sort().at(-1) ?? '';
  notes.sort(([, a], [, b]) => (lastSeen(a) < lastSeen(b) ? -1 : 1));
  for (const [id] of notes.slice(0, notes.length - NOTES_KEPT)) delete totals.notes[id];
}

/** The sums of all days from a moment on (`2026-11-01`), or of all. A month counts when it begins then or later. */
export function sumSince(totals: ActivityTotals, from = ''): DayTotals {
  const sum = noSums();
  for (const [key, sums] of Object.entries(totals.days)) if (key >= from) addSums(sum, sums);
  return sum;
}

export function noSums(): DayTotals {
  return { completions: 0, accepted: 0, pass: 0, fail: 0, unavailable: 0, retried: 0, promptTokens: 0, completionTokens: 0, modelMs: 0, checkMs: 0, totalMs: 0, cells: {} };
}

export function addSums(into: DayTotals, from: DayTotals): void {
  for (const key of Object.keys(noSums()) as (keyof DayTotals)[]) if (key !== 'cells') into[key] += from[key];
  for (const [key, cell] of Object.entries(from.cells)) {
    const sum = own(into.cells, key, (): Cell => ({ found: 0, caught: 0, prevented: 0, failed: 0 }));
    sum.found += cell.found;
    sum.caught += cell.caught;
    sum.prevented += cell.prevented;
    sum.failed += cell.failed;
  }
}

function day(totals: ActivityTotals, at: string): DayTotals {
  return own(totals.days, at.slice(0, 10), noSums);
}

function note(totals: ActivityTotals, id: string): NoteCounters {
  return own(totals.notes, id, (): NoteCounters => ({ ...NO_COUNTERS }));
}

/** An entry of a record, made where there is none; ids such as `constructor` are entries like any other. */
function own<T>(record: Record<string, T>, key: string, make: () => T): T {
  const known = Object.hasOwn(record, key) ? record[key] : undefined;
  if (known !== undefined) return known;
  const made = make();
  Object.defineProperty(record, key, { value: made, enumerable: true, configurable: true, writable: true });
  return made;
}

/** Clocks jump, and two windows write: the later of two moments, whatever came first. */
function latest(a: string | undefined, b: string): string {
  return a !== undefined && a > b ? a : b;
}
