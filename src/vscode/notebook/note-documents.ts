import * as vscode from 'vscode';
import { Disposables } from '../common/disposables.ts';
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
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => void options.errors.run('Approving the saved note', () => this.saved(document))));
    this.disposables.add(options.notebooks.onDidChange(() => this.later()));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  private async saved(document: vscode.TextDocument): Promise<void> {
    // Cheap to tell before any notebook is opened.
    if (!document.uri.path.endsWith('.md') || !/[\\/]\.safenote[\\/]/.test(document.uri.fsPath)) return;
    const place = await this.o.notebooks.roomOf(document.uri);
    if (!place) return;
    const id = document.uri.path.split('/').at(-1)?.replace(/\.md$/, '') ?? '';
    await place.room.app.store.approve([id]);
    this.o.notebooks.changed();
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.show().catch((error: unknown) => this.o.errors.quiet('Looking at the note files', error));
    }, CHECK_MS);
  }

  private async show(): Promise<void> {
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

