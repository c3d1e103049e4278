import * as vscode from 'vscode';
import { ExpectedError, isCancelled } from '../../core/errors.ts';
import { describeEstimate } from '../../core/notebook/build-estimate.ts';
import { summaryOf, whyStopped } from '../../core/notebook/offline-build.ts';
import type { Apps } from '../apps.ts';
import { withProgress } from '../common/progress.ts';
import type { ModelSource } from '../models/model-source.ts';

/** Tasks at the same time: the editor's own requests come between. */
const JOBS = 2;
const SIZES: readonly { readonly label: string; readonly limit?: number }[] = [{ label: '40 tasks', limit: 40 }, { label: '120 tasks', limit: 120 }, { label: 'All tasks' }];

/**
 * "Build Notebook": the model solves the tasks of the knowledge base, and what it gets wrong becomes notes. Asked first, with an
 * estimate. Cancel is a pause: the next build goes on where this one stopped.
 */
export async function buildNotebookCommand(o: { readonly apps: Apps; readonly models: ModelSource }): Promise<void> {
  if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'The notebook was not built: this workspace is not trusted.', 'Trust the workspace first; from an untrusted one nothing is sent.');
  const size = await vscode.window.showQuickPick(SIZES, { title: 'Build Notebook', placeHolder: 'How many tasks of the knowledge base is the model to solve?' });
  if (!size) return;
  const { app } = await o.apps.for(vscode.window.activeTextEditor?.document.uri);
  const { NotebookBuild } = await import('../../node/knowledge/build.ts');
  const model = await o.models.current();
  const build = await NotebookBuild.prepare(app, model, size.limit === undefined ? {} : { limit: size.limit });
  const estimate = await withProgress('SafeNote: counting what a build would ask for', (signal) => build.estimate(signal));
  if (estimate.done < estimate.tasks) {
    const begin = 'Build';
    const chosen = await vscode.window.showInformationMessage(`Build the notebook of ${model.name}?`, { modal: true, detail: `${describeEstimate(estimate, model)} Cancel at any time; the next build goes on where this one stopped, and nothing is asked twice.` }, begin);
    if (chosen !== begin) return;
    await o.models.agree();
  }
  let last = (100 * estimate.done) / estimate.tasks;
  const report = await withProgress(`SafeNote: building the notebook of ${model.name}`, (signal, say) => {
    say(`${estimate.done} of ${estimate.tasks}`, last);
    return build.run({
      signal,
      jobs: JOBS,
      onProgress: ({ done, total, failed, notes }) => {
        say(`${done} of ${total}, ${failed} failed, ${notes} notes`, (100 * done) / total - last);
        last = (100 * done) / total;
      },
    });
  }).catch((error: unknown) => {
    if (!isCancelled(error)) throw error;
    return undefined;
  });
  if (!report) {
    void vscode.window.showInformationMessage('SafeNote: the build is paused. Run "SafeNote: Build Notebook" again to go on.');
    return;
  }
  const open = 'Open Report';
  const text = `SafeNote: ${summaryOf(report.results)}.`;
  const shown = report.stopped ? vscode.window.showWarningMessage(`${text} Not finished: ${whyStopped(report.stopped)}`, open) : vscode.window.showInformationMessage(text, open);
  void shown.then((chosen) => chosen === open && vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.file(report.markdown)));
}
