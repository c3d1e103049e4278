import type { CompletionRequest, LearnedNote, Tried } from '../completion/types.ts';
import { isCancelled, messageOf } from '../errors.ts';
import type { KnowledgeRetriever } from '../knowledge/knowledge-retriever.ts';
import type { Sample } from '../knowledge/knowledge.ts';
import { extensionFor } from '../language.ts';
import { estimateTokens, type GenerateOptions, type GenerateReply, type GenerateRequest, type LanguageModel, ModelError, type ModelErrorCode } from '../llm/model.ts';
import type { Learner } from './learner.ts';

/** What became of one task. */
export interface TaskResult {
  readonly key: string;
  readonly cwe: string;
  readonly language: string;
  /** `error`: the model's answer could not be used. `unavailable`: no analyzer could judge it. */
  readonly status: 'pass' | 'fail' | 'unavailable' | 'error';
  readonly reason?: string;
  /** CWEs that the checks found. */
  readonly found: readonly string[];
  readonly notes: readonly LearnedNote[];
}

/** Port: what a build has done and paid for, so that it can go on after a kill. Each write is safe when it resolves. */
export interface BuildJournal {
  /** A reply that was paid for. */
  reply(key: string): GenerateReply | undefined;
  keepReply(key: string, reply: GenerateReply): Promise<void>;
  result(key: string): TaskResult | undefined;
  keepResult(result: TaskResult): Promise<void>;
  /** Whether notes of this task may have been written already. */
  learning(key: string): boolean;
  keepLearning(key: string): Promise<void>;
}

export interface BuildTask {
  /** The sample's id and a hash of its description: another description is another task. */
  readonly key: string;
  readonly sample: Sample;
}

export interface BuildProgress {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly notes: number;
}

export interface BuildEstimate {
  readonly tasks: number;
  /** Tasks that an earlier run has done. */
  readonly done: number;
  /** From none failing to all failing; each failure asks for one correction guide. */
  readonly requests: readonly [number, number];
  readonly promptTokens: readonly [number, number];
  readonly completionTokens: readonly [number, number];
}

export interface BuildReport {
  readonly results: readonly TaskResult[];
  /** Requests that this run paid for; replies from the journal are not counted. */
  readonly requests: number;
  readonly tokens: { readonly prompt: number; readonly completion: number };
  /** Why the build ended before its end. */
  readonly stopped?: ModelError;
}

export interface OfflineBuildOptions {
  readonly attempt: (request: CompletionRequest, model: LanguageModel, signal: AbortSignal) => Promise<Tried>;
  readonly preview: (request: CompletionRequest, signal: AbortSignal) => Promise<{ readonly tokens: number }>;
  readonly learner: Pick<Learner, 'learnSecurity'>;
  readonly knowledge: () => Promise<KnowledgeRetriever>;
  readonly journal: BuildJournal;
  /** Waits; rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface BuildRun {
  readonly signal: AbortSignal;
  /** Tasks at the same time. */
  readonly jobs: number;
  readonly onProgress?: (progress: BuildProgress, result: TaskResult) => void;
  /** Awaited before each task: a pause lasts as long as it does. */
  readonly gate?: () => Promise<void>;
}

/** Faults of one answer: the next task may do better. Everything else would meet every task. */
const OF_THE_ANSWER: readonly ModelErrorCode[] = ['model-cut', 'model-empty', 'model-no-code', 'model-changed-code', 'model-too-long', 'model-blocked'];
/** Faults that may pass: the task is left for the next run, and the build ends when they do not stop. */
const PASSING: readonly ModelErrorCode[] = ['model-server', 'model-timeout', 'model-rate-limit'];
const MAX_IN_A_ROW = 5;
const WAIT_MS = 5_000;
/** Tasks whose prompts are really put together for an estimate. */
const PROBES = 12;
/** A correction guide: its prompt without the code in it, and its answer, in tokens. */
const GUIDE_PROMPT = 350;
const GUIDE_ANSWER = 200;

