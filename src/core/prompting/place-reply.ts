import { ModelError } from '../llm/model.ts';
import type { TextEdit } from '../source.ts';
import { enclosingFunction, type FunctionOutline, type SyntaxOutline } from '../syntax/outline.ts';
import { essence, indentOf, indentUnit, pieces, unmatchedClosers, widthOf } from './code-text.ts';
import { importEdits, missingImports, splitImports } from './imports.ts';
import { MARKER } from './marker.ts';

export interface Placement {
  /** The insertion at the caret, in the document's line endings. */
  readonly edit: TextEdit;
  /** Imports that the answer brought along and the document lacks, at the end of the document's imports. */
  readonly importEdits: readonly TextEdit[];
}

/**
 * Puts the code of a reply into its place. Models repeat what they were given, indent from zero, close brackets that are
 * closed already: what is repeated faithfully is taken off, what is indented otherwise is shifted. A reply that *changes*
 * given code is refused with `ModelError` `model-changed-code`.
 */
export function placeReply(text: string, caret: number, code: string, language: string, outline: SyntaxOutline): Placement {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const before = text.slice(0, caret).replace(/\r\n/g, '\n');
  const after = text.slice(caret).replace(/\r\n/g, '\n');
  const around = enclosingFunction(outline, caret);
  const current = before.slice(before.lastIndexOf('\n') + 1);

  let answer = trimBlankLines(code.replaceAll(MARKER, '').replace(/\r\n/g, '\n'));
  const { imports, answer: withoutImports } = takeImports(answer, language, text, outline, around !== undefined || current.trim() !== '' || /^\s/.test(current));
  answer = withoutImports;

  const repeated = dropRepeatedHead(answer, before, language);
  if (repeated === undefined && around && redefines(answer, around, language)) throw changed(around.name);
  answer = repeated?.rest ?? answer;
  answer = dropRepeatedTail(answer, after, language);
  const inserted = layOut(answer, { before, after, current, continues: repeated?.midLine ?? false, language });
  if (!inserted.trim()) {
    throw new ModelError('model-empty', 'The model only repeated the code that is there already.', 'Say in a comment what is to be written, or choose another model with "SafeNote: Select Model".');
  }

  return {
    edit: { start: caret, end: caret, text: inserted.replace(/\n/g, eol) },
    importEdits: importEdits(imports, text, language, outline.imports, caret),
  };
}

function changed(name: string): ModelError {
  return new ModelError(
    'model-changed-code',
    `The model changed code that was given${name ? ` (in ${name})` : ''}, so its answer was not used.`,
    'Try again, or choose another model with "SafeNote: Select Model".',
  );
}

function trimBlankLines(code: string): string {
  return code.replace(/^(?:[ \t]*\n)+/, '').replace(/\s+$/, '');
}

/** Languages whose imports stand before everything else, wherever the caret is. */
const IMPORTS_FIRST = ['go', 'java'];

/** Imports at the head of the answer that are to go to the top of the file; those that the file has are dropped. */
function takeImports(answer: string, language: string, text: string, outline: SyntaxOutline, hoist: boolean): { imports: string[]; answer: string } {
  const { imports, rest } = splitImports(answer, language);
  if (imports.length === 0) return { imports: [], answer };
  const missing = missingImports(imports, text, language, outline.imports);
  if (hoist || (IMPORTS_FIRST.includes(language) && text.trim())) return { imports: missing, answer: trimBlankLines(rest) };
  return { imports: [], answer: missing.length === imports.length ? answer : trimBlankLines([...missing, rest].join('\n')) };
}

/**
 * Where the head of the answer repeats the code before the caret (from any line on, the longest such stretch first), the
 * rest of the answer. White space does not count; comments and docstrings may be left out by the model.
 */
