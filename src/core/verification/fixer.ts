import { isCancelled } from '../errors.ts';
import type { Phase } from '../completion/types.ts';
import type { KnowledgeRetriever } from '../knowledge/knowledge-retriever.ts';
import { type LanguageModel, ModelError } from '../llm/model.ts';
import type { NoteStore } from '../notebook/store.ts';
import { isUsable } from '../notebook/note.ts';
import { extractCode } from '../prompting/extract-code.ts';
import { importEdits, missingImports, splitImports } from '../prompting/imports.ts';
import { describeFindings } from '../prompting/render.ts';
import { fence, fillTemplate, quote, type Prompts } from '../prompting/template.ts';
import { LineIndex, type OffsetRange, type SourceDocument, type TextEdit } from '../source.ts';
import { enclosingFunction, type SyntaxOutline, type SyntaxParser } from '../syntax/outline.ts';
import { withEdits } from './differential.ts';
import type { Finding } from './finding.ts';
import type { FunctionCheck } from './function-check.ts';
import type { FunctionVerdict, SecurityVerdict } from './verdict.ts';
import type { Verifier } from './verifier.ts';

/** A fix that was proved: the finding is gone, nothing new appeared, the document still parses, and no test broke. */
export interface ProvedFix {
  readonly edits: readonly TextEdit[];
  readonly verdict: SecurityVerdict;
  readonly source: 'rule' | 'model';
  /** What the workspace's tests say with it; absent where they were not asked. */
  readonly tests?: FunctionVerdict;
}

/** No fix could be proved, and why. */
export interface NoFix {
  readonly none: string;
  /** The only secure answer breaks tests that pass without it: it is not offered, and the user is told both. */
  readonly breaks?: { readonly edits: readonly TextEdit[]; readonly tests: FunctionVerdict };
}

/** The rules' own fixes of one document, proved together. */
export interface FixedAll extends Omit<ProvedFix, 'source'> {
  readonly fixed: readonly Finding[];
  /** Findings whose rule has a fix that did not hold, and why. */
  readonly left: readonly { readonly finding: Finding; readonly why: string }[];
}

export interface FixerOptions {
  readonly verifier: Verifier;
  readonly parser: SyntaxParser;
  readonly store: NoteStore;
  readonly knowledge: () => Promise<KnowledgeRetriever>;
  readonly prompts: () => Promise<Prompts>;
  readonly model: () => Promise<LanguageModel>;
  /** The workspace's own tests, and whether they may be run for a fix. */
  readonly tests?: { readonly check: FunctionCheck; readonly allowed: () => boolean };
}

/** How long a proof may take, in milliseconds: it runs on demand, so every analyzer is waited for. */
const PROOF_DEADLINE_MS = 20_000;
/** For the tests of one fix, repetitions and baseline included, in milliseconds. */
const TEST_BUDGET_MS = 60_000;
const MODEL_TRIES = 2;
/** Lines before and after a finding that stand outside any function. */
const LINES_AROUND = 5;

/** Finds fixes for findings and proves them before anybody sees them. */
export class Fixer {
  private readonly o: FixerOptions;

  constructor(options: FixerOptions) {
    this.o = options;
  }

  /** The rule's own fix, if it has one and it holds. Makes no model call. */
  async proposeRuleFix(document: SourceDocument, finding: Finding, signal: AbortSignal): Promise<ProvedFix | NoFix> {
    if (!finding.fix) return { none: 'the rule has no fix of its own' };
    return this.prove(document, [finding.fix], finding, 'rule', signal);
  }

  /**
   * The fixes of all rules that have one, proved as a whole. Where they do not hold together, those that hold by themselves.
   * Makes no model call.
   */
  async proposeAll(document: SourceDocument, signal: AbortSignal): Promise<FixedAll | NoFix> {
    const { reports, suppressed } = await this.o.verifier.verifyDocument(document, { signal });
    const accepted = new Set(suppressed.map((s) => s.finding));
    const fixable = reports.flatMap((r) => r.findings).filter((f): f is Fixable => f.fix !== undefined && !accepted.has(f));
    if (fixable.length === 0) return { none: 'no rule that has found something here has a fix of its own' };
    const left: { finding: Finding; why: string }[] = [];
    let chosen = apart(fixable, left);
    let whole = await this.proveAll(document, chosen, signal);
    if ('none' in whole && chosen.length > 1) {
      const alone: Fixable[] = [];
      for (const finding of chosen) {
        const one = await this.proveAll(document, [finding], signal);
        if ('none' in one) left.push({ finding, why: one.none });
        else alone.push(finding);
      }
      if (alone.length === 0) return whole;
      chosen = alone;
      whole = await this.proveAll(document, chosen, signal);
    }
    if ('none' in whole) return whole;
    const { source: _, ...proved } = whole;
    return { ...proved, fixed: chosen, left };
  }

