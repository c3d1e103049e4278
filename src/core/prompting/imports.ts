/** Imports at the head of a reply, which belong at the top of the file and not at the caret. */
import type { TextEdit } from '../source.ts';
import type { ImportOutline } from '../syntax/outline.ts';

/** An import that is whole: on one line, or over several between its brackets. */
const WHOLE: Readonly<Record<string, RegExp>> = {
  python: /^(?:import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+(?:\s+as\s+\w+)?)*|from\s+[\w.]+\s+import\s+(?:[^()]+|\([^()]*\)))\s*(?:#.*)?$/,
  javascript: /^(?:import\s[^;]*?['"][^'"]+['"]\s*;?|import\s+['"][^'"]+['"]\s*;?|(?:const|let|var)\s+[\w${}\s,:]+=\s*require\(\s*['"][^'"]+['"]\s*\)(?:\.\w+)?\s*;?)\s*(?:\/\/.*)?$/,
  c: /^#\s*include\s*[<"][^>"]+[>"]\s*(?:\/[/*].*)?$/,
  java: /^import\s+(?:static\s+)?[\w.]+(?:\.\*)?\s*;\s*(?:\/\/.*)?$/,
  go: /^import\s+(?:[\w.]+\s+)?"[^"]+"\s*(?:\/\/.*)?$/,
};

