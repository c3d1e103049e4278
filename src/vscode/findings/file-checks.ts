import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { describeMark } from '../../core/verification/marks.ts';
import type { DocumentVerdict } from '../../core/verification/verifier.ts';
import type { Apps } from '../apps.ts';
import { Disposables } from '../common/disposables.ts';
import { displayName, type EditorSource, fingerprint, ownOffsets, placeIn, readSource, refusal } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { withProgress } from '../common/progress.ts';
import { analyzerName } from '../completion/verdict-text.ts';
import type { FindingsStore, NewFinding } from './findings-store.ts';

/** Quiet time after an edit before a document with findings is checked again, in milliseconds. */
const RECHECK_MS = 1_000;
/** A check after which a mark or its removal shows is given up after this, in milliseconds. */
const AGAIN_MS = 30_000;

/** Checks whole documents: on demand, and again after edits while they have findings. Documents without are left alone. */
export class FileChecks implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly pending = new Map<string, { timer: NodeJS.Timeout; controller: AbortController }>();
  private readonly o: { apps: Apps; findings: FindingsStore; errors: ErrorPath };

  constructor(options: FileChecks['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)));
    this.disposables.add(
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const file of files) for (const uri of this.o.findings.uris) if (uri === file.toString() || uri.startsWith(`${file.toString()}/`)) this.o.findings.clear(uri);
      }),
    );
    // An unsaved text that is closed is gone, and its findings with it.
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => document.isUntitled && this.o.findings.clear(document.uri.toString())));
  }

  dispose(): void {
    for (const { timer, controller } of this.pending.values()) {
      clearTimeout(timer);
      controller.abort();
    }
    this.disposables.dispose();
  }

  /** "Verify File": every analyzer that is there, the findings into the store, the result in words. */
  async verify(uri?: vscode.Uri): Promise<void> {
    const document = uri ? await vscode.workspace.openTextDocument(uri) : vscode.window.activeTextEditor?.document;
    if (!document) throw new ExpectedError('no-editor', 'There is no file to verify.', 'Open one, or choose "Verify File" in the Explorer.');
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `${displayName(document)} was not verified: ${why}`, 'SafeNote works in files, unsaved texts and notebook cells.');
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Nothing was verified: this workspace is not trusted.', 'Trust the workspace to let SafeNote check its files.');
    const read = readSource(document);
    const name = displayName(document);
    const result = await withProgress(`SafeNote: verifying ${name}`, async (signal) => {
      const { app } = await this.o.apps.for(document.uri);
      return app.verifier.verifyDocument(read.source, { signal });
    });
    const text = document.getText();
    if (fingerprint(read.source.text.slice(read.shift)) !== fingerprint(text) && read.shift === 0) throw new ExpectedError('changed', `${name} changed while it was verified, so the result was not used.`, 'Run "SafeNote: Verify File" again.');
    const found = toOwn(result.findings, read);
    this.o.findings.put(document.uri.toString(), { kind: 'file' }, found, placeIn(document));
    // Not awaited: the command is done, the message may stay for long.
    void this.say(name, found.length, result);
  }

  /** Looks again at a document that has findings, after something else than its text has changed. */
  again(document: vscode.TextDocument): Promise<void> {
    return this.recheck(document, AbortSignal.timeout(AGAIN_MS));
  }

  private async say(name: string, count: number, { reason, reports, suppressed, lapsed }: DocumentVerdict): Promise<void> {
    const ran = reports.filter((r) => r.status === 'ran').map((r) => analyzerName(r.name));
    const missing = reports.filter((r) => r.status === 'unavailable').map((r) => `${analyzerName(r.name)} did not run (${r.reason ?? 'no reason given'})`);
    const by = ran.length > 0 ? ` Checked by ${ran.join(' and ')}.` : '';
    const beside = [...(reason ? [reason] : []), ...missing.filter((m) => !reason?.includes(m))].join('; ');
    const accepted = suppressed.length > 0 ? ` ${suppressed.length} accepted by comments or marks.` : '';
    const foreign = lapsed.some((l) => l.why === 'not approved');
    const over = lapsed.find((l) => l.why === 'expired');
    const marks = `${over ? ` A false-positive mark has expired: ${describeMark(over.mark)}.` : ''}${foreign ? ' There are false-positive marks from elsewhere, which hide nothing until you approve them.' : ''}`;
    const tail = `${by}${beside ? ` Note: ${beside}.` : ''}${accepted}${marks}`;
    if (ran.length === 0) return void vscode.window.showWarningMessage(`SafeNote: ${name} was not checked. ${beside}.`);
    if (count === 0) return void vscode.window.showInformationMessage(`SafeNote: no findings in ${name}.${tail}`);
    const show = 'Show Findings';
    const review = 'Review Marks';
    const chosen = await vscode.window.showWarningMessage(`SafeNote: ${count} ${count === 1 ? 'finding' : 'findings'} in ${name}.${tail}`, show, ...(lapsed.length > 0 ? [review] : []));
    if (chosen === review) await vscode.commands.executeCommand('safenote.reviewMarks');
    if (chosen === show) await vscode.commands.executeCommand('safenote.findings.focus');
  }

  private edited({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const uri = document.uri.toString();
    if (contentChanges.length === 0 || this.o.findings.of(uri).length === 0) return;
    this.o.findings.edit(uri, contentChanges.map((c) => ({ offset: c.rangeOffset, length: c.rangeLength, text: c.text })), placeIn(document));
    this.later(document);
  }

  private later(document: vscode.TextDocument): void {
    const uri = document.uri.toString();
    const before = this.pending.get(uri);
    clearTimeout(before?.timer);
    before?.controller.abort();
    const controller = new AbortController();
    const timer = setTimeout(() => {
      this.recheck(document, controller.signal)
        .catch((error: unknown) => this.o.errors.quiet('Checking the findings again', error))
        .finally(() => this.pending.get(uri)?.controller === controller && this.pending.delete(uri));
    }, RECHECK_MS);
    this.pending.set(uri, { timer, controller });
  }

  private async recheck(document: vscode.TextDocument, signal: AbortSignal): Promise<void> {
    const uri = document.uri.toString();
    if (document.isClosed || !vscode.workspace.isTrusted || this.o.findings.of(uri).length === 0) return;
    const { version } = document;
    const read = readSource(document);
    const { app } = await this.o.apps.for(document.uri);
    const [outline, result] = await Promise.all([app.parser.outline(read.source, signal), app.verifier.verifyDocument(read.source, { signal })]);
    // Half-typed code hides findings; the next quiet second tells more.
    if (document.isClosed || document.version !== version || signal.aborted || outline.errors.length > 0) return;
    const missing = new Set<string>(result.reports.filter((r) => r.status !== 'ran').map((r) => r.name));
    this.o.findings.reconcile(uri, toOwn(result.findings, read), missing, placeIn(document));
  }
}

/** Findings of a source in the document's own offsets. */
export function toOwn(findings: readonly Finding[], read: EditorSource): NewFinding[] {
  const lines = new LineIndex(read.source.text);
  return findings.flatMap((finding) => {
    const range = ownOffsets(finding, read, lines);
    return range ? [{ finding, ...range }] : [];
  });
}
