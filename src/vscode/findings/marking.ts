import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { type FindingIdentity, identityKey } from '../../core/verification/identity.ts';
import { describeMark, type StoredMark } from '../../core/verification/marks.ts';
import type { App } from '../../node/app.ts';
import type { Apps } from '../apps.ts';
import type { FindingTarget } from '../commands.ts';
import { displayName, readSource } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { nameOf } from '../completion/verdict-text.ts';
import type { FileChecks } from './file-checks.ts';
import type { FindingsStore, TrackedFinding } from './findings-store.ts';

interface Choice extends vscode.QuickPickItem {
  readonly days?: number;
}

const EXPIRIES: readonly Choice[] = [
  { label: 'In 90 days', days: 90 },
  { label: 'In 30 days', days: 30 },
  { label: 'In a year', days: 365 },
  { label: 'Never', description: 'the mark holds as long as these lines stay as they are' },
];

/** The user's word that a finding is no weakness: *Mark as False Positive*, and the review of such marks. */
export class Marking {
  private readonly o: { apps: Apps; findings: FindingsStore; checks: FileChecks; choose: (target: FindingTarget | undefined) => Promise<TrackedFinding | undefined>; errors: ErrorPath };

  constructor(options: Marking['o']) {
    this.o = options;
  }

  /** Asks for reason and expiry, unless both are given. */
  async mark(target?: FindingTarget, given?: { reason: string; days?: number }): Promise<void> {
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Nothing was marked: this workspace is not trusted.', 'Trust the workspace to let SafeNote write to it.');
    const tracked = await this.o.choose(target);
    if (!tracked) return;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(tracked.uri, true));
    const read = readSource(document);
    const { app } = await this.o.apps.for(document.uri);
    const outline = await app.parser.outline(read.source, new AbortController().signal);
    const lines = new LineIndex(read.source.text);
    const finding: Finding = { ...tracked.finding, ...lines.toRange({ start: tracked.start + read.shift, end: tracked.end + read.shift }) };
    if (!app.marks.identify(read.source, outline, finding)) {
      throw new ExpectedError('not-markable', `${displayName(document)} is no file of this workspace, and marks are kept by file.`, 'Save it in the workspace, or accept the finding by a comment: "safenote: ignore CWE-… because …".');
    }
    const answer = given ?? (await ask(tracked, app));
    if (!answer) return;
    const mark = app.marks.make(read.source, outline, finding, { reason: answer.reason, ...(answer.days === undefined ? {} : { expires: app.marks.today(answer.days) }) });
    if (!mark) return;
    await app.marks.store.add(mark);
    const weakened = await app.falseAlarms.weaken(finding, mark.code, read.source.language);
    const gone = this.o.findings.of(tracked.uri).filter((f) => f.id === tracked.id || (f.from.line === tracked.from.line && (f.finding.ruleFamily === finding.ruleFamily || f.finding.cwe.some((cwe) => finding.cwe.includes(cwe)))));
    for (const { id } of gone) this.o.findings.remove(id);
    const note = weakened.notes.length > 0 ? ` The note that it made counts less: ${weakened.notes[0] ?? ''}.` : '';
    const undo = 'Undo';
    // Not awaited: the command is done, the message may stay for long.
    void vscode.window.showInformationMessage(`SafeNote: ${nameOf(finding)} in ${displayName(document)} is marked as a false positive${mark.expires ? ` until ${mark.expires}` : ''}.${note}`, undo).then(async (pressed) => {
      if (pressed !== undo) return;
      await this.o.errors.run('Undoing the mark', async () => {
        await app.marks.store.remove([mark]);
        await weakened.undo();
        this.o.findings.restore(gone);
        await this.o.checks.again(document);
      });
    });
  }

  /** Every mark with what it does; those chosen are approved or removed. */
  async review(): Promise<void> {
    const rooms = await this.o.apps.all();
    const items = rooms.flatMap(({ app, name }) => app.marks.store.load().marks.map((stored) => ({ ...itemOf(stored, app), app, stored, ...(rooms.length > 1 ? { description: name } : {}) })));
    const problems = rooms.flatMap(({ app }) => app.marks.store.load().problems);
    if (problems.length > 0) void vscode.window.showWarningMessage(`SafeNote: ${problems[0] ?? ''}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`);
    if (items.length === 0) {
      if (problems.length === 0) void vscode.window.showInformationMessage('SafeNote: no finding is marked as a false positive in this workspace.');
      return;
    }
    const waiting = items.some((item) => !item.stored.approved);
    const picked = await vscode.window.showQuickPick(items.map((item) => ({ ...item, picked: !item.stored.approved })), { canPickMany: true, matchOnDetail: true, title: `SafeNote: False-Positive Marks${waiting ? ' (some came from elsewhere and hide nothing until you approve them)' : ''}`, placeHolder: 'Choose marks to approve or to remove' });
    if (!picked || picked.length === 0) return;
    const approve = { label: '$(unlock) Approve', detail: 'They count from now on, on this machine.', remove: false };
    const remove = { label: '$(trash) Remove', detail: 'Their findings count again.', remove: true };
    const what = await vscode.window.showQuickPick(picked.some((item) => !item.stored.approved) ? [approve, remove] : [remove], { title: `SafeNote: ${picked.length} ${picked.length === 1 ? 'mark' : 'marks'}` });
    if (!what) return;
    for (const [app, own] of Map.groupBy(picked, (item) => item.app)) {
      const marks = own.map((item) => item.stored.mark);
      await (what.remove ? app.marks.store.remove(marks) : app.marks.store.approve(marks));
      if (!what.remove) await this.dropMarked(app, marks);
    }
    for (const document of vscode.workspace.textDocuments) if (this.o.findings.of(document.uri.toString()).length > 0) await this.o.checks.again(document);
  }

  /** Findings that approved marks now cover. */
  private async dropMarked(app: App, marks: readonly FindingIdentity[]): Promise<void> {
    const keys = new Set(marks.map(identityKey));
    for (const document of vscode.workspace.textDocuments) {
      const open = this.o.findings.of(document.uri.toString());
      if (open.length === 0) continue;
      const read = readSource(document);
      const lines = new LineIndex(read.source.text);
      const outline = await app.parser.outline(read.source, new AbortController().signal);
      for (const f of open) {
        const identity = app.marks.identify(read.source, outline, { ...f.finding, ...lines.toRange({ start: f.start + read.shift, end: f.end + read.shift }) });
        if (identity && keys.has(identityKey(identity))) this.o.findings.remove(f.id);
      }
    }
  }
}

