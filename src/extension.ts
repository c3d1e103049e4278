import { startedAt } from './vscode/started.ts';
import type { ExtensionContext } from 'vscode';
import { compose, type Running } from './vscode/compose.ts';

let running: Running | undefined;

export function activate(context: ExtensionContext): void {
  running = compose(context, startedAt);
}

export async function deactivate(): Promise<void> {
  await running?.dispose();
}
