import { ExpectedError, isCancelled, messageOf } from '../../core/errors.ts';
import { type Logger, SILENT } from '../../core/log.ts';
import type { SourceDocument } from '../../core/source.ts';
import type { Analyzer, AnalyzerReport } from '../../core/verification/finding.ts';
import type { AnalysisWorker } from '../analysis/client.ts';
import { readMetadata, rulesVersion } from './metadata.ts';

/** Tier 0: SafeNote's ast-grep rules, in the analysis worker. Needs nothing to be installed. */
export class BuiltinAnalyzer implements Analyzer {
  readonly name = 'builtin';
  private readonly worker: Pick<AnalysisWorker, 'scan'>;
  private readonly assetsRoot: string;
  private readonly log: Logger;
  private readonly named = new Set<string>();
  private version: Promise<string> | undefined;

  constructor(options: { readonly worker: Pick<AnalysisWorker, 'scan'>; readonly assetsRoot: string; readonly log?: Logger }) {
    this.worker = options.worker;
    this.assetsRoot = options.assetsRoot;
    this.log = options.log ?? SILENT;
  }

  async analyze(document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    const started = performance.now();
    const report = (rest: Pick<AnalyzerReport, 'status' | 'findings'> & { reason?: string }, version: string | null): AnalyzerReport => ({ name: this.name, version, ms: performance.now() - started, ...rest });
    try {
      const [version, result] = await Promise.all([this.rulesVersion(), this.worker.scan(document, signal)]);
      this.nameBroken(result.brokenRules);
      return report({ status: result.status, findings: result.findings, ...(result.reason === undefined ? {} : { reason: result.reason }) }, version);
    } catch (error) {
      if (signal.aborted || isCancelled(error)) throw error;
      return report({ status: 'unavailable', findings: [], reason: error instanceof ExpectedError ? `${error.message} ${error.hint}` : messageOf(error) }, null);
    }
  }

  /** Names the rules, so that two reports can be compared: a hash of all that was packed. */
  private rulesVersion(): Promise<string> {
    this.version ??= readMetadata(this.assetsRoot).then(rulesVersion);
    this.version.catch(() => (this.version = undefined));
    return this.version;
  }

  private nameBroken(rules: readonly string[]): void {
    for (const rule of rules) {
      if (this.named.has(rule)) continue;
      this.named.add(rule);
      this.log.warn(`A built-in rule cannot be used: ${rule}`);
    }
  }
}
