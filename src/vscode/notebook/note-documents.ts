import * as vscode from 'vscode';
import type { Room } from '../apps.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables } from '../common/disposables.ts';
import { looksLikeNote } from '../common/note-path.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { Notebooks } from './notebooks.ts';

const CHECK_MS = 300;

/**
 * Note files in the editor: what the user saves here is approved as it stands, and a file that cannot be read as a note
 * gets a diagnostic where it is wrong.
 */
export class NoteDocuments implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly diagnostics = this.disposables.add(vscode.languages.createDiagnosticCollection('safenote-notes'));
  private readonly o: { notebooks: Notebooks; errors: ErrorPath };
  private timer: NodeJS.Timeout | undefined;

  constructor(options: NoteDocuments['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => this.saved(document)));
    this.disposables.add(options.notebooks.onDidChange(() => this.later()));
    this.disposables.add(vscode.window.onDidChangeActiveTextEditor(() => this.shown()));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  /** The user has saved a text in this editor. */
  saved(document: vscode.TextDocument): void {
    void this.o.errors.run('Approving the saved note', () => this.approveSaved(document));
  }

  /** Another text is shown. */
  shown(): void {
    void this.o.errors.run('Looking at the note', () => this.offerApproval());
  }

  private async approveSaved(document: vscode.TextDocument): Promise<void> {
    const place = await this.placeOf(document);
    if (!place) return;
    await place.room.app.store.approve([place.id]);
    this.o.notebooks.changed();
  }

  /** The editor's title has a button where the note that it shows waits for approval. */
  private async offerApproval(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const place = document && (await this.placeOf(document));
    const stored = place && (await place.room.app.store.get(place.id));
    if (document === vscode.window.activeTextEditor?.document) setContext('safenote.noteToApprove', stored?.quarantined === true);
  }

  private async placeOf(document: vscode.TextDocument): Promise<{ room: Room; id: string } | undefined> {
    // Cheap to tell before any notebook is opened.
    if (!looksLikeNote(document)) return undefined;
    const place = await this.o.notebooks.roomOf(document.uri);
    return place && { room: place.room, id: document.uri.path.split('/').at(-1)?.replace(/\.md$/, '') ?? '' };
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.show().catch((error: unknown) => this.o.errors.quiet('Looking at the note files', error));
    }, CHECK_MS);
  }

  private async show(): Promise<void> {
    await this.offerApproval();
    const files = await this.o.notebooks.setAside();
    this.diagnostics.clear();
    for (const { file, reason } of files) {
      const [, number, words] = /^line (\d+): (.*)$/s.exec(reason) ?? [];
      const line = Math.max(0, Number(number ?? 1) - 1);
      const diagnostic = new vscode.Diagnostic(new vscode.Range(line, 0, line, 1_000), `This note cannot be read: ${words ?? reason}. It is set aside and not used.`, vscode.DiagnosticSeverity.Warning);
      diagnostic.source = 'SafeNote';
      this.diagnostics.set(vscode.Uri.file(file), [diagnostic]);
    }
  }
}

