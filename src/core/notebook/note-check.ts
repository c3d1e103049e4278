import { splitSections } from '../markdown-sections.ts';
import { LANGUAGES, canonicalLanguage, isSupported } from '../language.ts';
import type { Range } from '../source.ts';
import { readFrontMatter } from './note-front-matter.ts';
import { keyProblems, NOTE_KEYS, parseNote } from './note-markdown.ts';
import { KEY_VALUES, NOTE_SECTIONS } from './note-form.ts';
import type { NoteKind } from './note.ts';

/** What is wrong with a note's text, or could be better, where exactly, and what to write instead. */
export interface NoteProblem {
  /** `error`: the file cannot be read as a note. `warning`: something will not do what it seems to. `info`: a hint. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly place: Range;
  /** What to write at the place instead. */
  readonly fix?: string;
}

export interface CheckOptions {
  /** The notebook whose folder the file lies in. */
  readonly kind?: NoteKind;
  /** False for a CWE that the knowledge base says nothing about. */
  readonly knows?: (cwe: string) => boolean;
}

/** Checks a note's text as it is edited. Without an error in the result the text is a note. */
export function checkNote(text: string, fileName: string, options: CheckOptions = {}): NoteProblem[] {
  const lines = text.split(/\r\n|\r|\n/);
  const place = new Places(lines);
  const problems: NoteProblem[] = [];
  const end = frontMatterEnd(lines);
  if (end !== -1) {
    const front = readFrontMatter(lines.slice(1, end).join('\n'));
    if (front.problem === undefined) problems.push(...keys(front.values, place, options));
  }
  const parsed = parseNote(text, fileName);
  if (parsed.problem !== undefined) {
    const [, number, words = parsed.problem] = /^line (\d+): (.*)$/s.exec(parsed.problem) ?? [];
    const line = Math.min(Math.max(1, Number(number ?? 1)), lines.length);
    // A problem of a key stands at its value already.
    if (!problems.some((p) => p.severity === 'error' && p.place.startLine === line)) problems.push({ severity: 'error', message: `${upper(words)}.`, place: place.line(line) });
  }
  problems.push(...sections(lines, end, place));
  if (parsed.note && end !== -1) {
    const { note } = parsed;
    if (!note.guidance) problems.push({ severity: 'info', message: 'This note has no guidance: a prompt will show what failed, not what to do instead. Add a section "## Guidance".', place: place.line(1) });
    if (!note.erroneousCode) problems.push({ severity: 'info', message: 'This note shows no erroneous code, so it is found by its task alone. Add a section "## Erroneous code" with a code fence.', place: place.line(1) });
  }
  return problems.sort((a, b) => a.place.startLine - b.place.startLine || a.place.startColumn - b.place.startColumn);
}

/** Index of the line that ends the front matter, or -1. */
export function frontMatterEnd(lines: readonly string[]): number {
  return lines[0]?.replace(/^\ufeff/, '').trimEnd() === '---' ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === '---') : -1;
}

function keys(values: Readonly<Record<string, unknown>>, place: Places, { kind, knows }: CheckOptions): NoteProblem[] {
  const problems: NoteProblem[] = keyProblems(values).map(({ key, message }) => {
    const fix = key in values ? better(key, String(values[key])) : undefined;
    const choices = KEY_VALUES[key];
    return {
      severity: 'error',
      message: key in values ? `"${key}" ${message}${fix ? `; did you mean "${fix}"?` : '.'}` : `"${key}" is missing: write "${key}: ${choices?.[0]?.value ?? '…'}"${kind && key === 'kind' ? `, here "kind: ${kind}"` : ''}.`,
      place: key in values ? place.value(key) : place.line(1),
      ...(fix ? { fix } : {}),
    };
  });
  if (kind && (values['kind'] === 'security' || values['kind'] === 'function') && values['kind'] !== kind) {
    problems.push({ severity: 'error', message: `This file lies in the folder of ${kind} notes; write "kind: ${kind}" or move it.`, place: place.value('kind'), fix: kind });
  }
  for (const key of Object.keys(values)) {
    if (NOTE_KEYS.includes(key)) continue;
    const like = nearest(key, NOTE_KEYS);
    if (like && !(like in values)) problems.push({ severity: 'warning', message: `SafeNote does not know "${key}" and keeps it as it is. Did you mean "${like}"?`, place: place.key(key), fix: like });
  }
  const cwe = typeof values['cwe'] === 'string' ? /^cwe-0*(\d+)$/i.exec(values['cwe'].trim()) : null;
  if (cwe && knows && !knows(`CWE-${cwe[1]}`)) problems.push({ severity: 'info', message: `The knowledge base has nothing on CWE-${cwe[1]}: the note is used, and the CWE is shown by its number.`, place: place.value('cwe') });
  if (typeof values['language'] === 'string' && !isSupported(canonicalLanguage(values['language']))) {
    const like = nearest(values['language'].toLowerCase(), LANGUAGES);
    problems.push({ severity: like ? 'warning' : 'info', message: `SafeNote has no rules for "${values['language']}"${like ? `; did you mean "${like}"?` : ': the note is used in files of that language only.'}`, place: place.value('language'), ...(like ? { fix: like } : {}) });
  }
  return problems;
}

