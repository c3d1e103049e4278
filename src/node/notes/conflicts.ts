import path from 'node:path';
import { versionsOf } from '../../core/conflict-marks.ts';
import { ExpectedError } from '../../core/errors.ts';
import { mergeNoteTexts } from '../../core/notebook/note-merge.ts';
import type { FileNoteStore } from './file-note-store.ts';
import type { WorkspaceGit } from './git.ts';
import { readRawFile } from './note-files.ts';

/** What became of one file with conflicts. */
export interface Resolved {
  readonly file: string;
  /** Keys and sections that are still to be decided by a person. None: the note can be read again. */
  readonly open: readonly string[];
  /** Why nothing could be done. */
  readonly problem?: string;
}

/** Puts notes together that a merge left in two versions. */
export class NoteConflicts {
  private readonly store: FileNoteStore;
  private readonly git: WorkspaceGit;

  constructor(options: { store: FileNoteStore; git: WorkspaceGit }) {
    this.store = options.store;
    this.git = options.git;
  }

  /** Files of the notebook that hold marks of a conflict. */
  async files(): Promise<string[]> {
    const { setAside } = await this.store.load();
    return setAside.map(({ file }) => file).filter((file) => this.versions(file) !== undefined);
  }

  /** Merges a file by section; `prefer` decides what does not go together. Throws `no-conflict` where there is none. */
  async resolve(file: string, options: { prefer?: 'ours' | 'theirs'; signal?: AbortSignal } = {}): Promise<Resolved> {
    // What Git knows of the versions is more than the marks say: the base, above all.
    const stages = await this.git.stages(file, options.signal);
    const name = path.basename(file);
    let result: Resolved = { file, open: [] };
    await this.store.rewrite(file, (text) => {
      const marked = versionsOf(text.replace(/\r\n?/g, '\n'));
      if (!marked) throw new ExpectedError('no-conflict', `${name} has no conflict to resolve.`, 'Only a file with the marks of a merge ("<<<<<<<" and ">>>>>>>") has one.');
      const base = marked.base ?? stages?.base;
      const merged = mergeNoteTexts({ ours: marked.ours, theirs: marked.theirs, ...(base !== undefined && { base }) }, name, { byLines: true });
      if ('problem' in merged) {
        result = { file, open: [], problem: `${merged.problem}. Keep one version of each marked part by hand` };
        return text;
      }
      const chosen = options.prefer && versionsOf(merged.text)?.[options.prefer];
      if (chosen === undefined) result = { file, open: merged.conflicts };
      return chosen ?? merged.text;
    });
    return result;
  }

  private versions(file: string) {
    const raw = readRawFile(file);
    return raw && 'text' in raw ? versionsOf(raw.text.replace(/\r\n?/g, '\n')) : undefined;
  }
}
