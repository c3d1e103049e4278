import path from 'node:path';
import * as vscode from 'vscode';
import { COMMANDS, INTERNAL_COMMANDS, VIEWS } from './commands.ts';
import { Disposables } from './common/disposables.ts';
import { looksLikeNote } from './common/note-path.ts';
import { LazyTree } from './common/lazy-tree.ts';
import { Log } from './common/log.ts';
import { Status } from './completion/status.ts';
import type { House } from './compose.ts';
import type { ShellParts, View } from './shell-parts.ts';
import { isLargeInsertion } from './guard/insertions.ts';

/**
 * All that SafeNote is until it is first used: names registered with the editor, and a status bar item. The house behind
 * them is a bundle of its own (`dist/main.js`), loaded by a command, a visible view, a request for a completion, a note
 * in the editor, or a large insertion.
 */
export class Shell {
  private readonly own = new Disposables();
  private readonly context: vscode.ExtensionContext;
  private readonly parts: ShellParts;
  private house: House | undefined;

  constructor(context: vscode.ExtensionContext, loadingMs: number) {
    const startedAt = performance.now();
    this.context = context;
    const pastes = new Map<string, number>();
    const trees = Object.fromEntries(VIEWS.map((view) => [view, this.own.add(new LazyTree(view, view === 'safenote.findings' ? undefined : () => void this.load(), view !== 'safenote.findings'))])) as Record<View, LazyTree>;
    const inlineProvider = vscode.languages.registerInlineCompletionItemProvider(
      { pattern: '**' },
      { provideInlineCompletionItems: (document, position, info, token) => (this.answersNow(document, info) ? this.load().provider.provideInlineCompletionItems(document, position, info, token) : []) },
    );
    let activationMs = 0;
    this.parts = { log: this.own.add(new Log()), status: this.own.add(new Status()), trees, inlineProvider, pastes, activationMs: () => activationMs };
    for (const id of [...Object.keys(COMMANDS), ...INTERNAL_COMMANDS, ...(process.env['SAFENOTE_TEST'] ? ['safenote.internal.test'] : [])]) {
      this.own.add(vscode.commands.registerCommand(id, (...args: unknown[]) => this.load().run(id, args)));
    }
    // It returns no edit: being asked is all there is to know.
    const notice: vscode.DocumentPasteEditProvider = { provideDocumentPasteEdits: (document) => void pastes.set(document.uri.toString(), Date.now()) };
    this.own.add(vscode.languages.registerDocumentPasteEditProvider({ pattern: '**' }, notice, { providedPasteEditKinds: [], pasteMimeTypes: ['text/plain'] }));
    this.own.add(vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)));
    this.own.add(vscode.workspace.onDidSaveTextDocument((document) => !this.house && looksLikeNote(document) && this.load().noteSaved(document)));
    this.own.add(vscode.window.onDidChangeActiveTextEditor((editor) => !this.house && editor && looksLikeNote(editor.document) && this.load().noteShown()));
    activationMs = loadingMs + performance.now() - startedAt;
    this.parts.log.info(`SafeNote ${String(context.extension.packageJSON.version)} activated in ${activationMs.toFixed(1)} ms.`);
  }

  /** Ends everything; resolves when processes and workers are gone. */
  async dispose(): Promise<void> {
    if (!this.house) this.parts.inlineProvider.dispose();
    this.own.dispose();
    await this.house?.dispose();
  }

  private load(): House {
    // A path that the bundler does not follow.
    const main = path.join(this.context.extensionPath, 'dist', 'main.js');
    this.house ??= (require(main) as typeof import('./compose.ts')).compose(this.context, this.parts);
    return this.house;
  }

  /** The editor asks after every key; as long as nobody wants that, the answer needs no house. */
  private answersNow(document: vscode.TextDocument, info: vscode.InlineCompletionContext): boolean {
    return this.house !== undefined || info.triggerKind === vscode.InlineCompletionTriggerKind.Invoke || vscode.workspace.getConfiguration('safenote', document).get('completion.trigger') === 'automatic';
  }

  private changed(event: vscode.TextDocumentChangeEvent): void {
    if (this.house || !vscode.workspace.isTrusted || !isLargeInsertion(event.contentChanges) || event.document.uri.scheme === 'output') return;
    if (vscode.workspace.getConfiguration('safenote', event.document).get('guard') !== 'off') this.load().textChanged(event);
  }
}
