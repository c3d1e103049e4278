import type { Range, SourceDocument, TextEdit } from '../source.ts';

/** `sarif` is whatever tool wrote a SARIF file that was imported; `Finding.tool` names it. */
export type AnalyzerName = 'builtin' | 'semgrep' | 'codeql' | 'sarif';
export type Severity = 'error' | 'warning' | 'info';

/** One analyzer result. */
export interface Finding extends Range {
  readonly ruleId: string;
  /**
   * What the rule is about, shared by all rules of all analyzers for the same mistake in one language
   * (`sql-injection`); the rule id where a rule belongs to no family. Notes merge only within one family.
   */
  readonly ruleFamily: string;
  /** Normalized ids; empty for a house rule that names none. */
  readonly cwe: readonly string[];
  readonly severity: Severity;
  readonly message: string;
  readonly analyzer: AnalyzerName;
  /** Name of the tool, where the finding came in a SARIF file. */
  readonly tool?: string;
  /** Steps of a taint trace from source to sink, in the same document. */
  readonly trace?: readonly Range[];
  /** A mechanical fix that the rule itself offers, against the text that was scanned. Not yet proved. */
  readonly fix?: TextEdit;
}

/**
 * What one analyzer says about one document. `unavailable` means that it did not run or its answer cannot be
 * trusted, and `reason` says why: it is never to be read as clean.
 */
export interface AnalyzerReport {
  readonly name: AnalyzerName;
  /** `null` when the analyzer could not be asked. */
  readonly version: string | null;
  readonly status: 'ran' | 'unavailable';
  readonly reason?: string;
  readonly findings: readonly Finding[];
  readonly ms: number;
}

/** Port: something that finds weaknesses in a text. Rejects only when `signal` aborts. */
export interface Analyzer {
  readonly name: AnalyzerName;
  analyze(document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport>;
}
