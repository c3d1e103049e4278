import type { LearnedNote } from '../completion/types.ts';
import { type ExpectedError, isCancelled, isExpected, messageOf } from '../errors.ts';
import { ModelError } from '../llm/model.ts';
import type { Arm } from './arm.ts';
import type { Recorder, ScopedModel } from './recording.ts';
import { both, type Hits, NO_HITS, type SampleResult, type ToolSaid } from './results.ts';
import type { EvalTask, Judgement, Suite } from './suite.ts';

/** What the tool made of one sample. */
export interface Completed {
  /** The document after the first answer, and after what the user would get. */
  readonly first: string;
  readonly shown: string;
  readonly attempts: number;
  readonly tool: { readonly first: ToolSaid; readonly shown: ToolSaid };
  readonly hits: Hits;
  readonly ms: { readonly retrieve: number; readonly generate: number; readonly verify: number };
}

/** Port: one arm's workspace with its notebook, for the tasks of one group. */
export interface Workbench {
  /** Whether the journal has what this task taught. */
  learned(task: EvalTask): boolean;
  /** Puts the task's files in place and the notebook as it was before this task. */
  begin(task: EvalTask): Promise<void>;
  /** Completes; what it learns is held back until `learn`. Throws `ModelError` for an answer that could not be used. */
  complete(task: EvalTask, sample: number, model: ScopedModel, signal: AbortSignal): Promise<Completed>;
  /** Lets what was held back be learned, sample after sample, and writes the journal. */
  learn(task: EvalTask, signal: AbortSignal): Promise<readonly LearnedNote[]>;
  dispose(): Promise<void>;
}

/** Port: what is done already. A result that `keep` has promised outlives a kill. */
export interface RunLog {
  result(arm: string, task: string, sample: number): SampleResult | undefined;
  keep(result: SampleResult): Promise<void>;
}

export interface ExperimentOptions {
  readonly suite: Suite;
  /** In the declared order: what an earlier task taught is known to a later one. */
  readonly tasks: readonly EvalTask[];
  readonly arms: readonly Arm[];
  readonly samples: number;
  readonly recorder: Recorder;
  readonly log: RunLog;
  readonly open: (arm: Arm, group: string) => Promise<Workbench>;
  /** Arms (with a group of tasks each) at the same time. */
  readonly jobs: number;
  /** Programs judged at the same time. */
  readonly judges: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number, total: number, result: SampleResult) => void;
  /** A task could not be set up or judged for a reason that is not the model's. */
  readonly onProblem?: (where: string, problem: string) => void;
}

export interface ExperimentReport {
  readonly results: readonly SampleResult[];
  /** Why the run ended before its end. */
  readonly stopped?: ExpectedError;
  /** Samples that have no final result yet. */
  readonly open: number;
}

/**
 * Runs every task under every arm. Within one arm and group the tasks come one after the other and their samples side by
 * side: all samples of a task see the notebook as the earlier tasks left it, and never what the task itself has taught.
 */