/**
 * Offline construction (paper §3.2, step 3): the model solves the tasks of the knowledge base with the knowledge but without
 * each task's own sample and without notes, so that the order of the tasks changes nothing; what the checks reject becomes a
 * note with a correction guide.
 */
export class OfflineBuild {
  private readonly o: OfflineBuildOptions;

  constructor(options: OfflineBuildOptions) {
    this.o = options;
  }

  async estimate(tasks: readonly BuildTask[], signal: AbortSignal): Promise<BuildEstimate> {
    const open = tasks.filter((t) => !this.o.journal.result(t.key));
    const step = Math.max(1, Math.ceil(open.length / PROBES));
    const probes = open.filter((_, n) => n % step === 0);
    let prompt = 0;
    for (const task of probes) {
      signal.throwIfAborted();
      prompt += (await this.o.preview(requestOf(task), signal)).tokens;
    }
    const answer = open.reduce((sum, t) => sum + estimateTokens(t.sample.secure), 0);
    const guides = open.reduce((sum, t) => sum + GUIDE_PROMPT + 2 * estimateTokens(t.sample.vulnerable) + estimateTokens(t.sample.slice), 0);
    const first = probes.length > 0 ? Math.round((prompt / probes.length) * open.length) : 0;
    return {
      tasks: tasks.length,
      done: tasks.length - open.length,
      requests: [open.length, 2 * open.length],
      promptTokens: [first, first + guides],
      completionTokens: [answer, answer + GUIDE_ANSWER * open.length],
    };
  }

  /** Does what is not done yet. Throws only on abort; an end before the end is in the report. */
  async run(tasks: readonly BuildTask[], model: LanguageModel, run: BuildRun): Promise<BuildReport> {
    const results = tasks.flatMap((t) => this.o.journal.result(t.key) ?? []);
    const open = tasks.filter((t) => !this.o.journal.result(t.key));
    const spent = { requests: 0, prompt: 0, completion: 0 };
    const ending = new AbortController();
    const signal = AbortSignal.any([run.signal, ending.signal]);
    let stopped: ModelError | undefined;
    let inARow = 0;

    const worker = async (): Promise<void> => {
      for (let task = open.shift(); task && !stopped; task = open.shift()) {
        await run.gate?.();
        run.signal.throwIfAborted();
        if (stopped) return;
        try {
          const result = await this.one(task, new JournaledModel(model, this.o.journal, task.key, spent), signal);
          inARow = 0;
          await this.o.journal.keepResult(result);
          results.push(result);
          run.onProgress?.({ done: results.length, total: tasks.length, failed: results.filter((r) => r.status === 'fail').length, notes: new Set(results.flatMap((r) => r.notes.map((n) => n.id))).size }, result);
        } catch (error) {
          if (stopped) return;
          if (!(error instanceof ModelError)) throw error;
          if (!PASSING.includes(error.code) || ++inARow >= MAX_IN_A_ROW) {
            stopped = error;
            ending.abort(new DOMException('The build ends.', 'AbortError'));
            return;
          }
          open.push(task);
          await this.o.sleep(WAIT_MS * 2 ** (inARow - 1), signal).catch(() => run.signal.throwIfAborted());
        }
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: Math.max(1, Math.min(run.jobs, open.length)) }, async () => {
      try {
        await worker();
      } catch (error) {
        ending.abort(new DOMException('The build ends.', 'AbortError'));
        throw error;
      }
    }));
    run.signal.throwIfAborted();
    const broken = workers.flatMap((w) => (w.status === 'rejected' && !isCancelled(w.reason) ? [w.reason as unknown] : []))[0];
    if (broken !== undefined) throw broken;
    return { results, requests: spent.requests, tokens: { prompt: spent.prompt, completion: spent.completion }, ...(stopped ? { stopped } : {}) };
  }

  private async one(task: BuildTask, model: JournaledModel, signal: AbortSignal): Promise<TaskResult> {
    const { sample, key } = task;
    const base = { key, cwe: sample.cwe, language: sample.language };
    let tried: Tried;
    try {
      tried = await this.o.attempt(requestOf(task), model, signal);
    } catch (error) {
      if (error instanceof ModelError && OF_THE_ANSWER.includes(error.code)) return { ...base, status: 'error', reason: error.message, found: [], notes: [] };
      throw error;
    }
    const { verdict } = tried;
    const found = [...new Set(verdict.findings.flatMap((f) => f.cwe))];
    if (verdict.findings.length === 0) return { ...base, status: verdict.status === 'pass' ? 'pass' : 'unavailable', ...(verdict.reason ? { reason: verdict.reason } : {}), found, notes: [] };

    const resumed = this.o.journal.learning(key);
    if (!resumed) await this.o.journal.keepLearning(key);
    const knowledge = await this.o.knowledge();
    const notes: LearnedNote[] = [];
    for (const [cwe, findings] of Map.groupBy(verdict.findings, (f) => f.cwe[0])) {
      const example = cwe === sample.cwe ? sample : cwe === undefined ? undefined : knowledge.sampleFor(cwe, sample.language);
      const learned = await this.o.learner.learnSecurity(
        {
          language: sample.language,
          task: sample.description,
          code: tried.code,
          scanned: tried.scanned,
          findings,
          modelName: tried.model,
          origin: 'offline',
          ...(example ? { secureSlice: example.slice } : {}),
          ...(resumed ? { resumed } : {}),
        },
        model,
        signal,
      );
      notes.push(...learned);
      signal.throwIfAborted();
      // A guide that could not be written now is asked for in the next run.
      if (model.failure && !OF_THE_ANSWER.includes(model.failure.code)) throw model.failure;
    }
    return { ...base, status: 'fail', found, notes };
  }
}

