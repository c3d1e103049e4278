import { ModelError } from '../../core/llm/model.ts';

/** A place that speaks the OpenAI chat protocol. */
export interface Endpoint {
  /** Normalized: http or https, no trailing slash, no credentials, no query. */
  readonly baseUrl: string;
  /** Sent as a bearer token; absent for servers that ask for none. */
  readonly apiKey?: string;
}

export const OPENAI_BASE_URL = 'https://api.openai.com/v1';

/** True for an address of this machine: requests to it leave nothing behind on a network. */
export function isLoopback(url: string): boolean {
  let host: string;
  try {
    host = new URL(url).hostname.toLowerCase();
  } catch {
    return false;
  }
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  if (/^127\.\d+\.\d+\.\d+$/.test(host)) return true;
  return host === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(host);
}

/** Host (and port) of a base URL, for people. */
export function hostOf(baseUrl: string): string {
  try {
    return new URL(baseUrl).host;
  } catch {
    return 'the model server';
  }
}

/**
 * Checks and normalizes a base URL that a person typed. A pasted `…/chat/completions` is cut off. Throws `ModelError`
 * `model-refused`; `where` names the setting or variable in its message.
 */
export function parseBaseUrl(text: string, where = 'The base URL'): string {
  const fail = (what: string, hint: string): never => {
    throw new ModelError('model-refused', `${where} ${what}`, hint);
  };
  const typed = text.trim();
  if (!typed) return fail('is empty.', `Give the address of an OpenAI-compatible server, for example ${OPENAI_BASE_URL} or http://127.0.0.1:11434/v1.`);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) {
    return fail('has no http:// or https:// in front.', 'Write the whole address, for example http://127.0.0.1:11434/v1.');
  }
  let url: URL;
  try {
    url = new URL(typed);
  } catch {
    return fail('is not a valid address.', 'Write it like https://host.example/v1.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return fail(`begins with ${url.protocol}//, which is not supported.`, 'Use http:// or https://.');
  if (url.username || url.password) return fail('contains a user name or password.', 'Take it out of the address and give the key with "SafeNote: Set API Key" or SAFENOTE_API_KEY.');
  if (url.search || url.hash) return fail('contains a query (?…) or a fragment (#…).', 'Give the address up to and including the version, for example https://host.example/v1.');
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(?:chat\/)?completions$/, '').replace(/\/+$/, '');
  return `${url.origin}${path}`;
}