  /**
   * A proved fix: the rule's, else one that the model writes (a request to the model; ask the user first). Throws
   * `ModelError` and `AbortError`.
   */
  async propose(document: SourceDocument, finding: Finding, options: { signal: AbortSignal; onPhase?: (phase: Phase) => void }): Promise<ProvedFix | NoFix> {
    const { signal } = options;
    const mechanical = await this.proposeRuleFix(document, finding, signal);
    if (!('none' in mechanical)) return mechanical;
    const seen = await this.seenHere(document, finding, signal);
    // Nothing is paid for that could not be proved afterwards.
    if (!seen) return { none: `${finding.tool ?? finding.analyzer} cannot check a text that is not saved, and no analyzer here sees this weakness, so no fix could be proved` };
    if (seen !== finding) return this.propose(document, seen, options);

    const model = await this.o.model();
    const outline = await this.o.parser.outline(document, signal);
    const range = this.rangeOf(document, finding, outline);
    const messages = fillTemplate(await this.o.prompts(), 'verified-fix', {
      language: document.language,
      path: document.path.split(/[\\/]/).slice(-2).join('/'),
      weakness: [finding.cwe.join(', '), finding.ruleId].filter(Boolean).join(' '),
      diagnosis: quote(describeFindings([finding], document.text)),
      code: fence(`${document.text.slice(0, range.start)}<<<BEGIN>>>\n${document.text.slice(range.start, range.end)}\n<<<END>>>${document.text.slice(range.end)}`.replace(/\r\n/g, '\n'), document.language),
      ...(await this.referenceFor(finding, document.language)),
    });
    let why = '';
    let breaks = mechanical.breaks;
    for (let n = 0; n < MODEL_TRIES; n++) {
      options.onPhase?.(n === 0 ? 'generating' : 'retrying');
      const tried = why ? [...messages, { role: 'user' as const, content: `Your last answer did not hold: ${why}. Answer again in the same form.` }] : messages;
      const reply = await model.generate({ purpose: 'verified-fix', messages: tried, temperature: n === 0 ? 0.2 : 0.6 }, { signal });
      options.onPhase?.('checking');
      try {
        const result = await this.prove(document, editsOf(document, range, extractCode(reply.text, document.language), outline), finding, 'model', signal);
        if (!('none' in result)) return result;
        why = result.none;
        breaks = result.breaks ?? breaks;
      } catch (error) {
        if (isCancelled(error) || signal.aborted || !(error instanceof ModelError)) throw error;
        why = error.message;
      }
    }
    return { none: why, ...(breaks ? { breaks } : {}) };
  }

  /** The finding as an analyzer reports it that can check a text in memory; one of CodeQL or of a SARIF file may have such a twin. */
  private async seenHere(document: SourceDocument, finding: Finding, signal: AbortSignal): Promise<Finding | undefined> {
    if (this.o.verifier.analyzerNames.includes(finding.analyzer)) return finding;
    const { findings } = await this.o.verifier.verifyDocument(document, { signal });
    return findings.find((f) => f.startLine <= finding.endLine && finding.startLine <= f.endLine && (f.ruleFamily === finding.ruleFamily || f.cwe.some((cwe) => finding.cwe.includes(cwe))));
  }

  private prove(document: SourceDocument, edits: readonly TextEdit[], finding: Finding, source: 'rule' | 'model', signal: AbortSignal): Promise<ProvedFix | NoFix> {
    return this.proveEdits(document, edits, [finding], source, signal);
  }

  private proveAll(document: SourceDocument, findings: readonly Fixable[], signal: AbortSignal): Promise<ProvedFix | NoFix> {
    return this.proveEdits(document, findings.map((f) => f.fix), findings, 'rule', signal);
  }

  private async proveEdits(document: SourceDocument, edits: readonly TextEdit[], findings: readonly Finding[], source: 'rule' | 'model', signal: AbortSignal): Promise<ProvedFix | NoFix> {
    const after = withEdits(document, edits);
    if (after.text === document.text) return { none: 'it changes nothing' };
    const analyzers = [...new Set(findings.map((f) => f.analyzer))];
    const [{ verdict, settled }, checked] = await Promise.all([
      this.o.verifier.checkEdits(document, edits, { signal, deadlineMs: PROOF_DEADLINE_MS }),
      this.o.verifier.verifyDocument(after, { signal, analyzers }),
    ]);
    const final = verdict.pending.length > 0 ? await settled : verdict;
    for (const name of analyzers) {
      const report = checked.reports.find((r) => r.name === name);
      if (report?.status !== 'ran') return { none: `${name} could not check it (${report?.reason ?? 'it did not run'})` };
    }
    if (final.status === 'fail') return { none: `it introduces another finding: ${final.findings[0]?.message ?? ''}` };
    if (final.status === 'unavailable') return { none: final.reason ?? 'it could not be checked' };
    const still = findings.find((f) => this.remains(document, after, f, checked.reports.find((r) => r.name === f.analyzer)?.findings ?? []));
    if (still) return { none: findings.length === 1 ? 'the finding is still there' : `the finding in line ${still.startLine} is still there` };
    const tests = this.o.tests?.allowed() ? await this.o.tests.check.checkEdits(document, edits, { signal, budgetMs: TEST_BUDGET_MS }) : undefined;
    if (breaksTests(tests)) return { none: `it breaks ${tests.broken === 1 ? 'a test that passes' : `${tests.broken} tests that pass`} without it: ${tests.reason ?? ''}`, breaks: { edits, tests } };
    return { edits, verdict: final, source, ...(tests ? { tests } : {}) };
  }

