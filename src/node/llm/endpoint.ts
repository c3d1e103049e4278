import * as z from 'zod';
import { isCancelled } from '../../core/errors.ts';
import { ModelError } from '../../core/llm/model.ts';
import { hostOf, isLoopback, OPENAI_BASE_URL, parseBaseUrl } from './address.ts';
import type { Endpoint } from './address.ts';
import { networkError, statusError, unreadableError } from './failures.ts';
import { cancelled, withTimeout } from './waiting.ts';

export { hostOf, isLoopback, OPENAI_BASE_URL, parseBaseUrl } from './address.ts';
export type { Endpoint } from './address.ts';

/** Who named the endpoint. */
export type EndpointSource = 'setting' | 'environment' | 'ollama';

/** An endpoint and the model to ask there. */
export interface ModelChoice {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly source: EndpointSource;
  /** What the user should be told about this choice, e.g. that the first model of a list was taken. */
  readonly remarks: readonly string[];
}

export const OLLAMA_ROOT = 'http://127.0.0.1:11434';
const OLLAMA_TIMEOUT_MS = 300;
const LIST_TIMEOUT_MS = 5_000;

/**
 * The endpoint that the environment names: SAFENOTE_BASE_URL and SAFENOTE_API_KEY, else OPENAI_BASE_URL and
 * OPENAI_API_KEY; a key alone means the OpenAI API. OPENAI_API_KEY is never sent to a SAFENOTE_BASE_URL of another
 * origin than it belongs to. `undefined` when no variable names one; throws `ModelError` for a bad address.
 */
export function endpointFromEnvironment(env: NodeJS.ProcessEnv): { endpoint: Endpoint; model?: string } | undefined {
  const read = (name: string): string | undefined => env[name]?.trim() || undefined;
  const model = read('SAFENOTE_MODEL');
  const own = read('SAFENOTE_BASE_URL');
  const general = read('OPENAI_BASE_URL');
  const ownKey = read('SAFENOTE_API_KEY');
  const generalKey = read('OPENAI_API_KEY');
  if (!own && !general && !ownKey && !generalKey) return undefined;
  const generalBase = general ? parseBaseUrl(general, 'OPENAI_BASE_URL') : OPENAI_BASE_URL;
  const baseUrl = own ? parseBaseUrl(own, 'SAFENOTE_BASE_URL') : generalBase;
  const generalKeyFits = new URL(baseUrl).origin === new URL(generalBase).origin;
  const apiKey = ownKey ?? (generalKeyFits ? generalKey : undefined);
  return { endpoint: { baseUrl, ...(apiKey ? { apiKey } : {}) }, ...(model ? { model } : {}) };
}

const Named = z.object({ id: z.string().optional(), name: z.string().optional() });
const ModelList = z.union([
  z.object({ data: z.array(Named) }).transform((list) => list.data),
  z.object({ models: z.array(Named) }).transform((list) => list.models),
  z.array(Named),
]);

/** Names of the models at an endpoint, in its order. Throws `ModelError`, or `AbortError` on cancel. */
export async function listModels(endpoint: Endpoint, options: { signal: AbortSignal; timeoutMs?: number }): Promise<string[]> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (endpoint.apiKey) headers['authorization'] = `Bearer ${endpoint.apiKey}`;
  return namesAt(`${endpoint.baseUrl}/models`, headers, endpoint, options.signal, options.timeoutMs ?? LIST_TIMEOUT_MS);
}

/** A local Ollama and its chat models, latest first; `undefined` when none answers within 300 ms. */
export async function detectOllama(options: { signal: AbortSignal; root?: string; timeoutMs?: number }): Promise<{ endpoint: Endpoint; models: string[] } | undefined> {
  const root = options.root ?? OLLAMA_ROOT;
  const endpoint = { baseUrl: `${root}/v1` };
  try {
    const names = await namesAt(`${root}/api/tags`, {}, endpoint, options.signal, options.timeoutMs ?? OLLAMA_TIMEOUT_MS);
    return { endpoint, models: names.filter(canChat) };
  } catch (error) {
    if (isCancelled(error)) throw error;
    return undefined;
  }
}

