import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../core/log.ts';
import type { Note } from '../../core/notebook/note.ts';
import { formatNote } from '../../core/notebook/note-markdown.ts';
import { contentOf } from './note-files.ts';

/** A note as it was read last, and the hash by which it is approved or not. */
export interface GoodVersion {
  readonly note: Note;
  readonly hash: string;
}

/**
 * The last version that could be read of each note file that cannot be read now: it stays in use until the file is mended.
 * Kept in the user's own folder too, so that a window that is opened later, or the command line, has it as well. Only a
 * help: what cannot be kept is logged, and the file itself is never touched.
 */
export class LastGood {
  private readonly memory = new Map<string, GoodVersion | undefined>();
  private kept: Set<string> | undefined;
  private readonly folder: string | undefined;
  private readonly log: Logger;

  /** Without a folder it remembers as long as it lives. */
  constructor(options: { folder: string | undefined; log: Logger }) {
    this.folder = options.folder;
    this.log = options.log;
  }

  /** The file read well before, and does not now. */
  keep(file: string, version: GoodVersion): void {
    this.memory.set(file, version);
    if (!this.folder) return;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(path.join(this.folder, nameOf(file)), formatNote(version.note), { mode: 0o600 });
      this.names().add(nameOf(file));
    } catch (error) {
      this.log.warn(`The last good version of ${path.basename(file)} is kept for this session only.`, error);
    }
  }

  /** The version to use in place of a file that cannot be read. */
  of(file: string): GoodVersion | undefined {
    if (!this.memory.has(file)) this.memory.set(file, this.read(file));
    return this.memory.get(file);
  }

  /** The file can be read again, or is gone. */
  forget(file: string): void {
    this.memory.delete(file);
    if (!this.folder || !this.names().delete(nameOf(file))) return;
    try {
      rmSync(path.join(this.folder, nameOf(file)), { force: true });
    } catch (error) {
      this.log.warn(`An old version of ${path.basename(file)} could not be removed.`, error);
    }
  }

  /** Of a folder's files only these are there. */
  prune(folder: string, present: ReadonlySet<string>): void {
    const prefix = `${path.basename(folder)}-`;
    for (const name of [...this.names()]) {
      const file = path.join(folder, name.slice(prefix.length));
      if (name.startsWith(prefix) && !present.has(file)) this.forget(file);
    }
  }

  private read(file: string): GoodVersion | undefined {
    if (!this.folder || !this.names().has(nameOf(file))) return undefined;
    try {
      const { note, hash } = contentOf(readFileSync(path.join(this.folder, nameOf(file)), 'utf8'), file);
      return { note, hash };
    } catch (error) {
      this.log.warn(`The last good version of ${path.basename(file)} cannot be read.`, error);
      return undefined;
    }
  }

  private names(): Set<string> {
    if (this.kept) return this.kept;
    let names: string[] = [];
    try {
      if (this.folder) names = readdirSync(this.folder);
    } catch {
      // Nothing was ever kept.
    }
    this.kept = new Set(names);
    return this.kept;
  }
}

/** `security-sql-1a2b.md`: the notebook's folder and the file's own name. */
function nameOf(file: string): string {
  return `${path.basename(path.dirname(file))}-${path.basename(file)}`;
}
