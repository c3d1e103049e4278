import type { Stream } from 'openai/core/streaming';
import { ModelError, estimateTokens } from '../../core/llm/model.ts';
import type { GenerateOptions, GenerateReply, GenerateRequest, LanguageModel } from '../../core/llm/model.ts';
import { SILENT } from '../../core/log.ts';
import type { Logger } from '../../core/log.ts';
import { SHARED_ACCOMMODATIONS, accommodationFor, shapeRequest } from './accommodations.ts';
import type { Accommodations, RequestBody } from './accommodations.ts';
import { hostOf, isLoopback } from './address.ts';
import type { Endpoint } from './address.ts';
import { listModels } from './endpoint.ts';
import { isQuota, isReset, networkError, presentable, readErrorValue, retryAfterMs, statusError, unreadableError } from './failures.ts';
import type { FailureContext, HttpFailure } from './failures.ts';
import { readPiece } from './reply.ts';
import type { ReplyPiece } from './reply.ts';
import { cancelled, wait } from './waiting.ts';
import { Wire } from './wire.ts';

export interface OpenAiModelOptions {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly log?: Logger;
  /** Give up when no byte comes for so long. */
  readonly idleTimeoutMs?: number;
  /** The same for the first byte of a local server, which may have to load the model first. */
  readonly loadTimeoutMs?: number;
  /** Longest wait for a rate limit to pass, over all tries of one request. */
  readonly maxWaitMs?: number;
  /** First pause before a repeated request; the next is three times as long. */
  readonly backoffMs?: number;
  /** How long to wait, after an answer is complete, for what may follow it. */
  readonly graceMs?: number;
  /** What is known about servers; by default shared by all models of the process. */
  readonly accommodations?: Accommodations;
}

const MAX_RATE_LIMIT_TRIES = 3;

/** A model behind any OpenAI-compatible endpoint, over the `openai` package, streamed. */
export class OpenAiModel implements LanguageModel {
  readonly name: string;
  readonly origin: string;
  private readonly endpoint: Endpoint;
  private readonly log: Logger;
  private readonly idleTimeoutMs: number;
  private readonly loadTimeoutMs: number;
  private readonly maxWaitMs: number;
  private readonly backoffMs: number;
  /** After the end of an answer some servers send a token count, some `[DONE]`, some nothing and keep the line open. */
  private readonly graceMs: number;
  private readonly accommodations: Accommodations;

  constructor(options: OpenAiModelOptions) {
    this.name = options.model;
    this.endpoint = options.endpoint;
    this.origin = options.model === 'replay' && isLoopback(options.endpoint.baseUrl) ? 'replay' : hostOf(options.endpoint.baseUrl);
    this.log = options.log ?? SILENT;
    this.idleTimeoutMs = options.idleTimeoutMs ?? 60_000;
    this.loadTimeoutMs = Math.max(this.idleTimeoutMs, options.loadTimeoutMs ?? (isLoopback(options.endpoint.baseUrl) ? 180_000 : this.idleTimeoutMs));
    this.maxWaitMs = options.maxWaitMs ?? 20_000;
    this.backoffMs = options.backoffMs ?? 1_000;
    this.graceMs = options.graceMs ?? 2_000;
    this.accommodations = options.accommodations ?? SHARED_ACCOMMODATIONS;
  }

