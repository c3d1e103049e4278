import * as z from 'zod';
import { ModelError } from '../../core/llm/model.ts';
import { hostOf } from './address.ts';
import type { Endpoint } from './address.ts';

/** An answer that is not a 2xx one. */
export interface HttpFailure {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What a message may say about where it happened. The key is here only so that it can be taken out of texts. */
export interface FailureContext {
  readonly endpoint: Endpoint;
  readonly model?: string;
  /** Models that the server lists, where it was asked. */
  readonly available?: readonly string[];
}

/** What a server says in an error body, whatever its dialect. */
export interface ServerSaid {
  readonly message: string;
  readonly code: string;
  readonly param: string;
}

const text = z.union([z.string(), z.number().transform(String)]).nullish().catch(undefined);
const ErrorObject = z.object({ message: text, code: text, type: text, param: text });
const Detail = z.object({ msg: text, loc: z.array(z.union([z.string(), z.number()])).catch([]) });

/** Reads `{error: {…}}`, `{error: "…"}`, `{message}`, FastAPI's `{detail}`, or plain text. */
export function readServerError(body: string): ServerSaid {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { message: looksLikeHtml(body) ? '' : body, code: '', param: '' };
  }
  return readErrorValue(json);
}

/** The same for a value that is parsed already. */
export function readErrorValue(json: unknown): ServerSaid {
  const outer = z.looseObject({}).safeParse(json);
  if (!outer.success) return { message: typeof json === 'string' ? json : '', code: '', param: '' };
  const { error, detail } = outer.data;
  if (typeof error === 'string') return { message: error, code: '', param: '' };
  if (Array.isArray(detail)) {
    const details = detail.flatMap((d) => Detail.safeParse(d).data ?? []);
    return { message: details.map((d) => `${d.loc.join('.')}: ${d.msg ?? ''}`).join('; '), code: '', param: details.map((d) => d.loc.at(-1) ?? '').join(' ') };
  }
  if (typeof detail === 'string') return { message: detail, code: '', param: '' };
  const inner = ErrorObject.safeParse(error ?? json);
  if (!inner.success) return { message: '', code: '', param: '' };
  return { message: inner.data.message ?? '', code: inner.data.code ?? inner.data.type ?? '', param: inner.data.param ?? '' };
}

export function looksLikeHtml(body: string): boolean {
  return /^\s*(?:<!doctype html|<html|<head|<body|<!--|<\?xml|<h1)/i.test(body.replace(/^\uFEFF/, ''));
}

/** A server's words, fit for a message: one line, without keys, not endless. */
export function presentable(said: string, context: FailureContext): string {
  let clean = said.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').replace(/ {2,}/g, ' ').trim();
  const key = context.endpoint.apiKey;
  if (key) clean = clean.split(key).join('[key]');
  clean = clean
    .replace(/\b(bearer|basic)\s+[\w.~+/=*-]{6,}/gi, '$1 [key]')
    .replace(/\b(?:sk|pk|rk|gsk|xai|hf|key|api)[-_][\w*.-]{6,}/gi, '[key]')
    .replace(/\bAIza[\w-]{10,}/g, '[key]')
    .replace(/\beyJ[\w-]{8,}\.[\w.-]+/g, '[key]');
  return clean.length > 300 ? `${clean.slice(0, 297)}...` : clean;
}

function quoted(said: string, context: FailureContext): string {
  const clean = presentable(said, context).replace(/[.\s]+$/, '');
  return clean ? `: ${clean}.` : '.';
}

const ADDRESS_HINT = 'Check the base URL: most servers want it to end in /v1.';

function addressHint(context: FailureContext): string {
  return /\/v\d/.test(context.endpoint.baseUrl)
    ? 'Check the base URL: there seems to be no OpenAI-compatible API at this address.'
    : `Is /v1 missing? Try ${context.endpoint.baseUrl}/v1 as base URL.`;
}

