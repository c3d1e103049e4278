import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { writeError } from '../notes/file-errors.ts';

/**
 * A file of JSON lines that is only added to. A line is on the disk when `add` returns. What cannot be written (a full disk)
 * stays in memory and is written before the next line; a torn last line, left by a kill, is ended and skipped.
 */
export class LineFile {
  readonly file: string;
  private readonly what: string;
  private handle: number | undefined;
  private pending = '';

  constructor(file: string, what: string) {
    this.file = file;
    this.what = what;
  }

  /** Every line that is whole. */
  read(): unknown[] {
    let text = '';
    try {
      text = readFileSync(this.file, 'utf8');
    } catch {
      // Nothing was written yet.
    }
    return text.split('\n').flatMap((line) => {
      try {
        return line.trim() ? [JSON.parse(line) as unknown] : [];
      } catch {
        return [];
      }
    });
  }

  /** Throws `ExpectedError` where the line cannot be written now; it is kept. */
  add(value: unknown): void {
    this.pending += `${JSON.stringify(value)}\n`;
    this.flush();
  }

  /** Writes what is pending. Throws where there is still no way to. */
  flush(): void {
    if (this.pending === '') return;
    try {
      if (this.handle === undefined) {
        mkdirSync(path.dirname(this.file), { recursive: true });
        this.handle = openSync(this.file, 'a', 0o600);
        this.pending = `\n${this.pending}`;
      }
      const bytes = Buffer.from(this.pending);
      let at = 0;
      try {
        while (at < bytes.length) at += writeSync(this.handle, bytes, at);
      } catch (error) {
        // What is torn is ended by a new line, and the whole of it is written again.
        if (at > 0) this.pending = `\n${this.pending}`;
        throw error;
      }
      this.pending = '';
      fsyncSync(this.handle);
    } catch (error) {
      // A disk that was full, or a share that was gone, may want the file opened anew.
      this.release();
      throw writeError(error, this.what) as Error;
    }
  }

  close(): void {
    try {
      this.flush();
    } catch {
      // Who reads it next finds what was written.
    }
    this.release();
  }

  private release(): void {
    const { handle } = this;
    this.handle = undefined;
    try {
      if (handle !== undefined) closeSync(handle);
    } catch {
      // Closing says again what writing has said.
    }
  }
}
