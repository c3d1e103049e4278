import type { NoteCounters } from '../../core/activity/totals.ts';
import type { Standing } from '../../core/activity/worth.ts';
import type { NoteKind } from '../../core/notebook/note.ts';

/* What the extension and the dashboard's page say to each other. */

/** One line of the notes. */
export interface NoteRow {
  readonly id: string;
  readonly title: string;
  readonly kind: NoteKind;
  readonly cwe?: string;
  readonly language: string;
  readonly frequency: number;
  readonly state: 'active' | 'muted' | 'quarantined';
  readonly standing: Standing;
  readonly counters: NoteCounters;
  readonly retire?: string;
}

/** The sums of one day, or of one month of long ago. */
export interface PeriodRow {
  /** `2026-11-28` or `2025-10`. */
  readonly date: string;
  readonly completions: number;
  readonly accepted: number;
  readonly pass: number;
  readonly fail: number;
  readonly unavailable: number;
  readonly sent: number;
  readonly received: number;
  readonly modelMs: number;
  readonly checkMs: number;
  readonly cells: readonly { readonly cwe?: string; readonly language: string; readonly found: number; readonly caught: number; readonly prevented: number; readonly failed: number }[];
}

/** One of the last completions: what shaped it and what became of it. */
export interface CompletionRow {
  readonly at: string;
  readonly language: string;
  readonly model: string;
  readonly mode: string;
  /** Security verdict of what was shown. */
  readonly verdict: 'pass' | 'fail' | 'unavailable';
  readonly tests: 'pass' | 'fail' | 'unavailable';
  readonly attempts: number;
  readonly accepted?: 'whole' | 'part';
  /** Weaknesses of any of its answers; `shown` where the one that was shown had it still. */
  readonly found: readonly { readonly rule: string; readonly cwe?: string; readonly shown: boolean }[];
  readonly notes: readonly { readonly id: string; readonly title?: string; readonly shown: boolean; readonly result?: 'prevented' | 'failed' }[];
  readonly knowledge: readonly { readonly cwe: string; readonly sample?: string; readonly shown: boolean }[];
  readonly checks: readonly { readonly name: string; readonly ran: boolean; readonly ms: number; readonly findings: number }[];
  readonly learned: readonly { readonly id: string; readonly action: 'created' | 'merged' }[];
  readonly tokens: { readonly prompt: number; readonly completion: number };
  readonly ms: { readonly total: number; readonly model: number; readonly checks: number; readonly retrieval: number };
}

export interface DashboardData {
  /** Workspace folders with a notebook, and the one that is shown. */
  readonly folders: readonly { readonly id: string; readonly name: string }[];
  readonly folder: string;
  /** Today, as the counters date days. */
  readonly today: string;
  /** The most useful first. */
  readonly notes: readonly NoteRow[];
  /** Oldest first. */
  readonly periods: readonly PeriodRow[];
  /** Latest first. */
  readonly completions: readonly CompletionRow[];
  /** Titles of the weaknesses that are named above. */
  readonly titles: Readonly<Record<string, string>>;
}

export type ToPage = { readonly type: 'data'; readonly data: DashboardData };

/** What the page may ask for. Everything else is ignored. */
export type FromPage =
  | { readonly type: 'ready' }
  | { readonly type: 'folder'; readonly id: string }
  | { readonly type: 'open' | 'mute' | 'wrong'; readonly note: string }
  | { readonly type: 'complete' }
  /** What the page has drawn, for whoever wants to know. */
  | { readonly type: 'drawn'; readonly charts: number; readonly notes: number; readonly completions: number; readonly list: string }
  /** Something went wrong in the page. */
  | { readonly type: 'problem'; readonly text: string };
