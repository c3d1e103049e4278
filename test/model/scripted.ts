import http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';

/** An answer of the scripted model: a text, or a way of not answering. */
export type Scripted = string | { readonly status: number; readonly code?: string; readonly retryAfter?: number } | 'cut' | { readonly silent: true };

export interface ScriptedRequest {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly temperature?: number | undefined;
  readonly maxTokens?: number | undefined;
}

export interface ScriptedServer {
  readonly url: string;
  readonly requests: readonly ScriptedRequest[];
  close(): Promise<void>;
}

const Body = z.object({ model: z.string(), stream: z.boolean().nullish(), temperature: z.number().nullish(), max_tokens: z.number().nullish(), messages: z.array(z.object({ role: z.string(), content: z.string() })).nonempty() });

/** The name that the scripted model answers to. */
export const SCRIPTED_MODEL = 'scripted';

/**
 * An OpenAI-compatible server on 127.0.0.1 for evaluations: each request is handed to `answer`, with how often the same
 * messages have come before. It streams, cuts lines, refuses for the rate, and falls silent, as `answer` says.
 */
export async function startScriptedModel(answer: (request: ScriptedRequest, before: number) => Scripted): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const seen = new Map<string, number>();
  const server = http.createServer((request, response) => {
    response.on('error', () => undefined);
    void handle(request, response).catch(() => response.destroy());
  });
  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const json = (status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    if (request.url?.endsWith('/models')) return json(200, { object: 'list', data: [{ id: SCRIPTED_MODEL, object: 'model' }] });
    const body = Body.parse(JSON.parse(Buffer.concat(parts).toString('utf8')));
    const asked: ScriptedRequest = { messages: body.messages, temperature: body.temperature ?? undefined, maxTokens: body.max_tokens ?? undefined };
    requests.push(asked);
    const key = JSON.stringify(body.messages);
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    const said = answer(asked, before);
    if (typeof said === 'object' && 'silent' in said) return;
    if (typeof said === 'object') return json(said.status, { error: { message: `scripted: ${said.status}`, code: said.code ?? 'scripted' } }, said.retryAfter === undefined ? {} : { 'retry-after': String(said.retryAfter) });
    const text = said === 'cut' ? '```python\nretu' : said;
    const usage = { prompt_tokens: count(body.messages.map((m) => m.content).join('\n')), completion_tokens: count(text) };
    if (!body.stream) return json(200, { id: 'x', object: 'chat.completion', created: 0, model: SCRIPTED_MODEL, choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }], usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (value: unknown) => void response.write(`data: ${JSON.stringify(value)}\n\n`);
    const chunk = (delta: unknown, finish: string | null) => event({ id: 'x', object: 'chat.completion.chunk', created: 0, model: SCRIPTED_MODEL, choices: [{ index: 0, delta, finish_reason: finish }] });
    for (let at = 0; at < text.length; at += 40) chunk({ content: text.slice(at, at + 40) }, null);
    if (said === 'cut') {
      setTimeout(() => response.destroy(), 10);
      return;
    }
    chunk({}, 'stop');
    event({ id: 'x', object: 'chat.completion.chunk', created: 0, model: SCRIPTED_MODEL, choices: [], usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } });
    response.end('data: [DONE]\n\n');
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () => new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function count(text: string): number {
  return Math.ceil(text.length / 4);
}
