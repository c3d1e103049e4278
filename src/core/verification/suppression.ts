import { normalizeCwe } from '../cwe.ts';
import { LineIndex, type OffsetRange } from '../source.ts';
import type { Finding } from './finding.ts';

/** A comment that says of its line, or the line after it, that findings there are known and accepted. */
interface Suppression {
  /** CWE ids, rule ids and families; empty for any finding. */
  readonly of: readonly string[];
  /** Nothing but white space stands before the comment, so that it speaks of the next line too. */
  readonly alone: boolean;
  /** What follows `because`; empty where nothing does. */
  readonly reason: string;
  readonly start: number;
  readonly end: number;
}

const OURS = /safenote:\s*ignore\b[ \t]*([^\n]*)/i;
/** Semgrep's own word, as its command line reads it. */
const SEMGREP = /\bnosem(?:grep)?\b(?::[ \t]*([^\n]*))?/i;
/** A text without this has no such comment. */
export const SUPPRESSING = /safenote:\s*ignore|nosem/i;
const COMMENT = /(?:#|\/\/|\/\*|<!--|\{\/\*)/;

/** A finding that somebody has accepted: by a comment in the code, or by a mark (marks.ts). */
export interface Suppressed {
  readonly finding: Finding;
  readonly by: 'comment' | 'mark';
  readonly reason?: string;
  /** The last day on which a mark counts. */
  readonly expires?: string;
}

/**
 * Findings and, apart, those that a comment suppresses, on their own first or last line or alone on the line before:
 * `safenote: ignore CWE-89 because …`, `safenote: ignore sql-injection`, `safenote: ignore`, `nosemgrep`, `nosemgrep: rule-id`.
 * A comment inside one of the ranges `notIn` does not count: code that was just generated must not excuse itself.
 */
export function sortSuppressed(findings: readonly Finding[], text: string, options: { readonly notIn?: readonly OffsetRange[] } = {}): { kept: Finding[]; suppressed: Suppressed[] } {
  // Most texts have no such comment at all.
  if (findings.length === 0 || !SUPPRESSING.test(text)) return { kept: [...findings], suppressed: [] };
  const lines = new LineIndex(text);
  const known = new Map<number, Suppression | undefined>();
  const on = (line: number): Suppression | undefined => {
    if (line < 1) return undefined;
    if (!known.has(line)) known.set(line, readLine(text, lines, line, options.notIn ?? []));
    return known.get(line);
  };
  const suppressed: Suppressed[] = [];
  const kept = findings.filter((finding) => {
    const before = on(finding.startLine - 1);
    const candidates = [on(finding.startLine), on(finding.endLine), before?.alone ? before : undefined];
    const comment = candidates.find((suppression) => suppression && covers(suppression, finding));
    if (comment) suppressed.push({ finding, by: 'comment', ...(comment.reason ? { reason: comment.reason } : {}) });
    return !comment;
  });
  return { kept, suppressed };
}

export function withoutSuppressed(findings: readonly Finding[], text: string, options: { readonly notIn?: readonly OffsetRange[] } = {}): Finding[] {
  return sortSuppressed(findings, text, options).kept;
}

function readLine(text: string, lines: LineIndex, line: number, notIn: readonly OffsetRange[]): Suppression | undefined {
  const start = lines.offsetAt(line, 1);
  const end = lines.offsetAt(line, Number.MAX_SAFE_INTEGER);
  const content = text.slice(start, end);
  const comment = COMMENT.exec(content);
  if (!comment) return undefined;
  const said = content.slice(comment.index);
  const match = OURS.exec(said) ?? SEMGREP.exec(said);
  if (!match) return undefined;
  const at = { start: start + comment.index + match.index, end: start + comment.index + match.index + match[0].length };
  if (notIn.some((range) => at.start < range.end && at.end > range.start)) return undefined;
  return { of: named(match[1] ?? ''), reason: reasonIn(match[1] ?? ''), alone: content.slice(0, comment.index).trim() === '', ...at };
}

/** The names that a comment gives before its reason. A reason without `because` before it reads as names that nothing has: then nothing is suppressed. */
function named(rest: string): string[] {
  const names = rest.split(/\bbecause\b|\*\/|-->|\}|\(|\s[-–—]|:\s/i)[0] ?? '';
  return names.split(/[\s,]+/).filter(Boolean).map((name) => name.replace(/[.;:]+$/, ''));
}

function reasonIn(rest: string): string {
  return (/\bbecause\b(.*)/i.exec(rest)?.[1] ?? '').replace(/\*\/.*|-->.*|\*\/\}.*/, '').trim().slice(0, 300);
}

function covers(suppression: Suppression, finding: Finding): boolean {
  if (suppression.of.length === 0) return true;
  return suppression.of.some((name) => {
    const cwe = /^cwe/i.test(name) ? normalizeCwe(name) : undefined;
    if (cwe) return finding.cwe.includes(cwe);
    return name === finding.ruleFamily || name === finding.ruleId || finding.ruleId.endsWith(`.${name}`);
  });
}
