import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { Phase } from '../../core/completion/types.ts';
import { LineIndex, applyEdits, type TextEdit } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import type { FunctionVerdict, SecurityVerdict } from '../../core/verification/verdict.ts';
import type { Apps } from '../apps.ts';
import type { FindingTarget, SessionTarget } from '../commands.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import { displayName, fingerprint, readSource } from '../common/documents.ts';
import { withProgress } from '../common/progress.ts';
import type { VirtualDocuments } from '../common/virtual-documents.ts';
import { type CompletionSession, ownEdits, type Sessions } from '../completion/session.ts';
import { nameOf } from '../completion/verdict-text.ts';
import type { Guard } from '../guard/guard.ts';
import { FindingDiagnostic, rangeOf, SOURCE } from './diagnostics.ts';
import type { FindingsStore, TrackedFinding } from './findings-store.ts';

/** A fix that waits for the user's decision, made for one state of the text. */
interface Proposal {
  readonly document: vscode.TextDocument;
  readonly edits: readonly TextEdit[];
  /** Of the text that the fix was made for. */
  readonly fingerprint: string;
  readonly preview: vscode.Uri;
  readonly title: string;
  readonly applied?: () => void;
}

/** Quick fixes: nothing is asked of a model before the user chooses one, nothing is changed before the user has seen it. */
export class Fixes implements vscode.CodeActionProvider, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly o: { guard: Guard; apps: Apps; findings: FindingsStore; sessions: Sessions; documents: VirtualDocuments; tests: (document: vscode.TextDocument) => boolean };
  private proposal: Proposal | undefined;
  private readonly replaced = new Listeners<CompletionSession>();

  constructor(options: Fixes['o']) {
    this.o = options;
    this.disposables.add(vscode.languages.registerCodeActionsProvider({ pattern: '**' }, this, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] }));
    this.disposables.add(
      vscode.workspace.onDidCloseTextDocument((document) => {
        if (document.uri.toString() === this.proposal?.preview.toString()) this.forget();
      }),
    );
  }

  dispose(): void {
    this.disposables.dispose();
  }

  provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
    if (!vscode.workspace.isTrusted) return [];
    const uri = document.uri.toString();
    const own = context.diagnostics.filter((d) => d.source?.startsWith(SOURCE));
    return own.flatMap((diagnostic) => {
      const tracked = diagnostic instanceof FindingDiagnostic ? this.o.findings.byId(diagnostic.findingId) : this.o.findings.of(uri).find((f) => rangeOf(f).isEqual(diagnostic.range));
      if (!tracked) return [];
      const target: FindingTarget = { findingId: tracked.id };
      const actions = [action(`SafeNote: find a proved fix for ${nameOf(tracked.finding)}…`, 'safenote.fix', target, diagnostic)];
      if (this.canReplace(tracked)) actions.unshift(action('SafeNote: replace with a checked completion…', 'safenote.internal.replaceCompletion', target, diagnostic));
      actions.push(action('SafeNote: mark as false positive…', 'safenote.markFalsePositive', target, diagnostic));
      return actions;
    });
  }

  /** Finds a fix that is proved and shows it as a diff. Without a target: the finding at the caret, or one of the file's. */
  async fix(target?: FindingTarget): Promise<void> {
    const tracked = await this.choose(target);
    if (!tracked) return;
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(tracked.uri, true));
    const read = readSource(document);
    const before = fingerprint(document.getText());
    const found = await withProgress('SafeNote: looking for a fix', async (signal, report) => {
      const { app } = await this.o.apps.for(document.uri);
      const lines = new LineIndex(read.source.text);
      // The finding as it lies in the text now; a mechanical fix fits only the text it was made for.
      const { fix, ...rest } = tracked.finding;
      const moved: Finding = { ...rest, ...lines.toRange({ start: tracked.start + read.shift, end: tracked.end + read.shift }) };
      const unmoved = moved.startLine === rest.startLine && moved.startColumn === rest.startColumn;
      return app.fixer.propose(read.source, fix && unmoved && read.shift === 0 ? { ...moved, fix } : moved, {
        signal,
        onPhase: (phase) => report({ checking: 'proving it', retrying: 'the first did not hold, trying again' }[phase as string] ?? 'asking the model'),
      });
    });
    if ('none' in found) throw new ExpectedError('no-fix', `No fix could be proved for ${nameOf(tracked.finding)}: ${found.none}.`, 'Change the code by hand; the finding shows what is wrong.');
    await this.offer(document, before, ownEdits(found.edits, read.shift), { title: `Fix for ${nameOf(tracked.finding)}`, by: found.source === 'rule' ? 'the rule' : 'the model', verdict: found.verdict });
  }

  /** Asks for the completion again, with what was wrong, and offers the answer in place of the accepted one. */
  async replaceCompletion(target: FindingTarget | SessionTarget): Promise<void> {
    const tracked = 'findingId' in target ? this.o.findings.byId(target.findingId) : undefined;
    const session = 'sessionId' in target ? this.o.sessions.byId(target.sessionId) : tracked?.origin.kind === 'completion' ? this.o.sessions.byId(tracked.origin.sessionId) : undefined;
    if (!session) throw new ExpectedError('no-session', 'SafeNote no longer knows the completion that this came from.', 'Use "find a proved fix" on a finding instead, or change the code by hand.');
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(session.uri, true));
    const text = document.getText();
    const before = fingerprint(text);
    const { insertText } = session.ghost;
    const at = nearest(text, insertText, tracked?.start ?? session.ghost.start);
    if (at === undefined) throw new ExpectedError('changed', 'The completion was changed since it was accepted, so it cannot be replaced as a whole.', 'Use "find a proved fix" instead.');
    const outcome = await withProgress('SafeNote: asking for a checked completion', async (signal, report) => {
      const { app } = await this.o.apps.for(document.uri);
      report('asking the model again');
      // Tests have a say too: what is secure and breaks one is not offered.
      const tests = this.o.tests(document);
      const learned = Promise.all([session.outcome.learned, session.learnedLater]).then((lists) => lists.flat());
      const onPhase = (phase: Phase) => phase === 'testing' && report('running the tests on the answer');
      const retried = await app.engine.retry({ ...session.outcome, learned }, session.verdict, { signal, tests, onPhase });
      report('waiting for every check');
      return { ...retried, verdict: await retried.settled };
    });
    const { security, function: tested } = outcome.verdict;
    const untested = session.verdict.function.status === 'fail' && tested.status !== 'pass';
    if (security.status !== 'pass' || tested.status === 'fail' || untested) {
      const both = outcome.remarks.slice(session.outcome.remarks.length)[0];
      const why = security.status !== 'pass' ? (security.findings[0]?.message ?? security.reason ?? 'it could not be checked') : (tested.reason ?? 'its tests did not run');
      throw new ExpectedError('no-fix', both ?? `The new answer does not pass the check either: ${why}.`, 'Use "find a proved fix" on a finding, or change the code by hand.');
    }
    const lines = new Set(text.split(/\r?\n/).map((line) => line.trim()));
    const imports = ownEdits(outcome.importEdits, session.read.shift).filter((edit) => edit.start <= at && edit.text.split(/\r?\n/).some((line) => line.trim() && !lines.has(line.trim())));
    const edits = [{ start: at, end: at + insertText.length, text: outcome.edit.text }, ...imports];
    await this.offer(document, before, edits, { title: `Checked completion for ${tracked ? nameOf(tracked.finding) : 'the failing tests'}`, by: 'the model', verdict: security, ...(tested.status === 'pass' ? { tested } : {}), applied: () => this.replaced.fire(session) });
  }

  /** Applies the fix that is shown, if the text is still the one it was made for. */
  async apply(): Promise<void> {
    const { proposal } = this;
    if (!proposal) throw new ExpectedError('no-fix', 'There is no fix to apply.', 'Choose "SafeNote: find a proved fix" on a finding first.');
    const { document, edits } = proposal;
    await this.close(proposal);
    if (fingerprint(document.getText()) !== proposal.fingerprint) {
      throw new ExpectedError('changed', `${displayName(document)} changed since the fix was made, so it was not applied.`, 'Ask for the fix again.');
    }
    const all = new vscode.WorkspaceEdit();
    for (const edit of edits) all.replace(document.uri, new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end)), edit.text);
    if (!(await this.o.guard.unguarded(document, () => vscode.workspace.applyEdit(all)))) throw new ExpectedError('not-applied', 'The editor did not take the fix.', 'Check that the file can be written, and ask for the fix again.');
    proposal.applied?.();
    await vscode.window.showTextDocument(document, { preview: false });
  }

  async discard(): Promise<void> {
    if (this.proposal) await this.close(this.proposal);
  }

  /** Calls back when an accepted completion was replaced by a checked one. */
  onDidReplace(listener: (session: CompletionSession) => void): vscode.Disposable {
    return this.replaced.on(listener) as vscode.Disposable;
  }

  /** Whether a fix waits for a decision, for tests. */
  get pending(): string | undefined {
    return this.proposal?.title;
  }

  private canReplace(tracked: TrackedFinding): boolean {
    return tracked.origin.kind === 'completion' && this.o.sessions.byId(tracked.origin.sessionId)?.state === 'accepted';
  }

  /** The finding that is meant: the one at the caret, or one that the user picks. */
  async choose(target: FindingTarget | undefined, title = 'Find a Proved Fix'): Promise<TrackedFinding | undefined> {
    if (target) {
      const found = this.o.findings.byId(target.findingId);
      if (!found) throw new ExpectedError('finding-gone', 'This finding is no longer there.', 'Run "SafeNote: Verify File" to see what is there now.');
      return found;
    }
    const editor = vscode.window.activeTextEditor;
    const all = editor ? this.o.findings.of(editor.document.uri.toString()) : [];
    const here = all.filter((f) => rangeOf(f).start.line <= (editor?.selection.active.line ?? -1) && rangeOf(f).end.line >= (editor?.selection.active.line ?? -1));
    const candidates = here.length > 0 ? here : all;
    if (candidates.length === 0) throw new ExpectedError('no-findings', 'There is no finding in this file.', 'Run "SafeNote: Verify File" first.');
    if (candidates.length === 1) return candidates[0];
    const picked = await vscode.window.showQuickPick(
      candidates.map((tracked) => ({ label: tracked.finding.message, description: `${nameOf(tracked.finding)} [Ln ${tracked.from.line + 1}]`, tracked })),
      { title: `SafeNote: ${title}`, placeHolder: 'Which finding?', matchOnDescription: true },
    );
    return picked?.tracked;
  }

  private async offer(document: vscode.TextDocument, before: string, edits: readonly TextEdit[], o: { title: string; by: string; verdict: SecurityVerdict; tested?: FunctionVerdict; applied?: () => void }): Promise<void> {
    if (fingerprint(document.getText()) !== before) throw new ExpectedError('changed', `${displayName(document)} changed while the fix was being made, so it was not used.`, 'Ask for the fix again.');
    if (this.proposal) await this.close(this.proposal);
    const name = displayName(document);
    const preview = this.o.documents.put(`fix/${name}`, applyEdits(document.getText(), edits));
    const proposal: Proposal = { document, edits, fingerprint: before, preview, title: o.title, ...(o.applied ? { applied: o.applied } : {}) };
    this.proposal = proposal;
    setContext('safenote.fixPending', true);
    await vscode.commands.executeCommand('vscode.diff', document.uri, preview, `${name}: ${o.title}`, { preview: true });
    const checked = o.verdict.reports.filter((r) => r.status === 'ran').map((r) => r.name).join(', ');
    const apply = 'Apply';
    // Not awaited: the buttons in the editor's title do the same.
    void vscode.window.showInformationMessage(`SafeNote: a fix by ${o.by}, proved by ${[checked, ...(o.tested ? [`${o.tested.runner ?? 'tests'} (passing)`] : [])].join(', ')}: ${o.title.includes('failing tests') ? 'nothing new appeared' : 'the finding is gone, nothing new appeared'}. Apply it?`, apply, 'Discard').then(async (chosen) => {
      if (this.proposal !== proposal || !chosen) return;
      await vscode.commands.executeCommand(chosen === apply ? 'safenote.applyFix' : 'safenote.discardFix');
    });
  }

  private async close(proposal: Proposal): Promise<void> {
    if (this.proposal === proposal) this.forget();
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const own = tabs.filter((tab) => tab.input instanceof vscode.TabInputTextDiff && tab.input.modified.toString() === proposal.preview.toString());
    if (own.length > 0) await vscode.window.tabGroups.close(own);
  }

  private forget(): void {
    this.proposal = undefined;
    setContext('safenote.fixPending', false);
  }
}

function action(title: string, command: string, target: FindingTarget, diagnostic: vscode.Diagnostic): vscode.CodeAction {
  const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  made.command = { command, title, arguments: [target] };
  made.diagnostics = [diagnostic];
  // Never preferred: it must not run with "Auto Fix" or bury the fixes of the language.
  made.isPreferred = false;
  return made;
}

/** Where `part` occurs in `text` around an offset. */
function nearest(text: string, part: string, offset: number): number | undefined {
  let best: number | undefined;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    if (at <= offset && offset <= at + part.length) return at;
    if (best === undefined || Math.abs(at - offset) < Math.abs(best - offset)) best = at;
  }
  return best;
}
