import path from 'node:path';
import * as vscode from 'vscode';
import { LANGUAGES } from '../../core/language.ts';
import type { ScanEvent } from '../../core/verification/scans.ts';
import type { Apps } from '../apps.ts';
import { Disposables } from '../common/disposables.ts';
import { analyzerName } from '../completion/verdict-text.ts';
import type { CheckQueue } from './check-queue.ts';
import type { FindingsStore } from './findings-store.ts';

/** Languages by the editor's own ids. */
const SELECTOR: vscode.DocumentSelector = [...LANGUAGES, 'javascriptreact', 'typescriptreact'].map((language) => ({ language }));

/** The language status item: what is being checked, and how long each analyzer took the last time. */
export class CheckStatus implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly item = this.disposables.add(vscode.languages.createLanguageStatusItem('safenote.checks', SELECTOR));
  private readonly running = new Map<string, { analyzer: string; path: string; times: number }>();
  private readonly last = new Map<string, string>();
  private readonly o: { apps: Apps; findings: FindingsStore; queue: CheckQueue };
  private scans = 0;

  constructor(options: CheckStatus['o']) {
    this.o = options;
    this.item.name = 'SafeNote checks';
    this.item.command = { title: 'Show Findings', command: 'safenote.findings.focus' };
    this.disposables.add(options.apps.onScan((event) => this.seen(event)));
    this.disposables.add(options.findings.onDidChange(() => this.render()));
    this.disposables.add(options.queue.onDidChange(() => this.render()));
    this.render();
  }

  /** What is shown, and how many scans there were, for tests. */
  get look(): { text: string; detail: string; busy: boolean; scans: number } {
    return { text: this.item.text, detail: this.item.detail ?? '', busy: this.item.busy, scans: this.scans };
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private seen({ analyzer, path: file, running, report }: ScanEvent): void {
    const key = `${analyzer} ${file}`;
    const times = (this.running.get(key)?.times ?? 0) + (running ? 1 : -1);
    if (times > 0) this.running.set(key, { analyzer, path: file, times });
    else this.running.delete(key);
    if (running) this.scans++;
    if (report) this.last.set(analyzer, report.status === 'ran' ? `${analyzerName(analyzer)} ${report.ms < 1000 ? `${Math.round(report.ms)} ms` : `${(report.ms / 1000).toFixed(1)} s`}` : `${analyzerName(analyzer)} did not run`);
    this.render();
  }

  private render(): void {
    const { item } = this;
    const first = [...this.running.values()][0];
    const { count } = this.o.findings;
    item.busy = first !== undefined;
    item.text = first ? `SafeNote: checking ${path.basename(first.path)}` : `SafeNote: ${count === 0 ? 'no open findings' : `${count} open ${count === 1 ? 'finding' : 'findings'}`}`;
    item.detail = first ? [...new Set([...this.running.values()].map((r) => analyzerName(r.analyzer)))].join(', ') : [...this.last.values()].join(' · ') || 'nothing checked yet';
    item.accessibilityInformation = { label: `${item.text}. ${item.detail}` };
  }
}
