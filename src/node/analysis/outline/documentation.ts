import type { Node } from 'web-tree-sitter';
import { textOf } from './language-outline.ts';

/**
 * What a function's author says of it: its docstring, else the comment directly before it, else the one its body begins
 * with (where a task often stands while the body is still to be written). Comment marks are removed.
 */
export function documentationOf(whole: Node, body: { node: Node | undefined; start: number; end: number }, text: string): string {
  return docstring(body.node, text) || commentBefore(whole, text) || leadingComment(text.slice(body.start, body.end));
}

function docstring(body: Node | undefined, text: string): string {
  const first = body?.type === 'block' ? body.namedChild(0) : null;
  const literal = first?.type === 'expression_statement' ? first.namedChild(0) : null;
  if (literal?.type !== 'string') return '';
  const content = literal.namedChildren.filter((child) => child?.type === 'string_content');
  return tidy(content.map((child) => (child ? textOf(child, text) : '')).join(''));
}

/** Lists of statements or members: what stands before them is said of something else. */
const BODIES = /(block|body|compound_statement|_list|program|module|source_file|translation_unit|ERROR)$/;
const COMMENTS = ['comment', 'line_comment', 'block_comment'];

/** The comments that stand directly before a construct, with no empty line between. */
function commentBefore(whole: Node, text: string): string {
  // A function that is an argument (`app.get('/', (req, res) => {…})`) is described before its statement.
  let anchor = whole;
  while (!anchor.previousSibling?.type.includes('comment') && anchor.parent && !BODIES.test(anchor.parent.type) && anchor.parent.startPosition.row === whole.startPosition.row) anchor = anchor.parent;
  const parts: string[] = [];
  let row = anchor.startPosition.row;
  for (let at = anchor.previousSibling; at && COMMENTS.includes(at.type); at = at.previousSibling) {
    const lineStart = text.lastIndexOf('\n', at.startIndex - 1) + 1;
    const alone = text.slice(lineStart, at.startIndex).trim() === '';
    if (!alone || at.endPosition.row < row - 1) break;
    parts.unshift(withoutMarks(textOf(at, text)));
    row = at.startPosition.row;
  }
  return tidy(parts.join('\n'));
}

/** The comment lines that a body begins with. */
function leadingComment(body: string): string {
  const inside = body.replace(/^\s*\{?\s*/, '');
  const block = /^(?:\/\*[\s\S]*?\*\/|(?:(?:\/\/|#)[^\n]*(?:\n\s*(?=\/\/|#))?)+)/.exec(inside)?.[0];
  return block && !/^#(include|define|if|pragma)/.test(block) ? tidy(withoutMarks(block)) : '';
}

function withoutMarks(comment: string): string {
  return comment
    .replace(/^\s*\/\*[*!]?/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\/[/!]?|#+|\*)\s?/, ''))
    .join('\n');
}

/** Without what all lines have in common before them, and without empty ends. */
function tidy(text: string): string {
  const lines = text.replace(/\r/g, '').split('\n');
  // A docstring's first line stands beside its quotes and tells nothing of the indentation of the others.
  const indents = lines.slice(1).filter((line) => line.trim()).map((line) => line.length - line.trimStart().length);
  const common = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return [lines[0]?.trimStart() ?? '', ...lines.slice(1).map((line) => line.slice(common))]
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
}
