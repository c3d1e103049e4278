import { applyEdits, type TextEdit } from '../../core/source.ts';

/** A completion as the editor can show it: offsets into the document, on one line, the caret inside. */
export interface GhostText {
  readonly start: number;
  readonly end: number;
  readonly insertText: string;
  /** What the shown edit leaves undone; applied after acceptance, offsets into the text with the shown edit in it. */
  readonly afterwards: readonly TextEdit[];
}

/**
 * Fits an edit to what the editor shows as ghost text, and repairs what it would drop without a word: a range over several
 * lines, a range that does not hold the caret, replaced text that is not found again, in order, in the new text.
 * `undefined` when nothing is left to insert at the caret.
 */
export function ghostText(text: string, caret: number, edit: TextEdit, others: readonly TextEdit[] = []): GhostText | undefined {
  let { start, end, text: insert } = edit;
  // The text before the caret must be a prefix of what is inserted.
  if (start < caret) {
    const before = text.slice(start, caret);
    if (!insert.startsWith(before)) return undefined;
    insert = insert.slice(before.length);
    start = caret;
  }
  if (start > caret) {
    // Text between the caret and the edit stays as it is, so it is part of both.
    insert = text.slice(caret, start) + insert;
    start = caret;
  }
  end = Math.max(end, caret);
  let replaced = text.slice(caret, end);
  // What both end with need not be replaced.
  let same = 0;
  while (same < replaced.length && same < insert.length && replaced[replaced.length - 1 - same] === insert[insert.length - 1 - same]) same++;
  const keepTail = replaced.includes('\n') ? same : 0;
  end -= keepTail;
  insert = insert.slice(0, insert.length - keepTail);
  replaced = text.slice(caret, end);
  if (!insert) return undefined;

  const removals: TextEdit[] = [];
  if (replaced.includes('\n') || !isSubsequence(replaced, insert)) {
    removals.push({ start: caret + insert.length, end: caret + insert.length + replaced.length, text: '' });
    end = caret;
  }
  const shift = insert.length - (end - caret);
  const moved = others.map((other) => (other.start > caret ? { ...other, start: other.start + shift, end: other.end + shift } : other));
  return { start: caret, end, insertText: insert, afterwards: [...moved, ...removals] };
}

/** The document after the ghost text and what follows it. */
export function afterAcceptance(text: string, ghost: GhostText): string {
  return applyEdits(applyEdits(text, [{ start: ghost.start, end: ghost.end, text: ghost.insertText }]), ghost.afterwards);
}

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const char of part) {
    at = whole.indexOf(char, at);
    if (at === -1) return false;
    at += char.length;
  }
  return true;
}

/** How far a document has come on the way from its text before a completion to the text with it. */
export type Consumed =
  /** `count` characters of the insertion are in the document, the rest is not; the caret belongs behind them. */
  | { readonly kind: 'prefix'; readonly count: number }
  | { readonly kind: 'whole' }
  | { readonly kind: 'other' };

/**
 * Tells by the text alone how much of a completion was taken over: the editor gives no event for Accept Word and Accept
 * Line, and typing what is shown counts too. `before` is the text when the completion was made.
 */
export function consumed(before: string, ghost: GhostText, now: string): Consumed {
  const head = before.slice(0, ghost.start);
  if (!now.startsWith(head)) return { kind: 'other' };
  const tail = before.slice(ghost.end);
  const grown = now.length - before.length;
  if (now.endsWith(tail) && now.length >= head.length + tail.length) {
    const middle = now.slice(head.length, now.length - tail.length);
    if (middle === ghost.insertText) return { kind: 'whole' };
    const replaced = before.slice(ghost.start, ghost.end);
    // The replaced text (closing brackets) stays behind the part until all of it is taken over.
    if (middle.endsWith(replaced)) {
      const part = middle.slice(0, middle.length - replaced.length);
      if (ghost.insertText.startsWith(part) && part.length === grown) return { kind: 'prefix', count: part.length };
    }
  }
  return { kind: 'other' };
}