export async function runExperiment(o: ExperimentOptions): Promise<ExperimentReport> {
  const total = o.tasks.length * o.arms.length * o.samples;
  const groups = [...Map.groupBy(o.tasks, (t) => t.group ?? '')];
  const units = o.arms.flatMap((arm) => groups.map(([group, tasks]) => ({ arm, group, tasks })));
  const isFinal = (r: SampleResult | undefined): r is SampleResult => r !== undefined && r.status !== 'error';
  const results = new Map<string, SampleResult>();
  const take = (r: SampleResult) => results.set(`${r.arm}\n${r.task}\n${r.sample}`, r);
  for (const arm of o.arms) for (const task of o.tasks) for (let s = 0; s < o.samples; s++) {
    const known = o.log.result(arm.name, task.id, s);
    if (known) take(known);
  }
  const done = () => [...results.values()].filter(isFinal).length;
  const judging = new Gate(o.judges);

  // A program is judged once, whichever arms and samples wrote it.
  const judged = new Map<string, Promise<Judgement>>();
  const judge = (task: EvalTask, program: string): Promise<Judgement> => {
    const key = `${task.id}\n${program}`;
    const known = judged.get(key) ?? judgeNew(task, program);
    judged.set(key, known);
    return known;
  };
  const judgeNew = async (task: EvalTask, program: string): Promise<Judgement> => {
    try {
      return await judging.run(() => o.suite.judge(task, program, o.signal));
    } catch (error) {
      if (isCancelled(error) || o.signal.aborted) throw error;
      o.onProblem?.(task.id, `it could not be judged: ${messageOf(error)}`);
      return both({ status: 'unavailable', reason: `the judge failed: ${messageOf(error)}` });
    }
  };

  const sample = async (bench: Workbench, arm: Arm, task: EvalTask, s: number): Promise<void> => {
    const model = o.recorder.scope(s);
    const known = o.log.result(arm.name, task.id, s);
    const base = { arm: arm.name, task: task.id, sample: s };
    let result: SampleResult;
    try {
      const completed = await bench.complete(task, s, model, o.signal);
      // The work is done again so that it can be learned from; the judge has spoken already.
      if (isFinal(known)) return;
      const { first, shown, ...rest } = completed;
      const ofFirst = await judge(task, first);
      const ofShown = shown === first ? ofFirst : await judge(task, shown);
      result = { ...base, ...rest, status: 'judged', first: ofFirst, shown: ofShown, usage: model.usage() };
    } catch (error) {
      if (isCancelled(error) || o.signal.aborted) throw error;
      if (isFinal(known)) return;
      const said = both({ status: 'fail', reason: 'there is no program' });
      const nothing = { ...base, attempts: 1, hits: NO_HITS, usage: model.usage(), ms: { retrieve: 0, generate: 0, verify: 0 } };
      if (error instanceof ModelError && model.passing === undefined && !o.recorder.stopped) result = { ...nothing, status: 'no-program', reason: error.message, first: said, shown: said };
      else {
        if (!isExpected(error)) o.onProblem?.(`${task.id} (${arm.name})`, messageOf(error));
        const unknown = both({ status: 'unavailable', reason: messageOf(error) });
        result = { ...nothing, status: 'error', reason: messageOf(error), first: unknown, shown: unknown };
      }
    }
    // Guidance or a retry that is missing for a passing reason makes the whole sample unfinished.
    if (model.passing && result.status === 'judged') result = { ...result, status: 'error', reason: model.passing.message };
    if (o.recorder.stopped) return;
    take(result);
    await o.log.keep(result).catch((error: unknown) => o.onProblem?.(task.id, `its result could not be written: ${messageOf(error)}`));
    o.onProgress?.(done(), total, result);
  };

  const unit = async ({ arm, group, tasks }: (typeof units)[number]): Promise<void> => {
    let bench: Workbench | undefined;
    try {
      for (const task of tasks) {
        o.signal.throwIfAborted();
        if (o.recorder.stopped) return;
        const open = Array.from({ length: o.samples }, (_, s) => s).filter((s) => !isFinal(results.get(`${arm.name}\n${task.id}\n${s}`)));
        const learns = arm.mode === 'safenote';
        bench ??= open.length > 0 || learns ? await o.open(arm, group) : undefined;
        if (!bench) continue;
        const teach = learns && !bench.learned(task);
        if (open.length === 0 && !teach) continue;
        await bench.begin(task);
        const wanted = teach ? Array.from({ length: o.samples }, (_, s) => s) : open;
        const ended = await Promise.allSettled(wanted.map((s) => sample(bench as Workbench, arm, task, s)));
        const broken = ended.find((e) => e.status === 'rejected');
        // What is held back is let go in any case, so that nothing waits for ever.
        const stopped = broken !== undefined || o.recorder.stopped !== undefined;
        if (teach && !stopped) await bench.learn(task, o.signal);
        if (broken?.status === 'rejected') throw broken.reason;
      }
    } catch (error) {
      if (isCancelled(error) || o.signal.aborted) throw error;
      // The other arms go on; this one's open samples are named and can be resumed.
      o.onProblem?.(`${arm.name}${group ? `, ${group}` : ''}`, `it was given up: ${messageOf(error)}`);
    } finally {
      await bench?.dispose();
    }
  };

  const waiting = [...units];
  await Promise.all(
    Array.from({ length: Math.max(1, o.jobs) }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await unit(next);
    }),
  );
  return { results: [...results.values()], open: total - done(), ...(o.recorder.stopped ? { stopped: o.recorder.stopped } : {}) };
}

/** Lets so many in at a time. */
class Gate {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(places: number) {
    this.free = Math.max(1, places);
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    }
  }
}

