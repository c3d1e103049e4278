import { type Change, shift } from '../findings/findings-store.ts';

/** From how many characters that are not white space text counts as inserted, not typed. */
export const WORTH_CHECKING = 40;
/** More than this is data or generated; checking it would help nobody, in characters. */
const TOO_LARGE = 200_000;

/** True when one change brings in so much at once that it may be worth checking. Cheap: it sees every key. */
export function isLargeInsertion(changes: readonly { readonly text: string }[]): boolean {
  return changes.some(({ text }) => text.length >= WORTH_CHECKING / 2 && text.trim().length >= WORTH_CHECKING / 2);
}

/** Pieces of text that came into one document at once or in quick succession. */
export class Insertions {
  private pieces: { start: number; end: number }[] = [];
  pasted = false;

  get empty(): boolean {
    return this.pieces.length === 0;
  }

  /** Takes an editor's change event. What was typed key by key, or is not `foreign`, moves the pieces and is none itself. */
  add(changes: readonly Change[], pasted: boolean, foreign = true): void {
    const moved = this.pieces.flatMap((piece) => shift(piece, changes) ?? []);
    let grown = 0;
    const added: { start: number; end: number }[] = [];
    for (const change of [...changes].sort((a, b) => a.offset - b.offset)) {
      const start = change.offset + grown;
      if (foreign && isInserted(change, pasted)) added.push({ start, end: start + change.text.length });
      grown += change.text.length - change.length;
    }
    if (pasted && added.length > 0) this.pasted = true;
    this.pieces = merged([...moved, ...added]);
  }

  /** The pieces in a text, if there is enough in them to check. */
  worthChecking(text: string): readonly { start: number; end: number }[] {
    const inside = this.pieces.filter((piece) => piece.end <= text.length);
    const all = inside.map((piece) => text.slice(piece.start, piece.end)).join('');
    return all.length <= TOO_LARGE && all.replace(/\s/g, '').length >= WORTH_CHECKING ? inside : [];
  }
}

/**
 * Typing comes as one or two characters (a bracket and its mate). A formatter, a rename or a reload replaces about as much
 * as it writes; only after a paste that is a replacement of the selection.
 */
function isInserted({ length, text }: Change, pasted: boolean): boolean {
  if (text.trim().length < 3) return false;
  return pasted || length < text.length * 0.5;
}

function merged(pieces: readonly { start: number; end: number }[]): { start: number; end: number }[] {
  const result: { start: number; end: number }[] = [];
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && piece.start <= last.end) last.end = Math.max(last.end, piece.end);
    else result.push({ ...piece });
  }
  return result;
}
