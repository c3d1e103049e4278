import type { Guideline } from '../knowledge/knowledge.ts';
import { frontMatterEnd } from './note-check.ts';
import { KEY_VALUES, KNOWN_KEYS, NOTE_SECTIONS } from './note-form.ts';

/** Something that could be written at the caret of a note. */
export interface Suggestion {
  readonly kind: 'key' | 'value' | 'cwe' | 'section';
  readonly label: string;
  /** Beside the label. */
  readonly detail: string;
  readonly help: string;
  /** What is inserted; `$0` is where the caret goes (a `$` of the text itself is written `\$`). */
  readonly insert: string;
  /** 1-based columns of the line that are replaced; the end is exclusive. */
  readonly startColumn: number;
  readonly endColumn: number;
  /** What the typed text is compared with. */
  readonly filter: string;
}

type CweTitle = Pick<Guideline, 'cwe' | 'title'>;

/** What could be written at a place (1-based) of a note. `language` names the code fences. */
export function suggestions(text: string, line: number, column: number, o: { readonly cwes: readonly CweTitle[]; readonly language?: string }): Suggestion[] {
  const lines = text.split(/\r\n|\r|\n/);
  const before = (lines[line - 1] ?? '').slice(0, column - 1);
  const end = frontMatterEnd(lines);
  const inFront = lines[0]?.trimEnd() === '---' && line > 1 && (end === -1 || line <= end);
  if (inFront) return frontMatter(lines, end, line, column, before, o.cwes);
  const cwe = /\bcwe[-_ ]?\d*$/i.exec(before)?.[0];
  if (cwe !== undefined) return cwes(o.cwes, column - cwe.length, column);
  if (insideFence(lines, end, line)) return [];
  const head = /^(#{0,2} ?[A-Za-z ]*)$/.exec(before)?.[1];
  return head === undefined || (head !== '' && !head.startsWith('#')) ? [] : sections(lines, line, column, o.language ?? '');
}

/** Key whose value or name stands at a place of the front matter. */
export function keyAt(text: string, line: number): string | undefined {
  const lines = text.split(/\r\n|\r|\n/);
  const end = frontMatterEnd(lines);
  return line > 1 && line <= end ? /^([A-Za-z]+):/.exec(lines[line - 1] ?? '')?.[1] : undefined;
}

function frontMatter(lines: readonly string[], end: number, line: number, column: number, before: string, all: readonly CweTitle[]): Suggestion[] {
  const value = /^([A-Za-z]+):( *)(\S.*)?$/.exec(before);
  if (value) {
    const [, key = '', space = '', typed = ''] = value;
    const startColumn = column - typed.length;
    const lead = space === '' ? ' ' : '';
    const rest = (lines[line - 1] ?? '').slice(column - 1);
    const endColumn = column + (/^\S*/.exec(rest)?.[0].length ?? 0);
    if (key === 'cwe') return cwes(all, startColumn, endColumn, lead);
    return (KEY_VALUES[key] ?? []).map((known): Suggestion => ({ kind: 'value', label: known.value, detail: known.help, help: '', insert: lead + known.value, startColumn, endColumn, filter: lead + known.value }));
  }
  const typed = /^[A-Za-z]*$/.exec(before)?.[0];
  if (typed === undefined) return [];
  const there = new Set(lines.slice(1, end === -1 ? lines.length : end).flatMap((one, at) => (at + 2 === line ? [] : (/^([A-Za-z]+):/.exec(one)?.[1] ?? []))));
  return KNOWN_KEYS.filter(({ key }) => !there.has(key)).map(({ key, help }): Suggestion => ({ kind: 'key', label: key, detail: '', help, insert: `${key}: $0`, startColumn: 1, endColumn: column, filter: key }));
}

function cwes(all: readonly CweTitle[], startColumn: number, endColumn: number, lead = ''): Suggestion[] {
  return all.map(({ cwe, title }): Suggestion => ({ kind: 'cwe', label: cwe, detail: title, help: '', insert: lead + cwe, startColumn, endColumn, filter: `${lead}${cwe} ${title}` }));
}

function sections(lines: readonly string[], line: number, column: number, language: string): Suggestion[] {
  const there = new Set(lines.flatMap((one, at) => (at + 1 === line ? [] : (/^## +(.*?)\s*$/.exec(one)?.[1]?.toLowerCase() ?? []))));
  return NOTE_SECTIONS.filter(({ title }) => !there.has(title.toLowerCase())).map(({ title, help, code }): Suggestion => ({
    kind: 'section',
    label: `## ${title}`,
    detail: '',
    help,
    insert: `## ${title}\n\n${code ? `\`\`\`${language.replace(/[^\w+#-]/g, '')}\n$0\n\`\`\`` : '$0'}\n`,
    startColumn: 1,
    endColumn: column,
    filter: `## ${title}`,
  }));
}

function insideFence(lines: readonly string[], end: number, line: number): boolean {
  let fence: string | undefined;
  for (const one of lines.slice(end + 1, line - 1)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(one)?.[1];
    if (!mark) continue;
    if (fence === undefined) fence = mark;
    else if (mark[0] === fence[0] && mark.length >= fence.length) fence = undefined;
  }
  return fence !== undefined;
}
