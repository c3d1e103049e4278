import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import { formatNote } from '../../core/notebook/note-markdown.ts';
import type { RemovedNote } from '../../core/notebook/store.ts';
import type { Room } from '../apps.ts';
import type { NoteTarget } from '../commands.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';
import { labelOf, stateOf } from './notes-tree.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';

type State = ReturnType<typeof stateOf>;

/** What can be done with notes. Each command works from the tree (one or several) and from the palette (asks which). */
export class NoteCommands {
  private readonly o: { notebooks: Notebooks; documents: VirtualDocuments; errors: ErrorPath; reveal: () => Promise<void> };

  constructor(options: NoteCommands['o']) {
    this.o = options;
  }

  async open(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose('Open Note', target, undefined);
    if (!found) return;
    await this.show(found.stored);
  }

  /** Finds notes by their text. */
  async search(): Promise<void> {
    const found = await this.pick('Search Notes', await this.all(), 'Type to search in titles, tasks, diagnoses and guidance');
    if (found) await this.show(found.stored);
  }

  async mute(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose('Mute Note', target, selected, (state) => state !== 'muted');
    if (found.length === 0) return;
    const reason = await vscode.window.showInputBox({ title: `SafeNote: Mute ${nameOf(found)}`, prompt: 'Why? The reason is kept in the note. A muted note stays in the notebook and is never used.', placeHolder: 'for example: a false alarm, this API escapes by itself' });
    if (reason === undefined) return;
    for (const { room, stored } of found) {
      await room.app.store.modify(stored.note.id, ({ statusReason: _old, ...note }) => ({ ...note, status: 'muted', ...(reason.trim() ? { statusReason: reason.trim() } : {}), updated: new Date().toISOString() }));
    }
  }

  async unmute(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    for (const { room, stored } of await this.choose('Unmute Note', target, selected, (_state, { note }) => note.status === 'muted')) {
      await room.app.store.modify(stored.note.id, ({ statusReason: _old, ...note }) => ({ ...note, status: 'active', updated: new Date().toISOString() }));
    }
  }

  /** Shows what would be trusted, then asks. A note that the user looks at already is asked about at once. */
  async approve(target?: NoteTarget | vscode.Uri, selected?: readonly NoteTarget[]): Promise<void> {
    const named = target instanceof vscode.Uri ? await this.targetOf(target) : target;
    const found = await this.choose('Approve Note', named, selected, (state) => state === 'quarantined');
    if (found.length === 0) return;
    const shown = found.map(({ stored }) => formatNote(stored.note));
    const only = found.length === 1 ? found[0] : undefined;
    const isRead = only !== undefined && vscode.window.activeTextEditor?.document.uri.fsPath === only.stored.file;
    if (only && !isRead) await this.show(only.stored);
    else if (!only) await this.o.documents.show('Notes to approve.md', shown.join('\n\n'));
    const approve = only ? 'Approve' : `Approve ${found.length} Notes`;
    const detail = 'Its text comes from elsewhere, or was changed outside this editor. Once approved it goes into prompts, and so into the code that a model writes for you. Approve only what you have read and believe.';
    // A question that covers the note would keep it from being read.
    const answer = isRead
      ? vscode.window.showWarningMessage(`Approve ${nameOf(found)}?`, { modal: true, detail }, approve)
      : vscode.window.showInformationMessage(`SafeNote: read ${only ? 'the note' : 'the notes'}, then approve ${only ? 'it' : 'them'} here or with the lock in the editor's title. ${only ? '' : 'Read all of them. '}What is approved goes into prompts.`, approve);
    if (isRead) return this.approveShown(found, shown, await answer, approve);
    // Not awaited: the command is done, and reading takes its time.
    void answer.then((chosen) => this.o.errors.run('Approving the note', () => this.approveShown(found, shown, chosen, approve)));
  }

  private async approveShown(found: readonly FoundNote[], shown: readonly string[], chosen: string | undefined, approve: string): Promise<void> {
    if (chosen !== approve) return;
    for (const [at, { room, stored }] of found.entries()) {
      // What is approved is what was shown: a file that changed meanwhile is asked about again.
      const now = await room.app.store.get(stored.note.id);
      if (!now || formatNote(now.note) !== shown[at]) throw new ExpectedError('changed', `The note "${stored.note.title}" changed while you were reading it, so it was not approved.`, 'Read it again and approve it then.');
      await room.app.store.approve([stored.note.id]);
    }
    this.o.notebooks.changed();
  }