async function ask(tracked: TrackedFinding, app: App): Promise<{ reason: string; days?: number } | undefined> {
  const title = `SafeNote: ${nameOf(tracked.finding)} is a false positive`;
  const reason = await vscode.window.showInputBox({
    title: `${title} (1/2)`,
    prompt: 'Why is this no weakness here? Whoever reviews the marks reads it.',
    placeHolder: 'the table name is one of our constants',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim().length < 3 ? 'A reason is needed: the mark hides a finding.' : undefined),
  });
  if (!reason) return undefined;
  const items = EXPIRIES.map((item) => (item.days === undefined ? item : { ...item, description: app.marks.today(item.days) }));
  const until = await vscode.window.showQuickPick(items, { title: `${title} (2/2)`, placeHolder: 'When should it be looked at again?', ignoreFocusOut: true });
  return until && { reason, ...(until.days === undefined ? {} : { days: until.days }) };
}

function itemOf({ mark, approved }: StoredMark, app: App): vscode.QuickPickItem {
  const over = app.marks.isOver(mark);
  const icon = over ? 'history' : approved ? 'verified' : 'lock';
  return { label: `$(${icon}) ${describeMark(mark).replaceAll('$(', '$ (')}`, detail: `${over ? `expired on ${mark.expires ?? ''}` : approved ? `counts${mark.expires ? ` until ${mark.expires}` : ''}` : 'not approved'} · ${mark.code.replaceAll('$(', '$ (')}` };
}
