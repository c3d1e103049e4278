import type { Finding } from '../../core/verification/finding.ts';
import type { SourceDocument } from '../../core/source.ts';
import type { SyntaxOutline } from '../../core/syntax/outline.ts';

/** What ast-grep rules say about one text. */
export interface ScanResult {
  readonly status: 'ran' | 'unavailable';
  /** Why it did not run. */
  readonly reason?: string;
  readonly findings: readonly Finding[];
  /** Rules that could not be used, each with what is wrong; the others ran. */
  readonly brokenRules: readonly string[];
}

/** Result of each request that the worker answers. */
export interface Answers {
  outline: SyntaxOutline;
  scan: ScanResult;
  /** Loads grammar and rules of a language ahead of the first text. */
  warm: null;
  /** Tries every rule of a language; says what is wrong with those that cannot be used. */
  check: readonly string[];
  /** The security-focused slice of a text against its vulnerable side; `null` where there is none. */
  slice: string | null;
}
export type RequestKind = keyof Answers;

export interface WorkerRequest {
  readonly id: number;
  readonly kind: RequestKind;
  readonly document: SourceDocument;
  /** The vulnerable side, for a slice. */
  readonly before?: string;
}

export interface WorkerReply {
  readonly id: number;
  readonly value?: Answers[RequestKind];
  /** What went wrong, where there is no value. */
  readonly error?: string;
}

export interface WorkerSettings {
  /** The folder with `grammars/`, `wasm/` and `rules/`. */
  readonly assetsRoot: string;
}
