import type { LearnedNote } from '../completion/types.ts';
import type { Status } from '../verification/verdict.ts';
import type { Usage } from './recording.ts';
import type { Judgement, Said } from './suite.ts';

/** What the tool's own check said: the teacher, compared with the judge in the report, and never counted as a result. */
export interface ToolSaid {
  readonly security: Status;
  readonly function: Status;
  /** CWEs of its findings. */
  readonly found: readonly string[];
}

/** What went into the prompt. */
export interface Hits {
  readonly knowledge: readonly string[];
  /** CWE of each security note, empty for one without. */
  readonly securityNotes: readonly { readonly id: string; readonly cwe: string }[];
  readonly functionNotes: readonly string[];
}

/** What became of one sample of one task under one arm. */
export interface SampleResult {
  readonly arm: string;
  readonly task: string;
  readonly sample: number;
  /**
   * `judged`: there was a program. `no-program`: the model answered and its answer could not be used: counted as failing.
   * `error`: no answer, for a reason that may pass: counted nowhere, and tried again by a resumed run.
   */
  readonly status: 'judged' | 'no-program' | 'error';
  readonly reason?: string;
  /** Of what the user would get. */
  readonly shown: Judgement;
  /** Of the first answer, before any retry. */
  readonly first: Judgement;
  readonly attempts: number;
  readonly tool?: { readonly first: ToolSaid; readonly shown: ToolSaid };
  readonly hits: Hits;
  readonly usage: Usage;
  /** Milliseconds; of a replayed answer, generation takes none. */
  readonly ms: { readonly retrieve: number; readonly generate: number; readonly verify: number };
}

/** The notebook's change by one task, as its journal has it. */
export interface Lesson {
  readonly task: string;
  readonly notes: readonly LearnedNote[];
  readonly usage: Usage;
}

/**
 * Whether a measure says something about a task. Where nobody judges the security of a task at all, its failing samples must not
 * stand for the rest: SecurePass would count what fails and leave out what works.
 */
export function saysSomething(results: readonly SampleResult[]): (metric: string, task: string) => boolean {
  const programs = results.filter((r) => r.status === 'judged');
  const tried = new Set(programs.map((r) => r.task));
  const judged = new Set(programs.filter((r) => r.shown.security.status !== 'unavailable' || r.first.security.status !== 'unavailable').map((r) => r.task));
  return (metric, task) => !/^secure/.test(metric) || judged.has(task) || !tried.has(task);
}

export const NO_USAGE: Usage = { requests: 0, tokens: { prompt: 0, completion: 0 }, byPurpose: {} };
export const NO_HITS: Hits = { knowledge: [], securityNotes: [], functionNotes: [] };

export function both(said: Said): Judgement {
  return { function: said, security: said };
}
