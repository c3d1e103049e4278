import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { ExpectedError } from '../../core/errors.ts';
import type { Lesson } from '../../core/evaluation/results.ts';
import { LineFile } from './line-file.ts';

const Entry = z.object({
  /** Empty for the notebook that the run began with. */
  task: z.string(),
  notes: z.array(z.object({ id: z.string(), kind: z.enum(['security', 'function']), action: z.enum(['created', 'merged']) })),
  usage: z.object({ requests: z.number(), tokens: z.object({ prompt: z.number(), completion: z.number() }), byPurpose: z.record(z.string(), z.unknown()) }),
  /** Note file → its text, `null` where it is gone. */
  files: z.record(z.string(), z.string().nullable()),
});
type Entry = z.infer<typeof Entry>;

export type NoteFiles = Readonly<Record<string, string>>;

/** The notebook of one arm through time: what each task changed, so that the notebook at any point can be rebuilt. */
export class NotebookJournal {
  private readonly lines: LineFile;
  private readonly entries: Entry[];

  constructor(file: string) {
    this.lines = new LineFile(file, 'The journal of the notebook');
    this.entries = this.lines.read().flatMap((value) => {
      const parsed = Entry.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    });
  }

  has(task: string): boolean {
    return this.entries.some((e) => e.task === task);
  }

  get lessons(): readonly Lesson[] {
    return this.entries.filter((e) => e.task !== '') as unknown as Lesson[];
  }

  /** The notebook's files as they were before a task was attempted; at the end where no task is named. */
  before(task?: string): NoteFiles {
    const at = task === undefined ? -1 : this.entries.findIndex((e) => e.task === task);
    const files: Record<string, string> = {};
    for (const entry of at === -1 ? this.entries : this.entries.slice(0, at)) {
      for (const [name, text] of Object.entries(entry.files)) {
        if (text === null) delete files[name];
        else files[name] = text;
      }
    }
    return files;
  }

  add(lesson: Lesson, after: NoteFiles): void {
    const before = this.before();
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    const files = Object.fromEntries(names.flatMap((name) => (before[name] === after[name] ? [] : [[name, after[name] ?? null]])));
    const entry: Entry = { task: lesson.task, notes: [...lesson.notes], usage: lesson.usage as Entry['usage'], files };
    this.entries.push(entry);
    this.lines.add(entry);
  }

  close(): void {
    this.lines.close();
  }
}

export async function readNotes(workspace: string): Promise<NoteFiles> {
  const files: Record<string, string> = {};
  for (const kind of ['security', 'function']) {
    const folder = path.join(workspace, '.safenote', 'notes', kind);
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      if (name.endsWith('.md')) files[`${kind}/${name}`] = await readFile(path.join(folder, name), 'utf8');
    }
  }
  return files;
}

/** Makes a workspace's notebook be exactly this. */
export async function writeNotes(workspace: string, notes: NoteFiles): Promise<void> {
  const folder = path.join(workspace, '.safenote', 'notes');
  await rm(folder, { recursive: true, force: true });
  for (const [name, text] of Object.entries(notes)) {
    if (!/^(?:security|function)\/[a-z0-9-]+\.md$/.test(name)) throw new ExpectedError('bad-run', `"${name}" is no note file.`, 'The journal was changed by hand. Begin a new run.');
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

export function hashOfNotes(notes: NoteFiles): string {
  return createHash('sha256').update(JSON.stringify(Object.entries(notes).sort(([a], [b]) => (a < b ? -1 : 1)))).digest('hex');
}
