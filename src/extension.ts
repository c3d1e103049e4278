import { startedAt } from './vscode/started.ts';
import type { ExtensionContext } from 'vscode';
import { Shell } from './vscode/shell.ts';

let shell: Shell | undefined;

export function activate(context: ExtensionContext): void {
  shell = new Shell(context, startedAt);
}

export async function deactivate(): Promise<void> {
  await shell?.dispose();
}
