import * as vscode from 'vscode';
import type { Phase } from '../../core/completion/types.ts';
import { escapeMarkdown } from '../common/escape-markdown.ts';
import { type Condition, conditionOf } from '../features/next-step.ts';
import type { ModelState } from '../models/model-source.ts';
import type { CompletionSession } from './session.ts';
import { overallLook, shortTests, shortVerdict, spokenTests, spokenVerdict, verdictLines } from './verdict-text.ts';

const { t } = vscode.l10n;

const PHASES: Readonly<Record<Phase, string>> = {
  retrieving: 'finding notes and knowledge',
  drafting: 'drafting',
  generating: 'generating',
  checking: 'checking',
  testing: 'running the tests',
  retrying: 'failed, second attempt',
  learning: 'writing a note',
};
/** How long a verdict stays after its completion was accepted, in milliseconds. */
const LINGER_MS = 20_000;

type State = { kind: 'idle' } | { kind: 'working'; phase: Phase; detail?: string } | { kind: 'verdict'; session: CompletionSession } | { kind: 'problem'; message: string };

/** The status bar item: which model, what is going on, the verdict of the shown completion. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('safenote.status', vscode.StatusBarAlignment.Right, 100);
  private state: State = { kind: 'idle' };
  private model: ModelState | undefined;
  private findings = 0;
  private semgrepMissing: () => string | undefined = () => undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly trust: vscode.Disposable;

  constructor() {
    this.item.name = 'SafeNote';
    this.trust = vscode.workspace.onDidGrantWorkspaceTrust(() => this.render());
    this.render();
    this.item.show();
  }

  /** How to tell whether there is a Semgrep: the reason why not, once a check has looked for it. */
  watchSemgrep(missing: () => string | undefined): void {
    this.semgrepMissing = missing;
  }

  /** What stands between the user and a checked completion. */
  get condition(): Condition {
    const folders = vscode.workspace.workspaceFolders ?? [];
    const onDisk = folders.filter(({ uri }) => uri.scheme === 'file').length;
    return conditionOf({ folders: onDisk, virtualFolders: folders.length - onDisk, trusted: vscode.workspace.isTrusted, model: this.model, semgrepMissing: this.semgrepMissing() !== undefined });
  }

  working(phase: Phase, detail?: string): void {
    this.enter({ kind: 'working', phase, ...(detail ? { detail } : {}) });
  }

  /** Shows a verdict and announces it. */
  verdict(session: CompletionSession): void {
    const announced = this.state.kind === 'verdict' && this.state.session === session && spoken(session) === this.said;
    this.enter({ kind: 'verdict', session });
    if (!announced) this.announce(spoken(session));
    // As long as the tests run, what they will say is still to be seen.
    if (session.state === 'accepted' && !session.testing) this.timer = setTimeout(() => this.idle(), LINGER_MS);
  }

  /** What the tests of an accepted completion do or say; another completion's verdict stays. */
  tests(session: CompletionSession): void {
    if (this.state.kind === 'idle' || (this.state.kind === 'verdict' && this.state.session === session)) this.verdict(session);
  }

  problem(message: string): void {
    this.enter({ kind: 'problem', message });
    this.timer = setTimeout(() => this.idle(), LINGER_MS);
  }

  idle(): void {
    this.enter({ kind: 'idle' });
  }

  /** Ends the display of one completion, if it is the one shown. */
  leave(session: CompletionSession): void {
    if (this.state.kind === 'verdict' && this.state.session === session) this.idle();
  }

  setModel(model: ModelState | undefined): void {
    this.model = model;
    this.render();
  }

  setFindings(count: number): void {
    this.findings = count;
    this.render();
  }

  /** What is shown, for tests. */
  get text(): string {
    return this.item.text;
  }

  get tooltip(): string {
    return this.item.tooltip instanceof vscode.MarkdownString ? this.item.tooltip.value : (this.item.tooltip ?? '');
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.trust.dispose();
    this.item.dispose();
  }

  private said = '';

  /**
   * A message beside the item, whose own label is read when it is reached. Only notifications are read out at once; they
   * are for those who have told the editor that they use a screen reader.
   */
  private announce(text: string): void {
    this.said = text;
    const readOut = vscode.workspace.getConfiguration('editor').get('accessibilitySupport') === 'on';
    if (readOut) void vscode.window.showInformationMessage(`SafeNote: ${text}`);
    else vscode.window.setStatusBarMessage(`SafeNote: ${text}`, 6_000);
  }

  private enter(state: State): void {
    clearTimeout(this.timer);
    this.state = state;
    this.render();
  }

  private render(): void {
    const { item, state } = this;
    const who = this.model?.model?.origin === 'replay' ? 'SafeNote (replay)' : 'SafeNote';
    item.backgroundColor = undefined;
    item.command = { command: 'safenote.internal.menu', title: 'SafeNote' };
    switch (state.kind) {
      case 'working':
        this.put(`$(loading~spin) ${who}: ${PHASES[state.phase]}`, `SafeNote is working: ${PHASES[state.phase]}${state.detail ? ` (${state.detail})` : ''}. Click to cancel.`);
        item.command = { command: 'safenote.cancel', title: 'Cancel' };
        return;
      case 'verdict': {
        const { security, function: tested } = state.session.verdict;
        const { icon, text } = shortVerdict(security);
        const tests = shortTests(tested, state.session.testing);
        const fails = overallLook(state.session.verdict) === 'fail';
        if (fails) item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
        item.text = `$(${fails ? 'error' : icon}) ${who}: ${text}${tests ? `, ${tests}` : ''}${state.session.retrying ? ', second attempt' : ''}`;
        item.tooltip = tooltipOf(state.session);
        item.accessibilityInformation = { label: `SafeNote. ${spoken(state.session)}`, role: 'button' };
        return;
      }
      case 'problem':
        this.put(`$(warning) ${who}`, `SafeNote: ${state.message}`);
        return;
      case 'idle':
        this.renderIdle(who);
    }
  }

  private renderIdle(who: string): void {
    const model = this.model?.model;
    const writes = model ? t('SafeNote writes with {0} ({1}).', model.name, model.origin === 'replay' ? t('replay: recorded answers, no language model') : model.origin) : t('SafeNote is ready.');
    const found = this.findings === 0 ? '' : ` ${this.findings === 1 ? t('1 open finding.') : t('{0} open findings.', this.findings)}`;
    switch (this.condition) {
      case 'virtual':
        return this.put(`$(cloud) ${who}: ${t('limited')}`, t('This workspace is virtual: its files are not on disk, so that it has no notebook and nothing is completed or checked in it. Open a folder on disk to use SafeNote.'));
      case 'untrusted':
        return this.put(`$(workspace-untrusted) ${who}: ${t('untrusted')}`, t('The workspace is not trusted: notes can be read, nothing is sent, started or checked.'));
      case 'noModel':
        return this.put(`$(circle-slash) ${who}: ${t('no model')}`, t('SafeNote has no model to ask: {0} Click for the ways to get one.', this.model?.problem ?? ''));
      case 'modelProblem':
        return this.put(`$(circle-slash) ${who}: ${t('model problem')}`, t('SafeNote has no model to ask: {0} Click for the ways to get one.', this.model?.problem ?? ''));
      case 'noSemgrep':
        return this.put(`$(shield) ${who}: ${t('no Semgrep')}`, `${t('Only the built-in rules check: {0}. Click to install Semgrep.', this.semgrepMissing() ?? '')} ${writes}${found}`);
      default:
        return this.put(`$(shield) ${who}`, `${writes} ${t('Secure Complete: Ctrl+Alt+S.')}${found}`);
    }
  }

  private put(text: string, tooltip: string): void {
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: tooltip, role: 'button' };
  }
}

function spoken({ verdict }: CompletionSession): string {
  return [spokenVerdict(verdict.security), spokenTests(verdict.function)].filter(Boolean).join(' ');
}

/** Model, context, analyzers and attempts. Notes and rules are strangers' text: all of it is escaped, nothing is trusted. */
function tooltipOf(session: CompletionSession): vscode.MarkdownString {
  const later = session.later.map((text) => ({ label: 'Second attempt', text }));
  const running = session.testing ? [{ label: 'Tests', text: 'running; the menu of this item can cancel them' }] : [];
  const lines = [...running, ...verdictLines(session.outcome, session.verdict), ...later].map(({ label, text }) => `**${escapeMarkdown(label)}:** ${escapeMarkdown(text)}`);
  const markdown = new vscode.MarkdownString(lines.join('  \n'), false);
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  return markdown;
}
