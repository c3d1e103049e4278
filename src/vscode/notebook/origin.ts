import type { Note } from '../../core/notebook/note.ts';

/** Where a note's failure stands in its file now. */
export interface OriginPlace {
  /** 1-based. */
  readonly line: number;
  /** False where the code was not found again: then it is the line where it was. */
  readonly found: boolean;
}

/**
 * Finds the place again that a note is about, however the file has moved on: the line that begins the note's code,
 * the nearest one to where it was. The code below it may well be right by now.
 */
export function findOrigin(text: string, note: Pick<Note, 'erroneousCode' | 'line'>): OriginPlace {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const was = Math.min(Math.max(1, note.line ?? 1), lines.length);
  for (const wanted of note.erroneousCode.split('\n').map((line) => line.trim()).filter(tells)) {
    const places = lines.flatMap((line, at) => (line === wanted ? [at + 1] : []));
    const nearest = places.sort((a, b) => Math.abs(a - was) - Math.abs(b - was))[0];
    if (nearest !== undefined) return { line: nearest, found: true };
  }
  return { line: was, found: false };
}

/** Lines that say which code this is: no imports, comments, brackets or decorators. */
function tells(line: string): boolean {
  return line.length >= 6 && !/^(?:import\b|from\b|#|\/\/|\/\*|\*|@|"""|'''|package\b|using\b)/.test(line) && /\w{3}/.test(line);
}

/** True for a path that stays inside the folder it is relative to. */
export function staysInside(file: string): boolean {
  return file !== '' && !/^(?:[\\/]|[A-Za-z]:)/.test(file) && !file.split(/[\\/]/).includes('..');
}
