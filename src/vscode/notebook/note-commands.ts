import { createTwoFilesPatch } from 'diff';
import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { extensionFor } from '../../core/language.ts';
import { mayMerge } from '../../core/notebook/merging.ts';
import type { Note, StoredNote } from '../../core/notebook/note.ts';
import { formatNote } from '../../core/notebook/note-markdown.ts';
import { visibleLine, visibleText } from '../../core/visible-text.ts';
import type { RemovedNote } from '../../core/notebook/store.ts';
import type { Room } from '../apps.ts';
import type { NoteTarget } from '../commands.ts';
import { setContext } from '../common/context-keys.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { fenceText, type VirtualDocuments } from '../common/virtual-documents.ts';
import { type State, stateOf } from './arrange.ts';
import { labelOf, STATE_ICONS } from './note-labels.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';
import { findOrigin, staysInside } from './origin.ts';
import { NoteUndo } from './undo.ts';

const { t } = vscode.l10n;

/** What can be done with notes. Each command works from the tree (one or several) and from the palette (asks which). */
export class NoteCommands {
  private readonly o: { notebooks: Notebooks; documents: VirtualDocuments; errors: ErrorPath; reveal: (target?: NoteTarget) => Promise<void> };
  private readonly changes = new NoteUndo((canUndo) => setContext('safenote.noteUndo', canUndo));

  constructor(options: NoteCommands['o']) {
    this.o = options;
  }

  async open(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose(t('Open Note'), target, undefined);
    if (!found) return;
    await this.show(found.stored);
  }

  async mute(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose(t('Mute Note'), target, selected, (state) => state !== 'muted');
    if (found.length === 0) return;
    const reason = await vscode.window.showInputBox({ title: t('SafeNote: Mute {0}', nameOf(found)), prompt: t('Why? The reason is kept in the note. A muted note stays in the notebook and is never used.'), placeHolder: t('for example: a false alarm, this API escapes by itself') });
    if (reason === undefined) return;
    await this.change(found, ({ statusReason: _old, ...note }) => ({ ...note, status: 'muted', ...(reason.trim() ? { statusReason: reason.trim() } : {}) }));
  }

  async unmute(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose(t('Unmute Note'), target, selected, (_state, { note }) => note.status === 'muted');
    await this.change(found, ({ statusReason: _old, ...note }) => ({ ...note, status: 'active' }));
  }

  async pin(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose(t('Pin Note'), target, selected, (_state, { note }) => note.pinned !== true);
    await this.change(found, (note) => ({ ...note, pinned: true }));
  }

  async unpin(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose(t('Unpin Note'), target, selected, (_state, { note }) => note.pinned === true);
    await this.change(found, ({ pinned: _, ...note }) => note);
  }

  /** Shows what would be trusted, then asks. A note that the user looks at already is asked about at once. */
  async approve(target?: NoteTarget | vscode.Uri, selected?: readonly NoteTarget[]): Promise<void> {
    const named = target instanceof vscode.Uri ? await this.targetOf(target) : target;
    const found = await this.choose(t('Approve Note'), named, selected, (state) => state === 'quarantined');
    await this.approveFound(found);
  }

  /** The same for notes that are found already. */
  async approveFound(found: readonly FoundNote[]): Promise<void> {
    if (found.length === 0) return;
    const shown = found.map(({ stored }) => formatNote(stored.note));
    const only = found.length === 1 ? found[0] : undefined;
    const isRead = only !== undefined && vscode.window.activeTextEditor?.document.uri.fsPath === only.stored.file;
    if (only && !isRead) await this.showChanged(only);
    else if (!only) await this.o.documents.show('Notes to approve.md', reviewPage(found));
    const approve = only ? t('Approve') : t('Approve {0} Notes', found.length);
    const detail = t('Its text comes from elsewhere, or was changed outside this editor. Once approved it goes into prompts, and so into the code that a model writes for you. Approve only what you have read and believe.');
    // A question that covers the note would keep it from being read.
    const answer = isRead
      ? vscode.window.showWarningMessage(t('Approve {0}?', nameOf(found)), { modal: true, detail }, approve)
      : vscode.window.showInformationMessage(
          only
            ? t("SafeNote: read the note, then approve it here or with the lock in the editor's title. What is approved goes into prompts.")
            : t('SafeNote: read the notes, all of them, then approve them here. What is approved goes into prompts.'),
          approve,
        );
    if (isRead) return this.approveShown(found, shown, await answer, approve);
    // Not awaited: the command is done, and reading takes its time.
    void answer.then((chosen) => this.o.errors.run(t('Approving the note'), () => this.approveShown(found, shown, chosen, approve)));
  }