function sections(lines: readonly string[], end: number, place: Places): NoteProblem[] {
  const body = lines.slice(end + 1);
  const found = splitSections(body.join('\n')).slice(1);
  const known = NOTE_SECTIONS.map(({ title }) => title.toLowerCase());
  return found.flatMap(({ title, line }): NoteProblem[] => {
    const name = title.toLowerCase();
    if (known.includes(name) || name === 'tasks' || name === 'merged failure') return [];
    const like = NOTE_SECTIONS.find((section) => section.title.toLowerCase() === nearest(name, known));
    if (!like || found.some((other) => other.title.toLowerCase() === like.title.toLowerCase())) return [];
    const at = end + 1 + line;
    return [{ severity: 'warning', message: `"## ${title}" is no section that SafeNote reads; it is kept as it is. Did you mean "## ${like.title}"?`, place: place.line(at), fix: `## ${like.title}` }];
  });
}

/** A value that is allowed and looks like what was written. */
function better(key: string, written: string): string | undefined {
  if (key === 'cwe') {
    const number = /\d{1,5}/.exec(written)?.[0];
    return number ? `CWE-${Number(number)}` : undefined;
  }
  if (key === 'frequency' || key === 'line') {
    const number = Math.round(Math.abs(Number(written)));
    return Number.isFinite(number) && number >= 1 ? String(number) : '1';
  }
  const choices = KEY_VALUES[key]?.map(({ value }) => value) ?? [];
  return nearest(written.toLowerCase(), choices) ?? (key === 'status' && /off|disabled|inactive|ignored/i.test(written) ? 'muted' : undefined);
}

/** The one of some words that a misspelt one was meant to be, if any is near enough. */
function nearest(word: string, among: readonly string[]): string | undefined {
  const best = among.map((candidate) => ({ candidate, steps: distance(word, candidate.toLowerCase()) })).sort((a, b) => a.steps - b.steps)[0];
  return best && best.steps > 0 && best.steps <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 4) return Infinity;
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Places in the text of a note. */
class Places {
  private readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.lines = lines;
  }

  /** A line without the white space around it; the first character where there is nothing. */
  line(number: number): Range {
    const line = this.lines[number - 1] ?? '';
    const start = line.length - line.trimStart().length;
    return { startLine: number, startColumn: start + 1, endLine: number, endColumn: Math.max(line.trimEnd().length, start + (line.trim() ? 1 : 0)) + 1 };
  }

  key(key: string): Range {
    const found = this.find(key);
    return found ? { ...this.line(found), startColumn: 1, endColumn: key.length + 1 } : this.line(1);
  }

  /** The value behind a key, without quotes or a comment being looked at: what stands there. */
  value(key: string): Range {
    const found = this.find(key);
    if (!found) return this.line(1);
    const line = this.lines[found - 1] ?? '';
    const [head = ''] = /^[^:]*:\s*/.exec(line) ?? [];
    const value = line.slice(head.length).trimEnd();
    return { startLine: found, startColumn: (value ? head.length : key.length + 1) + 1, endLine: found, endColumn: (value ? head.length + value.length : key.length + 1) + 1 };
  }

  private find(key: string): number | undefined {
    const at = this.lines.findIndex((line, n) => n > 0 && line.startsWith(`${key}:`));
    return at === -1 ? undefined : at + 1;
  }
}
