import path from 'node:path';
import type * as vscode from 'vscode';
import type { DashboardOptions, DashboardPanel, DashboardState } from './panel.ts';

/** "Open Dashboard". What is behind it is a bundle of its own (`dist/dashboard-panel.js`), loaded when it is first opened. */
export class Dashboard implements vscode.Disposable {
  private readonly o: DashboardOptions;
  private panel: DashboardPanel | undefined;

  constructor(options: DashboardOptions) {
    this.o = options;
  }

  open(): void {
    if (this.panel) {
      this.panel.show();
      return;
    }
    // A path that the bundler does not follow.
    const file = path.join(this.o.extensionUri.fsPath, 'dist', 'dashboard-panel.js');
    const { DashboardPanel: Panel } = require(file) as typeof import('./panel.ts');
    this.panel = new Panel(this.o, () => (this.panel = undefined));
  }

  /** What it shows, for tests. */
  get state(): DashboardState | undefined {
    return this.panel?.state;
  }

  dispose(): void {
    this.panel?.dispose();
  }
}