  /** What changed since the note was approved, where that is known; else the whole note. */
  private async showChanged({ room, stored }: FoundNote): Promise<void> {
    const before = room.app.store.approvedText(stored.note);
    if (before === undefined) return this.show(stored);
    const left = this.o.documents.put(`${stored.note.id}/approved.md`, before);
    await vscode.commands.executeCommand('vscode.diff', left, vscode.Uri.file(stored.file), t('{0}: approved ↔ now', visibleLine(stored.note.title)), { preview: true });
  }

  private async approveShown(found: readonly FoundNote[], shown: readonly string[], chosen: string | undefined, approve: string): Promise<void> {
    if (chosen !== approve) return;
    for (const [at, { room, stored }] of found.entries()) {
      // What is approved is what was shown: a file that changed meanwhile is asked about again.
      const now = await room.app.store.get(stored.note.id);
      if (!now || formatNote(now.note) !== shown[at]) throw new ExpectedError('changed', t('The note "{0}" changed while you were reading it, so it was not approved.', stored.note.title), t('Read it again and approve it then.'));
      await room.app.store.approve([stored.note.id]);
    }
    this.o.notebooks.changed();
  }

  /** The note that a file is. */
  private async targetOf(file: vscode.Uri): Promise<NoteTarget> {
    const place = await this.o.notebooks.roomOf(file);
    if (!place) throw new ExpectedError('note-missing', t('This file is not a note.'), t('Notes lie in .safenote/notes of a workspace folder.'));
    return { id: file.path.split('/').at(-1)?.replace(/\.md$/, '') ?? '', folder: place.room.folder.toString() };
  }

  /** Deletes at once; a notification, or Undo Note Change, takes it back. */
  async delete(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose(t('Delete Note'), target, selected);
    if (found.length === 0) return;
    const removed: { room: Room; note: RemovedNote }[] = [];
    for (const { room, stored } of found) removed.push({ room, note: await room.app.store.remove(stored.note.id) });
    this.undoable(t('SafeNote: {0} deleted.', nameOf(found)), async () => {
      for (const { room, note } of removed) await room.app.store.restore(note);
    });
  }

  /** Merges the selected notes into the one that the command was called on. */
  async merge(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const into = target ? await this.o.notebooks.find(target) : (await this.choose(t('Merge Notes'), undefined, undefined))[0];
    if (!into) return;
    const others = (selected ?? []).filter((other) => typeof other.id === 'string' && !isSame(other, into));
    if (others.length > 0) return this.mergeInto(others, { id: into.stored.note.id, folder: into.room.folder.toString() });
    const candidates = (await this.o.notebooks.everyNote()).filter((other) => other.room === into.room && !other.stored.quarantined && other.stored.note.id !== into.stored.note.id && mayMerge(other.stored.note, into.stored.note));
    if (candidates.length === 0) throw new ExpectedError('nothing-to-merge', t('There is no note that could be merged into "{0}".', into.stored.note.title), t('Only notes of the same weakness, rule family and language can be merged.'));
    const picked = await vscode.window.showQuickPick(candidates.map(quickItem), { title: t('SafeNote: Merge into "{0}"', into.stored.note.title), placeHolder: t('Which notes say the same?'), canPickMany: true, matchOnDescription: true, matchOnDetail: true });
    if (picked && picked.length > 0) await this.mergeInto(picked.map(({ found }) => ({ id: found.stored.note.id, folder: found.room.folder.toString() })), { id: into.stored.note.id, folder: into.room.folder.toString() });
  }

