import type { Note } from '../../core/notebook/note.ts';
import { sameFamily } from '../../core/retrieval/query.ts';
import type { AnalyzerName } from '../../core/verification/finding.ts';
import { readMetadata, type RulesMetadata } from '../analyzers/metadata.ts';

/** Which analyzers can tell whether the mistake of a note was made again. */
export class RuleAnalyzers {
  private readonly assetsRoot: string;
  private metadata: Promise<RulesMetadata> | undefined;

  constructor(assetsRoot: string) {
    this.assetsRoot = assetsRoot;
  }

  async of(note: Note): Promise<readonly AnalyzerName[]> {
    const rules = await this.rules();
    const own = note.rule !== undefined && Object.hasOwn(rules, note.rule) ? rules[note.rule] : undefined;
    if (own) return own.engines;
    // CodeQL's and other tools' rules have ids of their own (`py/sql-injection`), a rule of the workspace is Semgrep's.
    if (note.rule?.includes('/')) return ['codeql'];
    if (note.rule !== undefined) return ['semgrep'];
    // A note that names no rule, as imported ones do: whoever has rules for its weakness in its language.
    const fitting = Object.values(rules).filter((rule) => note.cwe !== undefined && rule.cwe.includes(note.cwe) && sameFamily(rule.language, note.language));
    return [...new Set(fitting.flatMap((rule) => rule.engines))];
  }

  private rules(): Promise<RulesMetadata> {
    this.metadata ??= readMetadata(this.assetsRoot);
    this.metadata.catch(() => (this.metadata = undefined));
    return this.metadata;
  }
}
