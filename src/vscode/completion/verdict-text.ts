import type { CompletionOutcome } from '../../core/completion/types.ts';
import type { Finding } from '../../core/verification/finding.ts';
import type { FunctionVerdict, SecurityVerdict, Verdict } from '../../core/verification/verdict.ts';

/** How a verdict is shown: one of five looks. `pending` is a pass that an analyzer may still overturn. */
export type Look = 'pass' | 'fail' | 'unavailable' | 'pending';

export function lookOf(verdict: SecurityVerdict): Look {
  if (verdict.status === 'fail') return 'fail';
  if (verdict.pending.length > 0) return 'pending';
  return verdict.status;
}

/** Security and tests together: what fails a test fails. */
export function overallLook({ security, function: tested }: Verdict): Look {
  return tested.status === 'fail' ? 'fail' : lookOf(security);
}

/** What the tests say in two words, for the status bar; nothing where none ran. */
export function shortTests(tested: FunctionVerdict, testing: boolean): string {
  return testing ? '$(loading~spin) testing' : { pass: 'tests pass', fail: 'tests fail', unavailable: '' }[tested.status];
}

/** What the tests say as a sentence; nothing where none ran. */
export function spokenTests(tested: FunctionVerdict): string {
  if (tested.status === 'unavailable') return '';
  return tested.status === 'pass' ? `The workspace's tests pass${tested.tests ? ` (${tested.tests})` : ''}.` : `A test of the workspace fails: ${tested.reason ?? ''}.`;
}

const ICONS: Readonly<Record<Look, string>> = { pass: 'pass', fail: 'error', unavailable: 'question', pending: 'clock' };

/** A verdict in two or three words, for the status bar. */
export function shortVerdict(verdict: SecurityVerdict): { icon: string; text: string } {
  const look = lookOf(verdict);
  const text = { pass: 'checked', fail: `fails ${nameOf(verdict.findings[0])}`, unavailable: 'not checked', pending: `${listOf(verdict.pending.map(analyzerName))} pending` }[look];
  return { icon: ICONS[look], text };
}

/** A verdict as a sentence, for screen readers and messages. */
export function spokenVerdict(verdict: SecurityVerdict): string {
  const first = verdict.findings[0];
  switch (lookOf(verdict)) {
    case 'pass':
      return 'Completion checked: no new findings.';
    case 'fail':
      return `Completion fails the check: ${verdict.findings.length === 1 ? '' : `${verdict.findings.length} findings, first `}${nameOf(first)}: ${first?.message ?? ''}`;
    case 'pending':
      return `Completion checked so far without findings; ${listOf(verdict.pending.map(analyzerName))} has not answered yet.`;
    case 'unavailable':
      return `Completion not checked: ${verdict.reason ?? 'no analyzer answered'}.`;
  }
}

export function nameOf(finding: Finding | undefined): string {
  return finding?.cwe[0] ?? finding?.ruleId ?? '';
}

export function analyzerName(name: string): string {
  return { builtin: 'built-in rules', semgrep: 'Semgrep', codeql: 'CodeQL', sarif: 'SARIF file' }[name] ?? name;
}

