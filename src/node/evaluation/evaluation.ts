import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arm, parseArm } from '../../core/evaluation/arm.ts';
import { type ExperimentReport, runExperiment } from '../../core/evaluation/experiment.ts';
import { type Budget, Recorder, type Spent } from '../../core/evaluation/recording.ts';
import type { SampleResult } from '../../core/evaluation/results.ts';
import type { EvalTask, Suite } from '../../core/evaluation/suite.ts';
import { ExpectedError } from '../../core/errors.ts';
import type { LanguageModel } from '../../core/llm/model.ts';
import type { Logger } from '../../core/log.ts';
import type { Settings } from '../../core/settings.ts';
import { FolderLock } from '../notes/folder-lock.ts';
import { NotebookJournal, type NoteFiles, readNotes, writeNotes } from './notebook-journal.ts';
import { fileName, RunFile, RunFolder } from './run-folder.ts';
import { AppWorkbench } from './workbench.ts';

export interface EvaluationOptions {
  readonly assetsRoot: string;
  readonly folder: string;
  readonly how: 'new' | 'resume' | 'replay';
  readonly version: string;
  readonly suite: Suite;
  readonly data: string;
  readonly tasks: readonly EvalTask[];
  readonly arms: readonly Arm[];
  readonly samples: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly unseen: readonly string[];
  /** A workspace whose notebook the run begins with. */
  readonly notebook?: string;
  readonly settings: Settings;
  /** What was changed of the default settings. */
  readonly changed: Readonly<Record<string, unknown>>;
  /** Absent in a replay. */
  readonly model?: LanguageModel;
  readonly budget?: Budget;
  readonly jobs: number;
  readonly perMinute?: number;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number, results: readonly SampleResult[], spent: Spent) => void;
  readonly onProblem?: (where: string, problem: string) => void;
}

export interface EvaluationOutcome extends ExperimentReport {
  readonly run: RunFile;
  readonly folder: string;
  readonly spent: Spent;
}

export const TEACHER = "SafeNote's own rules (built-in and Semgrep, with a workspace's house rules) and the workspace's own tests";

/** Arms that live side by side in memory: each has its workers. */
const BENCHES = 3;

/** Runs, resumes or replays an experiment in its folder. One process at a time. */
export async function evaluate(o: EvaluationOptions): Promise<EvaluationOutcome> {
  mkdirSync(o.folder, { recursive: true });
  const folder = realpathSync(o.folder);
  return new FolderLock({ folder: path.join(folder, '.lock'), what: 'This run' }).run(() => inFolder(o, folder));
}

async function inFolder(o: EvaluationOptions, folder: string): Promise<EvaluationOutcome> {
  const recorded = o.how === 'replay' ? RunFolder.read(folder) : undefined;
  const name = recorded?.model.name ?? o.model?.name ?? '';
  const origin = recorded?.model.origin ?? o.model?.origin ?? '';
  const notes = recorded ? undefined : o.notebook === undefined ? {} : await readNotes(o.notebook);
  if (o.notebook !== undefined && notes !== undefined && Object.keys(notes).length === 0) throw new ExpectedError('no-notes', `There are no notes in ${o.notebook}.`, 'Name a workspace with a notebook with --notebook ("safenote notebook build" makes one), or leave it out.');
  const described: RunFile = {
    version: 1,
    safenote: o.version,
    created: new Date().toISOString(),
    suite: { name: o.suite.name, title: o.suite.title, data: o.data },
    words: { ...o.suite.words },
    teacher: TEACHER,
    model: { name, origin },
    arms: o.arms.map((arm) => arm.name),
    tasks: o.tasks.map((t) => ({ id: t.id, language: t.language, ...(t.cwe === undefined ? {} : { cwe: t.cwe }), ...(t.group === undefined ? {} : { group: t.group }), seen: !(t.cwe !== undefined && o.unseen.includes(t.cwe)) })),
    problems: [...o.suite.problems],
    samples: o.samples,
    temperature: o.temperature,
    maxTokens: o.maxTokens,
    unseen: [...o.unseen],
    settings: { ...o.changed },
    ...(o.notebook === undefined ? {} : { notebook: path.basename(path.resolve(o.notebook)) }),
  };
  // A replay makes everything anew out of the recording: in a folder of its own, so that nothing recorded can be lost.
  const where = o.how === 'replay' ? path.join(folder, 'replay') : folder;
  if (o.how === 'replay') await rm(where, { recursive: true, force: true });
  const run = await RunFolder.begin(where, described, { resume: o.how !== 'new' });
  const source = o.how === 'replay' ? RunFolder.open(folder) : run;
  const began = o.how === 'replay' ? startOf(folder, o.arms, o.tasks) : (notes ?? {});
  const recorder = new Recorder({
    name,
    origin,
    ...(o.how === 'replay' || !o.model ? {} : { model: o.model }),
    store: source.answers,
    hash: (text) => createHash('sha256').update(text).digest('hex'),
    normalize: normalizerFor(where),
    temperature: o.temperature,
    maxTokens: o.maxTokens,
    ...(o.budget === undefined ? {} : { budget: o.budget }),
    jobs: o.jobs,
    ...(o.perMinute === undefined ? {} : { perMinute: o.perMinute }),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    clock: () => performance.now(),
  });
  try {
    const report = await runExperiment({
      suite: o.suite,
      tasks: o.tasks,
      arms: o.arms,
      samples: o.samples,
      recorder,
      log: run,
      open: (arm, group) =>
        AppWorkbench.open({ assetsRoot: o.assetsRoot, folder: benchFolder(where, arm.name, group), arm, settings: o.settings, notes: began, unseen: new Set(o.unseen), going: () => recorder.stopped === undefined, onProgram: (task, file, text) => run.keepProgram(arm.name, task.id, file, text), env: o.env, log: o.log }),
      jobs: BENCHES,
      judges: Math.max(1, Math.min(4, os.availableParallelism())),
      signal: o.signal,
      onProgress: (done, total) => {
        o.onProgress?.(done, total, run.all(), recorder.spent);
      },
      ...(o.onProblem === undefined ? {} : { onProblem: o.onProblem }),
    });
    return { ...report, run: run.run, folder: where, spent: recorder.spent };
  } finally {
    run.close();
    if (source !== run) source.close();
  }
}

