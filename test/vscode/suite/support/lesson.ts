import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { folder, openFile, shown, until } from './editor.ts';
import { code, type ScriptedModel } from './scripted-model.ts';

const BAD = 'cursor.execute("SELECT * FROM users WHERE name = \'" + name + "\'")\nreturn cursor.fetchone()';
const GOOD = 'cursor.execute("SELECT * FROM users WHERE name = ?", (name,))\nreturn cursor.fetchone()';

export const notesFolder = () => path.join(folder(), '.safenote', 'notes', 'security');
export const noteFiles = async () => (await readdir(notesFolder()).catch(() => [])).filter((name) => name.endsWith('.md'));

/** A task that invites an SQL injection. */
export const task = (name: string) => `import sqlite3\n\n\ndef ${name}(cursor: sqlite3.Cursor, name: str):\n    """Find a user by name."""\n    |\n`;

/** A model that makes the mistake of the task, mends it when told, and makes it no more with its own guidance in the prompt. */
export const lesson: ScriptedModel['script'] = (kind, messages) => {
  if (kind === 'completion') return code(JSON.stringify(messages).includes('PASS-PARAMETERS') ? GOOD : BAD);
  if (kind === 'retry') return code(GOOD);
  return 'PASS-PARAMETERS: values belong into the second argument of `execute`.';
};

/** Makes the mistake once. Resolves with the name of the note's file; its guidance and example may follow a moment later. */
export async function learnOne(): Promise<string> {
  await openFile(task('find_user'));
  await shown();
  return until('a note is written', async () => (await noteFiles())[0]);
}