/** The task as a developer would ask for it in a new file. */
function requestOf({ sample }: BuildTask): CompletionRequest {
  const path = `${sample.id.split('/').at(-1) ?? 'task'}.${extensionFor(sample.language)}`;
  return { document: { path, language: sample.language, text: '' }, offset: 0, task: sample.description, mode: 'rescue', withoutSample: sample.id };
}

/** A model whose replies to one task are kept: asked again after a kill, it answers from the journal. */
class JournaledModel implements LanguageModel {
  readonly name: string;
  readonly origin: string;
  failure: ModelError | undefined;
  private readonly model: LanguageModel;
  private readonly journal: BuildJournal;
  private readonly task: string;
  private readonly spent: { requests: number; prompt: number; completion: number };
  private readonly asked = new Map<string, number>();

  constructor(model: LanguageModel, journal: BuildJournal, task: string, spent: { requests: number; prompt: number; completion: number }) {
    this.name = model.name;
    this.origin = model.origin;
    this.model = model;
    this.journal = journal;
    this.task = task;
    this.spent = spent;
  }

  async generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    const nth = this.asked.get(request.purpose) ?? 0;
    this.asked.set(request.purpose, nth + 1);
    const key = `${this.task} ${request.purpose} ${nth}`;
    const known = this.journal.reply(key);
    if (known) return known;
    try {
      const reply = await this.model.generate(request, options);
      this.spent.requests++;
      this.spent.prompt += reply.tokens.prompt;
      this.spent.completion += reply.tokens.completion;
      await this.journal.keepReply(key, reply);
      return reply;
    } catch (error) {
      if (error instanceof ModelError) this.failure = error;
      throw error;
    }
  }
}

/** A build's results as a sentence for an error or a notification. */
export function summaryOf(results: readonly TaskResult[]): string {
  const count = (status: TaskResult['status']) => results.filter((r) => r.status === status).length;
  const notes = new Set(results.flatMap((r) => r.notes.map((n) => n.id))).size;
  const extra = [count('unavailable') > 0 ? `${count('unavailable')} could not be judged` : '', count('error') > 0 ? `${count('error')} gave no usable answer` : ''].filter(Boolean);
  return `${results.length} tasks: ${count('pass')} passed, ${count('fail')} failed${extra.length > 0 ? `, ${extra.join(', ')}` : ''}; ${notes} notes`;
}

/** The text of what ended a build. */
export function whyStopped(error: ModelError): string {
  return `${messageOf(error)} ${error.hint}`;
}
