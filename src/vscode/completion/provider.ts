import * as vscode from 'vscode';
import type { CompletionOutcome, Phase } from '../../core/completion/types.ts';
import { ExpectedError, isCancelled, isExpected, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Verdict } from '../../core/verification/verdict.ts';
import type { Apps } from '../apps.ts';
import { EXTENSION_ID } from '../commands.ts';
import { controllerOf, pause } from '../common/cancellation.ts';
import type { Configuration } from '../common/configuration.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import { displayName, type EditorSource, readSource, refusal } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { SlowNotice } from '../common/progress.ts';
import type { ModelSource } from '../models/model-source.ts';
import type { Decision, Decisions } from './decisions.ts';
import { ghostText } from './ghost-text.ts';
import type { Gutter } from './gutter.ts';
import { Run } from './run.ts';
import { CompletionSession, ownEdits, type Sessions } from './session.ts';
import type { Status } from './status.ts';
import { nameOf } from './verdict-text.ts';

/** Quiet time before an automatic request, in milliseconds: it goes to a model and costs money. */
const AUTOMATIC_DELAY_MS = 350;
/** After so long a completion says with a notification that it is at work. */
const SLOW_MS = 1_000;

/** For the tests of one attempt before it is shown, in milliseconds: somebody waits. */
const BEFORE_SHOW_MS = 20_000;

export interface ProviderOptions {
  readonly apps: Apps;
  readonly configuration: Configuration;
  readonly models: ModelSource;
  readonly status: Status;
  readonly gutter: Gutter;
  readonly sessions: Sessions;
  readonly decisions: Decisions;
  readonly errors: ErrorPath;
  readonly log: Logger;
  /** This provider's registration so far. */
  readonly registration: vscode.Disposable;
}

/** A completion whose verdict has settled after it was shown. */
export interface Settled {
  readonly session: CompletionSession;
  readonly verdict: Verdict;
}

