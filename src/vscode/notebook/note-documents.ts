import * as vscode from 'vscode';
import { checkNote, type NoteProblem } from '../../core/notebook/note-check.ts';
import type { Room } from '../apps.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables } from '../common/disposables.ts';
import { looksLikeNote } from '../common/note-path.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { rememberFixes } from './note-language.ts';
import type { Notebooks } from './notebooks.ts';

const { t } = vscode.l10n;

const CHECK_MS = 300;
const SEVERITIES = { error: vscode.DiagnosticSeverity.Error, warning: vscode.DiagnosticSeverity.Warning, info: vscode.DiagnosticSeverity.Information } as const;

/**
 * Note files in the editor: what the user saves here is approved as it stands and indexed; a note that is open is checked as
 * it is written; a file that cannot be read as a note gets a diagnostic where it is wrong, open or not.
 */
export class NoteDocuments implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly diagnostics = this.disposables.add(vscode.languages.createDiagnosticCollection('safenote-notes'));
  private readonly o: { notebooks: Notebooks; errors: ErrorPath };
  private timer: NodeJS.Timeout | undefined;

  constructor(options: NoteDocuments['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => this.saved(document)));
    this.disposables.add(vscode.workspace.onDidOpenTextDocument((document) => looksLikeNote(document) && this.later()));
    this.disposables.add(vscode.workspace.onDidChangeTextDocument(({ document }) => looksLikeNote(document) && this.later()));
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => looksLikeNote(document) && this.later()));
    this.disposables.add(options.notebooks.onDidChange(() => this.later()));
    this.disposables.add(vscode.window.onDidChangeActiveTextEditor(() => this.shown()));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  /** The user has saved a text in this editor. */
  saved(document: vscode.TextDocument): void {
    void this.o.errors.run(t('Approving the saved note'), () => this.approveSaved(document));
  }

  /** Another text is shown. */
  shown(): void {
    void this.o.errors.run(t('Looking at the note'), () => this.offer());
    if (vscode.window.activeTextEditor && looksLikeNote(vscode.window.activeTextEditor.document)) this.later();
  }

  private async approveSaved(document: vscode.TextDocument): Promise<void> {
    const place = await this.placeOf(document);
    if (!place) return;
    const { store, notebook } = place.room.app;
    // A broken file leaves the last good version in use: that one was not what the user has just looked at.
    const stored = await store.get(place.id);
    if (stored && stored.broken === undefined) await store.approve([place.id]);
    this.o.notebooks.changed();
    // The next request need not wait for it.
    notebook.reindex().catch((error: unknown) => this.o.errors.quiet('Indexing the saved note', error));
  }

  /** The editor's title has buttons for the note that it shows: approval where it waits for it, and a preview. */
  private async offer(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const place = document && (await this.placeOf(document));
    const stored = place && (await place.room.app.store.get(place.id));
    if (document !== vscode.window.activeTextEditor?.document) return;
    setContext('safenote.noteToApprove', stored?.quarantined === true);
    setContext('safenote.noteShown', place !== undefined);
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
    await this.offer();
    const files = await this.o.notebooks.setAside();
    const open = vscode.workspace.textDocuments.filter((document) => looksLikeNote(document) && !document.isClosed);
    const checked: [vscode.Uri, vscode.Diagnostic[]][] = [];
    for (const document of open) {
      const place = await this.o.notebooks.roomOf(document.uri);
      if (!place) continue;
      const guidelines = await this.o.notebooks.guidelines(document.uri);
      const problems = checkNote(document.getText(), document.uri.path, { kind: place.kind, knows: (cwe) => guidelines.has(cwe) });
      const made = problems.map((problem) => ({ problem, diagnostic: diagnosticOf(problem) }));
      rememberFixes(document.uri, made.flatMap(({ problem, diagnostic }) => (problem.fix === undefined ? [] : [{ diagnostic, fix: problem.fix }])));
      checked.push([document.uri, made.map(({ diagnostic }) => diagnostic)]);
    }
    this.diagnostics.clear();
    for (const { file, reason, inUse } of files) {
      const uri = vscode.Uri.file(file);
      const known = checked.find(([one]) => one.toString() === uri.toString());
      // What is being written says for itself where it is wrong; what the store alone can see is added.
      if (known?.[1].some(({ severity }) => severity === vscode.DiagnosticSeverity.Error)) continue;
      const [, number, words = reason] = /^line (\d+): (.*)$/s.exec(reason) ?? [];
      const line = Math.max(0, Number(number ?? 1) - 1);
      const message = inUse
        ? t('This note cannot be read: {0}. Its last good version stays in use.', words)
        : t('This note cannot be read: {0}. It is set aside and not used.', words);
      const diagnostic = new vscode.Diagnostic(new vscode.Range(line, 0, line, 1_000), message, vscode.DiagnosticSeverity.Warning);
      diagnostic.source = 'SafeNote';
      if (known) known[1].push(diagnostic);
      else checked.push([uri, [diagnostic]]);
    }
    this.diagnostics.set(checked);
  }
}

function diagnosticOf({ severity, message, place }: NoteProblem): vscode.Diagnostic {
  const range = new vscode.Range(place.startLine - 1, place.startColumn - 1, place.endLine - 1, place.endColumn - 1);
  const words = severity === 'error' ? `${message} ${t('Until then its last good version stays in use, if there is one.')}` : message;
  const diagnostic = new vscode.Diagnostic(range, words, SEVERITIES[severity]);
  diagnostic.source = 'SafeNote';
  return diagnostic;
}