  /** As many findings of this rule as before, minus one, must be left. */
  private remains(before: SourceDocument, after: SourceDocument, finding: Finding, now: readonly Finding[]): boolean {
    const flagged = (document: SourceDocument, f: Finding) => {
      const { start, end } = new LineIndex(document.text).toOffsets(f);
      return document.text.slice(start, end).replace(/\s+/g, ' ');
    };
    const text = flagged(before, finding);
    const delta = after.text.split('\n').length - before.text.split('\n').length;
    return now.some((f) => f.ruleFamily === finding.ruleFamily && flagged(after, f) === text && Math.abs(f.startLine - finding.startLine) <= Math.abs(delta) + 1);
  }

  private rangeOf(document: SourceDocument, finding: Finding, outline: SyntaxOutline): OffsetRange {
    const lines = new LineIndex(document.text);
    const at = lines.toOffsets(finding).start;
    const around = enclosingFunction(outline, at);
    if (around) return around.range;
    return {
      start: lines.offsetAt(Math.max(1, finding.startLine - LINES_AROUND), 1),
      end: lines.offsetAt(finding.endLine + LINES_AROUND, Number.MAX_SAFE_INTEGER),
    };
  }

  private async referenceFor(finding: Finding, language: string): Promise<{ guidance: string; secure: string }> {
    const { notes } = await this.o.store.load();
    const note = notes.find((n) => isUsable(n) && n.note.guidance && n.note.language === language && n.note.ruleFamily === finding.ruleFamily)?.note;
    const knowledge = await this.o.knowledge();
    const cwe = finding.cwe[0];
    const guideline = cwe ? knowledge.guideline(cwe) : undefined;
    const sample = cwe ? knowledge.sampleFor(cwe, language) : undefined;
    const practices = guideline?.practices.slice(0, 4).map((p) => `- ${p}`).join('\n') ?? '';
    return {
      guidance: [note ? quote(note.guidance) : '', practices].filter(Boolean).join('\n\n'),
      secure: note?.secureExample ? fence(note.secureExample, language) : sample ? fence(sample.slice, language) : '',
    };
  }
}

type Fixable = Finding & { readonly fix: TextEdit };

/** Whether a change broke tests that passed without it. */
export function breaksTests(tests: FunctionVerdict | undefined): tests is FunctionVerdict & { readonly broken: number } {
  return tests?.status === 'fail' && (tests.broken ?? 0) > 0;
}

/** Fixes that do not overlap, first come first; the others are left for the next time. One edit for what two rules say alike. */
function apart(findings: readonly Fixable[], left: { finding: Finding; why: string }[]): Fixable[] {
  const taken: Fixable[] = [];
  for (const finding of [...findings].sort((a, b) => a.fix.start - b.fix.start || a.fix.end - b.fix.end)) {
    const last = taken.at(-1)?.fix;
    if (!last || finding.fix.start >= last.end) taken.push(finding);
    else if (finding.fix.start !== last.start || finding.fix.end !== last.end || finding.fix.text !== last.text) left.push({ finding, why: 'another fix is in the same place' });
  }
  return taken;
}

function editsOf(document: SourceDocument, range: OffsetRange, code: string, outline: SyntaxOutline): TextEdit[] {
  const eol = document.text.includes('\r\n') ? '\r\n' : '\n';
  const clean = code.replace(/\r\n/g, '\n').replace(/^[ \t]*<<<BEGIN>>>\n?|\n?[ \t]*<<<END>>>[ \t]*$/g, '').replace(/\s+$/, '');
  const { imports, rest } = splitImports(clean, document.language);
  const missing = missingImports(imports, document.text, document.language, outline.imports);
  // A method comes back indented from zero or as it stood; its first line says which.
  const lineStart = document.text.lastIndexOf('\n', range.start - 1) + 1;
  const own = /^[ \t]*/.exec(document.text.slice(lineStart))?.[0] ?? '';
  const body = rest.replace(/^\n+/, '');
  const given = /^[ \t]*/.exec(body)?.[0] ?? '';
  const lines = body.split('\n').map((line, at) => (at === 0 ? line.trimStart() : given === '' && own !== '' && line.trim() ? own + line : line));
  return [
    // The white space that ends the range belongs to the file, not to the answer.
    { ...range, text: lines.join(eol) + (/\s*$/.exec(document.text.slice(range.start, range.end))?.[0] ?? '') },
    ...importEdits(missing, document.text, document.language, outline.imports, range.start),
  ];
}
