import * as vscode from 'vscode';
import type { CommandId } from '../commands.ts';
import type { ModelSource } from '../models/model-source.ts';

/** What a click on the status bar item offers. */
export async function showMenu(models: ModelSource, testing: boolean): Promise<void> {
  const state = models.known;
  const item = (icon: string, label: string, command: CommandId, description = '') => ({ label: `$(${icon}) ${label}`, description, command });
  const picked = await vscode.window.showQuickPick(
    [
      item('sparkle', 'Secure Complete', 'safenote.secureComplete', 'Ctrl+Alt+S'),
      item('server', 'Select Model', 'safenote.selectModel', state?.model ? `now ${state.model.name} (${state.model.origin})` : (state?.problem ?? '')),
      item('eye', 'Show Prompt', 'safenote.showPrompt', 'what would be sent, or was sent'),
      item('question', 'Why No Suggestion?', 'safenote.whyNoSuggestion'),
      item('shield', 'Verify File', 'safenote.verifyFile'),
      item('shield', 'Verify File with CodeQL', 'safenote.verifyWithCodeql', 'where you have it; takes minutes'),
      testing ? item('debug-stop', 'Cancel Tests', 'safenote.cancelTests', 'tests are running') : item('beaker', 'Run Tests', 'safenote.runTests', 'those that reach this file, in a sandbox'),
      item('book', 'Open Notebook', 'safenote.openNotebook'),
      item('graph', 'Open Dashboard', 'safenote.openDashboard', 'what was found, caught and prevented; what notes are worth'),
      item('pulse', 'Doctor', 'safenote.doctor'),
      item('output', 'Show Log', 'safenote.showLog'),
    ],
    { title: 'SafeNote' },
  );
  if (picked) await vscode.commands.executeCommand(picked.command);
}