/** The first line of one that goes on, up to its closing bracket. */
const OPENED: Readonly<Record<string, RegExp>> = {
  python: /^from\s+[\w.]+\s+import\s*\([^)]*$/,
  javascript: /^(?:import\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?\{[^}]*|(?:const|let|var)\s+\{[^}]*)$/,
  go: /^import\s*\(\s*(?:\/\/.*)?$/,
};
const CLOSER: Readonly<Record<string, string>> = { python: ')', javascript: '}', go: ')' };
/** An import over more lines than this is none. */
const MAX_LINES = 60;

/** What a language's files begin with before their imports, and what a reply may repeat of it. */
const PREAMBLE: Readonly<Record<string, RegExp>> = { go: /^package\s+\w+\s*$/, java: /^package\s+[\w.]+\s*;\s*$/ };
const COMMENT: Readonly<Record<string, RegExp>> = { python: /^#(?!!)/, javascript: /^\/\//, go: /^\/\//, java: /^\/\//, c: /^\/\// };

function family(language: string): string {
  return language === 'typescript' ? 'javascript' : language === 'cpp' ? 'c' : language;
}

/** True for a line without leading space that imports something. */
export function isImportLine(line: string, language: string): boolean {
  return WHOLE[family(language)]?.test(line) ?? false;
}

/**
 * Takes imports off the head of a piece of code, one text each (over several lines as they stand; those of a Go block one by
 * one). Only unindented ones followed by other code: an answer that is nothing but imports is the completion itself.
 */
export function splitImports(code: string, language: string): { imports: string[]; rest: string } {
  const lines = code.split('\n');
  const imports: string[] = [];
  // What stands before an import (its comment, the file's package) goes with it; before other code it stays.
  let taken = 0;
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? '';
    const found = importAt(lines, at, family(language));
    if (found) {
      imports.push(...found.imports);
      at += found.lines;
      taken = at;
    } else if (!line.trim() || COMMENT[family(language)]?.test(line) || PREAMBLE[family(language)]?.test(line)) at++;
    else break;
  }
  const rest = lines.slice(taken).join('\n');
  return imports.length === 0 || !rest.trim() ? { imports: [], rest: code } : { imports, rest };
}

function importAt(lines: readonly string[], at: number, language: string): { imports: string[]; lines: number } | undefined {
  const first = lines[at] ?? '';
  if (WHOLE[language]?.test(first)) return { imports: [first.trimEnd()], lines: 1 };
  if (!OPENED[language]?.test(first)) return undefined;
  const end = lines.slice(0, at + MAX_LINES).findIndex((line, n) => n > at && line.includes(CLOSER[language] ?? ''));
  if (end === -1) return undefined;
  const part = lines.slice(at, end + 1);
  if (language === 'go') {
    const specs = part.slice(1, -1).map((line) => line.replace(/\/\/.*$/, '').trim()).filter(Boolean);
    return part.at(-1)?.trim() === ')' && specs.every((spec) => WHOLE['go']?.test(`import ${spec}`)) ? { imports: specs.map((spec) => `import ${spec}`), lines: part.length } : undefined;
  }
  const whole = part.map((line) => line.trimEnd()).join('\n');
  return WHOLE[language]?.test(whole) ? { imports: [whole], lines: part.length } : undefined;
}

/** Those imports that a document lacks. */
export function missingImports(imports: readonly string[], text: string, language: string, present: readonly ImportOutline[]): string[] {
  const lines = new Set(text.split(/\r?\n/).filter((line) => isImportLine(line.trim(), language)).map(key));
  const modules = new Map<string, Set<string>>();
  for (const { module, names } of present) modules.set(module, new Set([...(modules.get(module) ?? []), ...names]));
  return imports.filter((statement) => !lines.has(key(statement)) && !isBound(statement, family(language), modules));
}

function key(statement: string): string {
  return statement.replace(/(?:\/\/|\s#\s).*$/gm, '').replace(/[;\s]/g, '').replace(/"/g, "'");
}

/** True when the imports that are there bind every name of this one, from the same module. */
function isBound(statement: string, language: string, modules: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (language === 'go') return !/^import\s+[\w.]+\s+"/.test(statement) && modules.has(/"([^"]+)"/.exec(statement)?.[1] ?? '');
  if (language === 'python') {
    const from = /^from\s+([\w.]+)\s+import\s+\(?([^()#]+)\)?/.exec(statement);
    const plain = /^import\s+([\w.]+)$/.exec(statement)?.[1];
    return from ? binds(modules.get(from[1] ?? ''), names(from[2] ?? '', /\s+as\s+/)) : plain !== undefined && binds(modules.get(plain), [plain.split('.')[0] ?? '']);
  }
  if (language === 'javascript') {
    const module = /['"]([^'"]+)['"]\s*(?:\)|;|$)/.exec(statement)?.[1] ?? '';
    const clause = /^(?:import\s+(?:type\s+)?([\s\S]*?)\s+from\s|(?:const|let|var)\s+([\s\S]*?)=)/.exec(statement);
    const bound = names((clause?.[1] ?? clause?.[2] ?? '').replace(/[{}]/g, ',').replace(/\*\s+as\s+/, ''), /\s+as\s+|\s*:\s*/);
    return bound.length > 0 && binds(modules.get(module), bound);
  }
  return false;
}

function names(list: string, alias: RegExp): string[] {
  return list.split(',').map((name) => name.trim().replace(/^type\s+/, '').split(alias).at(-1)?.trim() ?? '').filter(Boolean);
}

function binds(have: ReadonlySet<string> | undefined, wanted: readonly string[]): boolean {
  return have !== undefined && wanted.every((name) => have.has(name));
}

/** The edit that brings imports into a document, before `limit`; none where there is nothing to bring. */
export function importEdits(imports: readonly string[], text: string, language: string, present: readonly ImportOutline[], limit: number): TextEdit[] {
  if (imports.length === 0) return [];
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const before = present.map((i) => i.range).filter((range) => range.end <= limit);
  const at = Math.min(importOffset(text, language, before), limit);
  const last = before.reduce((a, b) => (b.end > a.end ? b : a), { start: 0, end: 0 });
  const lineStart = text.lastIndexOf('\n', last.start - 1) + 1;
  // Inside a Go block an import is its path alone.
  const block = language === 'go' && last.end > 0 && /^[ \t]+$/.test(text.slice(lineStart, last.start)) ? text.slice(lineStart, last.start) : undefined;
  const newline = at > 0 && text[at - 1] !== '\n' ? eol : '';
  const lines = imports.map((statement) => (block === undefined ? statement : block + statement.replace(/^import\s+/, '')).replace(/\n/g, eol) + eol);
  return [{ start: at, end: at, text: newline + lines.join('') }];
}

/** Offset at which new import lines go: after the last import, else after the file's head (shebang, comments, docstring). */
export function importOffset(text: string, language: string, imports: readonly { readonly end: number }[]): number {
  const last = Math.max(-1, ...imports.map((i) => i.end));
  if (last >= 0) {
    const line = text.indexOf('\n', last);
    return line === -1 ? text.length : line + 1;
  }
  const head =
    language === 'python'
      ? /^(?:#[^\n]*\n|\s*\n)*(?:("""|''')[\s\S]*?\1[^\n]*\n)?/
      : /^(?:#![^\n]*\n)?(?:(?:\/\/[^\n]*|\/\*[\s\S]*?\*\/[^\n]*|\s*['"]use strict['"];?[^\n]*|package [^\n]*|\s*)\n)*/;
  const end = head.exec(text)?.[0].length ?? 0;
  return end < text.length ? beforeOwnComment(text, end) : end;
}

/** A comment without a blank line after it belongs to the code below: imports go above it, but not above the file's own marks. */
function beforeOwnComment(text: string, end: number): number {
  let start = end;
  let inBlock = false;
  while (start > 0) {
    const line = text.slice(text.lastIndexOf('\n', start - 2) + 1, start);
    if (!inBlock && (!line.trim() || /^(?:#!|\s*['"]use strict|package )|"""|'''|coding[:=]|@ts-|@flow|eslint|go:build/.test(line))) break;
    if (line.includes('*/') || inBlock) inBlock = !line.includes('/*');
    start -= line.length;
  }
  return start;
}
