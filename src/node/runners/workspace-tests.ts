import { existsSync } from 'node:fs';
import path from 'node:path';
import { isCancelled, isExpected, messageOf } from '../../core/errors.ts';
import { languageOfPath } from '../../core/language.ts';
import type { Logger } from '../../core/log.ts';
import type { SourceDocument } from '../../core/source.ts';
import type { TestConsent, TestOptions, TestPlan, TestRun, TestRunner } from '../../core/verification/test-runner.ts';
import { realPath, type BoxRequest, type BoxResult, type Sandbox } from '../sandbox/box.ts';
import { runUnboxed } from '../sandbox/unboxed.ts';
import { ownCommand } from './custom.ts';
import { detect, projectRoots } from './detect.ts';
import { FileIndex, FOREIGN_FOLDERS } from './file-index.ts';
import { survey, type SurveyRow } from './survey.ts';
import { NotRun } from './reports.ts';
import type { Chosen, Detected, Project } from './runner.ts';

export interface WorkspaceTestsOptions {
  readonly workspaceFolder: string;
  readonly sandbox: Sandbox;
  readonly trusted: () => boolean;
  /** Whoever answers keeps the answers; asked before every run. */
  readonly consent: TestConsent;
  /** `safenote.tests.command`; empty for none. */
  readonly command?: () => string;
  /** Outside of the sandbox also where there is one; the user has said so. */
  readonly withoutSandbox?: boolean;
  /** What is asked in the place of the workspace's own runners. */
  readonly detector?: (project: Project, signal: AbortSignal) => Promise<Detected>;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

const MB = 1024 * 1024;
const MEMORY = 2048 * MB;
const WRITABLE = 256 * MB;
const PROCESSES = 400;
/** What the environment may hand on: where programs are, and how texts are written. */
const KEPT = ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ'];

type PlannedRun = TestPlan & { readonly project: Project; readonly chosen: Chosen };

/** The workspace's own tests, in the sandbox, with a text in the place of a file. */
export class WorkspaceTests implements TestRunner {
  private readonly o: WorkspaceTestsOptions;
  private readonly root: string;
  private readonly files: FileIndex;
  /** Runs that took too long: next time the tests that name the changed function come alone. */
  private readonly slow = new Set<string>();

  constructor(options: WorkspaceTestsOptions) {
    this.o = options;
    this.root = realPath(options.workspaceFolder);
    this.files = new FileIndex(this.root);
  }

  async plan(document: SourceDocument, names: readonly string[], signal: AbortSignal): Promise<PlannedRun | { unavailable: string }> {
    signal.throwIfAborted();
    if (!this.o.trusted()) return { unavailable: 'the workspace is not trusted, so none of its code is run' };
    const file = realPath(document.path);
    if (!path.isAbsolute(document.path) || !existsSync(file) || !inside(this.root, file)) return { unavailable: 'the document is not a saved file of the workspace' };
    try {
      const command = this.o.command?.().trim();
      if (command && !(await this.o.consent.command(command))) return { unavailable: 'the command of safenote.tests.command is not confirmed, so it is not run' };
      const found = await this.find({ ...document, path: file }, names, signal);
      if ('unavailable' in found) return found;
      const boxed = await this.boxed();
      signal.throwIfAborted();
      if (typeof boxed === 'string') return { unavailable: boxed };
      const { chosen, project } = found;
      return { runner: chosen.runner, because: chosen.because, targets: chosen.targets, ...(boxed ? {} : { unboxed: true }), state: () => this.files.state(), project, chosen };
    } catch (error) {
      if (isCancelled(error) || signal.aborted) throw error;
      return { unavailable: isExpected(error) ? error.message : `the test runner could not be found: ${messageOf(error)}` };
    }
  }

  /** The runner for a document; nothing is run and nobody is asked. */
  async find(document: SourceDocument, names: readonly string[], signal: AbortSignal): Promise<{ chosen: Chosen; project: Project } | { unavailable: string }> {
    const common = { workspace: this.root, document, names, env: this.o.env, files: this.files };
    const command = this.o.command?.().trim();
    const runnerOf = this.o.detector ?? detect;
    if (command) {
      const project = { ...common, root: this.root };
      return { chosen: ownCommand(project, command), project };
    }
    let first: Exclude<Detected, Chosen> | undefined;
    for (const root of projectRoots(this.root, document.path, document.language)) {
      const project = { ...common, root };
      const chosen = await runnerOf(project, signal);
      if (!('unavailable' in chosen)) return { chosen, project };
      first ??= chosen;
      if (!chosen.elsewhere) return chosen;
    }
    return first ?? { unavailable: 'no test runner was found' };
  }

  /** Which runner serves which part of the workspace, and why, or what is missing. Nothing is run and nobody is asked. */
  async survey(signal: AbortSignal): Promise<SurveyRow[]> {
    const command = this.o.command?.().trim();
    if (command) return [{ part: 'the workspace', found: { runner: 'command', because: `safenote.tests.command is "${command}"` } }];
    return survey(this.files, this.root, async (file) => {
      const found = await this.find({ path: file, language: languageOfPath(file), text: '' }, [], signal);
      return 'unavailable' in found ? found : found.chosen;
    });
  }

  /** True in the box, false without one and with the user's consent, else the reason why nothing is run. */
  private async boxed(): Promise<boolean | string> {
    if (this.o.withoutSandbox) return false;
    const state = await this.o.sandbox.state();
    if (state.available) return true;
    try {
      return (await this.o.consent.unboxed(state.reason)) ? false : `${state.reason}; without a sandbox tests run only once you have agreed to it`;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return `${state.reason}; ${error.hint}`;
    }
  }