/** Ghost text: answers the editor's triggers and Secure Complete, shows the verdict, replaces what fails late. */
export class CompletionProvider implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly settledNews = new Listeners<Settled>();
  private readonly o: ProviderOptions;
  private running: Run<CompletionSession> | undefined;
  /** Secure Complete has been pressed here; the next request of the editor is its. */
  private pressed: { uri: string; offset: number; until: number } | undefined;
  private registration: vscode.Disposable;

  constructor(options: ProviderOptions) {
    this.o = options;
    this.registration = options.registration;
    this.disposables.add(vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => this.caretMoved(textEditor, selections[0]?.active)));
    this.disposables.add(vscode.window.onDidChangeActiveTextEditor((editor) => this.editorChanged(editor)));
    this.disposables.add(vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => contentChanges.length > 0 && document.uri.toString() === this.running?.uri && this.running.cancel()));
    this.disposables.add(options.models.onDidChange(() => this.o.sessions.forgetUnused()));
    this.disposables.add(options.configuration.onDidChange(() => this.o.sessions.forgetUnused()));
  }

  /** Calls back when the checks of a completion that was shown have all answered. */
  onDidSettle(listener: (news: Settled) => void): vscode.Disposable {
    return this.settledNews.on(listener) as vscode.Disposable;
  }

  dispose(): void {
    this.running?.cancel();
    this.registration.dispose();
    this.disposables.dispose();
  }

  /** Secure Complete: asks this provider alone for a completion at the caret. */
  async secureComplete(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) throw new ExpectedError('no-editor', 'There is no text editor to complete in.', 'Open a file, put the caret where the code is to go, and run Secure Complete again.');
    const { document } = editor;
    const { active } = editor.selection;
    try {
      await this.mayAsk(document);
    } catch (error) {
      if (!isCancelled(error)) this.o.decisions.add({ where: `${displayName(document)}:${active.line + 1}`, trigger: 'command', result: 'failed', reason: isExpected(error) ? `${error.message} ${error.hint}` : messageOf(error) });
      this.o.status.idle();
      throw error;
    }
    // A selection is not replaced: the completion goes where the caret is.
    if (!editor.selection.isEmpty) editor.selection = new vscode.Selection(active, active);
    this.pressed = { uri: document.uri.toString(), offset: document.offsetAt(active), until: Date.now() + 5_000 };
    await this.trigger();
  }

  /** What would keep a request from being made, said where a message can be shown and consent be given. */
  private async mayAsk(document: vscode.TextDocument): Promise<void> {
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `No completion: ${why}`, 'SafeNote works in files, unsaved texts and notebook cells.');
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'No completion: this workspace is not trusted.', 'In an untrusted workspace SafeNote only shows the notebook; trust the workspace to use it.');
    await this.o.models.agree();
  }

  /** Ends the request that is running. */
  cancel(): void {
    this.running?.cancel();
  }

  async provideInlineCompletionItems(document: vscode.TextDocument, position: vscode.Position, context: vscode.InlineCompletionContext, token: vscode.CancellationToken): Promise<vscode.InlineCompletionItem[]> {
    const offset = document.offsetAt(position);
    const uri = document.uri.toString();
    const pressed = this.pressed !== undefined && this.pressed.uri === uri && this.pressed.offset === offset && Date.now() < this.pressed.until;
    if (pressed) this.pressed = undefined;
    const invoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const known = this.o.sessions.find(uri, () => document.getText(), offset);
    // What was shown goes on while it is typed or taken over in parts, and cycling asks again: neither costs a request.
    if (known && (invoked || known.session === this.o.sessions.current) && (pressed || invoked || known.session.state !== 'accepted')) return [this.show(known.session, document, known.rest)];

    const trigger = this.o.configuration.settings(document.uri)['completion.trigger'];
    const by: Decision['trigger'] = pressed ? 'command' : invoked ? 'invoked' : 'automatic';
    // Not worth a line in "Why No Suggestion?": the editor asks after every key.
    if (by === 'automatic' && trigger !== 'automatic') return [];
    const where = `${displayName(document)}:${position.line + 1}`;
    const decide = (result: Decision['result'], reason: string, completion?: CompletionSession) => this.o.decisions.add({ where, trigger: by, result, reason, ...(completion ? { completion } : {}) });
    const no = (reason: string): [] => {
      decide('nothing', reason);
      return [];
    };
    if (by === 'invoked' && trigger === 'off') return no('safenote.completion.trigger is off; only Secure Complete asks SafeNote');
    const why = refusal(document);
    if (why) return no(why);
    if (!vscode.workspace.isTrusted) return no('the workspace is not trusted');
    if (context.selectedCompletionInfo && by === 'automatic') return no('the suggest widget has an entry selected');
    if (by === 'automatic' && /^\w/.test(document.lineAt(position.line).text.slice(position.character))) return no('the caret is inside a word');

    const { controller, release } = controllerOf(token);
    try {
      if (by === 'automatic') {
        await pause(AUTOMATIC_DELAY_MS, controller.signal);
        if (await this.o.models.needsConsent()) return no('sending code to this model has not been agreed to yet; Secure Complete asks');
      }
      const run = this.start(document, offset, by);
      const session = await run.wait(controller.signal);
      const rest = session.remaining(document.getText(), offset);
      if (!rest) return no('the text changed while the answer was being made');
      const { security, function: tested } = session.verdict;
      decide('shown', tested.status === 'fail' && security.status !== 'fail' ? `shown, marked as failing a test: ${tested.reason ?? ''}` : security.status === 'fail' ? `shown, marked as failing ${nameOf(security.findings[0])}` : security.status === 'pass' ? 'shown, checked' : `shown, not checked: ${security.reason ?? 'no analyzer answered'}`, session);
      return [this.show(session, document, rest)];
    } catch (error) {
      if (isCancelled(error)) decide('cancelled', 'cancelled: the caret or the text moved on, or the user cancelled');
      else decide('failed', isExpected(error) ? `${error.message} ${error.hint}` : messageOf(error));
      return [];
    } finally {
      release();
    }
  }

  /**
   * Makes the editor ask this provider. It does not ask a provider again for the same text and caret, not even when the
   * first answer was an error or has been replaced; a newly registered provider it does ask.
   */
  private async trigger(): Promise<void> {
    this.register();
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger', { providerId: EXTENSION_ID });
  }

  private register(): void {
    this.registration.dispose();
    this.registration = vscode.languages.registerInlineCompletionItemProvider({ pattern: '**' }, this);
  }

  /** The request for this text and caret: the one that runs already, or a new one in place of any other. */
  private start(document: vscode.TextDocument, offset: number, by: Decision['trigger']): Run<CompletionSession> {
    const key = `${document.uri.toString()}#${document.version}#${offset}`;
    if (this.running?.key === key && !this.running.finished && !this.running.aborted) return this.running;
    this.running?.cancel();
    const run: Run<CompletionSession> = new Run(key, { uri: document.uri.toString(), offset }, (signal) => this.make(document, offset, by, signal, () => run));
    this.running = run;
    return run;
  }

  private async make(document: vscode.TextDocument, offset: number, by: Decision['trigger'], signal: AbortSignal, own: () => Run<CompletionSession>): Promise<CompletionSession> {
    const { status } = this.o;
    const isCurrent = () => this.running === own();
    const notice = by === 'automatic' ? undefined : new SlowNotice('SafeNote: Secure Complete', SLOW_MS, () => own().cancel());
    setContext('safenote.completing', true);
    const before = document.getText();
    const read = readSource(document);
    status.working('retrieving');
    try {
      const { app } = await this.o.apps.for(document.uri);
      signal.throwIfAborted();
      // While the model writes, Semgrep can start.
      app.warmUp(read.source.language);
      const onPhase = (phase: Phase, detail?: string) => {
        // What a request says after it was superseded is nobody's business.
        if (!isCurrent() || signal.aborted) return;
        status.working(phase, detail);
        notice?.say(phaseWords(phase, detail));
      };
      const { 'completion.mode': mode, 'tests.mode': tests } = this.o.configuration.settings(document.uri);
      const outcome = await app.engine.complete({ document: read.source, offset: offset + read.shift, mode }, { signal, onPhase, tests: tests === 'beforeShow', testBudgetMs: BEFORE_SHOW_MS });
      const record = app.activity.completed(outcome);
      return this.keep({ uri: document.uri.toString(), before, caret: offset, read, outcome, record });
    } catch (error) {
      if (isCurrent()) {
        if (isCancelled(error) || signal.aborted) status.idle();
        else {
          status.problem(messageOf(error));
          if (by === 'automatic') this.o.errors.quiet('Automatic completion', error);
          else void this.o.errors.report('Secure Complete', error);
        }
      }
      throw error;
    } finally {
      notice?.done();
      if (isCurrent()) setContext('safenote.completing', false);
    }
  }

  private keep(o: { uri: string; before: string; caret: number; read: EditorSource; outcome: CompletionOutcome; record: CompletionSession['record'] }): CompletionSession {
    const { shift } = o.read;
    const [edit, ...imports] = ownEdits([o.outcome.edit, ...o.outcome.importEdits], shift);
    const ghost = edit && ghostText(o.before, o.caret, edit, imports);
    if (!ghost) throw new ExpectedError('cannot-show', 'The answer does not fit at the caret, so it cannot be shown.', 'Move the caret to the end of the line and try again.');
    const session = new CompletionSession({ ...o, ghost });
    this.o.sessions.add(session);
    void o.outcome.settled.then(
      (verdict) => this.settle(session, verdict),
      (error: unknown) => this.o.errors.quiet('The checks after the completion', error),
    );
    void o.outcome.learned.then((notes) => {
      for (const note of notes) this.o.log.info(`A ${note.kind} note was ${note.action}: ${note.id}.`);
    });
    return session;
  }

  private show(session: CompletionSession, document: vscode.TextDocument, rest: { start: number; end: number; insertText: string }): vscode.InlineCompletionItem {
    const { sessions, status, gutter } = this.o;
    if (sessions.current && sessions.current !== session) this.leave(sessions.current);
    sessions.current = session;
    if (session.state === 'accepted' || session.state === 'gone') session.state = 'shown';
    const start = document.positionAt(rest.start);
    status.verdict(session);
    const editor = vscode.window.visibleTextEditors.find((e) => e.document === document);
    if (editor) gutter.show(editor, session, start.line);
    const item = new vscode.InlineCompletionItem(rest.insertText, new vscode.Range(start, document.positionAt(rest.end)), { command: 'safenote.internal.accepted', title: 'Accepted', arguments: [session.id] });
    // The editor hides what does not begin with the text before the caret; a range that begins at the caret has none.
    item.filterText = rest.insertText;
    return item;
  }

  /** The verdict is final: show it; when it turned out bad, answer with a checked retry or hand it on. */
  private async settle(session: CompletionSession, verdict: Verdict): Promise<void> {
    const before = session.verdict.security;
    session.verdict = { ...verdict, function: session.tested ?? verdict.function };
    const turned = before.status !== 'fail' && verdict.security.status === 'fail';
    const shown = this.isShown(session);
    if (before !== verdict.security && this.o.sessions.current === session && session.state !== 'gone') {
      this.o.status.verdict(session);
      const editor = shown ? vscode.window.activeTextEditor : undefined;
      if (editor) this.o.gutter.show(editor, session, editor.selection.active.line);
    }
    this.settledNews.fire({ session, verdict });
    if (turned && shown) await this.retryShown(session, verdict);
  }

  /** Still on the screen, as far as can be known: nothing moved since it was shown. */
  private isShown(session: CompletionSession): boolean {
    const editor = vscode.window.activeTextEditor;
    if (!editor || session.state !== 'shown' || this.o.sessions.current !== session || editor.document.uri.toString() !== session.uri) return false;
    return session.taken === 0 && editor.document.getText() === session.before && editor.document.offsetAt(editor.selection.active) === session.caret;
  }

  private async retryShown(session: CompletionSession, verdict: Verdict): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (!document || this.o.configuration.settings(document.uri)['verify.retryBudgetMs'] === 0) return;
    const controller = new AbortController();
    session.retrying = true;
    this.o.status.verdict(session);
    const moved = vscode.Disposable.from(
      vscode.workspace.onDidChangeTextDocument((event) => event.document === document && event.contentChanges.length > 0 && controller.abort(new DOMException('The text changed.', 'AbortError'))),
      vscode.window.onDidChangeTextEditorSelection(() => !this.isShown(session) && controller.abort(new DOMException('The caret moved.', 'AbortError'))),
    );
    try {
      const { app } = await this.o.apps.for(document.uri);
      const outcome = await app.engine.retry(session.outcome, verdict, { signal: controller.signal, tests: this.o.configuration.settings(document.uri)['tests.mode'] === 'beforeShow', testBudgetMs: BEFORE_SHOW_MS });
      const record = app.activity.completed(outcome, { again: true });
      if (!this.isShown(session)) return;
      if (outcome.verdict.security.status === 'fail') {
        session.later.push(outcome.remarks.slice(session.outcome.remarks.length)[0] ?? `It failed the check too: ${outcome.history.at(-1)?.verdict.security.findings[0]?.message ?? 'no reason given'}`);
        this.o.log.info('The second attempt is not offered; the first answer stays, marked.');
        return;
      }
      // The latest completion for this place is the one that the editor gets when it asks again.
      this.keep({ uri: session.uri, before: session.before, caret: session.caret, read: session.read, outcome, record });
      session.state = 'gone';
      // What is shown already would stay on top of a new answer.
      await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
      await this.trigger();
    } catch (error) {
      if (isExpected(error)) session.later.push(error.message);
      this.o.errors.quiet('The retry after a late failure', error);
    } finally {
      moved.dispose();
      session.retrying = false;
      if (this.o.sessions.current === session && session.state === 'shown') this.o.status.verdict(session);
    }
  }

  private editorChanged(editor: vscode.TextEditor | undefined): void {
    if (this.o.sessions.current) this.leave(this.o.sessions.current);
    // An output or a quick pick takes the focus for a moment; another file means that the user has gone on.
    if (editor && this.running && editor.document.uri.scheme !== 'output' && editor.document.uri.toString() !== this.running.uri) this.running.cancel();
  }

  private caretMoved(editor: vscode.TextEditor, caret: vscode.Position | undefined): void {
    if (caret && this.running && editor.document.uri.toString() === this.running.uri && editor.document.offsetAt(caret) !== this.running.offset) this.running.cancel();
    const session = this.o.sessions.current;
    if (!session || session.state === 'accepted' || session.state === 'gone' || editor.document.uri.toString() !== session.uri || !caret) return;
    // The caret moves with every accepted word; the text tells which move it was.
    if (!session.remaining(editor.document.getText(), editor.document.offsetAt(caret))) this.leave(session);
  }

  private leave(session: CompletionSession): void {
    this.o.gutter.hide(session);
    if (session.state !== 'accepted') this.o.status.leave(session);
  }
}

function phaseWords(phase: Phase, detail: string | undefined): string {
  const words: Readonly<Record<Phase, string>> = {
    retrieving: 'finding notes and knowledge',
    drafting: 'drafting to see which knowledge fits',
    generating: `waiting for ${detail ?? 'the model'}`,
    checking: 'checking the answer',
    testing: "running the workspace's tests on the answer",
    retrying: `the first attempt failed${detail ? ` (${detail})` : ''}; asking again`,
    learning: 'writing a note',
  };
  return words[phase];
}
