import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Apps } from '../apps.ts';
import { withProgress } from '../common/progress.ts';

export interface InstallCommandOptions {
  readonly apps: Apps;
  readonly assetsRoot: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** "Install Semgrep": the pinned version in a folder of the user's own, with progress and cancel. */
export async function installSemgrepCommand(o: InstallCommandOptions): Promise<void> {
  if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Semgrep was not installed: this workspace is not trusted.', 'Trust the workspace first; an untrusted one starts no program.');
  const install = 'Install';
  const chosen = await vscode.window.showInformationMessage(
    'Install Semgrep for SafeNote?',
    { modal: true, detail: 'SafeNote downloads Semgrep from the Python Package Index (about 70 MB, 380 MB on disk), each package pinned by version and hash, into a Python environment of its own. Nothing else on this machine changes. It needs Python 3.10 or newer.' },
    install,
  );
  if (chosen !== install) return;
  const { app } = await o.apps.for(vscode.window.activeTextEditor?.document.uri);
  const { installSemgrep } = await import('../../node/analyzers/semgrep/install.ts');
  const done = await withProgress('SafeNote: installing Semgrep', (signal, report) => {
    let last = 0;
    return installSemgrep({
      managedFolder: app.userFolders.semgrep,
      assetsRoot: o.assetsRoot,
      env: o.env,
      signal,
      log: o.log,
      onProgress: (message, fraction) => {
        const percent = fraction === undefined ? undefined : Math.round(fraction * 100);
        report(message, percent === undefined ? undefined : percent - last);
        if (percent !== undefined) last = percent;
      },
    });
  });
  app.warmUp();
  void vscode.window.showInformationMessage(done.fresh ? `SafeNote: Semgrep ${done.version} is installed.` : `SafeNote: Semgrep ${done.version} was installed already.`);
}
