import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Message {
  readonly role: string;
  readonly content: string;
}

/** A scripted answer: the text of the reply, an HTTP failure, or a promise of one (to hold a request back). */
export type Scripted = string | { readonly status: number; readonly message: string };

/** What a request is for, told by how its prompt begins. */
export type Kind = 'completion' | 'retry' | 'security-warning' | 'verified-fix' | 'other';

export interface ScriptedModel {
  readonly url: string;
  /** Requests so far. */
  readonly requests: { readonly kind: Kind; readonly messages: readonly Message[]; readonly key: string; closedEarly: boolean }[];
  /** What the next requests are answered with; replaced as a whole. */
  script: (kind: Kind, messages: readonly Message[]) => Scripted | Promise<Scripted>;
  close(): Promise<void>;
}

/** An OpenAI-compatible server that answers as a test says, on 127.0.0.1 unless told otherwise. */
export async function startScriptedModel(host = '127.0.0.1'): Promise<ScriptedModel> {
  const model: ScriptedModel = { url: '', requests: [], script: () => ({ status: 500, message: 'no script' }), close: () => Promise.resolve() };
  const server = http.createServer((request, response) => {
    void (async () => {
      if (request.url === '/v1/models') return void response.end(JSON.stringify({ data: [{ id: 'scripted' }] }));
      let body = '';
      for await (const part of request) body += String(part);
      const { messages } = JSON.parse(body) as { messages: Message[] };
      const seen = { kind: kindOf(messages), messages, key: (request.headers.authorization ?? '').replace(/^Bearer /, ''), closedEarly: false };
      model.requests.push(seen);
      response.on('close', () => (seen.closedEarly = !response.writableFinished));
      const answer = await model.script(seen.kind, messages);
      if (typeof answer !== 'string') {
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        return void response.end(JSON.stringify({ error: { message: answer.message } }));
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = (delta: unknown, finish: string | null) => response.write(`data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', created: 0, model: 'scripted', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`);
      chunk({ role: 'assistant', content: answer }, null);
      chunk({}, 'stop');
      response.end('data: [DONE]\n\n');
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return Object.assign(model, {
    url: `http://${host}:${(server.address() as AddressInfo).port}/v1`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

export function kindOf(messages: readonly Message[]): Kind {
  const first = messages[0]?.content ?? '';
  const last = messages.at(-1)?.content ?? '';
  if (last.startsWith('Your code was put into the file and checked')) return 'retry';
  if (/You (?:complete|write) code|complete code inside/i.test(first)) return 'completion';
  if (/security warning/i.test(first)) return 'security-warning';
  if (/repair one weakness/i.test(first)) return 'verified-fix';
  return 'other';
}

/** A reply with one code block. */
export function code(text: string, language = 'python'): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
