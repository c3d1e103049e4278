import { ExpectedError, isCancelled } from '../errors.ts';
import { estimateTokens, type GenerateOptions, type GenerateReply, type GenerateRequest, type LanguageModel, ModelError, type ModelErrorCode, type Purpose } from '../llm/model.ts';
import type { Price } from '../notebook/build-estimate.ts';

/** What a model gave for one request: an answer, or that it had none. */
export type Recorded =
  | { readonly reply: GenerateReply }
  /** `passing`: another try may do better, so only a replay takes it for the answer. */
  | { readonly error: { readonly code: ModelErrorCode; readonly message: string; readonly hint: string }; readonly passing: boolean };

/** Port: answers by the hash of their request. What `keep` has promised outlives a kill. */
export interface AnswerStore {
  get(key: string): Recorded | undefined;
  /** Rejects where it cannot be written (a full disk); it is then kept in memory and written with the next one. */
  keep(key: string, recorded: Recorded, about: { readonly purpose: Purpose; readonly sample: number }): Promise<void>;
  /** Throws where nothing can be written at the moment: a request whose answer would be lost is not sent. */
  ensureWritable(): void;
}

export interface Budget {
  /** Tokens, or money where a price is given. */
  readonly limit: number;
  readonly price?: Price;
}

export interface RecorderOptions {
  /** Name and origin of the model whose answers these are. */
  readonly name: string;
  readonly origin: string;
  /** Absent in a replay: then nothing is ever sent. */
  readonly model?: LanguageModel;
  readonly store: AnswerStore;
  readonly hash: (text: string) => string;
  /** A request's text without what differs between machines and runs, such as folders. */
  readonly normalize: (text: string) => string;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly budget?: Budget;
  /** Requests at the same time. */
  readonly jobs: number;
  /** Requests a minute; no limit where absent. */
  readonly perMinute?: number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds, monotonic. */
  readonly clock: () => number;
}

/** Faults of one answer: they are the model's answer to this request. */
const OF_THE_ANSWER: readonly ModelErrorCode[] = ['model-cut', 'model-empty', 'model-no-code', 'model-changed-code', 'model-too-long', 'model-blocked'];
/** Faults that may pass. */
const PASSING: readonly ModelErrorCode[] = ['model-server', 'model-timeout', 'model-rate-limit', 'model-refused'];
const TRIES = 4;
const WAIT_MS = 2_000;
/** Requests in a row without an answer after which the model counts as gone. */
const GONE = 6;

export interface Spent {
  requests: number;
  prompt: number;
  completion: number;
}

/** Use of the model by one sample. Recorded answers count: a method costs what it costs, whoever paid before. */
export interface Usage {
  readonly requests: number;
  readonly tokens: { readonly prompt: number; readonly completion: number };
  readonly byPurpose: Readonly<Partial<Record<Purpose, { readonly requests: number; readonly prompt: number; readonly completion: number }>>>;
}

/** Records every answer of a model, gives recorded ones again, and keeps to budget and limits. */
export class Recorder {
  /** Why no more requests are made: the budget, a missing recording, or a fault that every request would meet. */
  stopped: ExpectedError | undefined;
  /** What this run paid for. */
  readonly spent: Spent = { requests: 0, prompt: 0, completion: 0 };
  private readonly o: RecorderOptions;
  private readonly underWay = new Map<string, Promise<Recorded>>();
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  private reserved = 0;
  private notBefore = 0;
  private inARow = 0;
  /** Tokens that a server counts for one that is estimated; the largest seen. */
  private underestimate = 1;

  constructor(options: RecorderOptions) {
    this.o = options;
  }

  /** The model as one sample of one task sees it. */
  scope(sample: number): ScopedModel {
    return new ScopedModel(this, this.o.name, this.o.origin, sample);
  }

  async answer(request: GenerateRequest, sample: number, nth: number, signal: AbortSignal): Promise<Recorded> {
    const full: GenerateRequest = { ...request, temperature: this.o.temperature, maxTokens: this.o.maxTokens };
    const key = this.o.hash(JSON.stringify({ v: 1, model: this.o.name, messages: full.messages.map((m) => [m.role, this.o.normalize(m.content)]), temperature: full.temperature, maxTokens: full.maxTokens, sample, nth }));
    const known = this.o.store.get(key);
    const { model } = this.o;
    if (known && (!model || 'reply' in known || !known.passing)) return known;
    if (!model) {
      const first = request.messages.at(-1)?.content.trim().split('\n').slice(0, 3).join(' / ').slice(0, 160) ?? '';
      throw this.stop(new ExpectedError('replay-miss', `A request was never recorded (${request.purpose}, sample ${sample + 1}, ${key.slice(0, 12)}…: "${first}").`, 'The prompts, the notes or the suite have changed since the recording. Run again without --replay to ask the model for what is missing.'));
    }
    // Two arms with the same prompt get the same answer, also when they ask at the same time.
    const under = this.underWay.get(key) ?? this.ask(model, key, full, sample, signal).finally(() => this.underWay.delete(key));
    this.underWay.set(key, under);
    return under;
  }

