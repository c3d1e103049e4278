import { type NoteCounters, NO_COUNTERS } from '../../core/activity/totals.ts';
import { byWorth } from '../../core/activity/worth.ts';
import type { NoteKind, StoredNote } from '../../core/notebook/note.ts';

/** How a view groups and sorts notes, and which ones it shows. Knows no editor: a function of notes and choices. */

export type GroupBy = 'cwe' | 'file' | 'language' | 'model' | 'age';
export type SortBy = 'frequency' | 'updated' | 'title' | 'worth';
/** What became of a note so far, by its id. */
export type CountersOf = (noteId: string) => NoteCounters;

const NOT_COUNTED: CountersOf = () => NO_COUNTERS;
export type State = 'active' | 'muted' | 'quarantined';

/** What each notebook can be grouped by; the first is the default. The module of a function note is the file it failed in. */
export const GROUPINGS: Readonly<Record<NoteKind, readonly GroupBy[]>> = {
  security: ['cwe', 'file', 'language', 'model', 'age'],
  function: ['file', 'language', 'model', 'age'],
};
export const SORTINGS: readonly SortBy[] = ['frequency', 'updated', 'title', 'worth'];

/** Ages of notes, youngest first, with the days up to which each goes. */
const AGES = [['today', 1], ['week', 7], ['month', 30], ['year', 365], ['older', Infinity]] as const;
export type Age = (typeof AGES)[number][0];

/** An empty list lets everything through. */
export interface NoteFilter {
  readonly languages: readonly string[];
  readonly states: readonly (State | 'pinned')[];
  readonly models: readonly string[];
  readonly origins: readonly string[];
  /** All of these words must be in the note. */
  readonly text: string;
}

export const NO_FILTER: NoteFilter = { languages: [], states: [], models: [], origins: [], text: '' };

export function isFiltering(filter: NoteFilter): boolean {
  return filter.text.trim() !== '' || [filter.languages, filter.states, filter.models, filter.origins].some((list) => list.length > 0);
}

export function stateOf(stored: StoredNote): State {
  return stored.quarantined ? 'quarantined' : stored.note.status;
}

/** What a note is grouped under; empty where it does not say. An age is one of `Age`. */
export function groupOf({ note }: StoredNote, by: GroupBy, now: number): string {
  switch (by) {
    case 'cwe':
      return note.cwe ?? '';
    case 'file':
      return note.file ?? '';
    case 'language':
      return note.language;
    case 'model':
      return note.model;
    case 'age':
      return ageOf(note.created, now);
  }
}

function ageOf(created: string, now: number): Age {
  const days = (now - Date.parse(created)) / 86_400_000;
  return AGES.find(([, upTo]) => days < upTo)?.[0] ?? 'older';
}

/** Groups in their order: ages from young to old, everything else by name with numbers as numbers; what has no name last. */
export function grouped(notes: readonly StoredNote[], by: GroupBy, sortBy: SortBy, now: number, counters: CountersOf = NOT_COUNTED): { label: string; notes: StoredNote[] }[] {
  const groups = Map.groupBy(notes, (stored) => groupOf(stored, by, now));
  const age = (label: string) => AGES.findIndex(([name]) => name === label);
  const order = by === 'age' ? (a: string, b: string) => age(a) - age(b) : (a: string, b: string) => Number(a === '') - Number(b === '') || NAMES.compare(a, b);
  return [...groups].map(([label, list]) => ({ label, notes: list.sort((a, b) => SORTERS[sortBy](a, b, counters)) })).sort((a, b) => order(a.label, b.label));
}

const NAMES = new Intl.Collator('en', { numeric: true });

/** Pinned notes lead whatever the order, as they do in prompts. */
const SORTERS: Readonly<Record<SortBy, (a: StoredNote, b: StoredNote, counters: CountersOf) => number>> = {
  frequency: (a, b) => pinned(a, b) || b.note.frequency - a.note.frequency || latest(a, b) || byTitle(a, b),
  updated: (a, b) => pinned(a, b) || latest(a, b) || byTitle(a, b),
  title: (a, b) => pinned(a, b) || byTitle(a, b) || latest(a, b),
  worth: (a, b, counters) => pinned(a, b) || byWorth(counters(a.note.id), counters(b.note.id)) || b.note.frequency - a.note.frequency || byTitle(a, b),
};

function pinned(a: StoredNote, b: StoredNote): number {
  return Number(b.note.pinned ?? false) - Number(a.note.pinned ?? false);
}

function latest(a: StoredNote, b: StoredNote): number {
  return a.note.updated < b.note.updated ? 1 : a.note.updated > b.note.updated ? -1 : 0;
}

function byTitle(a: StoredNote, b: StoredNote): number {
  return NAMES.compare(a.note.title, b.note.title);
}

/** `titleOf` names a CWE, so that "injection" finds what only says CWE-89. */
export function fits(stored: StoredNote, filter: NoteFilter, titleOf: (cwe: string) => string): boolean {
  const { note } = stored;
  const one = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
  const state = filter.states.length === 0 || filter.states.includes(stateOf(stored)) || (note.pinned === true && filter.states.includes('pinned'));
  return state && one(filter.languages, note.language) && one(filter.models, note.model) && one(filter.origins, note.origin) && hasWords(stored, filter.text, titleOf);
}

/** True when every word of a search is somewhere in the note. */
export function hasWords(stored: StoredNote, search: string, titleOf: (cwe: string) => string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  let text = searchable.get(stored.note);
  if (text === undefined) {
    const { note } = stored;
    text = [note.title, note.cwe ?? '', note.rule ?? '', note.language, note.model, note.file ?? '', note.tasks.join('\n'), note.guidance, note.diagnosis, note.erroneousCode].join('\n').toLowerCase();
    searchable.set(note, text);
  }
  const title = stored.note.cwe ? titleOf(stored.note.cwe).toLowerCase() : '';
  return words.every((word) => text.includes(word) || title.includes(word));
}

/** A note object never changes; its text is put together once. */
const searchable = new WeakMap<StoredNote['note'], string>();
