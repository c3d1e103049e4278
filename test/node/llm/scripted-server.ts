import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

export type Handler = (request: SeenRequest, response: http.ServerResponse, count: number) => void;

/** A loopback server that answers every request by `handler` and remembers what it was asked. */
export class ScriptedServer {
  readonly requests: SeenRequest[] = [];
  /** Resolves when a socket with a running answer was closed by the client. */
  readonly closedByClient: Promise<void>;
  private readonly server: http.Server;
  private connections = 0;

  constructor(handler: Handler) {
    let closed: () => void;
    this.closedByClient = new Promise((resolve) => (closed = resolve));
    this.server = http.createServer((incoming, response) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        const seen = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body: text ? (JSON.parse(text) as Record<string, unknown>) : {} };
        this.requests.push(seen);
        response.on('close', () => {
          if (!response.writableFinished) closed();
        });
        handler(seen, response, this.requests.length);
      });
    });
    this.server.on('connection', () => (this.connections += 1));
  }

  get connectionCount(): number {
    return this.connections;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

export function json(response: http.ServerResponse, status: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A chunk of a streamed answer. */
export function delta(content: string, finish: string | null = null, extra: Record<string, unknown> = {}): string {
  return `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'served-model', choices: [{ index: 0, delta: { content }, finish_reason: finish }], ...extra })}\n\n`;
}

export const DONE = 'data: [DONE]\n\n';
export const USAGE = `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', model: 'served-model', choices: [], usage: { prompt_tokens: 11, completion_tokens: 7 } })}\n\n`;

/** Streams the pieces as an ordinary server does. */
export function stream(response: http.ServerResponse, pieces: readonly string[], contentType = 'text/event-stream'): void {
  response.writeHead(200, { 'content-type': contentType });
  for (const piece of pieces) response.write(piece);
  response.end();
}

export const GOOD = [delta('```python\n'), delta('return 1\n```'), delta('', 'stop'), USAGE, DONE];

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
