import type { Node, Tree } from 'web-tree-sitter';
import type { OffsetRange } from '../../../core/source.ts';
import type { DeclarationOutline, FunctionOutline, ImportOutline, SyntaxOutline } from '../../../core/syntax/outline.ts';
import type { GrammarName } from '../grammars.ts';
import { C } from './c.ts';
import { documentationOf } from './documentation.ts';
import { GO } from './go.ts';
import { JAVA } from './java.ts';
import { JAVASCRIPT } from './javascript.ts';
import type { DeclarationParts, FunctionParts, LanguageOutline } from './language-outline.ts';
import { type OpenFunction, openFunctions } from './open-functions.ts';
import { PYTHON } from './python.ts';

const LANGUAGES: Readonly<Record<GrammarName, LanguageOutline>> = {
  python: PYTHON, javascript: JAVASCRIPT, typescript: JAVASCRIPT, tsx: JAVASCRIPT, c: C, cpp: C, go: GO, java: JAVA,
};

/** Reads a syntax tree of `text` into an outline. */
export function outlineOf(grammar: GrammarName, tree: Tree, text: string): SyntaxOutline {
  const language = LANGUAGES[grammar];
  const errors: OffsetRange[] = [];
  const functions: FunctionOutline[] = [];
  const declarations: DeclarationOutline[] = [];
  const imports: ImportOutline[] = [];
  const calls: { name: string; range: OffsetRange }[] = [];

  forEachNode(tree, (type, missing, node) => {
    if (missing || type === 'ERROR') {
      errors.push(rangeOf(node()));
      if (type === 'ERROR' && language.openBodies === 'braces') functions.push(...openFunctions(node(), text).map((open) => openOutline(open, node(), text)));
      return;
    }
    const readFunction = own(language.functions, type);
    if (readFunction) {
      const parts = readFunction(node(), text);
      if (parts) functions.push(functionOutline(parts, language, text));
    }
    const readDeclaration = own(language.declarations, type);
    if (readDeclaration) {
      const parts = readDeclaration(node(), text);
      if (parts) declarations.push(declarationOutline(parts, text));
    }
    const readImports = own(language.imports, type);
    if (readImports) for (const parts of readImports(node(), text)) if (parts.module) imports.push({ range: rangeOf(node()), ...parts });
    const readCall = own(language.calls, type);
    if (readCall) {
      const name = readCall(node(), text);
      if (name) calls.push({ name, range: rangeOf(node()) });
    }
  });
  functions.sort((a, b) => a.range.start - b.range.start || b.range.end - a.range.end);
  declarations.sort((a, b) => a.range.start - b.range.start || b.range.end - a.range.end);
  return { supported: true, errors, functions, declarations, imports, calls };
}

/** Visits every node in document order. `node` makes the node itself, which costs more than its type. */
function forEachNode(tree: Tree, visit: (type: string, missing: boolean, node: () => Node) => void): void {
  const cursor = tree.walk();
  try {
    for (;;) {
      let node: Node | undefined;
      visit(cursor.nodeType, cursor.nodeIsMissing, () => (node ??= cursor.currentNode));
      if (cursor.gotoFirstChild()) continue;
      while (!cursor.gotoNextSibling()) if (!cursor.gotoParent()) return;
    }
  } finally {
    cursor.delete();
  }
}

function own<T>(readers: Readonly<Record<string, T>>, type: string): T | undefined {
  return Object.hasOwn(readers, type) ? readers[type] : undefined;
}

function functionOutline(parts: FunctionParts, language: LanguageOutline, text: string): FunctionOutline {
  const { whole } = parts;
  const header = parts.header ?? whole;
  const node = 'startIndex' in parts.body ? parts.body : undefined;
  let body = 'startIndex' in parts.body ? rangeOf(parts.body) : parts.body;
  // An empty block lies wherever the parser gave up looking for it; it belongs behind its colon.
  if (node && body.start === body.end) {
    const colon = text.lastIndexOf(':', body.start);
    if (colon >= header.startIndex) body = { start: colon + 1, end: Math.max(body.end, colon + 1) };
  }
  const end = language.openBodies === 'indented' ? indentedEnd(text, header.startIndex, body.end) : node && !isOpen(node) ? body.end : skipSpace(text, body.end);
  body = { start: body.start, end };
  return {
    name: parts.name,
    range: { start: whole.startIndex, end: Math.max(whole.endIndex, end) },
    header: { start: header.startIndex, end: body.start },
    body,
    documentation: documentationOf(whole, { node, ...body }, text),
  };
}

function declarationOutline({ kind, name, whole, header = whole, body }: DeclarationParts, text: string): DeclarationOutline {
  // A comment that a type's body begins with is about its first member.
  const inside = { node: body, start: whole.endIndex, end: whole.endIndex };
  return { kind, name, range: rangeOf(whole), header: { start: header.startIndex, end: body ? body.startIndex : header.endIndex }, documentation: documentationOf(whole, inside, text) };
}

function openOutline({ name, first, brace }: OpenFunction, error: Node, text: string): FunctionOutline {
  const body = { start: brace, end: skipSpace(text, error.endIndex) };
  return { name, range: { start: first.startIndex, end: body.end }, header: { start: first.startIndex, end: brace }, body, documentation: documentationOf(first, { node: undefined, ...body }, text) };
}

/** Whether the brace that closes a body is missing. */
function isOpen(body: Node): boolean {
  return body.lastChild?.isMissing ?? false;
}

/**
 * Where a Python body ends that may still be written: comments and lines of white space behind its last statement belong to
 * it as far as they are indented deeper than its header. The tree leaves them out.
 */
function indentedEnd(text: string, headerStart: number, bodyEnd: number): number {
  const lineStart = text.lastIndexOf('\n', headerStart - 1) + 1;
  const headerIndent = width(/^[ \t]*/.exec(text.slice(lineStart, headerStart))?.[0] ?? '');
  let end = bodyEnd;
  let at = bodyEnd;
  for (let first = true; at <= text.length; first = false) {
    const newline = text.indexOf('\n', at);
    const lineEnd = newline === -1 ? text.length : newline;
    const line = text.slice(at, lineEnd).replace(/\r$/, '');
    const [, indent = '', comment = ''] = /^([ \t]*)(#.*)?$/.exec(line) ?? [undefined];
    if (indent + comment !== line) break;
    if (first || width(indent) > headerIndent) end = at + line.length;
    else if (comment) break;
    if (newline === -1) break;
    at = newline + 1;
  }
  return end;
}

function width(indent: string): number {
  return indent.replace(/\t/g, '        ').length;
}

function skipSpace(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

function rangeOf(node: Node): OffsetRange {
  return { start: node.startIndex, end: node.endIndex };
}
