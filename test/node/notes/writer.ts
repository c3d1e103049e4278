/** A child process of the tests: writes notes until it is done or killed, and names each on stdout once it is stored. */
import { writeSync } from 'node:fs';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileNoteStore } from '../../../src/node/notes/file-note-store.ts';
import type { Note } from '../../../src/core/notebook/note.ts';

const [, , root = '', approvalsFile = '', prefix = '', count = '0'] = process.argv;
const store = new FileNoteStore({ workspaceFolder: root, approvals: new Approvals({ file: approvalsFile, workspaceFolder: root }) });

async function main(): Promise<void> {
  for (let i = 0; i < Number(count); i++) {
    const id = `${prefix}-${i}`;
    const note: Note = {
      id, kind: i % 2 === 0 ? 'security' : 'function', title: id, language: 'python', frequency: 1, origin: 'completion', model: 'm',
      created: '2026-01-31T12:00:00.000Z', updated: '2026-01-31T12:00:00.000Z', status: 'active',
      tasks: [id], erroneousCode: `${id}\n`.repeat(200), diagnosis: id, guidance: id,
    };
    await store.create(note);
    // Every third note is also changed: a change must not lose it.
    if (i % 3 === 0) await store.modify(id, (current) => ({ ...current, frequency: current.frequency + 1 }));
    writeSync(1, `${id}\n`);
  }
  store.dispose();
}

main().catch((error: unknown) => {
  writeSync(2, `${String(error)}\n`);
  process.exit(1);
});