  async run(plan: TestPlan, document: SourceDocument, options: TestOptions): Promise<TestRun> {
    const planned = plan as PlannedRun;
    const { chosen, project } = planned;
    const started = performance.now();
    try {
      const ends = started + options.budgetMs;
      const left = () => Math.max(1, ends - performance.now());
      const first = chosen.first ?? [];
      const narrow = first.length > 0 && first.join() !== chosen.targets.join() ? first : undefined;
      const key = [chosen.runner, ...chosen.targets].join('\u0000');
      let result: BoxResult;
      if (narrow && this.slow.has(key)) result = await this.attempt(planned, narrow, document, { ...options, budgetMs: left() });
      else {
        // The tests that name the function keep a third of the time, should all together take too long.
        result = await this.attempt(planned, chosen.targets, document, { ...options, budgetMs: narrow ? (options.budgetMs * 2) / 3 : left() });
        if (narrow && result.ended === 'time') {
          this.slow.add(key);
          result = await this.attempt(planned, narrow, document, { ...options, budgetMs: left() });
        }
      }
      return { ...this.judge(chosen, project.root, result, options.budgetMs), ms: performance.now() - started };
    } catch (error) {
      if (isCancelled(error) || options.signal.aborted) throw error;
      return { status: 'unavailable', reason: `the tests could not be run: ${messageOf(error)}`, ms: performance.now() - started };
    }
  }

  private async attempt(planned: PlannedRun, targets: readonly string[], document: SourceDocument, options: TestOptions): Promise<BoxResult> {
    const { chosen } = planned;
    const files = new Map([[realPath(document.path), document.text]]);
    if (planned.unboxed) return this.onCopy(planned, targets, files, options);
    const ends = performance.now() + options.budgetMs;
    const result = await this.inBox(planned, targets, files, chosen.writes ? 'copy' : 'readOnly', options);
    // Tests that write beside the code get a copy that they may write to.
    if (chosen.writes || !/EROFS|Read-only file system/i.test(result.report + result.output)) return result;
    return this.inBox(planned, targets, files, 'copy', { ...options, budgetMs: Math.max(1, ends - performance.now()) });
  }

  private inBox({ chosen, project }: PlannedRun, targets: readonly string[], files: ReadonlyMap<string, string>, workspaceAs: BoxRequest['workspaceAs'], options: TestOptions): Promise<BoxResult> {
    const { command, environment, report } = chosen.start(targets, { root: project.root, tmp: '/tmp', boxed: true });
    return this.o.sandbox.run({
      workspace: this.root, files, cwd: project.root, command, env: { ...this.environment(), ...environment }, tools: chosen.tools,
      workspaceAs, ...foreign(chosen), ...(chosen.copied ? { copied: chosen.copied } : {}), report, signal: options.signal,
      limits: { timeMs: options.budgetMs, memoryBytes: MEMORY, processes: PROCESSES, writableBytes: WRITABLE },
    });
  }

  private onCopy({ chosen, project }: PlannedRun, targets: readonly string[], files: ReadonlyMap<string, string>, options: TestOptions): Promise<BoxResult> {
    return runUnboxed({
      workspace: this.root, files, ...foreign(chosen), timeMs: options.budgetMs, signal: options.signal,
      start: ({ workspace, tmp }) => {
        const cwd = path.join(workspace, path.relative(this.root, project.root));
        const { command, environment, report } = chosen.start(targets, { root: cwd, tmp, boxed: false });
        return { cwd, command, env: { ...this.environment(), ...environment }, report };
      },
    });
  }

  private environment(): Record<string, string> {
    const env: Record<string, string> = { LANG: 'C.UTF-8', PATH: '/usr/local/bin:/usr/bin:/bin' };
    for (const name of KEPT) if (this.o.env[name]) env[name] = this.o.env[name];
    return env;
  }

  private judge(chosen: Chosen, root: string, result: BoxResult, budgetMs: number): { status: 'ran'; cases: ReturnType<Chosen['read']> } | { status: 'unavailable'; reason: string } {
    if (result.ended === 'time') return { status: 'unavailable', reason: `the tests took longer than ${Math.round(budgetMs / 1000)} s and were ended` };
    if (result.ended) return { status: 'unavailable', reason: result.ended === 'memory' ? `the tests took more than ${MEMORY / MB} MB of memory and were ended` : `the tests started more than ${PROCESSES} processes and were ended` };
    const said = () => result.output.trim().split('\n').filter(Boolean).slice(-3).join(' / ').slice(0, 300);
    if (!result.report.trim() && !chosen.byExitCode) return { status: 'unavailable', reason: `${chosen.runner} ended without a report (exit code ${result.code ?? 'none'})${said() ? `: ${said()}` : ''}` };
    try {
      const cases = chosen.read(result.report, root, result);
      // A runner that fails without naming a test did not say what it saw.
      if (result.code !== 0 && !cases.some((c) => c.status === 'failed')) return { status: 'unavailable', reason: `${chosen.runner} failed (exit code ${result.code ?? 'none'}) without a failing test${said() ? `: ${said()}` : ''}` };
      return { status: 'ran', cases };
    } catch (error) {
      if (error instanceof NotRun) return { status: 'unavailable', reason: error.message };
      this.o.log.debug(`The report of ${chosen.runner} could not be read.`, messageOf(error));
      return { status: 'unavailable', reason: `the report of ${chosen.runner} could not be read` };
    }
  }
}

/** Folders that stay read-only for this runner, and those that it does not see. */
function foreign({ keeps = [], empties = [] }: Chosen): { heavy: string[]; without: readonly string[] } {
  return { heavy: FOREIGN_FOLDERS.filter((name) => !keeps.includes(name) && !empties.includes(name)), without: empties };
}

function inside(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}
