import { languageOfPath } from '../language.ts';
import { LineIndex, type Range, type SourceDocument } from '../source.ts';
import type { Finding } from './finding.ts';
import { readSarif, type SarifFinding } from './sarif-in.ts';

/** What a file of the workspace holds now, or why its results cannot be placed. */
export type WorkspaceText = { readonly path: string; readonly text: string } | { readonly gone: string };

/** Port: files of the workspace by the names that a SARIF file gives them. Never reads outside of it. */
export interface WorkspaceTexts {
  /** `name` has forward slashes, and is relative to the root of the code or absolute. */
  read(name: string): WorkspaceText;
}

export interface ImportedFile {
  readonly document: SourceDocument;
  /** As the SARIF file names it. */
  readonly name: string;
  /** Where they are in the text as it is now. `security` says which are about security. */
  readonly findings: readonly ImportedFinding[];
}

export interface ImportedFinding {
  readonly finding: Finding;
  readonly security: boolean;
}

/** Results that could not be placed, by why. */
export interface LeftOut {
  /** File and, where it matters, line. */
  readonly what: string;
  readonly why: string;
  readonly results: number;
}

export interface SarifImport {
  /** Name and version of each tool. */
  readonly tools: readonly string[];
  readonly files: readonly ImportedFile[];
  /** Results that somebody has accepted already. */
  readonly accepted: number;
  readonly leftOut: readonly LeftOut[];
  /** What could not be read of the file, and what the tool says it could not do. */
  readonly problems: readonly string[];
}

/**
 * Takes the results of a SARIF file in as findings of this workspace's files as they are now. A result whose text has moved
 * is followed where the file says what it was; one whose file or text is gone is left out and named. Throws `ExpectedError`
 * `sarif-unreadable`.
 */
export function importSarif(text: string, texts: WorkspaceTexts): SarifImport {
  const known = new Map<string, WorkspaceText>();
  const read = (name: string): WorkspaceText => {
    const before = known.get(name);
    if (before) return before;
    const now = texts.read(name);
    known.set(name, now);
    return now;
  };
  const sarif = readSarif(text, {
    textOf: (name) => {
      const file = read(name);
      return 'gone' in file ? undefined : file.text;
    },
  });
  const files: ImportedFile[] = [];
  const leftOut: LeftOut[] = [];
  for (const { path: name, findings } of sarif.files) {
    const file = read(name);
    if ('gone' in file) {
      leftOut.push({ what: name, why: file.gone, results: findings.length });
      continue;
    }
    const lines = new LineIndex(file.text);
    const placed: ImportedFinding[] = [];
    for (const found of findings) {
      const { security, snippet: _, trace, ...rest } = found;
      // A trace fits the text only where its finding has not moved.
      const range = placeOf(found, file.text, lines);
      if (range === undefined) leftOut.push({ what: `${name}:${found.startLine}`, why: `the code that ${found.ruleId} is about is no longer there`, results: 1 });
      else placed.push({ security, finding: { ...rest, ...range, analyzer: 'sarif', ...(trace && range.startLine === found.startLine ? { trace } : {}) } });
    }
    if (placed.length > 0) files.push({ document: { path: file.path, language: languageOfPath(file.path), text: file.text }, name, findings: placed });
  }
  return { tools: sarif.tools.map(({ name, version }) => (version ? `${name} ${version.slice(0, 40)}` : name)), files, accepted: sarif.accepted, leftOut, problems: sarif.problems };
}

/** Where a result is now: where it says, else where its text has gone; nowhere when there is nothing left of it. */
function placeOf(found: SarifFinding, text: string, lines: LineIndex): Range | undefined {
  const { startLine, startColumn, endLine, endColumn } = found;
  const { start, end } = lines.toOffsets(found);
  const there = startLine <= lines.lineCount && lines.placeAt(start).line === startLine ? text.slice(start, end) : undefined;
  const wanted = found.snippet === undefined ? undefined : plain(found.snippet);
  if (wanted === undefined) return there === undefined || (startLine > 1 && there.trim() === '') ? undefined : lines.toRange({ start, end });
  if (there !== undefined && plain(there).includes(wanted)) return { startLine, startColumn, endLine, endColumn };
  const at = nearest(text, found.snippet?.trim() ?? '', lines.offsetAt(Math.min(startLine, lines.lineCount), 1));
  return at === undefined ? undefined : lines.toRange(at);
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Where `part` occurs in `text`, whatever its line ends, as near as possible to an offset. */
function nearest(text: string, part: string, offset: number): { start: number; end: number } | undefined {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const own = part.replace(/\r?\n/g, eol);
  let best: number | undefined;
  for (let at = own === '' ? -1 : text.indexOf(own); at !== -1; at = text.indexOf(own, at + 1)) {
    if (best === undefined || Math.abs(at - offset) < Math.abs(best - offset)) best = at;
    if (at > offset) break;
  }
  return best === undefined ? undefined : { start: best, end: best + own.length };
}