  /** Merges notes into one, where that is allowed; nothing of them is lost. Throws `not-mergeable` and says why. */
  async mergeInto(from: readonly NoteTarget[], into: NoteTarget): Promise<void> {
    if (from.length === 0) return;
    const target = await this.o.notebooks.find(into);
    const sources = await Promise.all(from.map((source) => this.o.notebooks.find(source)));
    if (sources.some(({ room }) => room !== target.room)) throw new ExpectedError('not-mergeable', t('Notes of two workspace folders cannot be merged.'), t('Each folder keeps a notebook of its own.'));
    const { app } = target.room;
    const before = target.stored.note;
    const { note: after, removed } = await app.noteEditing.merge(before.id, sources.map(({ stored }) => stored.note.id));
    this.undoable(t('SafeNote: {0} merged into "{1}".', nameOf(sources), before.title), async () => {
      // The others first: stopped in between, a failure is in the notebook twice and not never.
      for (const note of removed) await app.store.restore(note);
      await app.store.modify(before.id, (now) => unlessChanged(now, after.note, before));
    });
    await this.o.reveal({ id: before.id, folder: target.room.folder.toString() });
  }

  /** Takes failures that were merged into a note out of it again, each into a note of its own. */
  async split(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose(t('Split Note'), target, undefined, (state, { note }) => state !== 'quarantined' && note.tasks.length > 1);
    if (!found) return;
    const { room, stored } = found;
    const { tasks } = stored.note;
    const picked = await vscode.window.showQuickPick(
      tasks.map((task, at) => ({ label: task.replace(/\s+/g, ' ').slice(0, 120), picked: at > 0, at })),
      { title: t('SafeNote: Split "{0}"', stored.note.title), placeHolder: t('Which tasks become notes of their own? What is not chosen stays.'), canPickMany: true },
    );
    if (!picked || picked.length === 0) return;
    const { app } = room;
    const { rest, parts } = await app.noteEditing.split(stored.note.id, picked.map(({ at }) => at));
    this.undoable(parts.length === 1 ? t('SafeNote: one note split off "{0}".', stored.note.title) : t('SafeNote: {0} notes split off "{1}".', parts.length, stored.note.title), async () => {
      await app.store.modify(stored.note.id, (now) => unlessChanged(now, rest.note, stored.note));
      for (const part of parts) await app.store.remove(part.note.id);
    });
  }

  /** Takes back the last deletion, merge or split of this window. */
  async undo(): Promise<void> {
    const title = await this.changes.undo();
    vscode.window.setStatusBarMessage(t('Taken back: {0}', title), 5_000);
  }