  /**
   * Asks the model. What a server does not take (temperature, token counts, a limit's name, streaming, the system role) is
   * left out and remembered; a rate limit is waited for up to `maxWaitMs`; a server error or a connection that broke
   * before any text is tried once more. Throws `ModelError`, or `AbortError` on cancel, which closes the connection.
   */
  async generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    const { signal } = options;
    const known = this.accommodations.for(this.endpoint.baseUrl, this.name);
    let waitedMs = 0;
    let rateLimitTries = 0;
    let repeated = false;
    for (;;) {
      if (signal.aborted) throw cancelled();
      const body = shapeRequest(this.name, request, known);
      const started = performance.now();
      const result = await this.attempt(body, options);
      if (signal.aborted) throw cancelled();
      if (result.kind === 'reply') {
        const tokens = result.usage ?? { prompt: estimateTokens(request.messages.map((m) => m.content).join('\n')), completion: estimateTokens(result.text) };
        this.log.debug(`Model ${this.name} at ${this.origin}: ${request.purpose}, ${Math.round(performance.now() - started)} ms, ${tokens.prompt} + ${tokens.completion} tokens`);
        return { text: result.text, model: result.model ?? this.name, tokens };
      }
      if (result.kind === 'broken') {
        if (result.retriable && !repeated) {
          repeated = true;
          await wait(this.backoffMs, signal);
          continue;
        }
        throw result.error;
      }
      const { failure } = result;
      const without = accommodationFor(failure, body);
      if (without && !known.has(without)) {
        known.add(without);
        this.log.info(`${this.origin} does not take all that was sent for ${this.name}: going on with ${without}`);
        continue;
      }
      const asked = retryAfterMs(failure.headers, Date.now());
      if ((failure.status === 429 || (failure.status === 503 && asked !== undefined)) && !isQuota(failure)) {
        const pause = asked ?? this.backoffMs * 3 ** rateLimitTries;
        if (rateLimitTries + 1 < MAX_RATE_LIMIT_TRIES && waitedMs + pause <= this.maxWaitMs) {
          rateLimitTries += 1;
          waitedMs += pause;
          this.log.info(`${this.origin} limits requests; waiting ${Math.round(pause)} ms`);
          await wait(pause, signal);
          continue;
        }
        throw statusError(failure, this.context(), asked);
      }
      if ((failure.status >= 500 || failure.status === 408) && !repeated) {
        repeated = true;
        await wait(this.backoffMs, signal);
        continue;
      }
      throw await this.explain(failure, signal);
    }
  }

  private context(): FailureContext {
    return { endpoint: this.endpoint, model: this.name };
  }

  /** For "not found" the server's own list of models says whether the name or the address is wrong. */
  private async explain(failure: HttpFailure, signal: AbortSignal): Promise<ModelError> {
    if (failure.status !== 404) return statusError(failure, this.context());
    let available: string[] | undefined;
    try {
      available = await listModels(this.endpoint, { signal, timeoutMs: 3_000 });
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
    }
    return statusError(failure, available && !available.includes(this.name) ? { ...this.context(), available } : this.context());
  }

  /** One request. Ends in an answer, an error status, or a connection that broke; throws bugs only. */
  private async attempt(body: RequestBody, { signal, onText }: GenerateOptions): Promise<AttemptResult> {
    const connection = new AbortController();
    const close = (): void => connection.abort();
    signal.addEventListener('abort', close, { once: true });
    const watchdog = new Watchdog(close, this.loadTimeoutMs);
    const wire = new Wire(() => watchdog.postpone(this.idleTimeoutMs));
    const reply = new ReplyInProgress((piece) => onText?.(piece), () => watchdog.limit(this.graceMs));
    try {
      await this.exchange(body, connection, wire, reply);
    } catch (error) {
      if (reply.listenerFailed) throw error;
      if (!signal.aborted && !reply.finish && watchdog.expiredAfter === undefined) {
        if (wire.failure) return { kind: 'status', failure: wire.failure };
        return this.broken(error, reply);
      }
    } finally {
      watchdog.stop();
      signal.removeEventListener('abort', close);
      // After a proper end the connection stays open for the next request.
      if (!wire.done && wire.kind !== 'json') connection.abort();
    }
    if (signal.aborted) throw cancelled();
    return this.judge(wire, reply, watchdog.expiredAfter, body);
  }

  private async exchange(body: RequestBody, connection: AbortController, wire: Wire, reply: ReplyInProgress): Promise<void> {
    // Loaded at the first request: the package is large, and an editor that starts does not need it.
    const { OpenAI, Stream: StreamClass } = await import('./openai-client.ts');
    const client = new OpenAI({
      baseURL: this.endpoint.baseUrl,
      apiKey: this.endpoint.apiKey ?? 'none',
      // Nothing of the environment may reach a server that it was not meant for.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      defaultHeaders: this.endpoint.apiKey ? {} : { authorization: null },
      maxRetries: 0,
      timeout: 24 * 3_600_000,
      logLevel: 'off',
      fetch: wire.fetch,
    });
    // A body that was typed here in a narrower way than the package's own: both ways of answering are read below.
    const response = await client.chat.completions.create({ ...body, stream: body.stream ?? false }, { signal: connection.signal }).asResponse();
    if (wire.kind === 'events') {
      const stream: Stream<unknown> = StreamClass.fromSSEResponse(response, connection, client);
      for await (const event of stream) reply.take(readPiece(event));
      return;
    }
    const text = await response.text();
    if (wire.kind !== 'json') {
      reply.raw = text;
      return;
    }
    const piece = readPiece(parseJson(text));
    if (piece) reply.take(piece);
    else reply.raw = text;
    // A whole reply is complete when its JSON is.
    if (piece && !piece.error) reply.finish ??= 'stop';
  }

  private broken(error: unknown, reply: ReplyInProgress): AttemptResult {
    const inStream = serverErrorOf(error);
    if (inStream !== undefined) return { kind: 'broken', retriable: false, error: this.streamedError(inStream) };
    if (error instanceof SyntaxError) return { kind: 'broken', retriable: false, error: unreadableError('', this.context()) };
    if (reply.text || reply.aside) return { kind: 'broken', retriable: false, error: this.cutError() };
    return { kind: 'broken', retriable: isReset(error), error: networkError(error, this.context()) };
  }

  private streamedError(value: unknown): ModelError {
    const said = readErrorValue(value);
    const status = Number(said.code);
    const failure = { status: status >= 400 && status < 600 ? status : 500, headers: new Headers(), body: JSON.stringify(value) ?? '' };
    return statusError(failure, this.context());
  }

  private cutError(): ModelError {
    return new ModelError('model-cut', `${hostOf(this.endpoint.baseUrl)} broke off in the middle of its answer.`, 'Try again; where it repeats, look into the server\'s own log or at the network between.');
  }

  /** What came of a request that got its 2xx. */
  private judge(wire: Wire, reply: ReplyInProgress, idleMs: number | undefined, sent: RequestBody): AttemptResult {
    const host = hostOf(this.endpoint.baseUrl);
    const fail = (error: ModelError): AttemptResult => ({ kind: 'broken', retriable: false, error });
    if (reply.error !== undefined) return fail(this.streamedError(reply.error));
    if (wire.failure) return { kind: 'status', failure: wire.failure };
    if (idleMs !== undefined && !reply.finish) {
      return fail(new ModelError('model-timeout', `${host} ${reply.text ? 'stopped in the middle of its answer' : 'has not begun to answer'}: nothing came for ${describeMs(idleMs)}.`, 'Try again; a server that is loading a model or is overloaded needs time. Where it repeats, choose a smaller model.'));
    }
    if (wire.flooded) return fail(new ModelError('model-server', `${host} does not stop sending; its answer was dropped.`, 'Choose another model, or look into the server\'s own log.'));
    if (wire.kind === 'html' || wire.kind === 'other' || reply.raw.trim()) return fail(unreadableError(reply.raw, this.context()));
    if (reply.refusal) return fail(new ModelError('model-blocked', `The model declined: ${presentable(reply.refusal, this.context())}`, 'Put the task in other words, or choose another model.'));
    switch (reply.finish) {
      case undefined:
        if (!wire.done && (reply.text || reply.aside)) return fail(this.cutError());
        break;
      case 'content_filter':
        return fail(new ModelError('model-blocked', `A content filter at ${host} stopped the answer.`, 'Put the task in other words, or choose another model.'));
      case 'length': {
        const limit = sent.max_tokens ?? sent.max_completion_tokens;
        return fail(
          reply.text.trim() || !reply.aside
            ? new ModelError('model-cut', `The answer reached the limit on its length${limit === undefined ? '' : ` (${limit} tokens)`} and is not complete.`, 'Raise the answer limit or context size of the server (for Ollama: num_ctx), or ask for less at once.')
            : new ModelError('model-cut', 'The model used up the limit on its answer with reasoning and wrote no code.', 'Raise the answer limit or context size of the server, lower the model\'s reasoning effort there, or choose another model.'),
        );
      }
      case 'abort':
      case 'error':
      case 'insufficient_system_resource':
        return fail(this.cutError());
    }
    if (!reply.text.trim()) {
      return fail(
        reply.aside
          ? new ModelError('model-empty', 'The model reasoned or called a tool, but wrote no answer.', 'Try again, or choose another model with "SafeNote: Select Model".')
          : new ModelError('model-empty', 'The model answered with nothing.', 'Try again, or choose another model with "SafeNote: Select Model".'),
      );
    }
    return { kind: 'reply', text: reply.text, model: reply.model, usage: reply.usage };
  }
}

