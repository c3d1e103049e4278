import type { CompletionOutcome, Retrieved } from '../completion/types.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Note, StoredNote } from '../notebook/note.ts';
import type { AnalyzerName, Finding } from '../verification/finding.ts';
import type { FunctionVerdict, Verdict } from '../verification/verdict.ts';
import type { ActivityEvent, ActivityJournal, CompletionEvent, NoteUse, WrongReason } from './event.ts';

export interface RecorderOptions {
  readonly journal: ActivityJournal;
  /** Analyzers that have a note's rule: when none of them judged an answer, nothing is known about the note. */
  readonly analyzersOf: (note: Note) => Promise<readonly AnalyzerName[]>;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly log: Logger;
}

/** One completion that was written down. */
export interface CompletionRecord {
  /** The user took it over. */
  accepted(how: 'whole' | 'part'): void;
  /** The workspace's tests have run on it after it was shown. */
  tested(verdict: Pick<FunctionVerdict, 'status'>): void;
}

/** Writes down what became of completions and notes. What cannot be written is logged: it never disturbs the work itself. */
export class ActivityRecorder {
  private readonly o: RecorderOptions;
  private readonly running = new Set<Promise<unknown>>();

  constructor(options: RecorderOptions) {
    this.o = options;
  }

  /**
   * A completion was made. It is written down when its last check has answered and its notes are written. What becomes of it
   * later is told to what is returned.
   */
  completed(outcome: CompletionOutcome, options: { again?: boolean } = {}): CompletionRecord {
    const id = this.o.newId();
    const at = this.o.now();
    this.quietly(async () => this.o.journal.append(await this.eventOf(id, at, outcome, options.again ?? false)));
    let tested = outcome.verdict.function.status !== 'unavailable';
    return {
      accepted: (how) => this.write({ type: 'accepted', at: this.o.now().toISOString(), of: id, how }),
      tested: ({ status }) => {
        // Tests are run again on demand and with each save: the completion is judged by the first run.
        if (tested || status === 'unavailable') return;
        tested = true;
        const notes = outcome.context.functionNotes.map((n) => ({ id: n.item.note.id, result: status === 'pass' ? ('prevented' as const) : ('failed' as const) }));
        this.write({ type: 'tested', at: this.o.now().toISOString(), of: id, status, notes });
      },
    };
  }

  /** The user said that a note is wrong, or took it back. Resolves when it is written. */
  async wrong(note: string, o: { why?: WrongReason; undone?: boolean } = {}): Promise<void> {
    await this.o.journal.append({ type: 'wrong', at: this.o.now().toISOString(), note, ...(o.why ? { why: o.why } : {}), ...(o.undone ? { undone: true } : {}) });
  }

  /** Resolves when everything that was told so far is written. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private write(event: ActivityEvent): void {
    this.quietly(() => this.o.journal.append(event));
  }

  private quietly(work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => this.o.log.warn('The activity journal has a gap.', messageOf(error)))
      .finally(() => this.running.delete(done));
    this.running.add(done);
  }

  private async eventOf(id: string, at: Date, outcome: CompletionOutcome, again: boolean): Promise<CompletionEvent> {
    const [settled, learned] = await Promise.all([outcome.settled.catch(() => outcome.verdict), outcome.learned]);
    // A retry after display brings its own request, prompt and answer; what was before has its own event.
    const history = again ? outcome.history.slice(-1) : outcome.history;
    const index = history.findIndex((attempt) => attempt.edit === outcome.edit);
    const shown = index === -1 ? history.length - 1 : index;
    const verdicts = history.map((attempt, n) => (n === shown && index !== -1 ? settled : attempt.verdict));
    return {
      type: 'completion',
      id,
      at: at.toISOString(),
      language: outcome.request.document.language,
      model: outcome.model,
      mode: outcome.request.mode,
      ...(again ? { again: true } : {}),
      notes: await this.notesOf(outcome, verdicts, again),
      knowledge: outcome.looked.knowledge.filter((k) => k.passesGate).map((k) => ({
        cwe: k.item.guideline.cwe,
        ...(k.item.sample ? { sample: k.item.sample.id } : {}),
        shown: outcome.context.knowledge.some((used) => used.item === k.item),
      })),
      attempts: verdicts.map((verdict) => ({ security: verdict.security.status, function: verdict.function.status, findings: verdict.security.findings.map(weaknessOf) })),
      shown,
      analyzers: settled.security.reports.map((r) => ({ name: r.name, ...(r.version ? { version: r.version } : {}), ran: r.status === 'ran', ms: Math.max(0, Math.round(r.ms)), findings: r.findings.length })),
      learned: learned.map(({ id: note, kind, action }) => ({ id: note, kind, action })),
      tokens: { ...outcome.tokens },
      timings: { retrieveMs: Math.round(outcome.timings.retrieveMs), generateMs: Math.round(outcome.timings.generateMs), verifyMs: Math.round(outcome.timings.verifyMs), totalMs: Math.round(outcome.timings.totalMs) },
    };
  }

  private async notesOf(outcome: CompletionOutcome, verdicts: readonly Verdict[], again: boolean): Promise<NoteUse[]> {
    const used = new Set([...outcome.context.securityNotes, ...outcome.context.functionNotes].map((n) => n.item.note.id));
    const passing = (list: readonly Retrieved<StoredNote>[]) => list.filter((n) => n.passesGate);
    return Promise.all(
      [...passing(outcome.looked.securityNotes), ...passing(outcome.looked.functionNotes)].map(async ({ item: { note } }) => {
        const shown = used.has(note.id);
        const result = shown ? resultOf(note, verdicts, await this.o.analyzersOf(note)) : undefined;
        return { id: note.id, kind: note.kind, ...(note.cwe ? { cwe: note.cwe } : {}), shown, ...(result && !(again && result === 'prevented') ? { result } : {}) };
      }),
    );
  }
}

/** What the verdicts of answers say about a note that was in their prompt. The second answer knew of the first's failure: it cannot prevent any more, only repeat. */
export function resultOf(note: Note, verdicts: readonly Verdict[], analyzers: readonly AnalyzerName[]): 'prevented' | 'failed' | undefined {
  const [first] = verdicts;
  if (!first) return undefined;
  if (note.kind === 'function') {
    if (verdicts.some((v) => v.function.status === 'fail')) return 'failed';
    return first.function.status === 'pass' ? 'prevented' : undefined;
  }
  if (verdicts.some((v) => v.security.findings.some((finding) => isOf(note, finding)))) return 'failed';
  const { status, reason, reports } = first.security;
  // Beside a finding of another kind a reason says that something was not looked at: then nothing is known of this rule.
  const judged = status === 'pass' || (status === 'fail' && reason === undefined);
  return judged && reports.some((r) => r.status === 'ran' && analyzers.includes(r.name)) ? 'prevented' : undefined;
}

/** Whether a finding is the mistake that a note is about. */
function isOf(note: Note, finding: Finding): boolean {
  if (note.rule === finding.ruleId) return true;
  if (note.cwe === undefined) return note.rule === undefined && note.ruleFamily !== undefined && note.ruleFamily === finding.ruleFamily;
  return finding.cwe.includes(note.cwe) && (note.ruleFamily === undefined || note.ruleFamily === finding.ruleFamily);
}

function weaknessOf(finding: Finding) {
  return { rule: finding.ruleId, family: finding.ruleFamily, cwe: [...finding.cwe], analyzer: finding.analyzer };
}
