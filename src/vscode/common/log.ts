import os from 'node:os';
import * as vscode from 'vscode';
import type { Logger } from '../../core/log.ts';
import { redactPaths } from './redact-paths.ts';

/** The "SafeNote" output channel. Folders are named, not spelt out, so that a log can be shown to others. */
export class Log implements Logger, vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel('SafeNote', { log: true });

  debug(message: string, ...details: unknown[]): void {
    this.channel.debug(this.line(message, details));
  }

  info(message: string, ...details: unknown[]): void {
    this.channel.info(this.line(message, details));
  }

  warn(message: string, ...details: unknown[]): void {
    this.channel.warn(this.line(message, details));
  }

  error(message: string, ...details: unknown[]): void {
    this.channel.error(this.line(message, details));
  }

  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.channel.dispose();
  }

  private line(message: string, details: readonly unknown[]): string {
    const folders = [
      { path: os.homedir(), name: '~' },
      ...(vscode.workspace.workspaceFolders ?? []).map((folder) => ({ path: folder.uri.fsPath, name: `<${folder.name}>` })),
    ];
    return redactPaths([message, ...details.map(textOf)].filter(Boolean).join(' '), folders);
  }
}

function textOf(detail: unknown): string {
  if (detail instanceof Error) return [detail.stack ?? `${detail.name}: ${detail.message}`, ...(detail.cause === undefined ? [] : [`caused by ${textOf(detail.cause)}`])].join('\n');
  if (typeof detail === 'string') return detail;
  try {
    return JSON.stringify(detail) ?? String(detail);
  } catch {
    return String(detail);
  }
}
