import * as vscode from 'vscode';
import type { ContextKey } from '../commands.ts';

const current = new Map<ContextKey, boolean | string>();

/** Sets a context key for when-clauses, when it changes. */
export function setContext(key: ContextKey, value: boolean | string): void {
  if ((current.get(key) ?? false) === value) return;
  current.set(key, value);
  void vscode.commands.executeCommand('setContext', key, value);
}