const TOO_LONG =
  /context[_ ](?:length|window|size)|maximum context|exceeds? (?:the )?(?:available |model'?s? )?(?:context|maximum)|prompt (?:is )?too long|input (?:is )?too long|too many (?:input )?tokens|n_ctx|reduce the length|string_above_max_length/i;

/** True when the server says that prompt and answer do not fit its context. */
export function saysTooLong(said: ServerSaid): boolean {
  return /context_length_exceeded|string_above_max_length/.test(said.code) || TOO_LONG.test(said.message);
}

/** Milliseconds that the server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const ms = headers.get('retry-after-ms');
  if (ms !== null && ms.trim() !== '' && Number(ms) >= 0) return Number(ms);
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** True when waiting does not help: the account has run dry. */
export function isQuota(failure: HttpFailure): boolean {
  if (failure.status === 402) return true;
  const said = readServerError(failure.body);
  return failure.status === 429 && (/insufficient_quota|billing|credit/i.test(said.code) || /exceeded your current quota|insufficient (?:quota|balance|credit)|out of credits|billing/i.test(said.message));
}

/** The `ModelError` for an answer with an error status. `waitMs`: what a 429 asked for. */
export function statusError(failure: HttpFailure, context: FailureContext, waitMs?: number): ModelError {
  const { status } = failure;
  const host = hostOf(context.endpoint.baseUrl);
  const said = readServerError(failure.body);
  const because = quoted(said.message, context);
  const cause = { cause: new Error(`HTTP ${status}`) };
  if (said.code === 'replay-no-recording') {
    return new ModelError('model-server', presentable(said.message, context), 'The replay model knows the tasks of the example workspace only. Choose a real model with "SafeNote: Select Model", or set SAFENOTE_BASE_URL and SAFENOTE_MODEL.', cause);
  }
  if (status >= 300 && status < 400) {
    return new ModelError('model-refused', `${host} redirects to another address${redirectTarget(failure.headers, context)}.`, 'Use that address as base URL, if you trust it.', cause);
  }
  if (isQuota(failure)) {
    return new ModelError('model-rate-limit', `The quota of the account at ${host} is used up${because}`, 'Check plan and billing with the provider, or choose another model with "SafeNote: Select Model". Waiting does not help.', cause);
  }
  if (saysTooLong(said) || status === 413) {
    return new ModelError('model-too-long', `The request is longer than the model at ${host} can take${because}`, 'Lower safenote.retrieval.tokenBudget, work in a smaller file, or choose a model with a larger context.', cause);
  }
  if (isBlocked(said)) {
    return new ModelError('model-blocked', `A content filter at ${host} refused the request${because}`, 'Try again with other words in the task, or choose another model.', cause);
  }
  switch (status) {
    case 401:
      return new ModelError('model-key', `${host} does not accept the key${context.endpoint.apiKey ? '' : ' (none was sent)'}${because}`, 'Set the right key with "SafeNote: Set API Key", or in SAFENOTE_API_KEY for the command line.', cause);
    case 403:
      return new ModelError('model-key', `${host} refuses access${because}`, 'Check that the key may use this model, and that the server is open to you from here.', cause);
    case 404:
    case 405:
      return notFound(failure, said, context);
    case 407:
      return new ModelError('model-refused', `The proxy on the way to ${host} asks for a login.`, 'Put user and password into the proxy setting (HTTPS_PROXY, or http.proxy in the editor).', cause);
    case 408:
      return new ModelError('model-timeout', `${host} gave up waiting${because}`, 'Try again.', cause);
    case 429: {
      const when = waitMs === undefined ? '' : ` and asks to wait ${describeWait(waitMs)}`;
      return new ModelError('model-rate-limit', `${host} has had too many requests${when}${because}`, waitMs === undefined ? 'Wait a little and try again, or choose another model.' : `Try again in ${describeWait(waitMs)}, or choose another model.`, cause);
    }
  }
  if (status >= 500) {
    if (looksLikeHtml(failure.body) || status === 502 || status === 504) {
      return new ModelError('model-server', `A gateway or proxy on the way to ${host} answered with ${status}${because}`, 'The model server behind it may be down or still loading. Try again in a moment; check the proxy if there is one.', cause);
    }
    return new ModelError('model-server', `${host} failed with ${status}${because}`, 'Try again in a moment; where it repeats, look into the server\'s own log.', cause);
  }
  if (looksLikeHtml(failure.body)) return unreadableError(failure.body, context);
  return new ModelError('model-server', `${host} refused the request with ${status}${because}`, 'Check the model name and the base URL, or choose another model.', cause);
}

function notFound(failure: HttpFailure, said: ServerSaid, context: FailureContext): ModelError {
  const host = hostOf(context.endpoint.baseUrl);
  const cause = { cause: new Error(`HTTP ${failure.status}`) };
  const aboutModel = /model/i.test(said.code) || (/model/i.test(said.message) && !looksLikeHtml(failure.body));
  if (context.model && (aboutModel || context.available)) {
    const names = context.available ?? [];
    const list = names.length > 0 ? ` It has: ${names.slice(0, 12).map((n) => presentable(n, context)).join(', ')}${names.length > 12 ? ` and ${names.length - 12} more` : ''}.` : '';
    return new ModelError('model-unknown', `${host} has no model "${presentable(context.model, context)}".${list}`, 'Choose one that it has with "SafeNote: Select Model" or SAFENOTE_MODEL; for Ollama, get it with "ollama pull".', cause);
  }
  return new ModelError('model-server', `${host} knows no such address (${failure.status})${quoted(said.message, context)}`, addressHint(context), cause);
}

function isBlocked(said: ServerSaid): boolean {
  return /content_filter|content_policy|safety/i.test(said.code) || /content management policy|content[_ ]filter|safety system/i.test(said.message);
}

function redirectTarget(headers: Headers, context: FailureContext): string {
  const location = headers.get('location');
  if (!location) return '';
  try {
    const url = new URL(location, context.endpoint.baseUrl);
    return ` (${presentable(`${url.origin}${url.pathname}`.replace(/\/chat\/completions$/, ''), context)})`;
  } catch {
    return '';
  }
}

function describeWait(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
}

/** The `ModelError` for a 2xx answer that is not what the protocol says. */
export function unreadableError(body: string, context: FailureContext): ModelError {
  const host = hostOf(context.endpoint.baseUrl);
  if (looksLikeHtml(body)) return new ModelError('model-server', `${host} answered with a web page instead of JSON.`, addressHint(context));
  return new ModelError('model-server', `${host} answered with something that is not an OpenAI-compatible reply.`, ADDRESS_HINT);
}

/** Codes and texts along the chain of causes: `fetch` hides the reason in there. */
function causesOf(error: unknown): { codes: string[]; texts: string[]; ports: number[] } {
  const codes: string[] = [];
  const ports: number[] = [];
  const texts: string[] = [];
  const seen = new Set<unknown>();
  const visit = (e: unknown): void => {
    if (!(e instanceof Error) || seen.has(e) || seen.size > 20) return;
    seen.add(e);
    if ('code' in e && typeof e.code === 'string') codes.push(e.code);
    if ('port' in e && typeof e.port === 'number') ports.push(e.port);
    if (e.message) texts.push(e.message);
    if (e instanceof AggregateError) e.errors.forEach(visit);
    visit(e.cause);
  };
  visit(error);
  return { codes, texts, ports };
}

function portOf(baseUrl: string): number {
  const url = new URL(baseUrl);
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

const RESET_CODES = ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'ECONNABORTED'];

/** True when the connection broke, in contrast to one that never came about. */
export function isReset(error: unknown): boolean {
  const { codes, texts } = causesOf(error);
  return codes.some((c) => RESET_CODES.includes(c)) || texts.some((t) => /socket hang up|other side closed|terminated/i.test(t));
}

/** The `ModelError` for a connection that did not come about or broke. */
export function networkError(error: unknown, context: FailureContext): ModelError {
  const host = hostOf(context.endpoint.baseUrl);
  const { codes, texts, ports } = causesOf(error);
  const all = texts.join(' | ');
  const has = (...wanted: string[]): boolean => codes.some((c) => wanted.includes(c));
  const cause = { cause: error };
  if (/proxy/i.test(all)) {
    return new ModelError('model-refused', `The proxy on the way to ${host} did not let the request through${quoted(texts.at(-1) ?? '', context)}`, 'Check the proxy setting (HTTPS_PROXY, or http.proxy in the editor) and add the host to NO_PROXY where it is local.', cause);
  }
  if (has('ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME')) {
    return new ModelError('model-refused', `The name ${host} cannot be resolved.`, 'Check the base URL for a typing error, and the network.', cause);
  }
  if (has('ECONNREFUSED') && ports.some((port) => port !== portOf(context.endpoint.baseUrl))) {
    return new ModelError('model-refused', `The proxy on the way to ${host} does not answer.`, 'Check the proxy setting (HTTPS_PROXY, or http.proxy in the editor), or add the host to NO_PROXY.', cause);
  }
  if (has('ECONNREFUSED')) {
    return new ModelError('model-refused', `Nothing answers at ${host}: the connection was refused.`, 'Start the model server (for Ollama: "ollama serve"), or correct the base URL.', cause);
  }
  if (has('EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENETDOWN', 'EHOSTDOWN')) {
    return new ModelError('model-refused', `${host} cannot be reached from here.`, 'Check the network, VPN and firewall.', cause);
  }
  if (has('ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT')) {
    return new ModelError('model-timeout', `${host} did not answer in time.`, 'Check that the server runs and is not overloaded, then try again.', cause);
  }
  const tls = codes.find((c) => /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ERR_TLS/.test(c));
  if (tls) {
    return new ModelError('model-refused', `The certificate of ${host} is not trusted (${tls}).`, 'If the server is yours or your company\'s, let Node trust its authority with NODE_EXTRA_CA_CERTS=/path/ca.pem; do not switch the check off.', cause);
  }
  if (codes.some((c) => c === 'EPROTO' || c.startsWith('ERR_SSL'))) {
    return new ModelError('model-refused', `${host} does not speak TLS.`, 'Use http:// instead of https:// in the base URL, if the server is on this machine or in a network you trust.', cause);
  }
  if (codes.some((c) => c.startsWith('HPE_'))) {
    return new ModelError('model-refused', `${host} does not answer in HTTP.`, 'Check port and scheme of the base URL: a server with TLS wants https://.', cause);
  }
  if (/bad port/i.test(all)) {
    return new ModelError('model-refused', `The port of ${host} is one that must not be used for HTTP.`, 'Let the server listen on another port and correct the base URL.', cause);
  }
  if (isReset(error)) {
    return new ModelError('model-refused', `${host} closed the connection without an answer.`, 'Try again; a server with TLS wants https:// in the base URL. Where it repeats, look into the server\'s own log.', cause);
  }
  // `fetch` gives no reason at all for an answer 407.
  if (codes.length === 0 && /^(?:fetch failed|connection error\.?)?$/i.test(texts.at(-1) ?? '')) {
    return new ModelError('model-refused', `The request to ${host} failed without a reason, as it does when a proxy asks for a login.`, 'Check the proxy setting (HTTPS_PROXY, or http.proxy in the editor) and the base URL.', cause);
  }
  return new ModelError('model-refused', `The request to ${host} failed${quoted(texts.at(-1) ?? '', context)}`, 'Check the base URL and the network, then try again.', cause);
}
