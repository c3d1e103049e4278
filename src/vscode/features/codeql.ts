import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { LineIndex } from '../../core/source.ts';
import type { AnalyzerReport, Finding } from '../../core/verification/finding.ts';
import type { Apps } from '../apps.ts';
import { cancelled, controllerOf } from '../common/cancellation.ts';
import type { Configuration } from '../common/configuration.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables } from '../common/disposables.ts';
import { displayName, ownOffsets, placeIn, readSource, refusal } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { withProgress } from '../common/progress.ts';
import type { AcceptedWhole } from '../completion/acceptance.ts';
import type { CompletionSession } from '../completion/session.ts';
import type { FindingsStore, NewFinding } from '../findings/findings-store.ts';

/** Quiet time after a save before CodeQL reads the workspace, in milliseconds: it takes minutes. */
const QUIET_MS = 5_000;

export interface CodeqlChecksOptions {
  readonly apps: Apps;
  readonly configuration: Configuration;
  readonly findings: FindingsStore;
  readonly errors: ErrorPath;
}

/**
 * CodeQL, where the user has it: on demand for a file, or after acceptance once the file is saved. Never while somebody types:
 * it reads the saved files of the whole workspace. What it finds stays until it looks again.
 */
export class CodeqlChecks implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly o: CodeqlChecksOptions;
  /** Accepted completions that CodeQL has not seen yet, by document. */
  private readonly waiting = new Map<string, CompletionSession[]>();
  private timer: NodeJS.Timeout | undefined;
  private readonly running = new Set<AbortController>();

  constructor(options: CodeqlChecksOptions) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => this.waiting.has(document.uri.toString()) && this.later()));
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => this.waiting.delete(document.uri.toString())));
  }

  dispose(): void {
    this.cancel();
    this.disposables.dispose();
  }

  /** Ends what CodeQL does, with all that it has started. */
  cancel(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
    for (const controller of this.running) controller.abort(cancelled());
  }

  /** A completion is in its document; with `afterAccept` CodeQL looks at it once it is saved. */
  accepted({ session, document }: AcceptedWhole): void {
    if (document.uri.scheme !== 'file' || !vscode.workspace.isTrusted || this.o.configuration.settings(document.uri)['analyzers.codeql.mode'] !== 'afterAccept') return;
    const uri = document.uri.toString();
    this.waiting.set(uri, [...(this.waiting.get(uri) ?? []), session]);
  }

  /** "Verify File with CodeQL". */
  async verify(uri?: vscode.Uri): Promise<void> {
    const document = uri instanceof vscode.Uri ? await vscode.workspace.openTextDocument(uri) : vscode.window.activeTextEditor?.document;
    if (!document) throw new ExpectedError('no-editor', 'There is no file to verify.', 'Open one, or choose "Verify File with CodeQL" in the Explorer.');
    const name = displayName(document);
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `${name} was not verified: ${why}`, 'CodeQL reads files of the workspace.');
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Nothing was verified: this workspace is not trusted.', 'Trust the workspace to let SafeNote start CodeQL.');
    if (document.isDirty || document.isUntitled) throw new ExpectedError('not-saved', `${name} was not verified: it is not saved, and CodeQL reads files.`, 'Save it and run "SafeNote: Verify File with CodeQL" again.');
    const report = await withProgress(`SafeNote: CodeQL reads the workspace for ${name} (this takes minutes)`, (signal) => this.ask(document, signal));
    const found = this.own(document, report.findings);
    if (report.status === 'ran') this.o.findings.put(document.uri.toString(), { kind: 'codeql' }, found, placeIn(document));
    // Not awaited: the command is done, the message may stay for long.
    void say(name, report, found.length);
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lookAtAccepted().catch((error: unknown) => this.o.errors.quiet('CodeQL after acceptance', error)), QUIET_MS);
  }

  private async lookAtAccepted(): Promise<void> {
    for (const [uri, sessions] of [...this.waiting]) {
      const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri);
      // A text that was changed again is looked at after its next save.
      if (!document || document.isDirty || !vscode.workspace.isTrusted) continue;
      this.waiting.delete(uri);
      const report = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: `CodeQL looks at ${displayName(document)}` }, (_progress, token) => {
        const { controller, release } = controllerOf(token);
        return this.ask(document, controller.signal).finally(release);
      });
      if (report.status !== 'ran') {
        this.o.errors.quiet('CodeQL after acceptance', new ExpectedError('codeql', `CodeQL did not run: ${report.reason ?? 'no reason given'}`, ''));
        continue;
      }
      const text = document.getText();
      const accepted = sessions.flatMap(({ ghost: { insertText } }) => {
        const start = text.indexOf(insertText);
        return start === -1 ? [] : [{ start, end: start + insertText.length }];
      });
      // What was there before the completion is not its fault.
      const found = this.own(document, report.findings, accepted);
      const known = this.o.findings.of(uri).filter((f) => f.origin.kind === 'codeql');
      const fresh = found.filter((f) => !known.some((k) => k.finding.ruleId === f.finding.ruleId && k.start === f.start));
      if (fresh.length > 0) this.o.findings.put(uri, { kind: 'codeql' }, [...known, ...fresh], placeIn(document));
    }
  }

  private async ask(document: vscode.TextDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    const { app } = await this.o.apps.for(document.uri);
    const controller = new AbortController();
    this.running.add(controller);
    setContext('safenote.codeqlRunning', true);
    const version = document.version;
    try {
      const { reports } = await app.verifier.verifyDocument(readSource(document).source, { signal: AbortSignal.any([signal, controller.signal]), analyzers: ['codeql'] });
      const report = reports.find((r) => r.name === 'codeql');
      if (!report) throw new Error('CodeQL gave no report.');
      if (document.version !== version) return { ...report, status: 'unavailable', findings: [], reason: 'the text changed meanwhile' };
      return report;
    } finally {
      this.running.delete(controller);
      setContext('safenote.codeqlRunning', this.running.size > 0);
    }
  }

  /** Findings in the document's own offsets; with ranges only those that touch one, themselves or with a step of their trace. */
  private own(document: vscode.TextDocument, findings: readonly Finding[], within?: readonly { start: number; end: number }[]): NewFinding[] {
    const read = readSource(document);
    const lines = new LineIndex(read.source.text);
    return findings.flatMap((finding) => {
      const range = ownOffsets(finding, read, lines);
      const places = [finding, ...(finding.trace ?? [])].flatMap((place) => ownOffsets(place, read, lines) ?? []);
      return range && (!within || within.some((w) => places.some((p) => p.start < w.end && p.end > w.start))) ? [{ finding, ...range }] : [];
    });
  }
}

async function say(name: string, report: AnalyzerReport, count: number): Promise<void> {
  if (report.status !== 'ran') return void vscode.window.showWarningMessage(`SafeNote: CodeQL did not check ${name}: ${report.reason ?? 'no reason given'}`);
  const by = `CodeQL ${report.version ?? ''}`.trim();
  if (count === 0) return void vscode.window.showInformationMessage(`SafeNote: ${by} has no findings in ${name}.`);
  const show = 'Show Findings';
  const chosen = await vscode.window.showWarningMessage(`SafeNote: ${by} has ${count} ${count === 1 ? 'finding' : 'findings'} in ${name}.`, show);
  if (chosen === show) await vscode.commands.executeCommand('safenote.findings.focus');
}
