/** Source text and places in it. Places are 1-based lines and columns in UTF-16 units; ends are exclusive. */

/** A text as the editor holds it. `path` is absolute for a file, any display name for an unsaved text. */
export interface SourceDocument {
  readonly path: string;
  /** A canonical language (see language.ts) where SafeNote knows it, else the editor's own id. */
  readonly language: string;
  readonly text: string;
}

export interface Range {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Offsets in UTF-16 units into a text, `end` exclusive. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** Replaces `[start, end)` of a text by `text`. */
export interface TextEdit extends OffsetRange {
  readonly text: string;
}

/** Maps between offsets and places of one text. Lines end at `\n`; a `\r` before it belongs to the line. */
export class LineIndex {
  private readonly starts: number[] = [0];
  private readonly length: number;

  constructor(text: string) {
    this.length = text.length;
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) this.starts.push(i + 1);
  }

  get lineCount(): number {
    return this.starts.length;
  }

  /** Offset of a place; lines and columns outside the text are clamped to it. */
  offsetAt(line: number, column: number): number {
    if (line < 1) return 0;
    const start = this.starts[line - 1];
    if (start === undefined) return this.length;
    const next = this.starts[line] ?? this.length + 1;
    return Math.min(start + Math.max(0, column - 1), next - 1);
  }

  /** Place of an offset, clamped to the text. */
  placeAt(offset: number): { line: number; column: number } {
    const at = Math.min(Math.max(0, offset), this.length);
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - (this.starts[low] ?? 0) + 1 };
  }

  toRange(range: OffsetRange): Range {
    const start = this.placeAt(range.start);
    const end = this.placeAt(range.end);
    return { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column };
  }

  toOffsets(range: Range): OffsetRange {
    return {
      start: this.offsetAt(range.startLine, range.startColumn),
      end: this.offsetAt(range.endLine, range.endColumn),
    };
  }
}

/** Applies non-overlapping edits, whatever their order. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = text;
  for (const edit of [...edits].sort((a, b) => b.start - a.start || b.end - a.end)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  return result;
}
