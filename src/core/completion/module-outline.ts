import type { SourceDocument } from '../source.ts';
import type { DeclarationOutline, FunctionOutline, SyntaxOutline } from '../syntax/outline.ts';

const MAX_DOCUMENTATION = 400;
/** A type without code in it is shown whole up to this length, in characters: its fields are what one needs to know. */
const MAX_WHOLE = 700;
const INDENT = '    ';

interface Entry {
  readonly name: string;
  readonly kind: 'type' | 'function';
  readonly outline: FunctionOutline | DeclarationOutline;
  readonly members: Entry[];
  /** It has a body with statements, which an outline leaves out. */
  readonly hasCode: boolean;
}

/** What a module offers, one text for each of its functions and types. */
export interface ModuleOutline {
  /** What the file says of itself. */
  readonly about: string;
  /** What an import names. */
  readonly named: readonly string[];
  /** Everything else that is public: what is imported may ask for it. */
  readonly others: readonly string[];
}

/** Signatures with their documentation, a type with its members. `names` are those that an import binds. */
export function moduleOutline(document: SourceDocument, outline: SyntaxOutline, names: readonly string[]): ModuleOutline {
  const entries = nested(outline).filter((entry) => entry.name);
  const about = moduleDocumentation(document);
  const shown = (chosen: readonly Entry[]) => chosen.map((entry) => render(document, entry));
  return {
    about: about && comment(about, document.language),
    named: shown(entries.filter((entry) => names.includes(entry.name))),
    others: shown(entries.filter((entry) => isPublic(entry) && !names.includes(entry.name))),
  };
}

/** Functions and types by what is around them; what is inside a function is its own affair. */
function nested({ functions, declarations }: SyntaxOutline): Entry[] {
  const all: Entry[] = [
    ...functions.map((f): Entry => ({ name: f.name, kind: 'function', outline: f, members: [], hasCode: true })),
    ...declarations.flatMap((d): Entry[] => (d.kind === 'constant' ? [] : [{ name: d.name, kind: d.kind, outline: d, members: [], hasCode: false }])),
  ].sort((a, b) => a.outline.range.start - b.outline.range.start || b.outline.range.end - a.outline.range.end);
  const top: Entry[] = [];
  const around: Entry[] = [];
  for (const entry of all) {
    while (around.length > 0 && around.at(-1)!.outline.range.end <= entry.outline.range.start) around.pop();
    const holder = around.at(-1);
    around.push(entry);
    if (!holder) top.push(entry);
    else if (holder.kind === 'type') holder.members.push(entry);
  }
  return top;
}

function render(document: SourceDocument, entry: Entry): string {
  const { outline, members } = entry;
  const about = outline.documentation.trim();
  const whole = document.text.slice(outline.range.start, outline.range.end).trim();
  if (entry.kind === 'type' && whole.length <= MAX_WHOLE && !members.some(hasCode)) return about ? `${comment(about, document.language)}\n${whole}` : whole;
  const inside = [...(about ? [comment(about, document.language)] : []), ...members.filter((m) => m.name && (isPublic(m) || isConstructor(m))).map((m) => render(document, m))];
  return [headerLine(document, outline), ...inside.map(indented)].join('\n');
}

/** A header in one line, without the mark that its body begins with. */
export function headerLine(document: SourceDocument, { header }: FunctionOutline | DeclarationOutline): string {
  return document.text.slice(header.start, header.end).replace(/\s*\n\s*/g, ' ').replace(/(?:[{:;]|=>)\s*$/, '').trim();
}

function hasCode(entry: Entry): boolean {
  return entry.hasCode || entry.members.some(hasCode);
}

function isPublic({ name }: Entry): boolean {
  return !/^[_#]/.test(name);
}

function isConstructor({ name }: Entry): boolean {
  return name === '__init__';
}

export function comment(text: string, language: string, limit = MAX_DOCUMENTATION): string {
  const mark = language === 'python' ? '#' : '//';
  return text.slice(0, limit).split(/\r?\n/).map((line) => `${mark} ${line.trim()}`.trimEnd()).join('\n');
}

export function indented(text: string): string {
  return text.split('\n').map((line) => INDENT + line).join('\n');
}

/** What a file says of itself at its top: Python's docstring, elsewhere the first comment unless it is about the licence. */
function moduleDocumentation({ text, language }: SourceDocument): string {
  const head = text.slice(0, 4000);
  if (language === 'python') return /^(?:#[^\n]*\n|\s)*("""|''')([\s\S]*?)\1/.exec(head)?.[2]?.trim() ?? '';
  const first = /^\s*(?:#![^\n]*\n)?(?:\/\*([\s\S]*?)\*\/|((?:\/\/[^\n]*\n)+))/.exec(head);
  const said = (first?.[1] ?? first?.[2] ?? '').split('\n').map((line) => line.replace(/^\s*(?:\/\/[/!]?|\*)?\s?/, '').trimEnd()).join('\n').trim();
  // A comment that touches the code below it is about that code.
  const after = head.slice(first?.[0].length ?? 0);
  const touches = first?.[1] !== undefined ? /^[^\S\n]*\n(?!\s*\n)(?!\s*(?:package|import|#include|#pragma|#ifndef)\b)/.test(after) : /^(?!\s*\n)(?!\s*(?:package|import|#include|#pragma|#ifndef)\b)/.test(after);
  return !said || touches || /copyright|licen[cs]e|SPDX|@ts-|eslint-/i.test(said) ? '' : said;
}