type AttemptResult =
  | { readonly kind: 'reply'; readonly text: string; readonly model: string | undefined; readonly usage: ReplyPiece['usage'] }
  | { readonly kind: 'status'; readonly failure: HttpFailure }
  | { readonly kind: 'broken'; readonly retriable: boolean; readonly error: ModelError };

/** What has come of an answer so far. */
class ReplyInProgress {
  text = '';
  aside = false;
  refusal = '';
  raw = '';
  finish: string | undefined;
  model: string | undefined;
  usage: ReplyPiece['usage'];
  error: unknown;
  /** The caller's own `onText` threw: that is no failure of the model. */
  listenerFailed = false;
  private readonly onText: (piece: string) => void;
  private readonly onFinish: () => void;

  constructor(onText: (piece: string) => void, onFinish: () => void) {
    this.onText = onText;
    this.onFinish = onFinish;
  }

  take(piece: ReplyPiece | undefined): void {
    if (!piece) return;
    this.error ??= piece.error;
    this.aside ||= piece.aside;
    this.refusal += piece.refusal;
    this.model ??= piece.model;
    this.usage = piece.usage ?? this.usage;
    if (piece.text) {
      this.text += piece.text;
      try {
        this.onText(piece.text);
      } catch (error) {
        this.listenerFailed = true;
        throw error;
      }
    }
    if (piece.finish && !this.finish) {
      this.finish = piece.finish;
      this.onFinish();
    }
  }
}

/** Calls `onExpire` unless it is postponed in time; once limited, it is not postponed any more. */
class Watchdog {
  /** How long nothing had come when it expired. */
  expiredAfter: number | undefined;
  private limited = false;
  private timer: NodeJS.Timeout;
  private readonly onExpire: () => void;

  constructor(onExpire: () => void, ms: number) {
    this.onExpire = onExpire;
    this.timer = this.start(ms);
  }

  postpone(ms: number): void {
    if (this.limited || this.expiredAfter !== undefined) return;
    clearTimeout(this.timer);
    this.timer = this.start(ms);
  }

  limit(ms: number): void {
    this.postpone(ms);
    this.limited = true;
  }

  stop(): void {
    this.limited = true;
    clearTimeout(this.timer);
  }

  private start(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.expiredAfter = ms;
      this.onExpire();
    }, ms);
  }
}

/** The error object that the client library found in a stream. */
function serverErrorOf(error: unknown): unknown {
  return error instanceof Error && 'error' in error && error.error !== undefined && error.error !== null ? { error: error.error } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function describeMs(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`;
}
