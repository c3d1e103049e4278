import * as vscode from 'vscode';
import type { Sessions } from '../completion/session.ts';
import { TestDiagnostic } from './failures.ts';

/** Quick fixes of a completion that fails tests. No model is asked before one is chosen, and none is preferred. */
export class TestFixes implements vscode.CodeActionProvider, vscode.Disposable {
  private readonly registration: vscode.Disposable;
  private readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    this.registration = vscode.languages.registerCodeActionsProvider({ pattern: '**' }, this, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] });
  }

  dispose(): void {
    this.registration.dispose();
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range): vscode.CodeAction[] {
    if (!vscode.workspace.isTrusted) return [];
    const own = vscode.languages.getDiagnostics(document.uri).filter((d) => d instanceof TestDiagnostic && d.range.intersection(range)) as TestDiagnostic[];
    return own.flatMap((diagnostic) => {
      const replace = this.sessions.byId(diagnostic.sessionId)?.state === 'accepted' ? [action('SafeNote: replace with a checked completion…', 'safenote.internal.replaceCompletion', diagnostic, { sessionId: diagnostic.sessionId })] : [];
      return [...replace, action('SafeNote: run the tests again', 'safenote.runTests', diagnostic)];
    });
  }
}

function action(title: string, command: string, diagnostic: vscode.Diagnostic, ...args: unknown[]): vscode.CodeAction {
  const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  made.command = { command, title, arguments: args };
  made.diagnostics = [diagnostic];
  made.isPreferred = false;
  return made;
}
