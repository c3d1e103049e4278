import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { isUsable, type StoredNote } from '../../core/notebook/note.ts';
import { parseNote } from '../../core/notebook/note-markdown.ts';
import { renderNote } from '../../core/prompting/render.ts';
import { estimateTokens } from '../../core/llm/model.ts';
import type { NoteTarget } from '../commands.ts';
import { Disposables } from '../common/disposables.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';
import type { FoundNote, Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;
/** The preview follows the keys at most so often, in milliseconds. */
const FOLLOW_MS = 150;

/** "Preview Note in Prompt": beside the note, word by word what a prompt would say of it, as it is being edited. */
export class NotePreview implements vscode.Disposable {
  private readonly disposables = new Disposables();
  /** File → name of the preview that follows it. */
  private readonly following = new Map<string, string>();
  private readonly o: { notebooks: Notebooks; documents: VirtualDocuments; errors: ErrorPath };
  private timer: NodeJS.Timeout | undefined;

  constructor(options: NotePreview['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidChangeTextDocument(({ document }) => this.following.has(document.uri.toString()) && this.later()));
    this.disposables.add(vscode.workspace.onDidCloseTextDocument(({ uri }) => this.closed(uri)));
    this.disposables.add(options.notebooks.onDidChange(() => this.following.size > 0 && this.later()));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  async show(target?: NoteTarget | vscode.Uri): Promise<void> {
    const uri = target instanceof vscode.Uri ? target : target ? vscode.Uri.file((await this.o.notebooks.find(target)).stored.file) : vscode.window.activeTextEditor?.document.uri;
    if (!uri || !(await this.o.notebooks.roomOf(uri))) throw new ExpectedError('note-missing', t('This file is not a note.'), t('Open a note, and run the command there.'));
    const name = `Preview of ${uri.path.split('/').at(-1) ?? 'note.md'}`;
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, preview: false });
    this.following.set(uri.toString(), name);
    const page = await vscode.workspace.openTextDocument(this.o.documents.put(name, await this.page(document)));
    await vscode.languages.setTextDocumentLanguage(page, 'markdown');
    await vscode.window.showTextDocument(page, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true });
  }

  private async page(document: vscode.TextDocument): Promise<string> {
    const parsed = parseNote(document.getText(), document.uri.path);
    const stored = await this.storedOf(document.uri);
    if (parsed.problem !== undefined && !stored) return `${t('This is no note yet: {0}.', parsed.problem)}\n`;
    const note = parsed.note ?? stored?.stored.note;
    if (!note) return '';
    const text = renderNote({ note, file: document.uri.fsPath, quarantined: false });
    return `${[...this.remarks(parsed.problem, stored?.stored, document, estimateTokens(text)), '---', text].join('\n\n')}\n`;
  }

  private remarks(problem: string | undefined, stored: StoredNote | undefined, document: vscode.TextDocument, tokens: number): string[] {
    const lines = [t('In a prompt this note takes about {0} tokens and reads:', tokens)];
    if (problem !== undefined) lines.unshift(t('The text cannot be read as a note ({0}). Below is the last version that could; it stays in use.', problem));
    else if (document.isDirty) lines.push(t('Not saved yet: prompts get the saved text.'));
    if (stored?.quarantined) lines.push(t('It is not approved, so that no prompt gets it. Saving it here approves it.'));
    else if (stored && !isUsable(stored)) lines.push(t('It is muted, so that no prompt gets it.'));
    return lines;
  }

  private async storedOf(uri: vscode.Uri): Promise<FoundNote | undefined> {
    const place = await this.o.notebooks.roomOf(uri);
    const stored = await place?.room.app.store.get(uri.path.split('/').at(-1)?.replace(/\.md$/, '') ?? '');
    return place && stored ? { room: place.room, stored } : undefined;
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.o.errors.run(t('Previewing the note'), async () => {
        for (const [uri, name] of this.following) {
          const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri);
          if (document) this.o.documents.put(name, await this.page(document));
        }
      });
    }, FOLLOW_MS);
  }

  private closed(uri: vscode.Uri): void {
    this.following.delete(uri.toString());
    for (const [file, name] of this.following) if (uri.scheme === 'safenote' && uri.path === `/${name}`) this.following.delete(file);
  }
}
