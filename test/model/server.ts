import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { loadConversations } from './conversation.ts';
import { kindOf, replay } from './replay.ts';
import type { Conversation, Kind } from './conversation.ts';

/** The name that the replay model answers to, and answers with. */
export const REPLAY_MODEL = 'replay';

/** One request as the replay model understood it. */
export interface ReplayRequest {
  readonly kind: Kind | undefined;
  /** Name of the recorded task; `undefined` where there is no recording. */
  readonly task: string | undefined;
  /** True where the answer was given because of a phrase in the prompt. */
  readonly conditional: boolean;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

export interface ReplayServer {
  /** Base URL, ending in `/v1`. */
  readonly url: string;
  /** What was asked, oldest first. */
  readonly requests: readonly ReplayRequest[];
  close(): Promise<void>;
}

export interface ReplayOptions {
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Folder of the recordings; those beside this file, of both kinds, where absent. */
  readonly folder?: string;
  /** Recordings that a test made itself, instead of a folder. */
  readonly conversations?: readonly Conversation[];
  /** Milliseconds before each answer begins. */
  readonly delayMs?: number;
  readonly log?: (line: string) => void;
}

const MAX_BODY = 4 * 1024 * 1024;
/** Characters in one piece of a streamed answer. */
const PIECE = 24;

const Body = z.object({
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })).nonempty(),
});

/**
 * Starts the replay model on 127.0.0.1: an OpenAI-compatible server that answers from recorded conversations and refuses
 * everything else.
 */
export async function startReplayModel(options: ReplayOptions = {}): Promise<ReplayServer> {
  const folder = options.folder ?? path.join(path.dirname(fileURLToPath(import.meta.url)), 'conversations');
  const conversations = options.conversations ?? [...loadConversations(folder), ...(options.folder ? [] : loadConversations(path.join(folder, 'function')))];
  const log = options.log ?? (() => undefined);
  const requests: ReplayRequest[] = [];

  const server = http.createServer((request, response) => {
    response.on('error', () => undefined);
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) fail(response, 500, 'replay-bug', error instanceof Error ? error.message : String(error));
      else response.destroy();
    });
  });

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
    if (route === 'GET /v1/models') {
      return send(response, 200, { object: 'list', data: [{ id: REPLAY_MODEL, object: 'model', created: 0, owned_by: 'safenote' }] });
    }
    if (route !== 'POST /v1/chat/completions') return fail(response, 404, 'not_found', `The replay model has no ${route}; it knows /v1/models and /v1/chat/completions.`);
    const body = Body.safeParse(parseJson(await readBody(request)));
    if (!body.success) return fail(response, 400, 'invalid_request', `The request is not a chat request: ${z.prettifyError(body.error)}`);
    const { model, messages, stream } = body.data;
    if (model !== REPLAY_MODEL) return fail(response, 404, 'model_not_found', `The model "${model}" does not exist here; there is only "${REPLAY_MODEL}".`);

    const recorded = replay(conversations, messages);
    requests.push({ kind: recorded?.kind ?? kindOf(messages), task: recorded?.task.name, conditional: recorded?.answer.whenPromptHas !== undefined, messages });
    log(recorded ? `${recorded.kind} ${recorded.task.name}${recorded.answer.whenPromptHas ? ' (a note was in the prompt)' : ''}` : `no recording (${kindOf(messages) ?? 'unknown prompt'})`);
    if (options.delayMs) await pause(options.delayMs, response);
    if (response.destroyed) return;
    if (!recorded) {
      return fail(response, 404, 'replay-no-recording', 'The replay model has no recording for this request: it only knows the tasks of the example workspace, as they are listed in its README.');
    }
    const usage = { prompt_tokens: tokens(messages.map((m) => m.content).join('\n')), completion_tokens: tokens(recorded.reply) };
    const total = { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens };
    const id = `replay-${requests.length}`;
    if (!stream) {
      return send(response, 200, { id, object: 'chat.completion', created: 0, model: REPLAY_MODEL, choices: [{ index: 0, message: { role: 'assistant', content: recorded.reply }, finish_reason: 'stop' }], usage: total });
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const event = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
    const chunk = (delta: unknown, finish: string | null): void => event({ id, object: 'chat.completion.chunk', created: 0, model: REPLAY_MODEL, choices: [{ index: 0, delta, finish_reason: finish }] });
    chunk({ role: 'assistant', content: '' }, null);
    for (let at = 0; at < recorded.reply.length; at += PIECE) chunk({ content: recorded.reply.slice(at, at + PIECE) }, null);
    chunk({}, 'stop');
    if (body.data.stream_options?.include_usage) event({ id, object: 'chat.completion.chunk', created: 0, model: REPLAY_MODEL, choices: [], usage: total });
    response.end('data: [DONE]\n\n');
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) throw new Error('The request is too large.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function fail(response: http.ServerResponse, status: number, code: string, message: string): void {
  send(response, status, { error: { message, type: 'invalid_request_error', param: null, code } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}

/** Waits, but no longer than the client does. */
function pause(ms: number, response: http.ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, folder: { type: 'string' }, delay: { type: 'string', default: '0' } } });
  const server = await startReplayModel({
    port: Number(values.port),
    delayMs: Number(values.delay),
    ...(values.folder ? { folder: values.folder } : {}),
    log: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`The replay model answers at ${server.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
