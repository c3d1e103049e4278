import * as vscode from 'vscode';
import { Disposables } from './disposables.ts';

export const SCHEME = 'safenote';
/** How long a changed text may take to reach its editor, in milliseconds. */
const ARRIVAL_MS = 2_000;

/** Read-only texts that SafeNote shows: prompts, reports, previews. Lost when their tab is closed. */
export class VirtualDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  constructor() {
    this.disposables.add(vscode.workspace.registerTextDocumentContentProvider(SCHEME, this));
    this.disposables.add(this.changed);
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => document.uri.scheme === SCHEME && this.texts.delete(document.uri.toString())));
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? 'This text is gone. Run the command again to make it anew.\n';
  }

  /** Keeps a text under a name such as `Prompt.md`; a second one of the same name replaces the first. */
  put(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    return uri;
  }

  /** Shows a text as Markdown source in an editor. */
  async show(name: string, text: string): Promise<vscode.TextEditor> {
    const document = await vscode.workspace.openTextDocument(this.put(name, text));
    await this.arrived(document, text);
    await vscode.languages.setTextDocumentLanguage(document, 'markdown');
    return vscode.window.showTextDocument(document, { preview: false });
  }

  /** The editor may still hold the text that this name had before; the new one follows with a change. */
  private arrived(document: vscode.TextDocument, text: string): Promise<void> {
    if (document.getText() === text) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        listener.dispose();
        resolve();
      };
      const listener = vscode.workspace.onDidChangeTextDocument((event) => event.document === document && document.getText() === text && done());
      const timer = setTimeout(done, ARRIVAL_MS);
    });
  }

  dispose(): void {
    this.disposables.dispose();
  }
}

/** A fence around a text that may itself hold fences. */
export function fenceText(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/^ {0,3}(`{3,})/gm)].map((m) => m[1]?.length ?? 0));
  const marks = '`'.repeat(longest + 1);
  return `${marks}${language}\n${text.replace(/\n$/, '')}\n${marks}`;
}
