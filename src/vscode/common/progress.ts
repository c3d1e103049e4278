import * as vscode from 'vscode';
import { cancelled } from './cancellation.ts';

/** Steps of a long piece of work in words; by how many percent it got on, where that is known. */
export type Report = (message: string, increment?: number) => void;

/** Runs work with a notification that says how far it is and can cancel it. */
export function withProgress<T>(title: string, work: (signal: AbortSignal, report: Report) => Promise<T>): Promise<T> {
  return Promise.resolve(
    vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      const controller = new AbortController();
      const link = token.onCancellationRequested(() => controller.abort(cancelled()));
      try {
        return await work(controller.signal, (message, increment) => progress.report({ message, ...(increment === undefined ? {} : { increment }) }));
      } finally {
        link.dispose();
      }
    }),
  );
}

/** A notification for work that already runs; it comes only when the work is slow. */
export class SlowNotice {
  private readonly timer: NodeJS.Timeout;
  private end: () => void = () => undefined;
  private report: Report | undefined;
  private last = '';

  constructor(title: string, delayMs: number, cancel: () => void) {
    const ended = new Promise<void>((resolve) => (this.end = resolve));
    this.timer = setTimeout(() => {
      void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, (progress, token) => {
        this.report = (message) => progress.report({ message });
        if (this.last) this.report(this.last);
        token.onCancellationRequested(cancel);
        return ended;
      });
    }, delayMs);
  }

  say(message: string): void {
    this.last = message;
    this.report?.(message);
  }

  done(): void {
    clearTimeout(this.timer);
    this.end();
  }
}