  /** The note that a file is. */
  private async targetOf(file: vscode.Uri): Promise<NoteTarget> {
    const place = await this.o.notebooks.roomOf(file);
    if (!place) throw new ExpectedError('note-missing', 'This file is not a note.', 'Notes lie in .safenote/notes of a workspace folder.');
    return { id: file.path.split('/').at(-1)?.replace(/\.md$/, '') ?? '', folder: place.room.folder.toString() };
  }

  /** Deletes at once; a notification takes it back. */
  async delete(target?: NoteTarget, selected?: readonly NoteTarget[]): Promise<void> {
    const found = await this.choose('Delete Note', target, selected);
    if (found.length === 0) return;
    const removed: { room: Room; note: RemovedNote }[] = [];
    for (const { room, stored } of found) removed.push({ room, note: await room.app.store.remove(stored.note.id) });
    const undo = 'Undo';
    // Not awaited: the command is done, the notification may stay for long.
    void vscode.window.showInformationMessage(`SafeNote: ${nameOf(found)} deleted.`, undo).then((chosen) =>
      this.o.errors.run('Bringing the note back', async () => {
        if (chosen === undo) for (const { room, note } of removed) await room.app.store.restore(note);
      }),
    );
  }

  async copyId(target?: NoteTarget): Promise<void> {
    const [found] = await this.choose('Copy Note Id', target, undefined);
    if (found) await vscode.env.clipboard.writeText(found.stored.note.id);
  }

  /** Shows the notebook in the sidebar. */
  async openNotebook(): Promise<void> {
    await this.o.reveal();
  }

  private async show(stored: StoredNote): Promise<void> {
    await vscode.window.showTextDocument(vscode.Uri.file(stored.file), { preview: true });
  }

  /** The notes that a command is about: the selected ones, the one it was called on, or the one that the user picks. */
  private async choose(title: string, target: NoteTarget | undefined, selected: readonly NoteTarget[] | undefined, fits: (state: State, stored: StoredNote) => boolean = () => true): Promise<FoundNote[]> {
    const targets = selected && selected.length > 1 ? selected.filter((t) => typeof t.id === 'string') : target?.id ? [target] : [];
    if (targets.length > 0) {
      const found = await Promise.all(targets.map((t) => this.o.notebooks.find(t)));
      return found.filter(({ stored }) => fits(stateOf(stored), stored));
    }
    const all = (await this.all()).filter(({ stored }) => fits(stateOf(stored), stored));
    if (all.length === 0) throw new ExpectedError('no-notes', `${title}: there is no such note.`, 'Notes are written when a completion fails its check; "SafeNote: Open Notebook" shows them.');
    const picked = await this.pick(title, all, 'Which note?');
    return picked ? [picked] : [];
  }

  private async all(): Promise<FoundNote[]> {
    return this.o.notebooks.everyNote();
  }

  private async pick(title: string, notes: readonly FoundNote[], placeHolder: string): Promise<FoundNote | undefined> {
    if (notes.length === 0) throw new ExpectedError('no-notes', 'The notebook is empty.', 'Notes are written when a completion fails its check.');
    const picked = await vscode.window.showQuickPick(
      notes.map((found) => ({
        label: `$(${{ active: 'note', muted: 'bell-slash', quarantined: 'lock' }[stateOf(found.stored)]}) ${labelOf(found.stored)}`,
        description: [found.stored.note.cwe, found.stored.note.language].filter(Boolean).join(' · '),
        // The quick pick searches in what it shows.
        detail: [found.stored.note.tasks.join('; '), found.stored.note.guidance || found.stored.note.diagnosis].join(' ').replace(/\s+/g, ' ').slice(0, 400),
        found,
      })),
      { title: `SafeNote: ${title}`, placeHolder, matchOnDescription: true, matchOnDetail: true },
    );
    return picked?.found;
  }
}

function nameOf(found: readonly FoundNote[]): string {
  return found.length === 1 ? `"${found[0]?.stored.note.title ?? ''}"` : `${found.length} notes`;
}
