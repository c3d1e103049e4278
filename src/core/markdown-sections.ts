import { isConflictMark } from './conflict-marks.ts';

/**
 * The body of a note or knowledge file: sections under `## ` headings, read line by line. This is not a Markdown parser on
 * purpose: a note must come back exactly as it was written, and ten thousand of them must load in a moment. The rules are those
 * parts of Markdown that matter here: a heading inside a code fence is not a heading, and a fence ends with one of its
 * own kind that is at least as long.
 */

export interface Section {
  /** Text of the heading; empty for what stands before the first one. */
  readonly title: string;
  /** 1-based line of the heading in the text that was split. */
  readonly line: number;
  readonly lines: readonly string[];
  /** Line of a fence in it that is never closed. */
  readonly openFence?: number;
}

export interface Fence {
  readonly info: string;
  readonly content: string;
  /** Index of the fence's first and last line among the section's lines. */
  readonly first: number;
  readonly last: number;
}

interface Opening {
  readonly mark: string;
  readonly indent: number;
  readonly info: string;
}

/** Splits a text (lines end in `\n`) at its headings of one level. The first section is what stands before any. */
export function splitSections(text: string, depth = 2): Section[] {
  const sections: { title: string; line: number; lines: string[]; openFence?: number }[] = [{ title: '', line: 1, lines: [] }];
  let current = sections[0]!;
  let fence: Opening | undefined;
  let fenceLine = 0;
  text.split('\n').forEach((line, at) => {
    if (fence) {
      if (closes(line, fence)) fence = undefined;
    } else {
      const title = heading(line, depth);
      if (title !== undefined) {
        current = { title, line: at + 1, lines: [] };
        sections.push(current);
        return;
      }
      fence = opening(line);
      fenceLine = at + 1;
    }
    current.lines.push(line);
  });
  if (fence) current.openFence = fenceLine;
  return sections;
}

/** The text of an ATX heading of exactly this depth, or nothing. */
export function heading(line: string, depth: number): string | undefined {
  const match = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/.exec(line);
  if (!match || match[1]?.length !== depth) return undefined;
  return (match[2] ?? '').replace(/(?:^|[ \t]+)#+[ \t]*$/, '').trim();
}

/** The lines without blank ones at both ends. */
export function trimBlank(lines: readonly string[]): readonly string[] {
  let start = 0;
  let end = lines.length;
  while (start < end && lines[start]?.trim() === '') start++;
  while (end > start && lines[end - 1]?.trim() === '') end--;
  return lines.slice(start, end);
}

/** The first closed code fence among some lines. */
export function firstFence(lines: readonly string[]): Fence | undefined {
  const first = lines.findIndex((line) => opening(line));
  const open = first === -1 ? undefined : opening(lines[first] ?? '');
  if (!open) return undefined;
  const length = lines.slice(first + 1).findIndex((line) => closes(line, open));
  if (length === -1) return undefined;
  const indent = new RegExp(`^ {0,${open.indent}}`);
  const inside = lines.slice(first + 1, first + 1 + length);
  const content = (open.indent > 0 ? inside.map((line) => line.replace(indent, '')) : inside).join('\n');
  return { info: open.info, content, first, last: first + 1 + length };
}

/**
 * A code fence around any text, longer than any run of backticks in it. It is indented by one where the text holds marks of
 * a merge conflict, which count at the begin of a line only.
 */
export function fenced(content: string, info: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length));
  const mark = '`'.repeat(longest + 1);
  if (content === '') return `${mark}${info}\n${mark}`;
  return holdsMarks(content) ? ` ${mark}${info}\n${content.replace(/^/gm, ' ')}\n ${mark}` : `${mark}${info}\n${content}\n${mark}`;
}

const FENCED_TEXT = 'text';

/** Reads prose: what stands there, or the content of the one `text` fence that stands there. */
export function readProse(lines: readonly string[]): string {
  const inner = trimBlank(lines);
  const fence = firstFence(inner);
  if (fence && fence.first === 0 && fence.last === inner.length - 1 && fence.info === FENCED_TEXT) return fence.content;
  return inner.join('\n');
}

/** Writes prose in the plainest form that reads back exactly: as it is, or inside a `text` fence. `depth`: level of the heading above it. */
export function writeProse(text: string, depth = 2): string {
  return text !== '' && survives(text, depth) && readProse(text.split('\n')) === text ? text : fenced(text, FENCED_TEXT);
}

/** Reads a list of texts: a bullet list gives one per item, anything else is one text. */
export function readItems(lines: readonly string[]): string[] {
  const inner = trimBlank(lines);
  if (inner.length === 0) return [];
  const isList = /^[-*+] /.test(inner[0] ?? '') && inner.every((line) => line.trim() === '' || /^(?:[-*+] | {2})/.test(line));
  if (!isList) return [readProse(inner)];
  const items: string[][] = [];
  for (const line of inner) {
    if (/^[-*+] /.test(line)) items.push([line.slice(2)]);
    else items.at(-1)?.push(line.trim() === '' ? '' : line.slice(2));
  }
  return items.map((item) => {
    while (item.length > 1 && item.at(-1) === '') item.pop();
    return item.join('\n');
  });
}

/** Writes texts as one body where that reads back exactly, else one body for each. */
export function writeItems(texts: readonly string[]): string[] {
  const plain = texts.length === 1 ? (texts[0] ?? '') : texts.map((text) => `- ${text.replaceAll('\n', '\n  ').replace(/^ +$/gm, '')}`).join('\n');
  if (survives(plain) && sameTexts(readItems(plain.split('\n')), texts)) return [plain];
  return texts.map((text) => {
    const prose = writeProse(text);
    return sameTexts(readItems(prose.split('\n')), [text]) ? prose : fenced(text, FENCED_TEXT);
  });
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, at) => text === b[at]);
}

/** True when a text under a heading stays one section (no heading of its own level or above, every fence closed) and looks like no conflict. */
function survives(text: string, depth = 2): boolean {
  if (holdsMarks(text)) return false;
  for (let level = 2; level <= depth; level++) {
    const sections = splitSections(text, level);
    if (sections.length !== 1 || sections[0]?.openFence !== undefined) return false;
  }
  return true;
}

function holdsMarks(text: string): boolean {
  return /<{7}|>{7}/.test(text) && text.split('\n').some(isConflictMark);
}

function opening(line: string): Opening | undefined {
  const match = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  const [, indent = '', mark = '', info = ''] = match ?? [];
  if (!match || (mark.startsWith('`') && info.includes('`'))) return undefined;
  return { mark, indent: indent.length, info: info.trim() };
}

function closes(line: string, fence: Opening): boolean {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark[0] === fence.mark[0] && mark.length >= fence.mark.length;
}
