import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import type { Phase } from '../../core/completion/types.ts';
import { LineIndex, applyEdits, type TextEdit } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { type FixedAll, type NoFix } from '../../core/verification/fixer.ts';
import type { FunctionVerdict, SecurityVerdict } from '../../core/verification/verdict.ts';
import type { Apps } from '../apps.ts';
import type { FindingTarget, SessionTarget } from '../commands.ts';
import { controllerOf } from '../common/cancellation.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import { displayName, fingerprint, readSource, refusal } from '../common/documents.ts';
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

/** What *Fix All* is to the editor: `editor.codeActionsOnSave` may name it. */
const FIX_ALL = vscode.CodeActionKind.SourceFixAll.append('safenote');

/** Quick fixes: nothing is asked of a model before the user chooses one, nothing is changed before the user has seen it. */
export class Fixes implements vscode.CodeActionProvider, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly o: { guard: Guard; apps: Apps; findings: FindingsStore; sessions: Sessions; documents: VirtualDocuments; tests: (document: vscode.TextDocument) => boolean };
  private proposal: Proposal | undefined;
  private readonly replaced = new Listeners<CompletionSession>();
  /** The last message about an answer that breaks a test, for tests. */
  told = '';

  constructor(options: Fixes['o']) {
    this.o = options;
    this.disposables.add(vscode.languages.registerCodeActionsProvider({ pattern: '**' }, this, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, FIX_ALL] }));
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
    // Only where it is asked for by its kind: a light bulb on every line of a file would say nothing.
    if (context.only && context.only.contains(FIX_ALL)) return this.o.findings.of(document.uri.toString()).some((f) => f.finding.fix) ? [new FixAllAction(document)] : [];
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

  /** Makes the edit of *Fix All* when the editor is about to apply it. */
  async resolveCodeAction(action: vscode.CodeAction, token: vscode.CancellationToken): Promise<vscode.CodeAction> {
    if (!(action instanceof FixAllAction)) return action;
    const { document } = action;
    const before = fingerprint(document.getText());
    const { controller, release } = controllerOf(token);
    // Without an answer nothing is fixed: the command says why, an action on save stays out of the way.
    const found = await this.findAll(document, controller.signal).catch(() => undefined).finally(release);
    if (found && !('none' in found) && fingerprint(document.getText()) === before) action.edit = editOf(document, found.own);
    return action;
  }

  /** *Fix All in File*: the fixes of the rules themselves, proved as a whole, as one diff and one undo step. */
  async fixAll(target?: vscode.Uri | { readonly uri: string }): Promise<void> {
    const uri = target && !(target instanceof vscode.Uri) ? vscode.Uri.parse(target.uri, true) : target;
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'Nothing was fixed: this workspace is not trusted.', 'Trust the workspace to let SafeNote check its files.');
    const document = uri ? await vscode.workspace.openTextDocument(uri) : vscode.window.activeTextEditor?.document;
    if (!document) throw new ExpectedError('no-editor', 'There is no file to fix.', 'Open one.');
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `${displayName(document)} was not fixed: ${why}`, 'SafeNote works in files, unsaved texts and notebook cells.');
    const before = fingerprint(document.getText());
    const found = await withProgress(`SafeNote: proving the fixes of ${displayName(document)}`, (signal) => this.findAll(document, signal));
    if ('none' in found) {
      if (found.breaks) return this.tellBoth(document, found, 'the fixes of the rules');
      throw new ExpectedError('no-fix', `Nothing was fixed in ${displayName(document)}: ${found.none}.`, 'Use "find a proved fix" on a finding.');
    }
    const { fixed, left } = found;
    const rest = left.length > 0 ? `; ${left.length} left, first line ${left[0]?.finding.startLine ?? 0}: ${left[0]?.why ?? ''}` : '';
    await this.offer(document, before, found.own, { title: `${fixed.length} ${fixed.length === 1 ? 'fix' : 'fixes'}`, what: `${fixed.length} ${fixed.length === 1 ? 'fix' : 'fixes'} of the rules${rest}`, verdict: found.verdict, ...(found.tests ? { tests: found.tests } : {}) });
  }

  private async findAll(document: vscode.TextDocument, signal: AbortSignal): Promise<(FixedAll & { own: readonly TextEdit[] }) | NoFix> {
    const read = readSource(document);
    const { app } = await this.o.apps.for(document.uri);
    const found = await app.fixer.proposeAll(read.source, signal);
    return 'none' in found ? found : { ...found, own: ownEdits(found.edits, read.shift) };
  }

  /** The only secure answer breaks a test: nothing is offered, both facts are told, and the answer can be looked at. */
  private tellBoth(document: vscode.TextDocument, { breaks, none }: NoFix, what: string): void {
    if (!breaks) return;
    const { shift } = readSource(document);
    const answer = applyEdits(document.getText(), ownEdits(breaks.edits, shift));
    const show = 'Show the Answer';
    this.told = `Nothing was changed in ${displayName(document)}. ${what} would be secure, but ${none.replace(/\.$/, '')}. Change the code and the test together, by hand.`;
    void vscode.window.showWarningMessage(`SafeNote: ${this.told}`, show).then(async (pressed) => {
      if (pressed === show) await vscode.commands.executeCommand('vscode.diff', document.uri, this.o.documents.put(`secure, but breaks a test/${displayName(document)}`, answer), `${displayName(document)}: secure, but breaks a test`, { preview: true });
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
    if ('none' in found && found.breaks) return this.tellBoth(document, found, `The only answer to ${nameOf(tracked.finding)} that was found`);
    if ('none' in found) throw new ExpectedError('no-fix', `No fix could be proved for ${nameOf(tracked.finding)}: ${found.none}.`, 'Change the code by hand; the finding shows what is wrong.');
    await this.offer(document, before, ownEdits(found.edits, read.shift), { title: `Fix for ${nameOf(tracked.finding)}`, what: `a fix by ${found.source === 'rule' ? 'the rule' : 'the model'}`, verdict: found.verdict, ...(found.tests ? { tests: found.tests } : {}) });
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
    await this.offer(document, before, edits, { title: `Checked completion for ${tracked ? nameOf(tracked.finding) : 'the failing tests'}`, what: 'a completion by the model', verdict: security, tests: tested, applied: () => this.replaced.fire(session) });
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
    if (!(await this.o.guard.unguarded(document, () => vscode.workspace.applyEdit(editOf(document, edits))))) throw new ExpectedError('not-applied', 'The editor did not take the fix.', 'Check that the file can be written, and ask for the fix again.');
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

  private async offer(document: vscode.TextDocument, before: string, edits: readonly TextEdit[], o: { title: string; what: string; verdict: SecurityVerdict; tests?: FunctionVerdict; applied?: () => void }): Promise<void> {
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
    const tests = o.tests?.status === 'pass' ? `, and by ${o.tests.runner ?? 'tests'} (passing)` : '';
    const still = o.tests?.status === 'fail' ? ` Tests that failed before still fail (${o.tests.reason ?? ''}).` : '';
    void vscode.window.showInformationMessage(`SafeNote: ${o.what}, proved by ${checked}${tests}: ${o.title.includes('failing tests') ? 'nothing new appeared' : 'what was found is gone, nothing new appeared'}.${still} Apply?`, apply, 'Discard').then(async (chosen) => {
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

/** *Fix All* as a code action; its edit is made when it is needed. */
class FixAllAction extends vscode.CodeAction {
  readonly document: vscode.TextDocument;

  constructor(document: vscode.TextDocument) {
    super('SafeNote: fix all that rules can fix', FIX_ALL);
    this.document = document;
    this.isPreferred = false;
  }
}

function editOf(document: vscode.TextDocument, edits: readonly TextEdit[]): vscode.WorkspaceEdit {
  const all = new vscode.WorkspaceEdit();
  for (const edit of edits) all.replace(document.uri, new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end)), edit.text);
  return all;
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
