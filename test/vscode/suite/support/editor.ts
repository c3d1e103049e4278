import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { SettingKey } from '../../../../src/core/settings.ts';
import type { Decision } from '../../../../src/vscode/completion/decisions.ts';
import type { DashboardState } from '../../../../src/vscode/dashboard/panel.ts';
import type { TrackedFinding } from '../../../../src/vscode/findings/findings-store.ts';

/** What the screen shows, as the extension tells its tests. */
export interface Screen {
  readonly status: { readonly text: string; readonly tooltip: string };
  readonly gutter?: string;
  readonly findings: readonly TrackedFinding[];
  readonly decisions: readonly Decision[];
  readonly session?: { readonly state: string; readonly text: string; readonly verdict: string; readonly taken: number; readonly testing: boolean; readonly tests: { readonly status: string; readonly reason?: string; readonly runner?: string } };
  readonly model?: { readonly model?: { readonly name: string; readonly origin: string }; readonly problem?: string };
  readonly fix?: string;
  readonly dashboard?: DashboardState;
  /** The last message about a SARIF file. */
  readonly imported: string;
  /** The last message about an answer that breaks a test. */
  readonly told: string;
  /** The language status item about checks. */
  readonly checks: { readonly text: string; readonly detail: string; readonly busy: boolean; readonly scans: number };
  /** Checks that wait or run. */
  readonly queued: number;
  /** The last message about an error. */
  readonly message: string;
  readonly activationMs: number;
  /** Badge, message and description of the two views of notes. */
  readonly notes: Readonly<Record<'security' | 'function', { readonly badge: number; readonly message: string; readonly description: string }>>;
}

export async function screen(): Promise<Screen> {
  await vscode.extensions.getExtension('safenote.safenote')?.activate();
  return vscode.commands.executeCommand<Screen>('safenote.internal.test');
}

/** Waits until `look` gives something; fails with `what` when it does not. */
export async function until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>, ms = 15_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function settle(ms = 300): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

export function folder(): string {
  const first = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert.ok(first);
  return first;
}

/** Opens a new file of the workspace; `|` is the caret. */
export async function openFile(marked: string, options: { name?: string; eol?: string } = {}): Promise<vscode.TextEditor> {
  const name = options.name ?? `case-${randomUUID().slice(0, 8)}.py`;
  const file = path.join(folder(), name);
  const { text } = split(marked, options.eol);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return showAt(await vscode.workspace.openTextDocument(file), marked, options.eol);
}

export async function openUntitled(marked: string, language: string): Promise<vscode.TextEditor> {
  return showAt(await vscode.workspace.openTextDocument({ language, content: split(marked).text }), marked);
}

async function showAt(document: vscode.TextDocument, marked: string, eol?: string): Promise<vscode.TextEditor> {
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  const caret = document.positionAt(split(marked, eol).caret);
  editor.selection = new vscode.Selection(caret, caret);
  return editor;
}

function split(marked: string, eol = '\n'): { text: string; caret: number } {
  const whole = marked.replaceAll('\n', eol);
  const caret = whole.indexOf('|');
  assert.ok(caret >= 0, 'the text names a caret');
  return { text: whole.slice(0, caret) + whole.slice(caret + 1), caret };
}

export async function secureComplete(): Promise<void> {
  await vscode.commands.executeCommand('safenote.secureComplete');
}

/** Presses Secure Complete and waits until its text is shown (the newest decision says so). */
export async function shown(): Promise<Screen> {
  const before = (await screen()).decisions[0]?.at;
  await secureComplete();
  return until('ghost text is shown', async () => {
    const now = await screen();
    const latest = now.decisions[0];
    if (!latest || Number(latest.at) === Number(before)) return undefined;
    if (latest.result !== 'shown') assert.fail(`not shown: ${latest.reason}`);
    return now;
  });
}

/** Accepts as Tab does, once the editor shows the text. */
export async function accept(editor: vscode.TextEditor, command = 'editor.action.inlineSuggest.commit'): Promise<void> {
  const before = editor.document.version;
  await until('the editor takes the ghost text', async () => {
    await vscode.commands.executeCommand(command);
    return editor.document.version !== before;
  });
}

export async function configure(values: Partial<Record<SettingKey, unknown>>): Promise<void> {
  const configuration = vscode.workspace.getConfiguration('safenote');
  for (const [key, value] of Object.entries(values)) await configuration.update(key, value, vscode.ConfigurationTarget.Global);
}

export async function closeAll(): Promise<void> {
  await vscode.commands.executeCommand('notifications.clearAll');
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty) continue;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

export async function emptyNotebook(): Promise<void> {
  await rm(path.join(folder(), '.safenote'), { recursive: true, force: true });
}

export function diagnosticsOf(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter((d) => d.source?.startsWith('SafeNote'));
}