export function benchFolder(run: string, arm: string, group: string): string {
  return path.join(run, 'benches', fileName(group ? `${arm}__${group}` : arm));
}

/** The notebook that a recorded run began with. */
function startOf(folder: string, arms: readonly Arm[], tasks: readonly EvalTask[]): NoteFiles {
  for (const arm of arms) for (const group of new Set(tasks.map((t) => t.group ?? ''))) {
    const journal = new NotebookJournal(path.join(benchFolder(folder, arm.name, group), 'journal.jsonl'));
    if (journal.has('')) return journal.before(tasks.find((t) => (t.group ?? '') === group && journal.has(t.id))?.id);
  }
  return {};
}

/** Writes the notebook of an arm as it was before a task (or at the end) into a workspace folder. Returns how many notes it had. */
export async function rebuildNotebook(folder: string, arm: string, o: { group?: string; before?: string; to: string }): Promise<number> {
  const run = RunFolder.read(folder);
  const task = run.tasks.find((t) => t.id === o.before);
  if (o.before !== undefined && !task) throw new ExpectedError('no-task', `The run has no task "${o.before.slice(0, 60)}".`, `Its tasks are ${run.tasks.slice(0, 5).map((t) => t.id).join(', ')} …`);
  const group = task?.group ?? o.group ?? '';
  const journal = new NotebookJournal(path.join(benchFolder(folder, parseArm(arm).name, group), 'journal.jsonl'));
  if (!journal.has('')) throw new ExpectedError('no-notebook', `The run has no notebook of "${arm}"${group ? ` for ${group}` : ''}.`, `Its arms are ${run.arms.join(', ')}${run.tasks.some((t) => t.group) ? '; name a family with --group' : ''}.`);
  if (o.before !== undefined && !journal.has(o.before)) throw new ExpectedError('no-notebook', `The run did not come to "${o.before}" with "${arm}".`, 'Resume the run, or leave --before out to get the notebook as it is now.');
  const notes = journal.before(o.before);
  await mkdir(o.to, { recursive: true });
  await writeNotes(o.to, notes);
  await writeFile(path.join(o.to, '.safenote', '.gitignore'), '*\n').catch(() => undefined);
  return Object.keys(notes).length;
}

/** Makes requests of different runs comparable: folders, addresses and durations say nothing about a request. */
export function normalizerFor(run: string): (text: string) => string {
  const bench = new RegExp(`${run.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/benches/[^/\\s"']+/workspace`, 'g');
  return (text) =>
    text
      .replace(bench, '<workspace>')
      .replace(/0x[0-9a-f]{4,}/gi, '0x…')
      .replace(/\b\d+(?:\.\d+)?\s?ms\b|\bin \d+(?:\.\d+)?s\b/g, '<time>')
      .replace(/pytest-of-[\w.-]+\/pytest-\d+/g, '<pytest>');
}
