import { startedAt } from './vscode/started.ts';
import type { ExtensionContext } from 'vscode';
import { Shell } from './vscode/shell.ts';

/** Between loading and `activate` the editor does things of its own: they are not counted. */
const loadingMs = performance.now() - startedAt;
let shell: Shell | undefined;

export function activate(context: ExtensionContext): void {
  shell = new Shell(context, loadingMs);
}

export async function deactivate(): Promise<void> {
  await shell?.dispose();
}
