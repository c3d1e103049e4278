import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { canonicalLanguage } from '../../core/language.ts';
import { LineIndex } from '../../core/source.ts';
import { codeOnly } from '../../core/verification/code-only.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { describeMark } from '../../core/verification/marks.ts';
import type { DocumentVerdict } from '../../core/verification/verifier.ts';
import type { Apps } from '../apps.ts';
import { Disposables } from '../common/disposables.ts';
import { displayName, type EditorSource, fingerprint, ownOffsets, placeIn, readSource, refusal } from '../common/documents.ts';
import { withProgress } from '../common/progress.ts';
import { analyzerName } from '../completion/verdict-text.ts';
import type { CheckQueue } from './check-queue.ts';
import type { FindingsStore, NewFinding, TrackedFinding } from './findings-store.ts';

/** Quiet time after an edit before a document with findings is checked again, in milliseconds. */
const RECHECK_MS = 1_000;
/** Findings of one document that are remembered after they have gone. */
const MAX_DELETED = 20;
/** A check after which a mark or its removal shows is given up after this, in milliseconds. */
const AGAIN_MS = 30_000;

/** Checks whole documents: on demand, and again after edits while they have findings. Documents without are left alone. */
export class FileChecks implements vscode.Disposable {
  private readonly disposables = new Disposables();
  /** The code of each document as it was last checked, without its comments. */
  private readonly checked = new Map<string, string>();
  /** Findings whose text was deleted or repaired: undo may bring it back. */
  private readonly deleted = new Map<string, readonly TrackedFinding[]>();
  private readonly o: { apps: Apps; findings: FindingsStore; queue: CheckQueue };

  constructor(options: FileChecks['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidChangeTextDocument((event) => this.edited(event)));
    this.disposables.add(
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const file of files) for (const uri of this.o.findings.uris) if (uri === file.toString() || uri.startsWith(`${file.toString()}/`)) this.o.findings.clear(uri);
      }),
    );
    // An unsaved text that is closed is gone, and its findings with it.
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private closed(document: vscode.TextDocument): void {
    const uri = document.uri.toString();
    this.checked.delete(uri);
    this.deleted.delete(uri);
    this.o.queue.cancel(uri);
    if (document.isUntitled) this.o.findings.clear(uri);
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
    const own = document.uri.toString();
    this.o.findings.put(own, { kind: 'file' }, found, placeIn(document));
    this.deleted.delete(own);
    if (result.reports.every((r) => r.status === 'ran')) this.checked.set(own, codeOf(document));
    else this.checked.delete(own);
    // Not awaited: the command is done, the message may stay for long.
    void this.say(name, found.length, result);
  }

  /** Looks again at a document that has findings, after something else than its text has changed. */
  async again(document: vscode.TextDocument): Promise<void> {
    await this.recheck(document, AbortSignal.timeout(AGAIN_MS));
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
    const before = this.o.findings.of(uri);
    if (contentChanges.length === 0 || (before.length === 0 && !this.deleted.has(uri))) return;
    this.o.findings.edit(uri, contentChanges.map((c) => ({ offset: c.rangeOffset, length: c.rangeLength, text: c.text })), placeIn(document));
    const gone = before.filter((f) => !this.o.findings.byId(f.id));
    if (gone.length > 0) {
      this.remember(uri, gone);
      this.checked.delete(uri);
    }
    // What came in a SARIF file cannot be checked here.
    if (!this.deleted.has(uri) && before.every((f) => f.origin.kind === 'import')) return;
    this.o.queue.later('Checking the findings again', uri, RECHECK_MS, async (signal) => {
      const code = codeOf(document);
      // Only comments have changed, and the findings have moved along.
      if (this.checked.get(uri) === code) return;
      if (await this.recheck(document, signal)) this.checked.set(uri, code);
    });
  }

  private remember(uri: string, gone: readonly TrackedFinding[]): void {
    const all = [...(this.deleted.get(uri) ?? []), ...gone].slice(-MAX_DELETED);
    if (all.length > 0) this.deleted.set(uri, all);
  }

  /** True when the findings are those of the document as it is now. */
  private async recheck(document: vscode.TextDocument, signal: AbortSignal): Promise<boolean> {
    const uri = document.uri.toString();
    if (document.isClosed || !vscode.workspace.isTrusted || (this.o.findings.of(uri).length === 0 && !this.deleted.has(uri))) return false;
    const { version } = document;
    const read = readSource(document);
    const { app } = await this.o.apps.for(document.uri);
    const [outline, result] = await Promise.all([app.parser.outline(read.source, signal), app.verifier.verifyDocument(read.source, { signal })]);
    // Half-typed code hides findings; the next quiet second tells more.
    if (document.isClosed || document.version !== version || signal.aborted || outline.errors.length > 0) return false;
    const missing = new Set<string>(result.reports.filter((r) => r.status !== 'ran').map((r) => r.name));
    const now = toOwn(result.findings, read);
    const lines = placeIn(document);
    const before = this.o.findings.of(uri);
    this.o.findings.reconcile(uri, now, missing, lines);
    // What was gone and is there again is what it was.
    const deleted = [...(this.deleted.get(uri) ?? [])];
    const open = this.o.findings.of(uri);
    const back = now
      .filter((n) => !open.some((f) => f.start === n.start && f.finding.ruleId === n.finding.ruleId))
      .flatMap((n) => {
        const at = deleted.findIndex((d) => d.finding.ruleId === n.finding.ruleId && d.finding.message === n.finding.message);
        const [was] = at === -1 ? [] : deleted.splice(at, 1);
        return was ? [{ ...was, ...n, from: lines(n.start), to: lines(n.end) }] : [];
      });
    if (back.length > 0) this.o.findings.restore(back);
    this.deleted.delete(uri);
    this.remember(uri, [...deleted, ...before.filter((f) => !this.o.findings.byId(f.id))]);
    return missing.size === 0;
  }
}

function codeOf(document: vscode.TextDocument): string {
  return fingerprint(codeOnly(document.getText(), canonicalLanguage(document.languageId)));
}

/** Findings of a source in the document's own offsets. */
export function toOwn(findings: readonly Finding[], read: EditorSource): NewFinding[] {
  const lines = new LineIndex(read.source.text);
  return findings.flatMap((finding) => {
    const range = ownOffsets(finding, read, lines);
    return range ? [{ finding, ...range }] : [];
  });
}
