import { createInterface } from 'node:readline/promises';
import path from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { ExpectedError } from '../../core/errors.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import { formatNote } from '../../core/notebook/note-markdown.ts';
import { describePlan } from '../../core/notebook/share-text.ts';
import { mergeNoteFiles } from '../../node/notes/merge-files.ts';
import { type Output, printable } from '../output.ts';
import { type GlobalOptions, withSession } from '../session.ts';

export interface ShareOptions extends GlobalOptions {
  readonly stop?: boolean;
  readonly mergeDriver?: boolean;
  readonly yes?: boolean;
}

/** `notebook share`: puts the notes under version control, after it has said what that means. */
export function share(options: ShareOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    if (options.stop) {
      await app.sharing.stop();
      return { json: { shared: false }, text: 'The notes are out of version control again. What was committed stays in Git until you remove it there: git rm -r --cached .safenote/notes\n', exitCode: 0 };
    }
    const plan = await app.sharing.plan(signal);
    const words = describePlan(plan, app.workspaceFolder);
    if (!options.yes) await confirm(words.join('\n'), signal);
    const redacted = await app.sharing.share(signal);
    if (options.mergeDriver) await app.sharing.installMergeDriver(signal);
    const files = [...plan.notes.map(({ file }) => file), ...plan.setAside.map(({ file }) => file)].map((file) => path.relative(app.workspaceFolder, file));
    const mergeDriver = options.mergeDriver === true || plan.mergeDriver;
    const text = [
      `${plan.notes.length} notes are offered to Git now${redacted.length > 0 ? `; secrets were taken out of ${redacted.join(', ')}` : ''}.`,
      ...(plan.ignoredBy ? [`But Git still ignores them: ${printable(plan.ignoredBy)}. Take that rule out, or add "!.safenote/" after it.`] : []),
      'Next: git add .safenote && git commit',
      ...(mergeDriver ? [] : ['To merge notes by section: safenote notebook share --merge-driver']),
      '',
    ];
    return { json: { shared: true, files, redacted, mergeDriver, ...(plan.ignoredBy ? { ignoredBy: plan.ignoredBy } : {}) }, text: text.join('\n'), exitCode: 0 };
  });
}

export interface ApproveOptions extends GlobalOptions {
  readonly all?: boolean;
  readonly author?: string;
}

/** `notebook approve ID… | --all | --author A`: notes that came from elsewhere may be used from now on. */
export function approve(ids: readonly string[], options: ApproveOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    const { notes } = await app.store.load();
    if ([ids.length > 0, options.all === true, options.author !== undefined].filter(Boolean).length !== 1) {
      throw new ExpectedError('no-notes-named', ids.length === 0 && !options.all && options.author === undefined ? 'No note was named.' : 'Ids, --all and --author exclude each other.', 'Name notes by id, or use --all or --author. Read them first: "notebook show ID", "notebook show ID --diff".');
    }
    const known = new Set(notes.map((n) => n.note.id));
    const unknown = ids.find((id) => !known.has(id));
    if (unknown !== undefined) throw noSuchNote(unknown);
    const wanted = options.author !== undefined ? (await app.authors.quarantinedBy(options.author, signal)).map((n) => n.note.id) : options.all ? notes.filter((n) => n.quarantined).map((n) => n.note.id) : ids;
    const approved = await app.store.approve(wanted);
    return { json: { approved }, text: approved.length === 0 ? 'Nothing was quarantined.\n' : `Approved: ${approved.join(', ')}\n`, exitCode: 0 };
  });
}

/** `notebook show ID --diff`: what changed since the note was approved here. */
export function noteDiff(stored: StoredNote, approved: string | undefined): string {
  if (approved === undefined) return 'It was never approved on this machine: all of it is new.\n';
  const now = formatNote(stored.note);
  return approved === now ? 'Nothing changed since it was approved.\n' : printable(createTwoFilesPatch('approved', 'now', approved, now, undefined, undefined, { context: 3 }));
}

export interface ResolveOptions extends GlobalOptions {
  readonly ours?: boolean;
  readonly theirs?: boolean;
}

/** `notebook resolve [ID…]`: puts notes together that a merge left in two versions. */
export function resolve(ids: readonly string[], options: ResolveOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    if (options.ours && options.theirs) throw new ExpectedError('bad-option', '--ours and --theirs exclude each other.', 'Choose one, or none to keep both versions of what does not go together.');
    const all = await app.conflicts.files();
    const files = ids.length === 0 ? all : ids.map((id) => all.find((file) => path.basename(file, '.md') === id) ?? id);
    const missing = files.find((file) => !all.includes(file));
    if (missing !== undefined) throw new ExpectedError('no-conflict', `The note "${printable(missing)}" has no conflict to resolve.`, all.length > 0 ? `Notes with conflicts: ${all.map((file) => path.basename(file, '.md')).join(', ')}.` : 'There is none in this notebook.');
    const results = [];
    for (const file of files) results.push(await app.conflicts.resolve(file, { signal, ...(options.ours ? { prefer: 'ours' as const } : options.theirs ? { prefer: 'theirs' as const } : {}) }));
    const open = results.filter((r) => r.open.length > 0 || r.problem !== undefined);
    const text = [
      ...(files.length === 0 ? ['No note has a conflict.'] : []),
      ...results.map((r) => {
        const name = path.basename(r.file, '.md');
        if (r.problem !== undefined) return `${name}: not merged: ${printable(r.problem)}.`;
        return r.open.length === 0 ? `${name}: merged. Read it and approve it: notebook show ${name} --diff` : `${name}: both sides changed ${printable(r.open.join(', '))}. Keep one of each in ${r.file}, or run this again with --ours or --theirs.`;
      }),
      '',
    ];
    return { json: { resolved: results.filter((r) => !open.includes(r)).map((r) => r.file), open: open.map((r) => ({ file: r.file, parts: r.open, ...(r.problem ? { problem: r.problem } : {}) })) }, text: text.join('\n'), exitCode: open.length > 0 ? 1 : 0 };
  });
}

/** `notebook merge-driver BASE OURS THEIRS [PATH]`: as Git calls it. The result goes into the file OURS; 1: with conflicts. */
export function mergeDriver(base: string, ours: string, theirs: string, name: string): Output {
  const merged = mergeNoteFiles({ base, ours, theirs }, name);
  return { json: merged, text: merged.conflicts.length > 0 ? `${printable(name)}: both sides changed ${printable(merged.conflicts.join(', '))}; keep one of each.\n` : '', exitCode: merged.conflicts.length > 0 ? 1 : 0 };
}

export function noSuchNote(id: string): ExpectedError {
  return new ExpectedError('note-missing', `There is no note "${printable(id)}".`, 'See "safenote notebook list".');
}

async function confirm(words: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new ExpectedError('not-confirmed', printable(words), 'Nothing was changed. Run again with --yes to share.');
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await ask.question(`${printable(words)}\nShare? [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new ExpectedError('not-confirmed', 'Nothing was changed.', 'Answer "y" to share.');
  } finally {
    ask.close();
  }
}
