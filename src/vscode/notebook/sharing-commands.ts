import path from 'node:path';
import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { planPage } from '../../core/notebook/share-text.ts';
import { visibleLine } from '../../core/visible-text.ts';
import type { Apps, Room } from '../apps.ts';
import type { ConflictTarget } from '../commands.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { withProgress } from '../common/progress.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';
import type { NoteCommands } from './note-commands.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;

/** Notes on their way to others and from them: sharing, review of what came, conflicts of a merge. */
export class SharingCommands {
  private readonly o: { apps: Apps; notebooks: Notebooks; notes: NoteCommands; documents: VirtualDocuments; errors: ErrorPath };

  constructor(options: SharingCommands['o']) {
    this.o = options;
  }

  /** Shows what would be visible to whom, then asks. */
  async share(): Promise<void> {
    const room = await chooseRoom(this.o.apps, t('Share Notebook'));
    if (!room) return;
    const plan = await withProgress(t('SafeNote: looking at what would be shared'), (signal) => room.app.sharing.plan(signal));
    await this.o.documents.show('Share Notebook.md', planPage(plan, room.folder.fsPath));
    const share = t('Share');
    const question = plan.shared
      ? t('SafeNote: these notes are offered to Git already. Share again to take secrets out of what is new.')
      : t('SafeNote: read what becomes visible to everybody who can read this repository, then share here. Nothing is committed or pushed.');
    // Not awaited: the command is done, and reading takes its time.
    void vscode.window.showInformationMessage(question, share).then((chosen) => (chosen === share ? this.o.errors.run(t('Sharing the notebook'), () => this.shareNow(room)) : undefined));
  }

  private async shareNow(room: Room): Promise<void> {
    const { sharing } = room.app;
    const redacted = await withProgress(t('SafeNote: sharing the notebook'), (signal) => sharing.share(signal));
    const plan = await sharing.plan();
    this.o.notebooks.changed();
    const scm = t('Open Source Control');
    const sections = t('Merge by Section…');
    const said = [
      t('SafeNote: {0} notes are offered to Git now. Commit them to share them.', plan.notes.length),
      ...(redacted.length > 0 ? [t('Secrets were taken out of {0}.', redacted.length === 1 ? `"${redacted[0]}"` : t('{0} notes', redacted.length))] : []),
      ...(plan.ignoredBy ? [t('But Git still ignores them, by the rule {0}.', visibleLine(plan.ignoredBy))] : []),
    ].join(' ');
    const shown = plan.ignoredBy ? vscode.window.showWarningMessage(said, scm) : vscode.window.showInformationMessage(said, ...(plan.repository ? [scm] : []), ...(plan.repository && !plan.mergeDriver ? [sections] : []));
    void shown.then((chosen) => {
      if (chosen === scm) void vscode.commands.executeCommand('workbench.view.scm');
      if (chosen === sections) void this.o.errors.run(t('Installing the merge driver'), () => this.installDriver(room));
    });
  }

  private async installDriver(room: Room): Promise<void> {
    const install = t('Install');
    const chosen = await vscode.window.showInformationMessage(
      t('Let Git merge notes by section?'),
      { modal: true, detail: t("This writes the name of a small program into this repository's .git/config, on this machine only. Tasks are then united and counts added up when branches meet; what does not go together is left between conflict marks as usual. Stop Sharing takes it out again.") },
      install,
    );
    if (chosen !== install) return;
    await room.app.sharing.installMergeDriver();
    void vscode.window.showInformationMessage(t('SafeNote: Git merges notes by section from now on.'));
  }

  async stop(): Promise<void> {
    const room = await chooseRoom(this.o.apps, t('Stop Sharing'));
    if (!room) return;
    if (!room.app.sharing.isShared()) throw new ExpectedError('not-shared', t('The notebook is not shared.'), t('"SafeNote: Share Notebook" puts it under version control.'));
    await room.app.sharing.stop();
    const copy = t('Copy Command');
    const command = 'git rm -r --cached .safenote/notes';
    void vscode.window.showInformationMessage(t('SafeNote: Git does not see new notes any more. What was committed stays there until you remove it: {0}', command), copy).then((chosen) => (chosen === copy ? vscode.env.clipboard.writeText(command) : undefined));
  }

