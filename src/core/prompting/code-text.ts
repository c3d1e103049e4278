/** Reading code as text, without a grammar: what is comment, what is string, how brackets balance, how lines indent. */

export type Piece = 'code' | 'string' | 'comment' | 'docstring';

/**
 * Walks a text and says of each stretch whether it is code, string, comment or (Python) docstring. Unfinished strings
 * end at the end of their line, so that a broken line cannot swallow the rest.
 */
export function* pieces(text: string, language: string): Generator<{ kind: Piece; start: number; end: number }> {
  const python = language === 'python';
  let at = 0;
  let codeStart = 0;
  const take = function* (kind: Piece, end: number) {
    if (codeStart < at) yield { kind: 'code' as const, start: codeStart, end: at };
    yield { kind, start: at, end };
    at = end;
    codeStart = end;
  };
  while (at < text.length) {
    const rest = text.slice(at, at + 3);
    const char = text[at];
    if (python && (rest === '"""' || rest === "'''")) {
      const close = text.indexOf(rest, at + 3);
      const before = text.slice(Math.max(0, text.lastIndexOf('\n', at - 1) + 1), at);
      yield* take(/^\s*[rRuUbB]{0,2}$/.test(before) && !/[=(,[]\s*$/.test(text.slice(0, at).trimEnd()) ? 'docstring' : 'string', close === -1 ? text.length : close + 3);
    } else if (python ? char === '#' : rest.startsWith('//')) {
      const end = text.indexOf('\n', at);
      yield* take('comment', end === -1 ? text.length : end);
    } else if (!python && rest.startsWith('/*')) {
      const close = text.indexOf('*/', at + 2);
      yield* take('comment', close === -1 ? text.length : close + 2);
    } else if (char === '"' || char === "'" || (char === '`' && !python)) {
      yield* take('string', endOfString(text, at, char));
    } else at++;
  }
  if (codeStart < text.length) yield { kind: 'code', start: codeStart, end: text.length };
}

function endOfString(text: string, start: number, quote: string): number {
  for (let i = start + 1; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === quote) return i + 1;
    else if (char === '\n' && quote !== '`') return i;
  }
  return text.length;
}

/** The characters of a text that count when two pieces of code are compared, with the offset of each. */
export interface Essence {
  readonly chars: string;
  readonly offsets: readonly number[];
}

/** Drops white space, and comments and docstrings too unless they are to be kept. */
export function essence(text: string, language: string, keepComments: boolean): Essence {
  let chars = '';
  const offsets: number[] = [];
  for (const { kind, start, end } of pieces(text, language)) {
    if (!keepComments && (kind === 'comment' || kind === 'docstring')) continue;
    for (let i = start; i < end; i++) {
      const char = text[i] ?? '';
      if (/\s/.test(char)) continue;
      chars += char;
      offsets.push(i);
    }
  }
  return { chars, offsets };
}

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Closing brackets of a text that close nothing in it, with their offsets, first to last. */
export function unmatchedClosers(text: string, language: string): { char: string; offset: number }[] {
  const open: string[] = [];
  const extra: { char: string; offset: number }[] = [];
  for (const { kind, start, end } of pieces(text, language)) {
    if (kind !== 'code') continue;
    for (let i = start; i < end; i++) {
      const char = text[i] ?? '';
      const closer = CLOSER[char];
      if (closer) open.push(closer);
      else if (char === ')' || char === ']' || char === '}') {
        if (open.at(-1) === char) open.pop();
        else if (open.length === 0) extra.push({ char, offset: i });
      }
    }
  }
  return extra;
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** Width of white space, a tab counted as 4. */
export function widthOf(indent: string): number {
  let width = 0;
  for (const char of indent) width += char === '\t' ? 4 : 1;
  return width;
}

/** What one level of indentation is in a text; four spaces where nothing tells. */
export function indentUnit(text: string): string {
  const widths = new Map<number, number>();
  let tabs = 0;
  let spaces = 0;
  let previous = 0;
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    const indent = indentOf(line);
    if (indent.startsWith('\t')) tabs++;
    else if (indent) spaces++;
    const step = Math.abs(indent.length - previous);
    if (!indent.includes('\t') && step > 1) widths.set(step, (widths.get(step) ?? 0) + 1);
    previous = indent.length;
  }
  if (tabs > spaces) return '\t';
  const best = [...widths].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
  return ' '.repeat(best && [2, 3, 4, 8].includes(best[0]) ? best[0] : 4);
}
