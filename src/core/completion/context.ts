import { lineComment } from '../language.ts';
import type { RetrievalQuery } from '../retrieval/query.ts';
import { applyEdits, type OffsetRange, type SourceDocument, type TextEdit } from '../source.ts';
import { enclosingFunction, type FunctionOutline, type SyntaxOutline } from '../syntax/outline.ts';
import type { OwnModule } from './outlines.ts';

/** What a request says by itself: its task, its code, the APIs in reach. */
export interface RequestContext {
  readonly task: string;
  readonly around: FunctionOutline | undefined;
  readonly query: RetrievalQuery;
}

/** Lines before the caret that speak for a request outside any function. */
const NEAR_LINES = 30;
const MAX_QUERY_CHARS = 6000;

/**
 * Reads the task and the evidence for retrieval from a document. The task is what the user typed, else the documentation
 * of the function around the caret with its name, else the comment right before the caret. `own` are the workspace's
 * own modules in reach.
 */
export function requestContext(document: SourceDocument, caret: number, outline: SyntaxOutline, task?: string, own: readonly OwnModule[] = []): RequestContext {
  const around = enclosingFunction(outline, caret);
  const read = task?.trim() || describedTask(document, caret, around);
  return { task: read, around, query: buildQuery(document, caret, outline, around, read, own) };
}

function describedTask(document: SourceDocument, caret: number, around: FunctionOutline | undefined): string {
  if (around) {
    const header = document.text.slice(around.header.start, around.header.end).replace(/\s+/g, ' ').trim().replace(/[:{]$/, '').trim();
    const inside = commentBefore(document, caret);
    // What it is for comes first: titles and lists show the first line.
    return [around.documentation.trim(), inside && !around.documentation.includes(inside) ? inside : '', header].filter(Boolean).join('\n');
  }
  return commentBefore(document, caret);
}

/** The comment lines directly before the caret, without their marks. */
function commentBefore(document: SourceDocument, caret: number): string {
  const mark = lineComment(document.language);
  const lines = document.text.slice(0, caret).split(/\r?\n/);
  const comment: string[] = [];
  // The caret's own line may still be blank.
  if (lines.at(-1)?.trim() === '') lines.pop();
  for (let line = lines.pop(); line !== undefined && (line.trim().startsWith(mark) || /^\s*(?:\/?\*)/.test(line)); line = lines.pop()) comment.unshift(line.trim().replace(/^(?:#+|\/\/+|\/\*+|\*+\/?)\s?/, '').replace(/\*\/$/, '').trim());
  return comment.join('\n').trim();
}

function buildQuery(document: SourceDocument, caret: number, outline: SyntaxOutline, around: FunctionOutline | undefined, task: string, own: readonly OwnModule[]): RetrievalQuery {
  const scope = around?.range ?? nearRange(document, caret);
  const calls = outline.calls.filter((call) => call.range.start >= scope.start && call.range.end <= scope.end).map((call) => call.name);
  const others = outline.calls.map((call) => call.name);
  const bindings = outline.imports.flatMap((i) => [i.module, ...i.names]);
  return {
    language: document.language,
    task,
    code: skeletonAround(document, outline, scope).slice(-MAX_QUERY_CHARS),
    // What the function itself calls counts double beside what only stands elsewhere in the file.
    apis: [...calls, ...calls, ...bindings, ...new Set(others)],
    ownApis: [...new Set(own.flatMap((m) => m.imported ?? []))].flatMap((i) => [i.module, ...i.names]),
    ownNames: [...new Set(own.flatMap(({ outline: inside }) => [...inside.functions, ...inside.declarations].map((d) => d.name).filter(Boolean)))],
    draftCwes: [],
  };
}

/**
 * The scope with what stands around it at the top of the file (imports, connections, constants): the body is still empty
 * when a completion is asked for, so this is what tells which APIs are at hand. Other functions are left out, they have
 * tasks of their own.
 */
function skeletonAround(document: SourceDocument, outline: SyntaxOutline, scope: OffsetRange): string {
  let head = '';
  let at = 0;
  for (const { range } of outline.functions) {
    if (range.start >= scope.start || range.end > scope.start) continue;
    if (range.start < at) continue;
    head += document.text.slice(at, range.start);
    at = range.end;
  }
  head += document.text.slice(Math.min(at, scope.start), scope.start);
  return `${head.replace(/\n\s*\n+/g, '\n').slice(0, MAX_QUERY_CHARS / 2)}${document.text.slice(scope.start, scope.end)}`;
}

function nearRange(document: SourceDocument, caret: number): { start: number; end: number } {
  let start = caret;
  for (let n = 0; n < NEAR_LINES && start > 0; n++) start = document.text.lastIndexOf('\n', start - 2) + 1;
  return { start, end: caret };
}

/** Import lines whose names the code uses, in order; all of them where it is too early to tell. */
function usedImports(outline: SyntaxOutline, document: SourceDocument, code: string, all: boolean): string[] {
  const words = new Set(code.match(/[A-Za-z_$][\w$]*/g) ?? []);
  const lines = outline.imports
    .filter((i) => all || i.names.length === 0 || i.names.some((name) => words.has(name)))
    .map((i) => wholeLines(document.text, i.range).trim());
  return [...new Set(lines)];
}

/**
 * C_err or S of a note: the function that was completed, as it stands with the completion in it, under the imports that
 * it uses; outside a function the completion's own lines. `outline` is that of the document with the edits applied.
 */
export function completedCode(document: SourceDocument, edits: readonly TextEdit[], outline: SyntaxOutline): string {
  const text = applyEdits(document.text, edits);
  const after: SourceDocument = { ...document, text };
  const main = edits[0];
  if (!main) return '';
  const shift = edits.filter((e) => e !== main && e.start <= main.start).reduce((sum, e) => sum + e.text.length - (e.end - e.start), 0);
  const start = main.start + shift;
  const range = outlineRange(outline, start, start + main.text.length) ?? { start: text.lastIndexOf('\n', start - 1) + 1, end: start + main.text.length };
  const code = dedent(wholeLines(text, range).replace(/\r\n/g, '\n').replace(/\s+$/, ''));
  return [...usedImports(outline, after, code, false), code].join('\n').replace(/^\n+/, '');
}

/** A range widened to the lines that it touches. */
function wholeLines(text: string, range: { start: number; end: number }): string {
  const end = text.indexOf('\n', Math.max(range.start, range.end - 1));
  return text.slice(text.lastIndexOf('\n', range.start - 1) + 1, end === -1 ? text.length : end);
}

/** Takes the indentation that all lines share off each of them. */
function dedent(code: string): string {
  const lines = code.split('\n');
  const shared = Math.min(...lines.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0));
  return Number.isFinite(shared) ? lines.map((line) => line.slice(shared)).join('\n') : code;
}

function outlineRange(outline: SyntaxOutline, start: number, end: number): { start: number; end: number } | undefined {
  let best: { start: number; end: number } | undefined;
  for (const { range } of outline.functions) {
    if (range.start < start && range.end >= end - 1 && (!best || range.start >= best.start)) best = range;
  }
  return best;
}
