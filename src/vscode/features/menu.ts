import * as vscode from 'vscode';
import type { CommandId } from '../commands.ts';
import type { ModelSource } from '../models/model-source.ts';
import { type Condition, NEXT_STEP } from './next-step.ts';

const { t } = vscode.l10n;

interface Entry extends vscode.QuickPickItem {
  readonly command?: string;
}

/** What a click on the status bar item offers: the next step first, then everything else. */
export async function showMenu(models: ModelSource, condition: Condition, testing: boolean): Promise<void> {
  const state = models.known;
  const item = (icon: string, label: string, command: CommandId, description = ''): Entry => ({ label: `$(${icon}) ${label}`, description, command });
  const separator = (label: string): Entry => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const all: Entry[] = [
    item('sparkle', t('Secure Complete'), 'safenote.secureComplete', 'Ctrl+Alt+S'),
    item('server', t('Select Model'), 'safenote.selectModel', state?.model ? t('now {0} ({1})', state.model.name, state.model.origin) : (state?.problem ?? '')),
    item('eye', t('Show Prompt'), 'safenote.showPrompt', t('what would be sent, or was sent')),
    item('question', t('Why No Suggestion?'), 'safenote.whyNoSuggestion'),
    item('shield', t('Verify File'), 'safenote.verifyFile'),
    item('shield', t('Verify File with CodeQL'), 'safenote.verifyWithCodeql', t('where you have it; takes minutes')),
    testing ? item('debug-stop', t('Cancel Tests'), 'safenote.cancelTests', t('tests are running')) : item('beaker', t('Run Tests'), 'safenote.runTests', t('those that reach this file, in a sandbox')),
    item('book', t('Open Notebook'), 'safenote.openNotebook'),
    item('graph', t('Open Dashboard'), 'safenote.openDashboard', t('what was found, caught and prevented; what notes are worth')),
    item('pulse', t('Doctor'), 'safenote.doctor'),
    item('output', t('Show Log'), 'safenote.showLog'),
    { label: `$(info) ${t('First Steps')}`, description: t('the walkthrough'), command: 'workbench.action.openWalkthrough' },
  ];
  const next = nextStep(condition);
  const picked = await vscode.window.showQuickPick([separator(t('Next')), next, separator(t('Everything else')), ...all.filter(({ command }) => command !== next.command)], { title: 'SafeNote' });
  if (picked?.command) await vscode.commands.executeCommand(picked.command, ...(picked.command === 'workbench.action.openWalkthrough' ? ['safenote.safenote#start'] : []));
}

function nextStep(condition: Condition): Entry {
  const [label, description] = {
    virtual: [t('$(folder-opened) Open a Folder on Disk'), t('notes and checks need files on disk')],
    untrusted: [t('$(workspace-untrusted) Manage Workspace Trust'), t('until then nothing is sent, started or checked')],
    noFolder: [t('$(folder-opened) Open a Folder'), t('a notebook belongs to a folder')],
    noModel: [t('$(server) Select Model'), t('there is no model to ask yet')],
    modelProblem: [t('$(server) Select Model'), t('the model in use cannot be asked')],
    noSemgrep: [t('$(cloud-download) Install Semgrep'), t('until then only the built-in rules check')],
    ready: [t('$(sparkle) Secure Complete'), 'Ctrl+Alt+S'],
  }[condition];
  return { label: label ?? '', description: description ?? '', command: NEXT_STEP[condition] };
}
