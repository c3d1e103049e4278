import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mergeNoteTexts } from '../../core/notebook/note-merge.ts';

/** How a merge of three files ended. */
export interface FilesMerged {
  readonly conflicts: readonly string[];
  /** Why it was merged by lines instead of sections. */
  readonly byLines?: string;
}

/**
 * What Git asks of a merge driver: merges three versions of a note into the file of ours. What is no note on any side is
 * merged by lines, as Git would do by itself. `name` is the note's path.
 */
export function mergeNoteFiles(files: { readonly base: string; readonly ours: string; readonly theirs: string }, name: string): FilesMerged {
  const [base, ours, theirs] = [files.base, files.ours, files.theirs].map((file) => readFileSync(file, 'utf8')) as [string, string, string];
  const merged = mergeNoteTexts({ ours, theirs, ...(base.trim() && { base }) }, name);
  if ('problem' in merged) {
    const lines = spawnSync('git', ['merge-file', '-L', 'ours', '-L', 'base', '-L', 'theirs', files.ours, files.base, files.theirs], { encoding: 'utf8' });
    if (lines.error || lines.status === null || lines.status > 127) throw new Error(`The files could not be merged: ${merged.problem}; and Git says: ${lines.error?.message ?? lines.stderr.trim()}`);
    return { conflicts: lines.status === 0 ? [] : ['lines'], byLines: merged.problem };
  }
  writeFileSync(files.ours, merged.text);
  return { conflicts: merged.conflicts };
}
