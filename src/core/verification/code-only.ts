import { pieces } from '../prompting/code-text.ts';
import { SUPPRESSING } from './suppression.ts';

/** What before a comment on its line could make it something else: a string, a template, a regular expression. */
const DOUBTFUL = /["'`/\\]/;

/**
 * A text without its comments and blank lines: as long as this stays the same there is nothing new to check. Comments that
 * accept findings stay; so does what only looks like a comment without a grammar to tell.
 */
export function codeOnly(text: string, language: string): string {
  let code = '';
  for (const { kind, start, end } of pieces(text, language)) {
    const piece = text.slice(start, end);
    const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
    code += kind === 'comment' && !SUPPRESSING.test(piece) && !DOUBTFUL.test(before) ? '' : piece;
  }
  return code
    .split('\n')
    .map((line) => line.trimEnd())
    .filter(Boolean)
    .join('\n');
}
