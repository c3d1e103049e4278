import { redactSecrets } from '../notebook/redact.ts';
import type { SyntaxOutline } from '../syntax/outline.ts';
import { LineIndex } from '../source.ts';
import type { Finding } from './finding.ts';

/**
 * What a finding is, wherever its line has moved: the mistake, the file, the function around it, the flagged lines, and
 * which of several alike in functions of that name. It holds as long as those lines stay as they are.
 */
export interface FindingIdentity {
  /** Relative to the workspace folder, with forward slashes. */
  readonly path: string;
  readonly family: string;
  /** Names of the functions around it, outermost first, joined by dots; empty at the top of a file. */
  readonly in: string;
  /** The flagged lines without indentation, white space made single, secrets replaced. */
  readonly code: string;
  /** From 1. */
  readonly nth: number;
}

/** More of the flagged lines than this is told by its beginning and its end, in characters. */
const MAX_CODE = 1000;

/** Identities of findings in one text. */
export class Identities {
  private readonly lines: string[];
  private readonly starts: LineIndex;
  private readonly outline: SyntaxOutline;
  private readonly path: string;

  constructor(path: string, text: string, outline: SyntaxOutline) {
    this.path = path;
    this.outline = outline;
    this.starts = new LineIndex(text);
    this.lines = text.split('\n').map((line) => redactSecrets(line.replace(/\s+/g, ' ').trim()));
  }

  of(finding: Finding): FindingIdentity {
    const first = Math.min(finding.startLine, this.lines.length);
    // An end at the first column of a line is the end of the line before.
    const last = Math.min(this.lines.length, Math.max(first, finding.endColumn === 1 ? finding.endLine - 1 : finding.endLine));
    const scope = this.scopeAt(first);
    const code = this.block(first, last);
    let nth = 1;
    for (let line = 1; line < first; line++) if (this.lines[line - 1] === this.lines[first - 1] && this.block(line, line + last - first) === code && this.scopeAt(line) === scope) nth++;
    return { path: this.path, family: finding.ruleFamily, in: scope, code, nth };
  }

  private block(first: number, last: number): string {
    const text = this.lines.slice(first - 1, last).filter(Boolean).join(' ');
    return text.length > MAX_CODE ? `${text.slice(0, MAX_CODE / 2)} … ${text.slice(-MAX_CODE / 2)}` : text;
  }

  private scopeAt(line: number): string {
    // Where the line's code begins: a function's header belongs to it.
    const start = this.starts.offsetAt(line, 1);
    const end = Math.max(start, this.starts.offsetAt(line, Number.MAX_SAFE_INTEGER) - 1);
    return this.outline.functions.filter((f) => f.name !== '' && f.range.start <= end && f.range.end > start).map((f) => f.name).join('.');
  }
}

/** One text for one identity, to compare and to hash. */
export function identityKey(identity: FindingIdentity): string {
  return JSON.stringify([identity.path, identity.family, identity.in, identity.code, identity.nth]);
}