function dropRepeatedHead(answer: string, before: string, language: string): { rest: string; midLine: boolean } | undefined {
  const current = before.slice(before.lastIndexOf('\n') + 1);
  for (const keepComments of [true, false]) {
    const given = essence(before, language, keepComments);
    const reply = essence(answer, language, keepComments);
    const lineStarts = essentialLineStarts(before, given.offsets);
    for (const start of lineStarts) {
      const stretch = given.chars.slice(start);
      // One bracket or keyword may stand there again by chance.
      if (stretch.replace(/[^\w]/g, '').length < 4) break;
      if (!reply.chars.startsWith(stretch)) continue;
      const last = reply.offsets[stretch.length - 1] ?? 0;
      let rest = answer.slice(last + 1);
      const midLine = current.trim() !== '' && !/^[ \t]*(?:\n|$)/.test(rest);
      if (!keepComments && /(?:"""|'''|\*\/)\s*$|(?:^|\n)[ \t]*(?:#|\/\/)[^\n]*\s*$/.test(before)) rest = dropLeadingComments(rest, language);
      return { rest: midLine ? rest : trimBlankLines(rest.replace(/^[ \t]*\n/, '')), midLine };
    }
  }
  return undefined;
}

/** Indices into the essence at which a line of the text begins, first line first. */
function essentialLineStarts(text: string, offsets: readonly number[]): number[] {
  const starts: number[] = [];
  let line = -1;
  offsets.forEach((offset, index) => {
    const begin = text.lastIndexOf('\n', offset - 1);
    if (index === 0 || begin !== line) starts.push(index);
    line = begin;
  });
  return starts;
}

function dropLeadingComments(text: string, language: string): string {
  for (const piece of pieces(text, language)) {
    if (piece.kind === 'comment' || piece.kind === 'docstring') continue;
    if (text.slice(piece.start, piece.end).trim()) {
      const lineStart = text.lastIndexOf('\n', piece.start + (/\S/.exec(text.slice(piece.start))?.index ?? 0)) + 1;
      return text.slice(Math.max(0, lineStart));
    }
  }
  return '';
}

/** True when the answer writes the header of the function around the caret again, in whatever form. */
function redefines(answer: string, around: FunctionOutline, language: string): boolean {
  if (!around.name) return false;
  const name = around.name.split('.').at(-1)?.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') ?? '';
  const header =
    language === 'python'
      ? new RegExp(`^\\s*(?:async\\s+)?def\\s+${name}\\s*\\(`, 'm')
      : language === 'go'
        ? new RegExp(`^func\\s+(?:\\([^)]*\\)\\s*)?${name}\\s*\\(`, 'm')
        : language === 'javascript' || language === 'typescript'
          ? new RegExp(`\\bfunction\\s*\\*?\\s*${name}\\s*\\(|^\\s*(?:export\\s+)?(?:const|let|var)\\s+${name}\\s*=|^\\s*(?:async\\s+|static\\s+)*${name}\\s*\\([^;]*\\)[^;]*\\{\\s*$`, 'm')
          : new RegExp(`^[\\w*&<>:,\\s]+[\\s*&]${name}\\s*\\([^;]*\\)[^;]*\\{?\\s*$`, 'm');
  return header.test(answer);
}

/** Takes off what the answer repeats of the code after the caret, and closing brackets that are there already. */
function dropRepeatedTail(answer: string, after: string, language: string): string {
  let result = answer;
  const given = essence(after, language, true);
  const reply = essence(result, language, true);
  for (const start of essentialLineStarts(result, reply.offsets)) {
    const tail = reply.chars.slice(start);
    if (tail.replace(/[^\w]/g, '').length < 6) break;
    if (!given.chars.startsWith(tail)) continue;
    result = result.slice(0, reply.offsets[start] ?? 0).replace(/\s+$/, '');
    break;
  }
  const closers = unmatchedClosers(result, language);
  const waiting = /^[\s)\]};,]*/.exec(after)?.[0].replace(/[^)\]}]/g, '') ?? '';
  // Only brackets at the very end of the answer can be the ones that stand after the caret.
  for (let n = Math.min(closers.length, waiting.length); n > 0; n--) {
    const extra = closers.slice(-n);
    const first = extra[0];
    if (!first || extra.map((c) => c.char).join('') !== waiting.slice(0, n)) continue;
    if (!/^[)\]};,\s]*$/.test(result.slice(first.offset))) continue;
    result = result.slice(0, first.offset);
    break;
  }
  return result.replace(/[ \t]+$/, '').replace(/\n\s*$/, '\n').replace(/\s+$/, (space) => (space.includes('\n') && waiting && !after.startsWith('\n') ? '\n' : ''));
}

interface Surroundings {
  readonly before: string;
  readonly after: string;
  /** The caret's line up to the caret. */
  readonly current: string;
  /** The answer goes on in the middle of the caret's line. */
  readonly continues: boolean;
  readonly language: string;
}

/** Indents the answer for its place and adds the line breaks that the place needs. */
function layOut(answer: string, place: Surroundings): string {
  if (!answer.trim()) return '';
  const { before, after, current } = place;
  const unit = indentUnit(before + after);
  const restOfLine = after.slice(0, after.indexOf('\n') === -1 ? undefined : after.indexOf('\n'));
  const lines = convertIndent(answer.split('\n'), unit);

  if (current.trim() === '') {
    const target = current !== '' ? current : expectedIndent(before, unit, place.language);
    const shifted = shift(lines, target);
    const text = shifted.join('\n').slice(current.length);
    // Code that stands on the caret's line moves down, unless it only closes what the answer goes into.
    if (restOfLine.trim() && !/^[\s)\]};,]*$/.test(restOfLine)) return `${text}\n${current}`;
    return closeOnOwnLine(text, restOfLine, lines.length > 1 ? indentOf(lastLine(before)) : undefined, target, unit);
  }
  const lineIndent = indentOf(current);
  if (!place.continues && startsOwnLine(current, restOfLine, place.language)) {
    const target = expectedIndent(`${before}\n`, unit, place.language);
    const text = `\n${shift(lines, target).join('\n')}`;
    return closeOnOwnLine(text, restOfLine, lineIndent, target, unit);
  }
  const [first = '', ...others] = lines;
  const smallest = Math.min(...others.filter((l) => l.trim()).map((l) => widthOf(indentOf(l))));
  const missing = Number.isFinite(smallest) && smallest < widthOf(lineIndent) ? widthOf(lineIndent) - smallest : 0;
  const pad = unit === '\t' ? '\t'.repeat(Math.round(missing / 4)) : ' '.repeat(missing);
  return [first.trimStart(), ...others.map((l) => (l.trim() ? pad + l : ''))].join('\n');
}

/** A block written between `{` and its auto-closed `}` ends with a line break before the bracket. */
function closeOnOwnLine(text: string, restOfLine: string, closerIndent: string | undefined, target: string, unit: string): string {
  if (!/^\s*[}]/.test(restOfLine) || closerIndent === undefined) return text;
  const indent = target.endsWith(unit) ? target.slice(0, target.length - unit.length) : closerIndent;
  return `${text.replace(/\n\s*$/, '')}\n${indent}`;
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** True when what stands before the caret on its line is complete, so that the answer begins on the next one. */
function startsOwnLine(current: string, restOfLine: string, language: string): boolean {
  if (restOfLine.trim() && !/^[\s)\]};,]*$/.test(restOfLine)) return false;
  const line = current.trim();
  if (/^(?:#|\/\/)/.test(line) && !line.startsWith('#include')) return language === 'python' || line.startsWith('//');
  if (/(?:"""|'''|\*\/)$/.test(line)) return true;
  return language === 'python' ? line.endsWith(':') && !/[[{(][^\])}]*:$/.test(line) : /[{;}]$/.test(line);
}

/** Indentation that the next statement after a text has. */
function expectedIndent(before: string, unit: string, language: string): string {
  const lines = before.split('\n').slice(0, -1);
  const last = lines.findLast((line) => line.trim());
  if (last === undefined) return '';
  const opens = language === 'python' ? /:\s*(?:#.*)?$/.test(last) : /[{([]\s*(?:\/\/.*)?$/.test(last);
  if (opens) return indentOf(last) + unit;
  if (/\*\/\s*$/.test(last)) return indentOf(last).replace(/ $/, '');
  return indentOf(last);
}

/** Re-indents lines so that the first has the indentation `target` and the others keep their place relative to it. */
function shift(lines: readonly string[], target: string): string[] {
  const [first = '', ...others] = lines;
  const firstWidth = widthOf(indentOf(first));
  const targetWidth = widthOf(target);
  const base = firstLineAloneLacksIndent(first, others, targetWidth) ? targetWidth : firstWidth;
  return [
    target + first.trimStart(),
    ...others.map((line) => {
      if (!line.trim()) return '';
      const relative = widthOf(indentOf(line)) - base;
      if (relative >= 0) return target + (target.includes('\t') || indentOf(line).includes('\t') ? '\t'.repeat(Math.floor(relative / 4)) + ' '.repeat(relative % 4) : ' '.repeat(relative)) + line.trimStart();
      const width = Math.max(0, targetWidth + relative);
      return (target.includes('\t') ? '\t'.repeat(Math.floor(width / 4)) : ' '.repeat(width)) + line.trimStart();
    }),
  ];
}

/**
 * A model that goes on at an indented marker often leaves the indentation of its first line away and indents the others
 * as in the file. Told apart from an answer that is indented from zero by what the second line can be after the first.
 */
function firstLineAloneLacksIndent(first: string, others: readonly string[], targetWidth: number): boolean {
  if (indentOf(first) !== '' || targetWidth === 0) return false;
  const widths = others.filter((line) => line.trim()).map((line) => widthOf(indentOf(line)));
  const second = widths[0];
  if (second === undefined) return false;
  const opens = /[:{([,]\s*(?:#.*|\/\/.*)?$/.test(first);
  if (!opens) return second > 0 && second <= targetWidth;
  return second > targetWidth && Math.min(...widths) >= targetWidth;
}

/** Tabs for spaces or the other way round, where the answer is indented otherwise than the document. */
function convertIndent(lines: readonly string[], unit: string): string[] {
  const own = indentUnit(lines.join('\n'));
  const usesTabs = lines.some((line) => line.startsWith('\t'));
  if (unit === '\t' ? usesTabs : !usesTabs) return [...lines];
  return lines.map((line) => {
    const indent = indentOf(line);
    if (!indent) return line;
    const levels = Math.round(usesTabs ? widthOf(indent) / 4 : indent.length / own.length);
    return unit.repeat(levels) + line.trimStart();
  });
}
