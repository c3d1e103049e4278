import type { ChatMessage, GenerateRequest } from '../../core/llm/model.ts';
import { readServerError } from './failures.ts';
import type { HttpFailure } from './failures.ts';

/** What a server was found not to take. */
export type Accommodation = 'no-usage' | 'no-temperature' | 'completion-tokens' | 'no-tokens' | 'no-stream' | 'no-system';

/** What was learned about servers, by address and model, so that each refusal costs one request and not one per completion. */
export class Accommodations {
  private readonly known = new Map<string, Set<Accommodation>>();

  for(baseUrl: string, model: string): Set<Accommodation> {
    const key = `${baseUrl}\n${model}`;
    let found = this.known.get(key);
    if (!found) this.known.set(key, (found = new Set()));
    return found;
  }
}

/** Shared by all models of this process. */
export const SHARED_ACCOMMODATIONS = new Accommodations();

export interface RequestBody {
  model: string;
  messages: { role: 'system' | 'user' | 'assistant'; content: string }[];
  stream?: boolean;
  stream_options?: { include_usage: boolean };
  temperature?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
}

/** The request as this server takes it. */
export function shapeRequest(model: string, request: GenerateRequest, known: ReadonlySet<Accommodation>): RequestBody {
  const body: RequestBody = { model, messages: known.has('no-system') ? withoutSystem(request.messages) : request.messages.map((m) => ({ role: m.role, content: m.content })) };
  if (!known.has('no-stream')) {
    body.stream = true;
    if (!known.has('no-usage')) body.stream_options = { include_usage: true };
  }
  if (request.temperature !== undefined && !known.has('no-temperature')) body.temperature = request.temperature;
  if (request.maxTokens !== undefined && !known.has('no-tokens')) {
    if (known.has('completion-tokens')) body.max_completion_tokens = request.maxTokens;
    else body.max_tokens = request.maxTokens;
  }
  return body;
}

/** Some chat templates know no system role: its text goes in front of the first user message. */
function withoutSystem(messages: readonly ChatMessage[]): RequestBody['messages'] {
  const system = messages.filter((m) => m.role === 'system').map((m) => m.content).join('\n\n');
  const rest = messages.filter((m) => m.role !== 'system').map((m) => ({ role: m.role, content: m.content }));
  const first = rest.find((m) => m.role === 'user');
  if (!system) return rest;
  if (first) first.content = `${system}\n\n${first.content}`;
  else rest.unshift({ role: 'user', content: system });
  return rest;
}

/** What to do without, when a refusal names a parameter that was sent; `undefined` when it is about something else. */
export function accommodationFor(failure: HttpFailure, sent: RequestBody): Accommodation | undefined {
  const said = readServerError(failure.body);
  const text = `${said.param} ${said.message}`;
  if (failure.status >= 500) {
    return /system role|system (?:prompt|message)s? (?:is |are )?not supported|only user and assistant roles/i.test(text) && hasSystem(sent) ? 'no-system' : undefined;
  }
  if (failure.status !== 400 && failure.status !== 422) return undefined;
  // The parameter that the server itself names comes first: its message may mention others in passing.
  for (const where of [said.param, said.message]) {
    if (!where) continue;
    if (sent.stream_options && /stream_options|include_usage/.test(where)) return 'no-usage';
    if (sent.temperature !== undefined && /temperature/i.test(where)) return 'no-temperature';
    if (sent.max_tokens !== undefined && /\bmax_tokens\b/.test(where) && isRefusal(text)) {
      return /max_completion_tokens/.test(text) ? 'completion-tokens' : /too large|at most|maximum|less than/i.test(text) ? 'no-tokens' : 'completion-tokens';
    }
    if (sent.max_completion_tokens !== undefined && /max_completion_tokens/.test(where) && isRefusal(text)) return 'no-tokens';
    if (sent.stream && /(?:^|\W)stream(?:ing)?(?:\W|$)/i.test(where) && /not support|unsupported|does not|must be verified|not allowed/i.test(text)) return 'no-stream';
  }
  if (hasSystem(sent) && /system[^.]{0,30}(?:not supported|unsupported|not allowed|not enabled)|developer instruction|only user and assistant roles|roles must alternate/i.test(text)) return 'no-system';
  return undefined;
}

function isRefusal(text: string): boolean {
  return /unsupported|not supported|unrecognized|unknown|unexpected|extra|not permitted|not allowed|invalid|too large|at most|deprecated|instead|does not support/i.test(text);
}

function hasSystem(sent: RequestBody): boolean {
  return sent.messages.some((m) => m.role === 'system');
}
