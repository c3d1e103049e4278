import { lineComment } from '../language.ts';
import type { OffsetRange, SourceDocument } from '../source.ts';
import { estimateTokens } from '../llm/model.ts';

/** Stands in the prompt where the completion goes. */
export const MARKER = '<<<COMPLETE HERE>>>';

/**
 * The document with the marker at the caret, for a prompt. A document over `tokenBudget` tokens is cut to its head
 * (imports), the lines around the caret and a comment that says what is missing: three quarters of the rest before the
 * caret, one quarter after it.
 */
export function documentWithMarker(document: SourceDocument, caret: OffsetRange, tokenBudget: number, imports: readonly OffsetRange[] = []): string {
  const before = document.text.slice(0, caret.start).replace(/\r\n/g, '\n');
  const after = document.text.slice(caret.end).replace(/\r\n/g, '\n');
  if (estimateTokens(before) + estimateTokens(after) <= tokenBudget) return `${before}${MARKER}${after}`;
  const omitted = `${lineComment(document.language)} … lines left out …\n`;
  const lastImport = Math.min(caret.start, Math.max(0, ...imports.filter((i) => i.end <= caret.start).map((i) => i.end)));
  const head = takeHead(document.text.slice(0, lastImport).replace(/\r\n/g, '\n'), tokenBudget * 0.2);
  const rest = tokenBudget - estimateTokens(head);
  const near = takeTail(before.slice(head.length), rest * 0.75);
  const tail = takeHead(after, rest * 0.25);
  return (
    head +
    (head.length + near.length < before.length ? omitted : '') +
    near +
    MARKER +
    tail +
    (tail.length < after.length ? omitted : '')
  );
}

/** Whole lines from the start, within a number of tokens. */
function takeHead(text: string, tokens: number): string {
  if (estimateTokens(text) <= tokens) return text;
  const cut = text.lastIndexOf('\n', Math.max(0, Math.floor(tokens * 4)));
  return cut === -1 ? '' : text.slice(0, cut + 1);
}

/** Whole lines from the end, within a number of tokens. */
function takeTail(text: string, tokens: number): string {
  if (estimateTokens(text) <= tokens) return text;
  const cut = text.indexOf('\n', Math.max(0, text.length - Math.floor(tokens * 4)));
  return cut === -1 ? text.slice(-Math.floor(tokens * 4)) : text.slice(cut + 1);
}
