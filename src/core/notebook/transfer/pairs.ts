import { diffArrays } from 'diff';
import type { Note } from '../note.ts';
import { jsonLine, PREFERENCE_FORMAT } from './rows.ts';

/** Why a note gives no pair; absent where it gives one. */
export function noPair(note: Note): string | undefined {
  if (note.erroneousCode.trim() === '') return 'without erroneous code';
  if (note.secureExample === undefined || note.secureExample.trim() === '') return 'without a secure example';
  return note.secureExample === note.erroneousCode ? 'with both sides the same' : undefined;
}

/** A note as a training pair of vulnerable and secure code; undefined where it names no CWE or has not both sides. */
export function trainingRow(note: Note): string | undefined {
  if (noPair(note) !== undefined || note.cwe === undefined) return undefined;
  const [vulnerable, secure] = [note.erroneousCode, note.secureExample ?? ''];
  const { deleted, added } = changedLines(vulnerable, secure);
  return jsonLine({ id: note.id, source: 'safenote', cwe: note.cwe, language: note.language, func_name: null, file_name: null, description: note.tasks[0] ?? null, vulnerable, secure, deleted_lines: deleted, added_lines: added, commit_link: null });
}

/** A note as a preference: what was written and failed is rejected, what worked is chosen. */
export function preferenceRow(note: Note): string | undefined {
  if (noPair(note) !== undefined) return undefined;
  return jsonLine({ format: PREFERENCE_FORMAT, id: note.id, prompt: note.tasks[0] ?? '', chosen: note.secureExample, rejected: note.erroneousCode, language: note.language, ...(note.cwe !== undefined && { cwe: note.cwe }) });
}

/** 1-based lines that are in one text and not in the other. */
export function changedLines(before: string, after: string): { deleted: number[]; added: number[] } {
  const deleted: number[] = [];
  const added: number[] = [];
  let [old, now] = [1, 1];
  for (const part of diffArrays(before.split('\n'), after.split('\n'))) {
    const count = part.value.length;
    if (part.removed) for (let i = 0; i < count; i++) deleted.push(old++);
    else if (part.added) for (let i = 0; i < count; i++) added.push(now++);
    else [old, now] = [old + count, now + count];
  }
  return { deleted, added };
}