/** Who says it: the analyzer, or the tool that wrote a SARIF file. */
export function sourceOf(finding: Finding): string {
  return finding.tool || analyzerName(finding.analyzer);
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

/** One line of the tooltip. */
export interface TooltipLine {
  readonly label: string;
  readonly text: string;
}

/** What was found and left out of the prompt: more than a tooltip has room for. */
export function leftOutLines(outcome: CompletionOutcome): TooltipLine[] {
  const { context, looked } = outcome;
  const used = new Set<unknown>([...context.securityNotes, ...context.functionNotes, ...context.knowledge].map((entry) => entry.item));
  const left = [...looked.securityNotes, ...looked.functionNotes].filter((n) => !used.has(n.item)).map((n) => `${n.item.note.title} (${n.passesGate ? 'relevant, but others fit better or took the room' : 'not similar enough'})`);
  const leftKnowledge = looked.knowledge.filter((k) => !used.has(k.item)).map((k) => `${k.item.guideline.cwe} (${k.passesGate ? 'relevant, but others fit better or took the room' : 'not similar enough'})`);
  return [
    ...(left.length > 0 ? [{ label: 'Notes looked at and not used', text: left.join('; ') }] : []),
    ...(leftKnowledge.length > 0 ? [{ label: 'Knowledge looked at and not used', text: leftKnowledge.join('; ') }] : []),
  ];
}

/** Everything there is to know about a shown completion, line by line. The texts are data: whoever renders them escapes them. */
export function verdictLines(outcome: CompletionOutcome, verdict: Verdict): TooltipLine[] {
  const { security } = verdict;
  const { context } = outcome;
  const lines: TooltipLine[] = [{ label: 'Security', text: `${lookOf(security)}${security.reason ? ` (${security.reason})` : ''}` }];
  for (const finding of security.findings) lines.push({ label: 'Finding', text: `${nameOf(finding)} ${finding.message} (${analyzerName(finding.analyzer)})` });
  for (const report of security.reports) {
    const what = report.status === 'ran' ? `${report.findings.length === 0 ? 'no findings in the file' : `${report.findings.length} in the file`}, ${Math.round(report.ms)} ms` : `did not run: ${report.reason ?? 'no reason given'}`;
    lines.push({ label: `Check by ${analyzerName(report.name)}${report.version ? ` ${report.version}` : ''}`, text: what });
  }
  for (const name of security.pending) lines.push({ label: `Check by ${analyzerName(name)}`, text: 'not back yet' });
  if (security.elsewhere) lines.push({ label: 'Beside it', text: security.elsewhere });
  lines.push({ label: 'Tests', text: testsLine(verdict.function) });
  lines.push({ label: 'Model', text: outcome.model });
  const notes = [...context.securityNotes, ...context.functionNotes].map((n) => n.item.note.title);
  lines.push({ label: 'Notes used', text: notes.length > 0 ? notes.join('; ') : 'none that fit' });
  const knowledge = context.knowledge.map((k) => `${k.item.guideline.cwe} ${k.item.guideline.title}`);
  lines.push({ label: 'Knowledge used', text: knowledge.length > 0 ? knowledge.join('; ') : 'none that fits' });
  if (outcome.history.length < 2) lines.push({ label: 'Attempts', text: outcome.attempts === 1 ? '1' : `${outcome.attempts}; the second gave no answer` });
  // Of the attempt that is shown more may be known by now than when it was made.
  if (outcome.history.length > 1) outcome.history.forEach((attempt, n) => lines.push({ label: `Attempt ${n + 1}`, text: attempt.edit === outcome.edit ? `${attemptText(verdict)}, shown` : attemptText(attempt.verdict) }));
  for (const edit of outcome.importEdits) lines.push({ label: 'Also inserts', text: edit.text.trim().replace(/\r?\n/g, ', ') });
  lines.push({ label: 'Time', text: `${Math.round(outcome.timings.totalMs)} ms (retrieval ${Math.round(outcome.timings.retrieveMs)}, model ${Math.round(outcome.timings.generateMs)}, checks ${Math.round(outcome.timings.verifyMs)})` });
  lines.push({ label: 'Tokens', text: `${outcome.tokens.prompt} sent, ${outcome.tokens.completion} received` });
  for (const remark of outcome.remarks) lines.push({ label: 'Remark', text: remark });
  return lines;
}

function testsLine({ status, reason, runner, tests, unboxed }: FunctionVerdict): string {
  const by = [runner, tests === undefined ? '' : tests === 1 ? '1 test' : `${tests} tests`, unboxed ? 'without a sandbox' : ''].filter(Boolean).join(', ');
  const said = status === 'unavailable' ? `not run: ${reason ?? 'no reason given'}` : `${status}${reason ? `: ${reason}` : ''}`;
  return `${said}${by ? ` (${by})` : ''}`;
}

/** One attempt in words: why another one followed, or why this one is shown. */
function attemptText({ security, function: tested }: Verdict): string {
  const first = security.findings[0];
  const checked = { pass: 'checked', fail: `fails ${nameOf(first)}: ${first?.message ?? ''}`, pending: 'checked so far', unavailable: `not checked: ${security.reason ?? ''}` }[lookOf(security)];
  return [checked, tested.status === 'unavailable' ? '' : tested.status === 'pass' ? 'tests pass' : `tests fail: ${tested.reason ?? ''}`].filter(Boolean).join('; ');
}