async function namesAt(url: string, headers: Record<string, string>, endpoint: Endpoint, signal: AbortSignal, timeoutMs: number): Promise<string[]> {
  if (signal.aborted) throw cancelled();
  const limit = withTimeout(signal, timeoutMs);
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: limit.signal });
    const body = await response.text();
    if (!response.ok) throw statusError({ status: response.status, headers: response.headers, body }, { endpoint });
    const parsed = ModelList.safeParse(parseJson(body));
    if (!parsed.success) throw unreadableError(body, { endpoint });
    return [...new Set(parsed.data.map((m) => m.id ?? m.name ?? '').filter(Boolean))];
  } catch (error) {
    if (signal.aborted) throw cancelled();
    if (error instanceof ModelError) throw error;
    if (limit.expired()) {
      throw new ModelError('model-timeout', `${hostOf(endpoint.baseUrl)} did not list its models within ${timeoutMs / 1000} s.`, 'Check the address and that the server runs, or name the model yourself.');
    }
    throw networkError(error, { endpoint });
  } finally {
    limit.release();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** False for models whose name says that they do something else than chat. */
function canChat(name: string): boolean {
  return !/embed|whisper|tts|dall-e|moderation|rerank|transcribe|gpt-image|realtime|^bge-|^sora/i.test(name);
}

/** The name to use where nobody gave one: the only or the first chat model at the endpoint, said plainly. */
async function firstModel(endpoint: Endpoint, signal: AbortSignal): Promise<{ model: string; remark: string }> {
  const names = await listModels(endpoint, { signal });
  const model = names.find(canChat);
  if (!model) {
    throw new ModelError('model-missing', `${hostOf(endpoint.baseUrl)} lists no chat model.`, 'Load a model on that server, or name one with SAFENOTE_MODEL or "SafeNote: Select Model".');
  }
  const remark =
    names.length === 1
      ? `No model was named; using ${model}, the only one at ${hostOf(endpoint.baseUrl)}.`
      : `No model was named; using ${model}, the first of ${names.length} at ${hostOf(endpoint.baseUrl)}. Set SAFENOTE_MODEL to choose another.`;
  return { model, remark };
}

/**
 * Which model the command line uses: the one in the settings, else the environment's, else a local Ollama. Throws
 * `ModelError` `model-missing` when there is none, other codes when the one that was named cannot be used.
 */
export async function chooseEndpoint(options: {
  env: NodeJS.ProcessEnv;
  settings?: { readonly baseUrl?: string; readonly model?: string; readonly apiKey?: string };
  signal: AbortSignal;
  ollamaRoot?: string;
}): Promise<ModelChoice> {
  const { env, signal } = options;
  const settingUrl = options.settings?.baseUrl?.trim();
  const settingModel = options.settings?.model?.trim() || undefined;
  const fromEnv = settingUrl ? undefined : endpointFromEnvironment(env);
  let named: { endpoint: Endpoint; model?: string | undefined; source: EndpointSource } | undefined;
  if (settingUrl) {
    const baseUrl = parseBaseUrl(settingUrl, 'The setting safenote.model.baseUrl');
    const apiKey = options.settings?.apiKey ?? keyFor(baseUrl, env);
    named = { endpoint: { baseUrl, ...(apiKey ? { apiKey } : {}) }, model: settingModel ?? env['SAFENOTE_MODEL']?.trim(), source: 'setting' };
  } else if (fromEnv) {
    named = { endpoint: fromEnv.endpoint, model: fromEnv.model ?? settingModel, source: 'environment' };
  }
  if (named) {
    const remarks = cleartextRemark(named.endpoint);
    if (named.model) return { endpoint: named.endpoint, model: named.model, source: named.source, remarks };
    const first = await firstModel(named.endpoint, signal);
    return { endpoint: named.endpoint, model: first.model, source: named.source, remarks: [...remarks, first.remark] };
  }
  const wanted = settingModel ?? env['SAFENOTE_MODEL']?.trim();
  const ollama = await detectOllama({ signal, ...(options.ollamaRoot ? { root: options.ollamaRoot } : {}) });
  if (ollama) {
    if (wanted) return { endpoint: ollama.endpoint, model: wanted, source: 'ollama', remarks: [] };
    const model = ollama.models[0];
    if (model) return { endpoint: ollama.endpoint, model, source: 'ollama', remarks: [`No model was named; using ${model} of the local Ollama.`] };
    throw new ModelError('model-missing', 'Ollama runs here but has no chat model.', 'Get one, for example with "ollama pull qwen2.5-coder", or name another endpoint with SAFENOTE_BASE_URL.');
  }
  throw new ModelError(
    'model-missing',
    'No language model is set up.',
    'Set SAFENOTE_BASE_URL and SAFENOTE_MODEL (and SAFENOTE_API_KEY where the server wants a key) for any OpenAI-compatible server, or start a local Ollama. In the editor: "SafeNote: Select Model".',
  );
}

/** A key of the environment that belongs to this address. */
function keyFor(baseUrl: string, env: NodeJS.ProcessEnv): string | undefined {
  const origin = new URL(baseUrl).origin;
  const same = (url: string | undefined): boolean => {
    try {
      return url !== undefined && new URL(url).origin === origin;
    } catch {
      return false;
    }
  };
  const own = env['SAFENOTE_API_KEY']?.trim();
  if (own && (!env['SAFENOTE_BASE_URL'] || same(env['SAFENOTE_BASE_URL'].trim()))) return own;
  return same(env['OPENAI_BASE_URL']?.trim() || OPENAI_BASE_URL) ? env['OPENAI_API_KEY']?.trim() || undefined : undefined;
}

function cleartextRemark(endpoint: Endpoint): string[] {
  return endpoint.baseUrl.startsWith('http:') && !isLoopback(endpoint.baseUrl)
    ? [`${hostOf(endpoint.baseUrl)} is reached without encryption (http): code${endpoint.apiKey ? ' and the key' : ''} can be read on the way.`]
    : [];
}
