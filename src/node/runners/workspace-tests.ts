import { existsSync } from 'node:fs';
import path from 'node:path';
import { isCancelled, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { SourceDocument } from '../../core/source.ts';
import type { TestOptions, TestPlan, TestRun, TestRunner } from '../../core/verification/test-runner.ts';
import { realPath, type BoxRequest, type BoxResult, type Sandbox } from '../sandbox/box.ts';
import { detectGo } from './go.ts';
import { detectJavascript } from './javascript.ts';
import { detectPython } from './python.ts';
import { FOREIGN_FOLDERS } from './reach.ts';
import type { Chosen, Detected, Project } from './runner.ts';

export interface WorkspaceTestsOptions {
  readonly workspaceFolder: string;
  readonly sandbox: Sandbox;
  readonly trusted: () => boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  python: ['pyproject.toml', 'setup.cfg', 'setup.py', 'pytest.ini', 'tox.ini', 'requirements.txt'],
  javascript: ['package.json'],
  typescript: ['package.json'],
  go: ['go.mod'],
};
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

  constructor(options: WorkspaceTestsOptions) {
    this.o = options;
    this.root = realPath(options.workspaceFolder);
  }

  async plan(document: SourceDocument, names: readonly string[], signal: AbortSignal): Promise<PlannedRun | { unavailable: string }> {
    signal.throwIfAborted();
    if (!this.o.trusted()) return { unavailable: 'the workspace is not trusted, so none of its code is run' };
    const file = realPath(document.path);
    if (!path.isAbsolute(document.path) || !existsSync(file) || !inside(this.root, file)) return { unavailable: 'the document is not a saved file of the workspace' };
    const state = await this.o.sandbox.state();
    if (!state.available) return { unavailable: state.reason };
    const project: Project = { root: projectRoot(this.root, file, MANIFESTS[document.language] ?? []), document: { ...document, path: file }, names, env: this.o.env };
    try {
      const chosen = await detect(project, signal);
      if ('unavailable' in chosen) return chosen;
      return { runner: chosen.runner, because: chosen.because, targets: chosen.targets, project, chosen };
    } catch (error) {
      if (isCancelled(error) || signal.aborted) throw error;
      return { unavailable: `the test runner could not be found: ${messageOf(error)}` };
    }
  }

  async run(plan: TestPlan, document: SourceDocument, options: TestOptions): Promise<TestRun> {
    const { chosen, project } = plan as PlannedRun;
    const started = performance.now();
    try {
      const ends = started + options.budgetMs;
      const once = (workspaceAs: BoxRequest['workspaceAs']) => this.once(chosen, project.root, realPath(document.path), document.text, workspaceAs, { ...options, budgetMs: Math.max(1, ends - performance.now()) });
      let result = await once(chosen.writes ? 'copy' : 'readOnly');
      // Tests that write beside the code get a copy that they may write to.
      if (!chosen.writes && /EROFS|Read-only file system/i.test(result.report + result.output)) result = await once('copy');
      return { ...this.judge(chosen, project.root, result, options.budgetMs), ms: performance.now() - started };
    } catch (error) {
      if (isCancelled(error) || options.signal.aborted) throw error;
      return { status: 'unavailable', reason: `the tests could not be run: ${messageOf(error)}`, ms: performance.now() - started };
    }
  }

  private async once(chosen: Chosen, cwd: string, file: string, text: string, workspaceAs: BoxRequest['workspaceAs'], options: TestOptions): Promise<BoxResult> {
    const env: Record<string, string> = { LANG: 'C.UTF-8', PATH: '/usr/local/bin:/usr/bin:/bin' };
    for (const name of KEPT) if (this.o.env[name]) env[name] = this.o.env[name];
    return this.o.sandbox.run({
      workspace: this.root, files: new Map([[file, text]]), cwd, command: chosen.command(chosen.targets), env: { ...env, ...chosen.environment }, tools: chosen.tools,
      workspaceAs, heavy: FOREIGN_FOLDERS, report: chosen.report, signal: options.signal,
      limits: { timeMs: options.budgetMs, memoryBytes: MEMORY, processes: PROCESSES, writableBytes: WRITABLE },
    });
  }

  private judge(chosen: Chosen, root: string, result: BoxResult, budgetMs: number): { status: 'ran'; cases: ReturnType<Chosen['read']> } | { status: 'unavailable'; reason: string } {
    if (result.ended === 'time') return { status: 'unavailable', reason: `the tests took longer than ${Math.round(budgetMs / 1000)} s and were ended` };
    if (result.ended) return { status: 'unavailable', reason: result.ended === 'memory' ? `the tests took more than ${MEMORY / MB} MB of memory and were ended` : `the tests started more than ${PROCESSES} processes and were ended` };
    const said = () => result.output.trim().split('\n').filter(Boolean).slice(-3).join(' / ').slice(0, 300);
    if (!result.report.trim()) return { status: 'unavailable', reason: `${chosen.runner} ended without a report (exit code ${result.code ?? 'none'})${said() ? `: ${said()}` : ''}` };
    try {
      const cases = chosen.read(result.report, root);
      // A runner that fails without naming a test did not say what it saw.
      if (result.code !== 0 && !cases.some((c) => c.status === 'failed')) return { status: 'unavailable', reason: `${chosen.runner} failed (exit code ${result.code ?? 'none'}) without a failing test${said() ? `: ${said()}` : ''}` };
      return { status: 'ran', cases };
    } catch (error) {
      this.o.log.debug(`The report of ${chosen.runner} could not be read.`, messageOf(error));
      return { status: 'unavailable', reason: `the report of ${chosen.runner} could not be read` };
    }
  }
}

function detect(project: Project, signal: AbortSignal): Promise<Detected> {
  switch (project.document.language) {
    case 'python':
      return detectPython(project, signal);
    case 'javascript':
    case 'typescript':
      return detectJavascript(project);
    case 'go':
      return detectGo(project);
    default:
      return Promise.resolve({ unavailable: `tests of ${project.document.language || 'this language'} are not run yet` });
  }
}

function inside(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}

function projectRoot(workspace: string, file: string, manifests: readonly string[]): string {
  for (let folder = path.dirname(file); folder.length >= workspace.length; folder = path.dirname(folder)) {
    if (manifests.some((name) => existsSync(path.join(folder, name)))) return folder;
    if (folder === workspace) break;
  }
  return workspace;
}
