import * as vscode from 'vscode';
import { ExpectedError, isCancelled, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { FunctionVerdict } from '../../core/verification/verdict.ts';
import type { App } from '../../node/app.ts';
import type { Apps } from '../apps.ts';
import { cancelled } from '../common/cancellation.ts';
import type { Configuration } from '../common/configuration.ts';
import { setContext } from '../common/context-keys.ts';
import { Disposables } from '../common/disposables.ts';
import { displayName, readSource, refusal } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import { withProgress } from '../common/progress.ts';
import type { AcceptedWhole } from '../completion/acceptance.ts';
import { afterAcceptance } from '../completion/ghost-text.ts';
import type { CompletionSession, Sessions } from '../completion/session.ts';
import type { Status } from '../completion/status.ts';
import type { TestFailures } from './failures.ts';
import type { TestResults } from './results.ts';

/** For the tests of an accepted completion, in milliseconds: nobody waits for them. */
const BUDGET_MS = 60_000;

export interface TestRunsOptions {
  readonly apps: Apps;
  readonly configuration: Configuration;
  readonly sessions: Sessions;
  readonly failures: TestFailures;
  readonly results: TestResults;
  readonly status: Status;
  readonly errors: ErrorPath;
  readonly log: Logger;
}

/**
 * The workspace's tests after acceptance and on demand: one run at a time, in the background, in the sandbox, on the text and
 * never on the user's files.
 */
export class TestRuns implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly o: TestRunsOptions;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly running = new Set<AbortController>();

  constructor(options: TestRunsOptions) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidSaveTextDocument((document) => this.saved(document)));
    this.disposables.add(options.apps.onDidAgreeToTests(() => this.again()));
  }

  dispose(): void {
    this.cancel();
    this.disposables.dispose();
  }

  /** Whether tests run or wait to run. */
  get busy(): boolean {
    return this.running.size > 0;
  }

  /** A completion is in its document: its tests run now, unless they ran before it was shown. */
  accepted({ session, document }: AcceptedWhole): void {
    if (!vscode.workspace.isTrusted || this.o.configuration.settings(document.uri)['tests.mode'] === 'off') return;
    this.o.failures.follow(session, document);
    if (session.verdict.function.status !== 'unavailable') this.o.failures.put(session, session.verdict.function);
    else this.start(session, document);
  }

  /** "Run Tests": on the accepted completion of the file as long as nothing else was changed, else on the file as it stands. */
  async runNow(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    if (!document) throw new ExpectedError('no-editor', 'There is no file to test.', 'Open one whose tests are in the workspace.');
    const why = refusal(document);
    if (why) throw new ExpectedError('refused', `${displayName(document)} was not tested: ${why}`, 'SafeNote tests files of the workspace.');
    if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'No test was run: this workspace is not trusted.', 'Trust the workspace to let SafeNote run its tests.');
    const session = this.o.sessions.last;
    const verdict = await withProgress(`SafeNote: testing ${displayName(document)}`, async (signal) => {
      if (session?.state === 'accepted' && session.uri === document.uri.toString() && document.getText() === afterAcceptance(session.before, session.ghost)) {
        this.o.failures.follow(session, document);
        return this.testCompletion(session, document, signal);
      }
      return this.testDocument(document, signal);
    });
    // Not awaited: the command is done, the message may stay for long.
    void say(displayName(document), verdict);
  }

  /** Ends what runs and what waits to run. */
  cancel(): void {
    for (const controller of this.running) controller.abort(cancelled());
  }

  private start(session: CompletionSession, document: vscode.TextDocument): void {
    this.testCompletion(session, document).catch((error: unknown) => this.o.errors.quiet('The tests of an accepted completion', error));
  }

  /** Questions about tests were answered: what waited for the answer runs. */
  private again(): void {
    const session = this.o.sessions.last;
    const document = session && vscode.workspace.textDocuments.find((d) => d.uri.toString() === session.uri);
    if (document && session.state === 'accepted' && session.tested?.status === 'unavailable') this.start(session, document);
  }

  private testCompletion(session: CompletionSession, document: vscode.TextDocument, asked?: AbortSignal): Promise<FunctionVerdict> {
    return this.enqueue(`Tests of the completion in ${displayName(document)}`, document, asked, async (app, signal) => {
      session.testing = true;
      this.o.status.tests(session);
      try {
        const { verdict, learned } = await app.engine.test(session.outcome, { signal, testBudgetMs: BUDGET_MS });
        session.tested = verdict;
        session.record.tested(verdict);
        session.learnedLater = learned;
        session.verdict = { ...session.verdict, function: verdict };
        this.o.failures.put(session, verdict);
        void learned.then((notes) => notes.forEach((note) => this.o.log.info(`A ${note.kind} note was ${note.action}: ${note.id}.`)));
        this.o.log.info(`The tests of an accepted completion: ${verdict.status}${verdict.status === 'unavailable' ? ` (${verdict.reason ?? ''})` : ''}.`);
        return verdict;
      } finally {
        session.testing = false;
        this.o.status.tests(session);
      }
    });
  }

  private testDocument(document: vscode.TextDocument, asked?: AbortSignal): Promise<FunctionVerdict> {
    return this.enqueue(`Tests of ${displayName(document)}`, document, asked, (app, signal) => app.tests.checkDocument(readSource(document).source, { signal, budgetMs: BUDGET_MS }));
  }

  /** A file with failing completions is tested again when it is saved: what fails no more goes. */
  private saved(document: vscode.TextDocument): void {
    if (this.o.failures.failing(document).length === 0 || !vscode.workspace.isTrusted || this.o.configuration.settings(document.uri)['tests.mode'] === 'off') return;
    const work = async () => {
      const now = await this.testDocument(document);
      if (now.status === 'unavailable') return;
      const stillFailing = new Map((now.failures ?? []).map((test) => [test.id, test]));
      for (const { session, verdict } of this.o.failures.failing(document)) {
        const failures = (verdict.failures ?? []).flatMap((test) => stillFailing.get(test.id) ?? []);
        this.o.failures.put(session, failures.length > 0 ? { ...verdict, failures } : { ...now, status: 'pass' });
      }
    };
    work().catch((error: unknown) => this.o.errors.quiet('Testing a saved file again', error));
  }

  /** One run at a time; it is shown while it runs, and can be ended there, in the menu and by whoever asked. */
  private enqueue(title: string, document: vscode.TextDocument, asked: AbortSignal | undefined, work: (app: App, signal: AbortSignal) => Promise<FunctionVerdict>): Promise<FunctionVerdict> {
    const controller = new AbortController();
    this.running.add(controller);
    setContext('safenote.testing', true);
    const done = this.queue.then(async () => {
      const { app } = await this.o.apps.for(document.uri);
      controller.signal.throwIfAborted();
      const planned = await app.tests.unavailable(readSource(document).source, controller.signal);
      // Where there is nothing to run, nothing is shown as a run.
      const shown = planned === undefined ? this.o.results.begin(title, document.uri) : undefined;
      const signal = AbortSignal.any([controller.signal, ...(shown ? [shown.signal] : []), ...(asked ? [asked] : [])]);
      try {
        const verdict = await work(app, signal);
        shown?.end(verdict);
        return verdict;
      } catch (error) {
        shown?.abandon(isCancelled(error) || signal.aborted ? 'Cancelled.' : messageOf(error));
        throw error;
      }
    });
    const ended = done.finally(() => {
      this.running.delete(controller);
      setContext('safenote.testing', this.running.size > 0);
    });
    this.queue = ended.catch(() => undefined);
    return ended;
  }
}

async function say(name: string, verdict: FunctionVerdict): Promise<void> {
  const by = verdict.runner ? ` (${verdict.runner}, ${verdict.tests ?? 0} ${verdict.tests === 1 ? 'test' : 'tests'})` : '';
  if (verdict.status === 'unavailable') return void vscode.window.showWarningMessage(`SafeNote: ${name} was not tested: ${verdict.reason ?? 'no reason given'}.`);
  if (verdict.status === 'pass') return void vscode.window.showInformationMessage(`SafeNote: the tests that reach ${name} pass${by}.`);
  const show = 'Show Results';
  const chosen = await vscode.window.showWarningMessage(`SafeNote: ${name} fails${by}: ${verdict.reason ?? ''}`, show);
  if (chosen === show) await vscode.commands.executeCommand('workbench.panel.testResults.view.focus');
}
