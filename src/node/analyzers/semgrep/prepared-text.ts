import { lineComment } from '../../../core/language.ts';
import type { ByteRange } from './output.ts';

/**
 * A text as Semgrep gets it. Semgrep 1.182 needs help: a byte order mark makes it blind for the first line, `\r\n` shifts
 * what it quotes in messages, its columns are bytes of UTF-8, and no answer of its server says that the text was read. So
 * the mark and the `\r` are taken out, a last line is added that a rule of ours must find (the canary), and places are
 * translated back.
 */
export class PreparedText {
  /** What is written to the file. */
  readonly content: string;
  private readonly lines: readonly string[];
  private readonly markWidth: number;

  constructor(text: string, language: string, canary: string) {
    this.markWidth = text.startsWith('\uFEFF') ? 1 : 0;
    const body = text.slice(this.markWidth).replace(/\r\n/g, '\n');
    this.lines = body.split('\n');
    this.content = `${body}${body.endsWith('\n') || body === '' ? '' : '\n'}${lineComment(language)} ${canary}\n`;
  }

  /** Lines of the text itself; what is found behind them is the canary. */
  get lineCount(): number {
    return this.lines.length;
  }

  /** A place of Semgrep's in the original text, columns in UTF-16 units. Clamped to the text. */
  toRange(range: ByteRange): ByteRange {
    const start = this.place(range.startLine, range.startColumn);
    const end = this.place(range.endLine, range.endColumn);
    return { startLine: start.line, startColumn: start.column, endLine: end.line, endColumn: end.column };
  }

  private place(line: number, byteColumn: number): { line: number; column: number } {
    if (line > this.lines.length) {
      const last = this.lines.length;
      return { line: last, column: this.columnAt(last, Number.MAX_SAFE_INTEGER) };
    }
    return { line: Math.max(1, line), column: this.columnAt(Math.max(1, line), byteColumn) };
  }

  private columnAt(line: number, byteColumn: number): number {
    const text = this.lines[line - 1] ?? '';
    return (line === 1 ? this.markWidth : 0) + utf16Length(text, byteColumn - 1) + 1;
  }
}

/** How many UTF-16 units the first `bytes` bytes of a line's UTF-8 are. */
function utf16Length(line: string, bytes: number): number {
  let units = 0;
  let left = bytes;
  for (const character of line) {
    const code = character.codePointAt(0) ?? 0;
    left -= code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (left < 0) break;
    units += character.length;
  }
  return units;
}
