import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import type { Note } from '../../../src/core/notebook/note.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileNoteStore } from '../../../src/node/notes/file-note-store.ts';

export function aNote(change: Partial<Note> = {}): Note {
  return {
    id: 'sql-injection-1',
    kind: 'security',
    title: 'SQL built by string concatenation',
    cwe: 'CWE-89',
    language: 'python',
    rule: 'safenote.python.sql-injection',
    ruleFamily: 'sql-injection',
    frequency: 1,
    origin: 'completion',
    model: 'a-model',
    created: '2026-01-31T12:00:00.000Z',
    updated: '2026-01-31T12:00:00.000Z',
    status: 'active',
    tasks: ['Find a user by name'],
    erroneousCode: 'cursor.execute("SELECT * FROM users WHERE name = " + name)',
    diagnosis: 'User input reaches the query text.',
    guidance: 'Bind values.',
    ...change,
  };
}

/** A workspace and a user's home in a temporary folder, and stores on it that are disposed at the end. */
export class Workspace {
  readonly folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'safenote-notes-')));
  readonly root = path.join(this.folder, 'workspace');
  readonly approvalsFile = path.join(this.folder, 'home', 'approvals', 'workspace.txt');
  private readonly stores: FileNoteStore[] = [];

  file(...parts: string[]): string {
    return path.join(this.root, '.safenote', ...parts);
  }

  /** A store as another window or the command line would have it. */
  store(): FileNoteStore {
    const approvals = new Approvals({ file: this.approvalsFile, workspaceFolder: this.root });
    const store = new FileNoteStore({ workspaceFolder: this.root, approvals });
    this.stores.push(store);
    return store;
  }

  dispose(): void {
    for (const store of this.stores) store.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Bundles the child program once, so that starting it takes 50 ms. Gives its path. */
export function bundleWriter(folder: string): string {
  const outfile = path.join(folder, 'writer.cjs');
  buildSync({ entryPoints: [path.join(import.meta.dirname, 'writer.ts')], bundle: true, platform: 'node', format: 'cjs', target: 'node22', outfile, logLevel: 'silent' });
  return outfile;
}

export interface Writer {
  readonly process: ChildProcessWithoutNullStreams;
  /** Ids whose writing was reported, so far. */
  readonly written: string[];
  readonly firstWrite: Promise<void>;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts a child that writes notes `prefix-0`, `prefix-1`, … and reports each after it is stored. */
export function startWriter(script: string, workspace: Workspace, prefix: string, count: number): Writer {
  const child = spawn(process.execPath, [script, workspace.root, workspace.approvalsFile, prefix, String(count)]);
  const written: string[] = [];
  const first = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<number | NodeJS.Signals | null>();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    written.push(line);
    first.resolve();
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  child.on('close', (code, signal) => {
    first.reject(new Error(`The writer ended before it wrote anything. ${errors}`));
    if (errors) process.stderr.write(errors);
    ended.resolve(signal ?? code);
  });
  first.promise.catch(() => undefined);
  return { process: child, written, firstWrite: first.promise, ended: ended.promise };
}
