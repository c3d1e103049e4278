/** The note files: storing, changing and reading them, in notebooks of several sizes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatNote } from '../src/core/notebook/note-markdown.ts';
import type { Note } from '../src/core/notebook/note.ts';
import { Approvals, approvalHash } from '../src/node/notes/approvals.ts';
import { FileNoteStore } from '../src/node/notes/file-note-store.ts';
import { type BenchRow, percentiles } from './rows.ts';

function aNote(id: string, kind: Note['kind']): Note {
  return {
    id, kind, title: `SQL built by string concatenation in ${id}`, cwe: 'CWE-89', language: 'python', rule: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', frequency: 1, origin: 'completion', model: 'a-model',
    created: '2026-01-31T12:00:00.000Z', updated: '2026-01-31T12:00:00.000Z', status: 'active', tasks: [`Find a user by name in ${id}`, 'Delete the sessions of a user'],
    erroneousCode: Array.from({ length: 15 }, (_, i) => `    row_${i} = cursor.execute("SELECT * FROM t WHERE name = '" + name + "'")`).join('\n'),
    diagnosis: `User input reaches the query text. ${id}`, secureExample: 'cursor.execute("SELECT * FROM t WHERE name = ?", (name,))', guidance: '- Bind values, never format them.\n- Keep the query text constant.\n'.repeat(4).trim(),
  };
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of [100, 1000, 10_000]) {
    const folder = mkdtempSync(path.join(tmpdir(), 'safenote-bench-'));
    const stores: FileNoteStore[] = [];
    try {
      const approvalsFile = path.join(folder, 'home', 'approvals.txt');
      const workspaceFolder = path.join(folder, 'workspace');
      const hashes: string[] = [];
      for (const kind of ['security', 'function'] as const) {
        const notes = path.join(workspaceFolder, '.safenote', 'notes', kind);
        mkdirSync(notes, { recursive: true });
        for (let i = 0; i < size / 2; i++) {
          const note = aNote(`${kind}-${i}`, kind);
          writeFileSync(path.join(notes, `${note.id}.md`), formatNote(note));
          hashes.push(approvalHash(note));
        }
      }
      const open = (): FileNoteStore => {
        const store = new FileNoteStore({ workspaceFolder, approvals: new Approvals({ file: approvalsFile, workspaceFolder }) });
        stores.push(store);
        return store;
      };
      await new Approvals({ file: approvalsFile, workspaceFolder }).add(hashes);
      const store = open();
      const cold = await timed(() => store.load());
      // Past the moment in which a file that was just written is looked at twice.
      await sleep(150);
      await store.load();
      const warm: number[] = [];
      for (let i = 0; i < 200; i++) warm.push(await timed(() => store.load()));
      const storing: number[] = [];
      const rereading: number[] = [];
      for (let i = 0; i < 60; i++) {
        storing.push(await timed(() => store.create(aNote(`new-${i}`, 'security'))));
        rereading.push(await timed(() => store.load()));
      }
      const changing: number[] = [];
      for (let i = 0; i < 60; i++) changing.push(await timed(() => store.modify(`new-${i}`, (note) => ({ ...note, frequency: note.frequency + 1, tasks: [...note.tasks, 'one more'] }))));
      rows.push({ name: `first load of ${size} notes`, value: cold, unit: 'ms' });
      rows.push({ name: `load of ${size} notes when nothing changed, p95`, value: percentiles(warm).p95, unit: 'ms' });
      rows.push({ name: `storing a note at ${size} notes, median`, value: percentiles(storing).median, unit: 'ms' });
      rows.push({ name: `storing a note at ${size} notes, p95`, value: percentiles(storing).p95, unit: 'ms', ...(size === 10_000 && { budget: 20 }) });
      rows.push({ name: `load of ${size} notes after storing one, median`, value: percentiles(rereading).median, unit: 'ms' });
      rows.push({ name: `changing a note at ${size} notes, p95`, value: percentiles(changing).p95, unit: 'ms' });
    } finally {
      for (const store of stores) store.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return rows;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
