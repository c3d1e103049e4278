import * as vscode from 'vscode';
import { isCancelled, isExpected, messageOf } from '../../core/errors.ts';
import type { Log } from './log.ts';

interface Action {
  readonly title: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

/** Code of an expected error → what a button beside its message can do. */
const ACTIONS: Readonly<Record<string, readonly Action[]>> = {
  'model-missing': [{ title: 'Select Model', command: 'safenote.selectModel' }],
  'model-unknown': [{ title: 'Select Model', command: 'safenote.selectModel' }],
  'model-refused': [{ title: 'Select Model', command: 'safenote.selectModel' }],
  'model-changed-code': [{ title: 'Select Model', command: 'safenote.selectModel' }],
  'model-key': [{ title: 'Set API Key', command: 'safenote.setApiKey' }],
  'model-consent': [{ title: 'Select Model', command: 'safenote.selectModel' }],
  'semgrep-missing': [{ title: 'Install Semgrep', command: 'safenote.installSemgrep' }],
  untrusted: [{ title: 'Manage Workspace Trust', command: 'workbench.trust.manage' }],
  'no-folder': [{ title: 'Open Folder', command: 'vscode.openFolder' }],
};

/** The one way an error takes to the user: cancelled, expected (what happened and what to do), or a bug (logged). */
export class ErrorPath {
  private readonly log: Log;
  /** The last message that was shown, for tests. */
  last = '';

  constructor(log: Log) {
    this.log = log;
  }

  /** Runs `work`; what it throws is shown. `undefined` when it threw. */
  async run<T>(what: string, work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      void this.report(what, error);
      return undefined;
    }
  }

  /** Shows an error; resolves when its message is gone. */
  async report(what: string, error: unknown): Promise<void> {
    if (isCancelled(error)) {
      this.log.debug(`${what}: cancelled.`);
      return;
    }
    if (isExpected(error)) {
      this.log.warn(`${what}: ${error.message}`, error.hint, ...(error.cause === undefined ? [] : [error.cause]));
      this.last = `${sentence(error.message)} ${sentence(error.hint)}`;
      const actions = ACTIONS[error.code] ?? [];
      const chosen = await vscode.window.showWarningMessage(`SafeNote: ${this.last}`, ...actions.map((action) => action.title));
      const action = actions.find(({ title }) => title === chosen);
      if (action) await vscode.commands.executeCommand(action.command, ...(action.args ?? []));
      return;
    }
    this.last = messageOf(error);
    this.log.error(`${what} failed.`, error);
    const chosen = await vscode.window.showErrorMessage(`SafeNote: ${what} failed unexpectedly (${messageOf(error)}). This is a fault of SafeNote; the log has the details.`, 'Show Log');
    if (chosen) this.log.show();
  }

  /** Logs an error of something that the user did not ask for. */
  quiet(what: string, error: unknown): void {
    if (isCancelled(error)) this.log.debug(`${what}: cancelled.`);
    else if (isExpected(error)) this.log.info(`${what}: ${error.message}`, error.hint);
    else this.log.error(`${what} failed.`, error);
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
}
