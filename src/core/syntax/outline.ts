import type { OffsetRange, SourceDocument } from '../source.ts';

/** A function, method, arrow function or lambda of a document. */
export interface FunctionOutline {
  /** Own name; empty for an anonymous one. */
  readonly name: string;
  /** The whole construct, decorators included. */
  readonly range: OffsetRange;
  /** From the start of the header to the start of the body. */
  readonly header: OffsetRange;
  readonly body: OffsetRange;
  /** Documentation inside the body (Python) or directly before the function, comment marks removed. */
  readonly documentation: string;
}

/** An import, include or require. */
export interface ImportOutline {
  readonly range: OffsetRange;
  /** The module as written: `os.path`, `../db`, `stdio.h`. */
  readonly module: string;
  /** Names it binds in this document (aliases as bound); empty where the language binds none. */
  readonly names: readonly string[];
  /** Bound name → the name in the module, where they differ (`import { a as b }`: b → a). */
  readonly renamed?: Readonly<Record<string, string>>;
}

/** A type, a function that is declared without a body (a prototype, a member of an interface), or a constant of the module. */
export interface DeclarationOutline {
  readonly kind: 'type' | 'function' | 'constant';
  readonly name: string;
  /** The whole construct, decorators included. */
  readonly range: OffsetRange;
  /** From the start of the header to the start of the body; the whole construct where it has none. */
  readonly header: OffsetRange;
  /** As of a function. */
  readonly documentation: string;
}

/** What the syntax tree says about a document. */
export interface SyntaxOutline {
  /** False when there is no grammar for the language: everything else is then empty. */
  readonly supported: boolean;
  /** Ranges the grammar could not read (ERROR and MISSING nodes), in order. */
  readonly errors: readonly OffsetRange[];
  /** All functions in document order; an inner one follows the one around it. */
  readonly functions: readonly FunctionOutline[];
  /** Types, functions without a body and the module's constants, in document order; a member follows what is around it. */
  readonly declarations: readonly DeclarationOutline[];
  readonly imports: readonly ImportOutline[];
  /** Called names as written, dotted (`cursor.execute`, `memcpy`), with the place of the call. */
  readonly calls: readonly { readonly name: string; readonly range: OffsetRange }[];
}

export const EMPTY_OUTLINE: SyntaxOutline = { supported: false, errors: [], functions: [], declarations: [], imports: [], calls: [] };

/** Port: the syntax tree's answer about one text. Never throws for odd input; rejects when `signal` aborts. */
export interface SyntaxParser {
  outline(document: SourceDocument, signal: AbortSignal): Promise<SyntaxOutline>;
}

/** The innermost function around an offset (its end included: the caret of a body being typed stands there). */
export function enclosingFunction(outline: SyntaxOutline, offset: number): FunctionOutline | undefined {
  let best: FunctionOutline | undefined;
  for (const candidate of outline.functions) {
    if (candidate.range.start > offset || candidate.range.end < offset) continue;
    if (!best || candidate.range.start >= best.range.start) best = candidate;
  }
  return best;
}
