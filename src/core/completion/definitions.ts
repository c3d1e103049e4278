import { estimateTokens } from '../llm/model.ts';
import { fence } from '../prompting/template.ts';
import { LineIndex, type OffsetRange, type SourceDocument } from '../source.ts';
import type { DeclarationOutline, FunctionOutline, SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';
import { framesOf } from '../verification/frames.ts';
import type { TestCase } from '../verification/test-runner.ts';
import { fileLabel, holderOf, lastPart, type OwnModule, signature, type WorkspaceFiles } from './outlines.ts';

export interface DefinitionsQuery {
  /** The document with the completion in it, and its outline. */
  readonly document: SourceDocument;
  readonly outline: SyntaxOutline;
  /** The completed code. */
  readonly within: OffsetRange;
  readonly modules: readonly OwnModule[];
  /** What failed: the frames of its traceback say which code it passed through. */
  readonly failures: readonly TestCase[];
  /** Whether what the document itself defines counts: where a prompt shows the document, it need not be said again. */
  readonly ownFile: boolean;
}

/** Frames that are looked up. */
const MAX_FRAMES = 12;
/** Constants longer than this are tables. */
const MAX_CONSTANT = 300;

/** Something that a file defines. */
interface Entry {
  readonly document: SourceDocument;
  readonly item: FunctionOutline | DeclarationOutline;
  /** A `prototype` is a function without its body. */
  readonly kind: 'function' | 'prototype' | 'type' | 'constant';
  readonly name: string;
  /** Name of the type that it belongs to; empty for none. */
  readonly holder: string;
  /** That type, where the same file declares it around the item. */
  readonly around: DeclarationOutline | undefined;
}

/**
 * The workspace's own definitions that a failing completion depends on, within the token budget: first those that the
 * traceback passed through, then those that the code calls, the shortest first. A failure says that a contract was broken,
 * the definition says which. What does not fit whole is shown by its signature and documentation.
 */
export async function renderDefinitions(query: DefinitionsQuery, files: WorkspaceFiles, parser: SyntaxParser, tokenBudget: number, signal: AbortSignal): Promise<string> {
  const { document, outline, within, modules } = query;
  const own = entriesOf(document, outline).filter((e) => e.item.range.end <= within.start || e.item.range.start >= within.end || contains(e.item.range, within));
  // The function that was completed is the code, not a definition that it depends on.
  const beside = own.filter((e) => !contains(e.item.range, within));
  const entries = [...modules.flatMap((m) => entriesOf(m.document, m.outline)), ...(query.ownFile ? beside : [])];
  const passed = await passedThrough(query, files, parser, signal);
  const called = calledBy(query, entries).sort((a, b) => sizeOf(a) - sizeOf(b));
  return render(distinct([...passed, ...called]), entries, tokenBudget);
}

function contains(outer: OffsetRange, inner: OffsetRange): boolean {
  return outer.start <= inner.start && outer.end >= inner.end;
}

function sizeOf({ item }: Entry): number {
  return item.range.end - item.range.start;
}

function entriesOf(document: SourceDocument, outline: SyntaxOutline): Entry[] {
  const entry = (item: FunctionOutline | DeclarationOutline, kind: Entry['kind']): Entry => {
    const around = holderOf(outline, item.range);
    // `void Ring::push()` and `func (s *Store) Put()` stand outside of the type that they belong to.
    const apart = item.name.includes('::') ? item.name.split('::').at(-2) : document.language === 'go' ? /^func\s*\(\s*\w*\s*\*?\s*(\w+)/.exec(document.text.slice(item.header.start, item.header.end))?.[1] : undefined;
    return { document, item, kind, name: lastPart(item.name), holder: around?.name ?? apart ?? '', around };
  };
  return [...outline.functions.filter((f) => f.name).map((f) => entry(f, 'function')), ...outline.declarations.map((d) => entry(d, d.kind === 'function' ? 'prototype' : d.kind))];
}

/** Functions of the workspace that the traceback names, tests and the completed code left out. */
async function passedThrough({ document, outline, within, failures, ownFile }: DefinitionsQuery, files: WorkspaceFiles, parser: SyntaxParser, signal: AbortSignal): Promise<Entry[]> {
  const found: Entry[] = [];
  const read = new Map<string, { file: SourceDocument; outline: SyntaxOutline } | undefined>();
  for (const { file, line } of failures.flatMap(framesOf).slice(0, MAX_FRAMES)) {
    signal.throwIfAborted();
    if (!read.has(file)) {
      const other = await files.named(file, document);
      const same = other?.path === document.path;
      read.set(file, other && { file: same ? document : other, outline: same ? outline : await parser.outline(other, signal) });
    }
    const seen = read.get(file);
    if (!seen || isTest(seen.file.path) || (seen.file === document && !ownFile)) continue;
    const lines = new LineIndex(seen.file.text);
    const at = lines.offsetAt(line, 1);
    const end = at + (seen.file.text.slice(at).split('\n', 1)[0]?.length ?? 0);
    const inside = entriesOf(seen.file, seen.outline).filter((e) => e.kind === 'function' && e.item.range.start <= end && e.item.range.end >= at);
    const innermost = inside.sort((a, b) => sizeOf(a) - sizeOf(b))[0];
    if (innermost && !(seen.file === document && contains(innermost.item.range, within))) found.push(innermost);
  }
  return found;
}

function isTest(path: string): boolean {
  return /(?:^|[\\/])(?:tests?|__tests__|spec)[\\/]|(?:^|[\\/])(?:test_[^\\/]*|conftest)\.py$|_test\.(?:py|go|c|cc|cpp)$|\.(?:test|spec)\.[cm]?[jt]sx?$|(?:Tests?|IT)\.java$/.test(path);
}

/** What the completed code calls, makes or names. */
function calledBy({ document, outline, within, modules }: DefinitionsQuery, entries: readonly Entry[]): Entry[] {
  const found: Entry[] = [];
  const code = document.text.slice(within.start, within.end);
  const bound = new Map(outline.imports.flatMap((i) => i.names.map((name) => [name, { own: modules.some((m) => m.imported === i), original: i.renamed?.[name] ?? name }] as const)));
  const add = (name: string, dotted: boolean): void => {
    const all = entries.filter((e) => e.name === name);
    const free = all.filter((e) => e.holder === '');
    const members = all.filter((e) => e.holder !== '');
    // `ledger.post()` means a method where there is one of this name, `store.Open()` of a package has none.
    const chosen = dotted ? (members.length > 0 ? [...members, ...free.filter((e) => e.kind === 'type')] : free) : free.length > 0 ? free : members;
    found.push(...chosen);
    for (const type of chosen) if (type.kind === 'type') found.push(...entries.filter((e) => e.holder === type.name && (/^(?:__init__|__post_init__|__new__|constructor)$/.test(e.name) || e.name === type.name)));
  };
  for (const call of outline.calls) {
    if (call.range.end <= within.start || call.range.start >= within.end) continue;
    const parts = call.name.split(/\.|::|->/);
    const head = bound.get(parts[0] ?? '');
    // What comes from elsewhere is known to the model, and a name of the workspace may be the same.
    if (head && !head.own) continue;
    add(parts.length === 1 ? (head?.original ?? call.name) : (parts.at(-1) ?? ''), parts.length > 1);
    // The type whose member is called: `Ledger.open()`.
    if (head && parts.length > 1) add(head.original, false);
  }
  const words = new Set(code.match(/[A-Za-z_$][\w$]*/g) ?? []);
  for (const word of words) {
    const name = bound.get(word)?.original ?? word;
    if (bound.has(word) && !bound.get(word)?.own) continue;
    // A constant or a type that the code only names has its say too; in C every macro is in reach.
    found.push(...entries.filter((e) => e.name === name && e.holder === '' && (e.kind === 'type' || (e.kind === 'constant' && sizeOf(e) <= MAX_CONSTANT))));
  }
  return found;
}

function distinct(entries: readonly Entry[]): Entry[] {
  const seen = new Set<string>();
  return entries.filter((e) => {
    const key = `${e.document.path}:${e.item.range.start}:${e.item.range.end}`;
    if (seen.has(key)) return false;
    seen.add(key);
    // A prototype whose function is there, and that says nothing of its own, says nothing.
    return !(e.kind === 'prototype' && !e.item.documentation && entries.some((other) => other.kind === 'function' && other.name === e.name));
  });
}

/** Whole definitions, by file and type, in the order given as long as they fit. */
function render(picked: readonly Entry[], all: readonly Entry[], tokenBudget: number): string {
  let left = tokenBudget;
  const files = new Map<SourceDocument, Map<DeclarationOutline | undefined, string[]>>();
  const types = new Set<DeclarationOutline>();
  for (const entry of picked) {
    const types_ = files.get(entry.document);
    if (entry.kind === 'type' && types_?.has(entry.item as DeclarationOutline)) continue;
    const holder = entry.around && !types_?.has(entry.around) ? signature(entry.document, entry.around) : '';
    const text = [textOf(entry, all), entry.kind === 'function' ? signature(entry.document, entry.item) : ''].find((t) => t && estimateTokens(holder) + estimateTokens(t) <= left);
    if (!text) continue;
    left -= estimateTokens(holder) + estimateTokens(text);
    const groups = types_ ?? new Map<DeclarationOutline | undefined, string[]>();
    files.set(entry.document, groups);
    const key = entry.kind === 'type' ? (entry.item as DeclarationOutline) : entry.around;
    if (entry.kind === 'type') types.add(entry.item as DeclarationOutline);
    groups.set(key, [...(groups.get(key) ?? []), text]);
  }
  return [...files]
    .map(([document, groups]) => {
      const texts = [...groups].map(([around, parts]) => [...(around && !types.has(around) ? [signature(document, around)] : []), ...parts].join('\n\n'));
      return `\`${fileLabel(document.path).replace(/`/g, '')}\`:\n${fence(texts.join('\n\n'), document.language)}`;
    })
    .join('\n\n');
}

/** A definition as it stands in its file, with the comment above it; of a type with functions in it only its head. */
function textOf({ document, item, kind }: Entry, all: readonly Entry[]): string {
  const { text } = document;
  if (kind === 'type' && all.some((e) => e.document === document && e.around === item && e.kind === 'function')) return signature(document, item as DeclarationOutline);
  const start = text.lastIndexOf('\n', item.range.start - 1) + 1;
  const indented = text.slice(start, item.range.start).trim() === '';
  return `${commentAbove(text, indented ? start : item.range.start, document.language)}${text.slice(indented ? start : item.range.start, item.range.end)}`;
}

/** The comment lines directly above a place: that is where most languages state a contract. */
function commentAbove(text: string, start: number, language: string): string {
  let from = start;
  for (;;) {
    const before = text.lastIndexOf('\n', from - 2) + 1;
    const line = text.slice(before, Math.max(before, from - 1)).trim();
    const isComment = language === 'python' ? line.startsWith('#') : /^(?:\/\/|\/\*|\*)/.test(line) || line.endsWith('*/');
    if (from === 0 || before === from || !isComment) return text.slice(from, start);
    from = before;
  }
}
