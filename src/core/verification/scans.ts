import { isCancelled, messageOf } from '../errors.ts';
import type { SourceDocument } from '../source.ts';
import type { Analyzer, AnalyzerName, AnalyzerReport } from './finding.ts';

/** An analyzer began with a text, or answered. */
export interface ScanEvent {
  readonly analyzer: AnalyzerName;
  readonly path: string;
  /** Absent when it began; absent too, at the end, where nobody waited any longer. */
  readonly report?: AnalyzerReport;
  readonly running: boolean;
}

interface Running {
  readonly answer: Promise<AnalyzerReport>;
  readonly controller: AbortController;
  waiting: number;
}

interface Known {
  readonly report: AnalyzerReport;
  readonly at: number;
}

/** Answers that are kept: the document before a completion is asked for again and again. */
const KEPT = 32;
/** A document as it is now is asked for anew after this, in milliseconds: rules may have changed. Two checks of one edit come at once. */
const FRESH_MS = 3_000;

/** Asks analyzers about texts. One question that several ask at a time is one scan, which ends early when nobody waits any longer. */
export class Scans {
  private readonly running = new Map<string, Running>();
  private readonly known = new Map<string, Known>();
  private readonly onScan: ((event: ScanEvent) => void) | undefined;

  constructor(onScan?: (event: ScanEvent) => void) {
    this.onScan = onScan;
  }

  /**
   * An analyzer's answer; what it throws is a report of its own, but for cancellation. `unchanged`: a text that was there
   * before a change, whose answer stays the same between attempts.
   */
  async ask(analyzer: Analyzer, document: SourceDocument, signal: AbortSignal, o: { unchanged?: boolean } = {}): Promise<AnalyzerReport> {
    signal.throwIfAborted();
    const key = [analyzer.name, document.path, document.language, document.text].join('\u0000');
    const known = this.known.get(key);
    if (known && (o.unchanged || Date.now() - known.at < FRESH_MS)) return known.report;
    const scan = this.running.get(key) ?? this.start(key, analyzer, document);
    scan.waiting++;
    try {
      return await abortable(scan.answer, signal);
    } finally {
      if (--scan.waiting === 0) {
        if (this.running.get(key) === scan) this.running.delete(key);
        scan.controller.abort(new DOMException('Nobody waits for this check any longer.', 'AbortError'));
      }
    }
  }

  private start(key: string, analyzer: Analyzer, document: SourceDocument): Running {
    const controller = new AbortController();
    const scan: Running = { controller, waiting: 0, answer: this.scan(analyzer, document, controller.signal) };
    this.running.set(key, scan);
    scan.answer.then(
      (report) => {
        if (report.status !== 'ran') return;
        this.known.delete(key);
        this.known.set(key, { report, at: Date.now() });
        for (const oldest of this.known.keys()) {
          if (this.known.size <= KEPT) break;
          this.known.delete(oldest);
        }
      },
      () => undefined,
    );
    return scan;
  }

  private async scan(analyzer: Analyzer, document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    const started = Date.now();
    const about = { analyzer: analyzer.name, path: document.path };
    this.onScan?.({ ...about, running: true });
    let report: AnalyzerReport | undefined;
    try {
      report = await analyzer.analyze(document, signal);
    } catch (error) {
      if (isCancelled(error) || signal.aborted) throw error;
      report = { name: analyzer.name, version: null, status: 'unavailable', reason: messageOf(error), findings: [], ms: Date.now() - started };
    } finally {
      this.onScan?.({ ...about, running: false, ...(report ? { report } : {}) });
    }
    return report;
  }
}

/** Rejects when the signal aborts, whatever becomes of the work. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
    // The loser of the race must not be unhandled.
    work.catch(() => undefined);
  }
}
