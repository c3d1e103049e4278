import * as vscode from 'vscode';
import { canonicalLanguage } from '../../core/language.ts';
import { secretFileReason } from '../../core/secret-file.ts';
import { LineIndex, type OffsetRange, type Range, type SourceDocument } from '../../core/source.ts';

const CELL = 'vscode-notebook-cell';
const SUPPORTED: ReadonlySet<string> = new Set(['file', 'untitled', CELL]);

/** A text of the editor as the core reads it. For a notebook cell the cells before it come first. */
export interface EditorSource {
  readonly source: SourceDocument;
  /** Offset of the document's own text in the source's text. */
  readonly shift: number;
}

/** Why SafeNote does not work on a document, or `undefined`. */
export function refusal(document: vscode.TextDocument): string | undefined {
  if (!SUPPORTED.has(document.uri.scheme)) return `documents of the kind "${document.uri.scheme}" are not supported`;
  return secretFileReason(document.uri.path);
}

/** Reads a document of the editor. */
export function readSource(document: vscode.TextDocument): EditorSource {
  const cells = document.uri.scheme === CELL ? cellsBefore(document) : '';
  const text = document.getText();
  return {
    source: { path: pathOf(document), language: canonicalLanguage(document.languageId), text: cells + (cells || document.uri.scheme === CELL ? withoutMagic(text, document.languageId) : text) },
    shift: cells.length,
  };
}

/** Path for the core; an unsaved text gets the ending that tells its grammar apart. */
function pathOf(document: vscode.TextDocument): string {
  const path = document.uri.scheme === 'untitled' && !document.uri.path.startsWith('/') ? document.uri.path : document.uri.fsPath;
  if (document.languageId === 'typescriptreact' && !path.endsWith('.tsx')) return `${path}.tsx`;
  if (document.languageId === 'javascriptreact' && !path.endsWith('.jsx')) return `${path}.jsx`;
  return path;
}

/** The code cells of the same language above a cell: what they import and define is in reach of it. */
function cellsBefore(document: vscode.TextDocument): string {
  const notebook = vscode.workspace.notebookDocuments.find((candidate) => candidate.getCells().some((cell) => cell.document === document));
  if (!notebook) return '';
  const cells = notebook.getCells();
  const own = cells.findIndex((cell) => cell.document === document);
  const eol = document.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
  return cells
    .slice(0, own)
    .filter((cell) => cell.kind === vscode.NotebookCellKind.Code && cell.document.languageId === document.languageId)
    .map((cell) => `${withoutMagic(cell.document.getText(), document.languageId).replace(/\r?\n/g, eol)}${eol}${eol}`)
    .join('');
}

/** `%magic` and `!shell` lines of a Python cell become comments of the same length: they are no Python. */
function withoutMagic(text: string, languageId: string): string {
  return languageId === 'python' ? text.replace(/^([ \t]*)[%!]/gm, '$1#') : text;
}

/** Offsets in the document of a place in the source; `undefined` where it lies outside the document. */
export function ownOffsets(range: Range, source: EditorSource, lines = new LineIndex(source.source.text)): OffsetRange | undefined {
  const { start, end } = lines.toOffsets(range);
  return start < source.shift ? undefined : { start: start - source.shift, end: Math.max(end, start) - source.shift };
}

/** Identifies a text, to tell whether it changed. 53 bits are plenty to tell two states of one document apart. */
export function fingerprint(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  return `${text.length}:${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}

/** File name of a document, for people. */
export function displayName(document: vscode.TextDocument): string {
  return document.uri.path.split('/').at(-1) || document.uri.path;
}

/** 0-based places of a document, for the findings store. */
export function placeIn(document: vscode.TextDocument): (offset: number) => { line: number; character: number } {
  return (offset) => {
    const { line, character } = document.positionAt(offset);
    return { line, character };
  };
}