  private async ask(model: LanguageModel, key: string, request: GenerateRequest, sample: number, signal: AbortSignal): Promise<Recorded> {
    let failure: ModelError | undefined;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      await this.turn(signal);
      let reserved = 0;
      try {
        if (this.stopped) throw this.stopped;
        this.o.store.ensureWritable();
        reserved = this.reserve(request);
        const reply = await model.generate(request, { signal });
        this.count(request, reply);
        this.inARow = 0;
        await this.o.store.keep(key, { reply }, { purpose: request.purpose, sample });
        return { reply };
      } catch (error) {
        if (isCancelled(error) || signal.aborted || !(error instanceof ModelError)) throw error;
        // What the server charged for an answer that could not be used is not known: the estimate counts.
        if (OF_THE_ANSWER.includes(error.code)) {
          this.count(request, { text: '', model: model.name, tokens: { prompt: promptTokens(request), completion: 0 } });
          this.inARow = 0;
          // A line that broke may hold the next time; an answer that is too long is cut again.
          if (error.code === 'model-cut' && attempt === 0) continue;
          const recorded: Recorded = { error: plain(error), passing: false };
          await this.o.store.keep(key, recorded, { purpose: request.purpose, sample });
          return recorded;
        }
        if (!PASSING.includes(error.code)) throw this.stop(error);
        failure = error;
        // Everybody waits: a server that refuses one request for its rate refuses the others too.
        this.notBefore = Math.max(this.notBefore, this.o.clock() + WAIT_MS * 2 ** attempt);
      } finally {
        this.reserved -= reserved;
        this.release();
      }
    }
    if (++this.inARow >= GONE) this.stop(new ExpectedError('model-gone', `The model does not answer any more: ${failure?.message ?? ''}`, 'When it is back, run again with --resume; nothing is asked twice.'));
    const recorded: Recorded = { error: plain(failure as ModelError), passing: true };
    await this.o.store.keep(key, recorded, { purpose: request.purpose, sample });
    return recorded;
  }

  private stop(error: ExpectedError): ExpectedError {
    this.stopped ??= error;
    return error;
  }

  /** Throws before the budget would be exceeded: prompt as estimated, answer as long as it may get. */
  private reserve(request: GenerateRequest): number {
    const { budget } = this.o;
    if (!budget) return 0;
    const worth = this.worth(promptTokens(request) * this.underestimate, this.o.maxTokens);
    const used = this.worth(this.spent.prompt, this.spent.completion);
    if (used + this.reserved + worth > budget.limit) {
      const unit = budget.price ? '' : ' tokens';
      throw this.stop(new ExpectedError('budget', `The next request could exceed the budget of ${budget.limit}${unit}: ${round(used)}${unit} are spent, ${round(worth)}${unit} is what it may take.`, 'Run again with --resume and a larger --budget; nothing is asked twice.'));
    }
    this.reserved += worth;
    return worth;
  }

  private worth(prompt: number, completion: number): number {
    const price = this.o.budget?.price;
    return price ? (prompt * price.prompt + completion * price.completion) / 1_000_000 : prompt + completion;
  }

  private count(request: GenerateRequest, reply: GenerateReply): void {
    this.spent.requests++;
    this.spent.prompt += reply.tokens.prompt;
    this.spent.completion += reply.tokens.completion;
    this.underestimate = Math.max(this.underestimate, reply.tokens.prompt / Math.max(1, promptTokens(request)));
  }

  /** Waits for a free place and for the pace. */
  private async turn(signal: AbortSignal): Promise<void> {
    while (this.running >= this.o.jobs) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
    try {
      signal.throwIfAborted();
      const now = this.o.clock();
      const at = Math.max(now, this.notBefore);
      if (this.o.perMinute !== undefined) this.notBefore = at + 60_000 / this.o.perMinute;
      if (at > now) await this.o.sleep(at - now, signal);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  private release(): void {
    this.running--;
    this.waiting.shift()?.();
  }
}

/** The model for one sample: knows which sample asks, what it used, and whether an answer is missing for a passing reason. */
export class ScopedModel implements LanguageModel {
  readonly name: string;
  readonly origin: string;
  /** A fault that may pass: what came of this sample is not final. */
  passing: ModelError | undefined;
  private readonly recorder: Recorder;
  private readonly sample: number;
  private readonly asked = new Map<string, number>();
  private readonly used = new Map<Purpose, Spent>();

  constructor(recorder: Recorder, name: string, origin: string, sample: number) {
    this.recorder = recorder;
    this.name = name;
    this.origin = origin;
    this.sample = sample;
  }

  async generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    const same = JSON.stringify(request.messages);
    const nth = this.asked.get(same) ?? 0;
    this.asked.set(same, nth + 1);
    const recorded = await this.recorder.answer(request, this.sample, nth, options.signal);
    options.signal.throwIfAborted();
    const spent = this.used.get(request.purpose) ?? { requests: 0, prompt: 0, completion: 0 };
    this.used.set(request.purpose, spent);
    spent.requests++;
    if ('error' in recorded) {
      const error = new ModelError(recorded.error.code, recorded.error.message, recorded.error.hint);
      if (recorded.passing) this.passing = error;
      throw error;
    }
    spent.prompt += recorded.reply.tokens.prompt;
    spent.completion += recorded.reply.tokens.completion;
    options.onText?.(recorded.reply.text);
    return recorded.reply;
  }

  usage(): Usage {
    const all = [...this.used.values()];
    const sum = (of: (s: Spent) => number) => all.reduce((total, s) => total + of(s), 0);
    return { requests: sum((s) => s.requests), tokens: { prompt: sum((s) => s.prompt), completion: sum((s) => s.completion) }, byPurpose: Object.fromEntries([...this.used].map(([p, s]) => [p, { ...s }])) };
  }
}

function promptTokens(request: GenerateRequest): number {
  return request.messages.reduce((sum, m) => sum + estimateTokens(m.content) + 4, 0);
}

function plain({ code, message, hint }: ModelError): { code: ModelErrorCode; message: string; hint: string } {
  return { code, message, hint };
}

function round(n: number): string {
  return n >= 100 ? String(Math.round(n)) : n.toPrecision(3);
}
