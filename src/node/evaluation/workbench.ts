import { createHash } from 'node:crypto';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CompletionOutcome, LearnedNote } from '../../core/completion/types.ts';
import { type Arm, withReminder } from '../../core/evaluation/arm.ts';
import type { Completed, Workbench } from '../../core/evaluation/experiment.ts';
import { HeldBack } from '../../core/evaluation/held-back.ts';
import type { ScopedModel, Usage } from '../../core/evaluation/recording.ts';
import type { ToolSaid } from '../../core/evaluation/results.ts';
import type { EvalTask } from '../../core/evaluation/suite.ts';
import { type Purpose, ModelError } from '../../core/llm/model.ts';
import type { Logger } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import { applyEdits, type TextEdit } from '../../core/source.ts';
import type { Verdict } from '../../core/verification/verdict.ts';
import { App } from '../app.ts';
import { type UserFolders, userFolders } from '../user-folders.ts';
import { hashOfNotes, NotebookJournal, type NoteFiles, readNotes, writeNotes } from './notebook-journal.ts';

export interface WorkbenchOptions {
  readonly assetsRoot: string;
  /** The bench's own folder: `workspace/`, `home/`, `journal.jsonl`. */
  readonly folder: string;
  readonly arm: Arm;
  readonly settings: Settings;
  /** The notebook that the run begins with. */
  readonly notes: NoteFiles;
  readonly unseen: ReadonlySet<string>;
  /** False where the run has ended (budget, miss): then nothing is written down as learned. */
  readonly going: () => boolean;
  /** Gets every program that is going to be judged. */
  readonly onProgram?: (task: EvalTask, file: string, text: string) => Promise<void>;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** For the checks of one answer: an evaluation waits for what an editor would show as pending, in milliseconds. */
const DEADLINE_MS = 60_000;
const RETRY_MS = 600_000;
const TEACHING: readonly Purpose[] = ['security-warning', 'correction-guide', 'repair-suggestion'];

interface Held {
  readonly sample: number;
  readonly learner: HeldBack;
  readonly outcome: CompletionOutcome;
  readonly model: ScopedModel;
}

/** One arm's workspace: the product's own engine on a workspace of its own. */
export class AppWorkbench implements Workbench {
  private readonly o: WorkbenchOptions;
  private readonly workspace: string;
  private readonly journal: NotebookJournal;
  private app: App;
  private installed: readonly string[] = [];
  private held: Held[] = [];
  /** What the notebook holds now, by hash. */
  private state: string;
  private learning = '';
  private ids = 0;

  private constructor(options: WorkbenchOptions, workspace: string, journal: NotebookJournal, state: string) {
    this.o = options;
    this.workspace = workspace;
    this.journal = journal;
    this.state = state;
    this.app = this.newApp();
  }

  static async open(options: WorkbenchOptions): Promise<AppWorkbench> {
    const folder = path.join(options.folder, 'workspace');
    await mkdir(folder, { recursive: true });
    const workspace = await realpath(folder);
    const journal = new NotebookJournal(path.join(options.folder, 'journal.jsonl'));
    if (!journal.has('')) journal.add({ task: '', notes: [], usage: { requests: 0, tokens: { prompt: 0, completion: 0 }, byPurpose: {} } }, options.notes);
    const notes = journal.before();
    await writeNotes(workspace, notes);
    const bench = new AppWorkbench(options, workspace, journal, hashOfNotes(notes));
    await bench.trust();
    return bench;
  }

  learned(task: EvalTask): boolean {
    return this.journal.has(task.id);
  }

  async begin(task: EvalTask): Promise<void> {
    this.held = [];
    const notes = this.journal.before(task.id);
    if (hashOfNotes(notes) !== this.state) {
      // Another notebook than the app knows: a new app reads it whole.
      await this.app.dispose();
      await writeNotes(this.workspace, notes);
      this.state = hashOfNotes(notes);
      this.app = this.newApp();
      await this.trust();
    }
    for (const file of this.installed) await rm(path.join(this.workspace, file), { force: true });
    const files = { ...task.workspace, [task.target]: task.text };
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.workspace, name);
      if (path.relative(this.workspace, file).startsWith('..') || name.startsWith('.safenote/notes')) throw new Error(`${name} is no place for a file of a task`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    this.installed = Object.keys(files);
  }