  /** Opens the file that a note's failure happened in, at the place, if it is still there. */
  async goToOrigin(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose(t('Go to Origin'), target, undefined, (_state, { note }) => note.file !== undefined);
    if (!found) return;
    const { room, stored: { note } } = found;
    const none = (why: string) => new ExpectedError('no-origin', why, t('The note itself has the code as it was.'));
    if (note.file === undefined) throw none(t('The note "{0}" does not say where its failure happened.', note.title));
    if (!staysInside(note.file)) throw none(t('The note "{0}" names a file outside of its workspace folder, which SafeNote does not open.', note.title));
    let document: vscode.TextDocument;
    try {
      document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(room.folder, note.file));
    } catch {
      throw none(t('{0} is not there any more, or is no text.', note.file));
    }
    const place = findOrigin(document.getText(), note);
    const at = new vscode.Position(place.line - 1, document.lineAt(place.line - 1).firstNonWhitespaceCharacterIndex);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at), preview: true });
    if (!place.found) vscode.window.setStatusBarMessage(t('SafeNote: the code has changed; this is the line where the failure was.'), 8_000);
  }

  /** Erroneous and secure code of a note side by side. */
  async compare(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose(t('Compare Code'), target, undefined, (_state, { note }) => note.secureExample !== undefined && note.erroneousCode !== '');
    if (!found) return;
    const { note } = found.stored;
    if (note.secureExample === undefined) throw new ExpectedError('no-secure-example', t('The note "{0}" has no secure example yet.', note.title), t('Add a section "## Secure example" to it, or let a retry that passes fill it.'));
    const side = (what: string, text: string) => this.o.documents.put(`${note.id}/${what}.${extensionFor(note.language)}`, `${text.replace(/\n$/, '')}\n`);
    await vscode.commands.executeCommand('vscode.diff', side('erroneous', note.erroneousCode), side('secure', note.secureExample), t('{0}: erroneous ↔ secure', note.title), { preview: true });
  }

  async copyId(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose(t('Copy Note Id'), target, undefined);
    if (found) await vscode.env.clipboard.writeText(found.stored.note.id);
  }

  /** Shows the notebook in the sidebar. */
  async openNotebook(): Promise<void> {
    await this.o.reveal();
  }

  async show(stored: StoredNote): Promise<void> {
    await vscode.window.showTextDocument(vscode.Uri.file(stored.file), { preview: true });
  }

  private async change(found: readonly FoundNote[], change: (note: Note) => Note): Promise<void> {
    for (const { room, stored } of found) await room.app.store.modify(stored.note.id, (note) => ({ ...change(note), updated: new Date().toISOString() }));
  }

  /** Says what was done, with the way back. Not awaited: the notification may stay for long. */
  private undoable(message: string, back: () => Promise<void>): void {
    const step = this.changes.push(message.replace(/^SafeNote: /, ''), back);
    const undo = t('Undo');
    void vscode.window.showInformationMessage(message, undo).then((chosen) => (chosen === undo ? this.o.errors.run(t('Taking it back'), () => this.changes.undo(step)) : undefined));
  }

  /** The notes that a command is about: the selected ones, the one it was called on, or the one that the user picks. */
  private async choose(title: string, target: NoteTarget | undefined, selected: readonly NoteTarget[] | undefined, fits: (state: State, stored: StoredNote) => boolean = () => true): Promise<FoundNote[]> {
    const targets = selected && selected.length > 1 ? selected.filter((one) => typeof one.id === 'string') : target?.id ? [target] : [];
    if (targets.length > 0) {
      const found = await Promise.all(targets.map((one) => this.o.notebooks.find(one)));
      return found.filter(({ stored }) => fits(stateOf(stored), stored));
    }
    const all = (await this.o.notebooks.everyNote()).filter(({ stored }) => fits(stateOf(stored), stored));
    if (all.length === 0) throw new ExpectedError('no-notes', t('{0}: there is no such note.', title), t('Notes are written when a completion fails its check; "SafeNote: Open Notebook" shows them.'));
    const picked = await vscode.window.showQuickPick(all.map(quickItem), { title: `SafeNote: ${title}`, placeHolder: t('Which note?'), matchOnDescription: true, matchOnDetail: true });
    return picked ? [picked.found] : [];
  }
}

/** Several notes to read: what changed where a note was approved before, else the whole of it. Nothing in it is a link or unseen. */
function reviewPage(found: readonly FoundNote[]): string {
  const parts = found.map(({ room, stored }) => {
    const now = formatNote(stored.note);
    const before = room.app.store.approvedText(stored.note);
    const text = before === undefined ? fenceText(visibleText(now), 'text') : fenceText(visibleText(createTwoFilesPatch('approved', 'now', before, now, undefined, undefined, { context: 4 })), 'diff');
    return `## ${visibleLine(stored.note.title)}\n\n${before === undefined ? t('It was never approved here.') : t('What changed since you approved it:')}\n\n${text}`;
  });
  return [`# ${t('{0} notes to approve', found.length)}`, ...parts, ''].join('\n\n');
}

/** A note in a quick pick, which searches in what it shows. */
export function quickItem(found: FoundNote): vscode.QuickPickItem & { found: FoundNote } {
  const { note } = found.stored;
  return {
    label: `$(${STATE_ICONS[stateOf(found.stored)]}) ${labelOf(found.stored)}`,
    description: [note.cwe, note.language].filter(Boolean).join(' · '),
    detail: visibleLine([note.tasks.join('; '), note.guidance || note.diagnosis].join(' ')).slice(0, 400),
    found,
  };
}

/** The note as it was, unless somebody has changed it since: their work is not thrown away. */
function unlessChanged(now: Note, expected: Note, before: Note): Note {
  if (JSON.stringify(now) !== JSON.stringify(expected)) throw new ExpectedError('note-changed', t('The note "{0}" was changed since, so it stays as it is.', now.title), t('Edit it by hand: what was merged into it stands in its sections.'));
  return before;
}

function isSame(target: NoteTarget, { room, stored }: FoundNote): boolean {
  return target.id === stored.note.id && (target.folder === undefined || target.folder === room.folder.toString());
}

function nameOf(found: readonly FoundNote[]): string {
  return found.length === 1 ? `"${found[0]?.stored.note.title ?? ''}"` : t('{0} notes', found.length);
}
