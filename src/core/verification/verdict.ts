import type { AnalyzerReport, Finding } from './finding.ts';
import type { Lapsed } from './marks.ts';
import type { Suppressed } from './suppression.ts';
import type { TestCase } from './test-runner.ts';

/** `fail` beats `unavailable` beats `pass`. */
export type Status = 'pass' | 'fail' | 'unavailable';

export interface SecurityVerdict {
  readonly status: Status;
  /** Why it is `unavailable`, or what else to know beside a `fail` or `pass`. */
  readonly reason?: string;
  /** What the completion introduces; what was there before does not count. */
  readonly findings: readonly Finding[];
  /** Names of analyzers whose answer is still to come. */
  readonly pending: readonly string[];
  /** What each analyzer said of the document with the completion in it. */
  readonly reports: readonly AnalyzerReport[];
  /** What somebody has accepted, by a comment or a mark. */
  readonly suppressed?: readonly Suppressed[];
  /** Findings whose mark does not hold: it has expired, or came from elsewhere and nobody approved it. */
  readonly lapsed?: readonly Lapsed[];
  /** Places elsewhere in the document that could not be read, in words. */
  readonly elsewhere?: string;
}

/** What the workspace's own tests say. */
export interface FunctionVerdict {
  readonly status: Status;
  readonly reason?: string;
  /** The runner that was used. */
  readonly runner?: string;
  /** They ran outside of a sandbox. */
  readonly unboxed?: boolean;
  /** How many tests it ran. */
  readonly tests?: number;
  /** The tests that count against the completion. */
  readonly failures?: readonly TestCase[];
  /** Every test of the run, as it ended with the completion. */
  readonly cases?: readonly TestCase[];
  /** How many of them passed without it. */
  readonly broken?: number;
}

export interface Verdict {
  readonly security: SecurityVerdict;
  readonly function: FunctionVerdict;
}

const RANK: Readonly<Record<Status, number>> = { pass: 0, unavailable: 1, fail: 2 };

export function worst(statuses: readonly Status[]): Status {
  return statuses.reduce<Status>((a, b) => (RANK[b] > RANK[a] ? b : a), 'pass');
}
