import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { mergeNoteTexts } from '../../core/notebook/note-merge.ts';
import { Disposables } from '../common/disposables.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { looksLikeNote } from '../common/note-path.ts';
import type { Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;

/** So long after a change a document knows whether it is dirty, in milliseconds. */
const SETTLED_MS = 500;

/**
 * A note that is being edited here while somebody else writes its file: another window, the command line, or SafeNote itself,
 * which counts a failure. Saving would be one or the other; this puts both together by section.
 */
export class EditConflicts implements vscode.Disposable {
  private readonly disposables = new Disposables();
  /** What a note's text was when it was last the same as its file. */
  private readonly bases = new Map<string, string>();
  /** The file's text that was asked about already. */
  private readonly asked = new Map<string, string>();
  private readonly o: { notebooks: Notebooks; errors: ErrorPath };

  constructor(options: EditConflicts['o']) {
    this.o = options;
    for (const document of vscode.workspace.textDocuments) this.keep(document);
    this.disposables.add(vscode.workspace.onDidOpenTextDocument((document) => this.keep(document)));
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => this.keep(document)));
    // A document becomes dirty only after its change is reported: a moment later an edit and a reload can be told apart.
    this.disposables.add(vscode.workspace.onDidChangeTextDocument(({ document }) => looksLikeNote(document) && this.later(document)));
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)));
    this.disposables.add(options.notebooks.onDidChange(() => this.look().catch((error: unknown) => this.o.errors.quiet('Comparing edited notes with their files', error))));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private keep(document: vscode.TextDocument): void {
    if (!document.isDirty && looksLikeNote(document)) this.bases.set(document.uri.toString(), document.getText());
  }

  private later(document: vscode.TextDocument): void {
    setTimeout(() => !document.isClosed && this.keep(document), SETTLED_MS).unref();
  }

  private forget(document: vscode.TextDocument): void {
    this.bases.delete(document.uri.toString());
    this.asked.delete(document.uri.toString());
  }

  private async look(): Promise<void> {
    for (const document of vscode.workspace.textDocuments) {
      const key = document.uri.toString();
      const base = this.bases.get(key);
      if (!document.isDirty || base === undefined || !looksLikeNote(document)) continue;
      const file = await readFile(document.uri.fsPath, 'utf8').catch(() => undefined);
      if (file === undefined || file === base || file === document.getText() || this.asked.get(key) === file) continue;
      this.asked.set(key, file);
      const merge = t('Merge');
      // Not awaited: the message may stay for long, and what is merged is what is there then.
      void vscode.window
        .showWarningMessage(t('SafeNote: the note "{0}" was changed on disk while you edit it. Merging keeps both by section; saving would keep one.', path.basename(document.uri.fsPath, '.md')), merge)
        .then((chosen) => (chosen === merge ? this.o.errors.run(t('Merging the note'), () => this.merge(document)) : undefined));
    }
  }

  private async merge(document: vscode.TextDocument): Promise<void> {
    const base = this.bases.get(document.uri.toString());
    const mine = document.getText();
    const file = await readFile(document.uri.fsPath, 'utf8');
    const merged = mergeNoteTexts({ ours: mine, theirs: file, ...(base !== undefined && { base }) }, document.uri.fsPath);
    if ('problem' in merged) {
      void vscode.window.showWarningMessage(t('SafeNote: this note cannot be merged: {0}. Correct it, or save and compare.', merged.problem));
      return;
    }
    await vscode.window.showTextDocument(document);
    // The editor takes the file as it is now, and what is merged on top of it is an edit as any.
    await vscode.commands.executeCommand('workbench.action.files.revert');
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), merged.text);
    await vscode.workspace.applyEdit(edit);
    if (merged.conflicts.length > 0) void vscode.window.showWarningMessage(t('SafeNote: both sides changed {0}. Keep one of each with the links above the marks, then save.', merged.conflicts.join(', ')));
  }
}
