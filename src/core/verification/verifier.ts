import { LineIndex, type OffsetRange, type SourceDocument, type TextEdit } from '../source.ts';
import type { SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';
import { editedRanges, introduced, sortErrors, unavailableReasons, withEdits, withoutRepeats } from './differential.ts';
import type { Analyzer, AnalyzerName, AnalyzerReport, Finding } from './finding.ts';
import type { Lapsed, Marks } from './marks.ts';
import { type ScanEvent, Scans } from './scans.ts';
import { type Suppressed, sortSuppressed } from './suppression.ts';
import type { SecurityVerdict, Status } from './verdict.ts';

/** What `verify` says about one document. */
export interface DocumentVerdict {
  readonly status: Status;
  readonly reason?: string;
  readonly findings: readonly Finding[];
  readonly reports: readonly AnalyzerReport[];
  /** What somebody has accepted, by a comment or a mark. */
  readonly suppressed: readonly Suppressed[];
  /** Findings whose mark does not hold: it has expired, or came from elsewhere and nobody approved it. */
  readonly lapsed: readonly Lapsed[];
}

/** A verdict at the deadline, and the one that stands when every analyzer has answered. */
export interface PendingVerdict {
  readonly verdict: SecurityVerdict;
  readonly settled: Promise<SecurityVerdict>;
}

/** Past this no analyzer is waited for, in milliseconds. */
const LAST_DEADLINE_MS = 30_000;

/** Asks the analyzers and makes verdicts of what they say (DESIGN §4.6). */
export class Verifier {
  private readonly analyzers: readonly Analyzer[];
  private readonly onDemand: readonly Analyzer[];
  private readonly parser: SyntaxParser;
  private readonly marks: Marks | undefined;
  private readonly scans: Scans;

  /** `onDemand` are asked only by name: they take minutes, and no completion waits for them. */
  constructor(parser: SyntaxParser, analyzers: readonly Analyzer[], onDemand: readonly Analyzer[] = [], o: { marks?: Marks; onScan?: (event: ScanEvent) => void } = {}) {
    this.marks = o.marks;
    this.scans = new Scans(o.onScan);
    this.parser = parser;
    this.analyzers = analyzers;
    this.onDemand = onDemand;
  }

  get analyzerNames(): AnalyzerName[] {
    return this.analyzers.map((a) => a.name);
  }

  /**
   * Checks a whole document. Without `analyzers` those in the house run as far as they are available, and a missing one
   * does not make the verdict `unavailable`; named ones must run.
   */
  async verifyDocument(document: SourceDocument, options: { signal: AbortSignal; analyzers?: readonly AnalyzerName[] }): Promise<DocumentVerdict> {
    const { signal } = options;
    const { analyzers } = options;
    const wanted = analyzers ? [...this.analyzers, ...this.onDemand].filter((a) => analyzers.includes(a.name)) : this.analyzers;
    const [outline, ...reports] = await Promise.all([this.outline(document, signal), ...wanted.map((a) => this.scans.ask(a, document, signal))]);
    for (const name of options.analyzers ?? []) {
      if (!wanted.some((a) => a.name === name)) reports.push({ name, version: null, status: 'unavailable', reason: 'it is not part of this installation', findings: [], ms: 0 });
    }
    const { kept, suppressed, lapsed } = this.accepted(reports.flatMap((r) => r.findings), document, outline);
    const findings = withoutRepeats(kept);
    const reasons: string[] = [];
    const error = outline.errors[0];
    if (error) {
      const { line } = new LineIndex(document.text).placeAt(error.start);
      reasons.push(`line ${line} cannot be parsed, so what is there was not checked`);
    }
    if (reports.length === 0) reasons.push('no analyzer is there');
    else if (reports.every((r) => r.status === 'unavailable')) reasons.push(...unavailableReasons(reports));
    else if (options.analyzers) reasons.push(...unavailableReasons(reports));
    const reason = reasons.length > 0 ? reasons.join('; ') : undefined;
    const status: Status = findings.length > 0 ? 'fail' : reason ? 'unavailable' : 'pass';
    return { status, ...(reason ? { reason } : {}), findings, reports, suppressed, lapsed };
  }

  /** Findings without what somebody has accepted, by a comment in the code or by a mark. */
  private accepted(findings: readonly Finding[], document: SourceDocument, outline: SyntaxOutline, notIn: readonly OffsetRange[] = []) {
    const byComment = sortSuppressed(findings, document.text, { notIn });
    const byMark = this.marks?.sort(document, outline, byComment.kept);
    const marked = (byMark?.marked ?? []).map(({ finding, mark }): Suppressed => ({ finding, by: 'mark', reason: mark.reason, ...(mark.expires ? { expires: mark.expires } : {}) }));
    return { kept: byMark?.kept ?? byComment.kept, suppressed: [...byComment.suppressed, ...marked], lapsed: byMark?.lapsed ?? [] };
  }

  /**
   * Checks what edits introduce into a document (differential). Resolves when every analyzer has answered or
   * `deadlineMs` after the fastest could have; what is missing then is named in `pending`, and `settled` follows.
   */
  async checkEdits(document: SourceDocument, edits: readonly TextEdit[], options: { signal: AbortSignal; deadlineMs: number }): Promise<PendingVerdict> {
    const { signal } = options;
    const after = withEdits(document, edits);
    const asked = this.analyzers.map((analyzer) => ({
      name: analyzer.name,
      answer: Promise.all([this.scans.ask(analyzer, after, signal), this.scans.ask(analyzer, document, signal, { unchanged: true })]).then(([now, before]) => ({ now, before })),
    }));
    const outlines = Promise.all([this.outline(after, signal), this.outline(document, signal)]);
    const answers = new Map<AnalyzerName, { now: AnalyzerReport; before: AnalyzerReport }>();
    const all = Promise.all(asked.map(async ({ name, answer }) => void answers.set(name, await answer)));
    // A rejection is reported through the race below; `settled` must not add an unhandled one.
    all.catch(() => undefined);

    const [afterOutline, beforeOutline] = await outlines;
    const verdict = () =>
      this.judge({ document, after, edits, afterOutline, beforeOutline, answers, pending: asked.map((a) => a.name).filter((name) => !answers.has(name)) });
    const first = asked.find((a) => a.name === 'builtin')?.answer;
    if (first) await first;
    await raceDeadline(all, options.deadlineMs, signal);
    const shown = verdict();
    if (shown.pending.length === 0) return { verdict: shown, settled: Promise.resolve(shown) };
    const settled = raceDeadline(all, LAST_DEADLINE_MS, signal).then(() => this.giveUp(verdict()));
    settled.catch(() => undefined);
    return { verdict: shown, settled };
  }

  private giveUp(verdict: SecurityVerdict): SecurityVerdict {
    if (verdict.pending.length === 0) return verdict;
    const reason = [verdict.reason, ...verdict.pending.map((name) => `${name}: no answer within ${LAST_DEADLINE_MS / 1000} s`)].filter(Boolean).join('; ');
    return { ...verdict, pending: [], reason, status: verdict.status === 'pass' ? 'unavailable' : verdict.status };
  }

  private judge(c: {
    document: SourceDocument;
    after: SourceDocument;
    edits: readonly TextEdit[];
    afterOutline: SyntaxOutline;
    beforeOutline: SyntaxOutline;
    answers: ReadonlyMap<AnalyzerName, { now: AnalyzerReport; before: AnalyzerReport }>;
    pending: readonly AnalyzerName[];
  }): SecurityVerdict {
    const reports = [...c.answers.values()].map((a) => a.now);
    const found = [...c.answers.values()].flatMap(({ now, before }) =>
      introduced(
        { text: c.document.text, findings: before.findings, comparable: before.status === 'ran' && c.beforeOutline.errors.length === 0 },
        { text: c.after.text, findings: now.findings },
        c.edits,
      ),
    );
    // A comment that came with the completion itself excuses nothing.
    const { kept, suppressed, lapsed } = this.accepted(found, c.after, c.afterOutline, editedRanges(c.edits));
    const findings = withoutRepeats(kept);
    const { inside, elsewhere } = sortErrors(c.afterOutline, c.edits, c.after.text);
    const lines = new LineIndex(c.after.text);
    const ran = reports.filter((r) => r.status === 'ran');
    const missing = unavailableReasons(reports);
    const reasons: string[] = [];
    if (inside[0]) reasons.push(`the completed code does not parse (line ${lines.placeAt(inside[0].start).line})`);
    if (ran.length === 0 && c.pending.length === 0) reasons.push(...(missing.length > 0 ? missing : ['no analyzer is there']));
    const blocked = reasons.length > 0;
    if (!blocked) reasons.push(...missing);
    const status: Status = findings.length > 0 ? 'fail' : blocked || ran.length === 0 ? 'unavailable' : 'pass';
    return {
      status,
      ...(reasons.length > 0 ? { reason: reasons.join('; ') } : {}),
      findings,
      pending: c.pending,
      reports,
      ...(suppressed.length > 0 ? { suppressed } : {}),
      ...(lapsed.length > 0 ? { lapsed } : {}),
      ...(elsewhere[0] ? { elsewhere: `line ${lines.placeAt(elsewhere[0].start).line} of the file does not parse; the checks there are incomplete` } : {}),
    };
  }

  private outline(document: SourceDocument, signal: AbortSignal): Promise<SyntaxOutline> {
    return this.parser.outline(document, signal);
  }
}

/** Resolves with the promise or at the deadline; rejects with the promise or when the signal aborts. */
async function raceDeadline(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort: (() => void) | undefined;
  const limit = new Promise<void>((resolve, reject) => {
    timer = setTimeout(resolve, ms);
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