  /** What came from elsewhere: one note, or all that are one author's. */
  async review(): Promise<void> {
    const found = (await this.o.notebooks.everyNote()).filter(({ stored }) => stored.quarantined);
    if (found.length === 0) throw new ExpectedError('nothing-to-review', t('There is nothing to review: every note is approved.'), t('Notes that come with a clone, a pull or an import wait here until you have looked at them.'));
    const sources = await withProgress(t('SafeNote: asking Git whose notes these are'), async (signal) => {
      const all = new Map<FoundNote, { label: string; changed: boolean }>();
      for (const [room, own] of Map.groupBy(found, ({ room: it }) => it)) {
        const known = await room.app.authors.of(own.map(({ stored }) => stored), signal);
        for (const one of own) all.set(one, known.get(one.stored.note.id) ?? { label: one.stored.note.origin, changed: false });
      }
      return all;
    });
    const bySource = [...Map.groupBy(found, (one) => sources.get(one)?.label ?? '')].sort((a, b) => b[1].length - a[1].length);
    const items: (vscode.QuickPickItem & { found: readonly FoundNote[] })[] = bySource.flatMap(([label, own]) => [
      { label: visibleLine(label), kind: vscode.QuickPickItemKind.Separator, found: [] },
      ...(own.length > 1 ? [{ label: `$(person) ${t('All {0} from {1}', own.length, visibleLine(label))}`, found: own }] : []),
      ...own.map((one) => {
        const { note } = one.stored;
        const known = one.room.app.store.approvedText(note) !== undefined;
        return { label: `$(${known ? 'diff' : 'lock'}) ${visibleLine(note.title)}`, description: [note.cwe, note.language, known ? t('changed since you approved it') : t('new')].filter(Boolean).join(' · '), detail: visibleLine(note.guidance || note.diagnosis).slice(0, 200), found: [one] };
      }),
    ]);
    const picked = await vscode.window.showQuickPick(items, { title: t('SafeNote: Review Notes'), placeHolder: t('Which notes do you want to read and approve?'), matchOnDescription: true, matchOnDetail: true });
    if (picked && picked.found.length > 0) await this.o.notes.approveFound(picked.found);
  }

  /** Puts a note together that a merge left in two versions. */
  async resolve(target?: vscode.Uri | ConflictTarget): Promise<void> {
    const named = target instanceof vscode.Uri ? target : target?.file?.file === undefined ? undefined : vscode.Uri.file(target.file.file);
    const file = named ?? (await this.conflictFile());
    if (!file) return;
    const place = await this.o.notebooks.roomOf(file);
    if (!place) throw new ExpectedError('note-missing', t('This file is not a note.'), t('Notes lie in .safenote/notes of a workspace folder.'));
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === file.toString());
    if (open?.isDirty) await open.save();
    const { open: parts, problem } = await place.room.app.conflicts.resolve(file.fsPath);
    this.o.notebooks.changed();
    await vscode.window.showTextDocument(file, { preview: true });
    const name = path.basename(file.fsPath, '.md');
    if (problem !== undefined) throw new ExpectedError('not-merged', t('The two versions of "{0}" could not be merged: {1}.', name, visibleLine(problem)), t('Keep one version of each marked part and delete the marks.'));
    if (parts.length > 0) {
      void vscode.window.showWarningMessage(t('SafeNote: both sides changed {0}. Keep one of each with the links above the marks, then save.', parts.map(visibleLine).join(', ')));
      return;
    }
    const approve = t('Approve');
    void vscode.window
      .showInformationMessage(t('SafeNote: "{0}" is merged: nothing of either side is lost. Read it, then approve it.', name), approve)
      .then((chosen) => chosen === approve && vscode.commands.executeCommand('safenote.approveNote', file));
  }

  private async conflictFile(): Promise<vscode.Uri | undefined> {
    const rooms = await this.o.apps.all();
    const files = (await Promise.all(rooms.map((room) => room.app.conflicts.files()))).flat();
    const active = vscode.window.activeTextEditor?.document.uri.fsPath;
    if (active !== undefined && files.includes(active)) return vscode.Uri.file(active);
    if (files.length === 0) throw new ExpectedError('no-conflict', t('No note has a conflict to resolve.'), t('A merge that cannot put two versions of a note together leaves marks in its file; the sidebar names it.'));
    if (files.length === 1) return vscode.Uri.file(files[0] ?? '');
    const picked = await vscode.window.showQuickPick(files.map((file) => ({ label: path.basename(file, '.md'), file })), { title: t('SafeNote: Resolve Note Conflict'), placeHolder: t('Which note?') });
    return picked && vscode.Uri.file(picked.file);
  }
}

/** The room that a command is about: the only one, that of the active editor, or the one that the user picks. Needs trust. */
export async function chooseRoom(apps: Apps, title: string): Promise<Room | undefined> {
  if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', t('{0}: this workspace is not trusted.', title), t('Trust the workspace first; an untrusted one starts no program and writes nothing.'));
  const rooms = await apps.all();
  if (rooms.length === 0) throw new ExpectedError('no-folder', t('{0}: no folder is open.', title), t('Open the folder of the notebook.'));
  if (rooms.length === 1) return rooms[0];
  const picked = await vscode.window.showQuickPick(rooms.map((room) => ({ label: room.name, description: room.folder.fsPath, room })), { title: `SafeNote: ${title}`, placeHolder: t("Which folder's notebook?") });
  return picked?.room;
}
