import { applyEdits, LineIndex, type OffsetRange, type SourceDocument, type TextEdit } from '../source.ts';
import type { SyntaxOutline } from '../syntax/outline.ts';
import type { AnalyzerReport, Finding } from './finding.ts';

/** Where edits lie in the text after all of them are applied. */
export function editedRanges(edits: readonly TextEdit[]): OffsetRange[] {
  let shift = 0;
  return [...edits]
    .sort((a, b) => a.start - b.start)
    .map((edit) => {
      const start = edit.start + shift;
      shift += edit.text.length - (edit.end - edit.start);
      return { start, end: start + edit.text.length };
    });
}

/** Identifies a finding independently of its line: rule, the flagged text, and which of several alike it is. */
function fingerprint(finding: Finding, text: string, lines: LineIndex): string {
  const { start, end } = lines.toOffsets(finding);
  const flagged = text.slice(start, Math.max(end, start)).replace(/\s+/g, ' ').trim();
  return `${finding.ruleFamily}\u0000${finding.ruleId}\u0000${flagged}`;
}

/**
 * The findings that a change introduces: those whose fingerprint occurs more often after it than before. Of several alike
 * those inside the changed ranges are the new ones. Where the text before does not parse, its findings tell nothing:
 * then a finding is introduced when it, or a step of its trace, touches a changed range.
 */
export function introduced(before: { text: string; findings: readonly Finding[]; comparable: boolean }, after: { text: string; findings: readonly Finding[] }, edits: readonly TextEdit[]): Finding[] {
  const lines = new LineIndex(after.text);
  const ranges = editedRanges(edits);
  const touches = (finding: Finding) =>
    [finding, ...(finding.trace ?? [])].some((place) => {
      const { start, end } = lines.toOffsets(place);
      return ranges.some((range) => start < range.end && end > range.start);
    });
  if (!before.comparable) return after.findings.filter(touches);
  const beforeLines = new LineIndex(before.text);
  const old = new Map<string, number>();
  for (const finding of before.findings) {
    const key = fingerprint(finding, before.text, beforeLines);
    old.set(key, (old.get(key) ?? 0) + 1);
  }
  const groups = new Map<string, Finding[]>();
  for (const finding of after.findings) {
    const key = fingerprint(finding, after.text, lines);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups].flatMap(([key, alike]) => {
    const extra = alike.length - (old.get(key) ?? 0);
    if (extra <= 0) return [];
    return [...alike].sort((a, b) => Number(touches(b)) - Number(touches(a))).slice(0, extra);
  });
}

/** One finding for what several rules or analyzers say of the same weakness on the same line; the most telling is kept. */
export function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const rank = { error: 0, warning: 1, info: 2 } as const;
  const kept: Finding[] = [];
  for (const finding of [...findings].sort((a, b) => rank[a.severity] - rank[b.severity] || Number(b.trace !== undefined) - Number(a.trace !== undefined))) {
    const twin = kept.findIndex((k) => k.startLine <= finding.endLine && finding.startLine <= k.endLine && (k.ruleFamily === finding.ruleFamily || k.cwe.some((cwe) => finding.cwe.includes(cwe))));
    const same = kept[twin];
    if (!same) kept.push(finding);
    // One of them may know a fix.
    else if (!same.fix && finding.fix && same.ruleFamily === finding.ruleFamily) kept[twin] = { ...same, fix: finding.fix };
  }
  return kept.sort((a, b) => a.startLine - b.startLine || a.startColumn - b.startColumn);
}

/** Syntax errors of a changed document, sorted by whether they lie in the changed function or elsewhere. */
export function sortErrors(outline: SyntaxOutline, edits: readonly TextEdit[], text: string): { inside: OffsetRange[]; elsewhere: OffsetRange[] } {
  const ranges = editedRanges(edits).map((range) => widen(range, outline, text));
  const inside = outline.errors.filter((error) => ranges.some((range) => error.start <= range.end && error.end >= range.start));
  return { inside, elsewhere: outline.errors.filter((error) => !inside.includes(error)) };
}

/** The innermost function around a change, else its lines. */
function widen(range: OffsetRange, outline: SyntaxOutline, text: string): OffsetRange {
  let best: OffsetRange | undefined;
  for (const { range: f } of outline.functions) {
    if (f.start <= range.start && f.end >= range.end && (!best || f.start >= best.start)) best = f;
  }
  return best ?? { start: text.lastIndexOf('\n', range.start - 1) + 1, end: range.end };
}

/** The document with edits applied. */
export function withEdits(document: SourceDocument, edits: readonly TextEdit[]): SourceDocument {
  return { ...document, text: applyEdits(document.text, edits) };
}

/** In words, which analyzers did not run and why. */
export function unavailableReasons(reports: readonly AnalyzerReport[]): string[] {
  return reports.filter((r) => r.status === 'unavailable').map((r) => `${r.name}: ${r.reason ?? 'did not run'}`);
}