  async complete(task: EvalTask, sample: number, model: ScopedModel, signal: AbortSignal): Promise<Completed> {
    const { arm } = this.o;
    const learner = new HeldBack(this.app.learner);
    const settings: Settings = {
      ...this.settings(),
      ...(arm.draft === undefined ? {} : { 'retrieval.draft': arm.draft }),
      ...(arm.k === undefined ? {} : { 'retrieval.k': arm.k }),
      // What an arm says counts, whatever is set for a model.
      models: {},
      'notebooks.security': arm.securityNotebook,
      'notebooks.function': arm.functionNotebook,
      'verify.retryBudgetMs': arm.retry ? RETRY_MS : 0,
    };
    const engine = this.app.engineWith({
      model: () => Promise.resolve(model),
      learner,
      settings: () => settings,
      ...(arm.reminder ? { prompts: async () => withReminder(await this.app.assets.prompts()) } : {}),
    });
    const document = { path: path.join(this.workspace, task.target), language: task.language, text: task.text };
    const request = { document, offset: task.offset, mode: arm.mode, ...(task.prompt === undefined ? {} : { task: task.prompt }), ...(arm.k === undefined ? {} : { k: arm.k }) };
    const outcome = await engine.complete(request, { signal, tests: task.ownTests && arm.mode === 'safenote' });
    const settled = await outcome.settled;
    this.held.push({ sample, learner, outcome, model });
    const first = outcome.history[0] ?? outcome;
    const program = (edits: readonly TextEdit[]) => applyEdits(task.text, edits);
    const programs = { first: program([first.edit, ...first.importEdits]), shown: program([outcome.edit, ...outcome.importEdits]) };
    const extension = path.extname(task.target);
    await this.o.onProgram?.(task, `${sample}${extension}`, programs.shown);
    if (programs.first !== programs.shown) await this.o.onProgram?.(task, `${sample}-first${extension}`, programs.first);
    return {
      ...programs,
      attempts: outcome.attempts,
      tool: { first: said(outcome.history.length === 1 ? settled : first.verdict), shown: said(settled) },
      hits: {
        knowledge: outcome.context.knowledge.map((k) => k.item.guideline.cwe),
        securityNotes: outcome.context.securityNotes.map((n) => ({ id: n.item.note.id, cwe: n.item.note.cwe ?? '' })),
        functionNotes: outcome.context.functionNotes.map((n) => n.item.note.id),
      },
      ms: { retrieve: Math.round(outcome.timings.retrieveMs), generate: Math.round(outcome.timings.generateMs), verify: Math.round(outcome.timings.verifyMs) },
    };
  }

  async learn(task: EvalTask, signal: AbortSignal): Promise<readonly LearnedNote[]> {
    const notes: LearnedNote[] = [];
    for (const { sample, learner, outcome } of this.held.toSorted((a, b) => a.sample - b.sample)) {
      signal.throwIfAborted();
      this.learning = `${this.o.arm.name}\n${task.id}\n${sample}`;
      this.ids = 0;
      learner.letGo();
      notes.push(...(await outcome.learned));
    }
    signal.throwIfAborted();
    if (!this.o.going()) return notes;
    const after = await readNotes(this.workspace);
    this.state = hashOfNotes(after);
    this.journal.add({ task: task.id, notes, usage: sumOf(this.held.map((h) => h.model.usage())) }, after);
    return notes;
  }

  async dispose(): Promise<void> {
    for (const { learner } of this.held) learner.drop();
    await Promise.all(this.held.map((h) => h.outcome.learned));
    this.journal.close();
    await this.app.dispose();
  }

  private settings(): Settings {
    return { ...this.o.settings, 'verify.deadlineMs': DEADLINE_MS };
  }

  private newApp(): App {
    const own = path.join(this.o.folder, 'home');
    const user = userFolders(this.o.env);
    const folders: UserFolders = { ...userFolders({ ...this.o.env, SAFENOTE_HOME: own }), models: user.models, semgrep: user.semgrep, codeql: user.codeql };
    return new App({
      assetsRoot: this.o.assetsRoot,
      workspaceFolder: this.workspace,
      settings: () => this.settings(),
      trusted: () => true,
      model: () => Promise.reject(new ModelError('model-missing', 'An evaluation names its model.', 'This is a fault of SafeNote.')),
      log: this.o.log,
      // Hundreds of checks in one workspace: each start of Semgrep would cost seconds.
      semgrepWarm: true,
      env: this.o.env,
      userFolders: folders,
      withoutCwes: this.o.unseen,
      newNoteId: (words) => this.noteId(words),
    });
  }

  /** The same for the same failure in every run: what was recorded can be found again. */
  private noteId(words: string): string {
    const stem = words.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 48);
    return `${stem}-${createHash('sha256').update(`${this.learning}\n${this.ids++}`).digest('hex').slice(0, 8)}`;
  }

  /** The run's notebook is the run's own: what it begins with was named by whoever began it. */
  private async trust(): Promise<void> {
    const { notes } = await this.app.store.load();
    const strange = notes.filter((n) => n.quarantined).map((n) => n.note.id);
    if (strange.length > 0) await this.app.store.approve(strange);
  }
}

function said({ security, function: tested }: Verdict): ToolSaid {
  return { security: security.status, function: tested.status, found: [...new Set(security.findings.flatMap((f) => (f.cwe.length > 0 ? f.cwe : [f.ruleFamily])))] };
}

/** What learning asked the model for. */
function sumOf(usages: readonly Usage[]): Usage {
  const byPurpose: Partial<Record<Purpose, { requests: number; prompt: number; completion: number }>> = {};
  for (const usage of usages) for (const purpose of TEACHING) {
    const part = usage.byPurpose[purpose];
    if (!part) continue;
    const sum = (byPurpose[purpose] ??= { requests: 0, prompt: 0, completion: 0 });
    sum.requests += part.requests;
    sum.prompt += part.prompt;
    sum.completion += part.completion;
  }
  const all = Object.values(byPurpose);
  return { requests: all.reduce((n, p) => n + p.requests, 0), tokens: { prompt: all.reduce((n, p) => n + p.prompt, 0), completion: all.reduce((n, p) => n + p.completion, 0) }, byPurpose };
}
