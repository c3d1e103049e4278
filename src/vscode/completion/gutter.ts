import * as vscode from 'vscode';
import { overallLook, type Look } from './verdict-text.ts';
import type { CompletionSession } from './session.ts';

const LOOKS: readonly Look[] = ['pass', 'fail', 'unavailable', 'pending'];

/** The verdict as an icon in the gutter of the caret's line, as long as the ghost text may be shown. It moves no line. */
export class Gutter implements vscode.Disposable {
  private readonly types: Readonly<Record<Look, vscode.TextEditorDecorationType>>;
  private shown: { editor: vscode.TextEditor; look: Look; session: CompletionSession } | undefined;

  constructor(media: vscode.Uri) {
    const type = (look: Look) =>
      vscode.window.createTextEditorDecorationType({ gutterIconPath: vscode.Uri.joinPath(media, `verdict-${look}.svg`), gutterIconSize: 'contain', rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed });
    this.types = Object.fromEntries(LOOKS.map((look) => [look, type(look)])) as Record<Look, vscode.TextEditorDecorationType>;
  }

  show(editor: vscode.TextEditor, session: CompletionSession, line: number): void {
    const look = overallLook(session.verdict);
    if (this.shown && (this.shown.look !== look || this.shown.editor !== editor)) this.hide();
    editor.setDecorations(this.types[look], [new vscode.Range(line, 0, line, 0)]);
    this.shown = { editor, look, session };
  }

  hide(session?: CompletionSession): void {
    if (!this.shown || (session && this.shown.session !== session)) return;
    this.shown.editor.setDecorations(this.types[this.shown.look], []);
    this.shown = undefined;
  }

  /** Which verdict is shown, for tests. */
  get look(): Look | undefined {
    return this.shown?.look;
  }

  dispose(): void {
    for (const type of Object.values(this.types)) type.dispose();
  }
}
