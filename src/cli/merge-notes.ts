import { mergeNoteFiles } from '../node/notes/merge-files.ts';

// The merge driver by itself, small enough to lie in the user's own folder: BASE OURS THEIRS PATH.
const [base = '', ours = '', theirs = '', name = 'note.md'] = process.argv.slice(2);
try {
  const { conflicts } = mergeNoteFiles({ base, ours, theirs }, name);
  if (conflicts.length > 0) process.stderr.write(`${name.replace(/[^ -~]/g, '?')}: both sides changed ${conflicts.join(', ').replace(/[^ -~]/g, '?')}; keep one of each, then "git add" it.\n`);
  process.exitCode = conflicts.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
