import { cancelled } from './waiting.ts';
import type { HttpFailure } from './failures.ts';

/** What a 2xx body is, by its first bytes: servers mislabel it too often to trust `content-type`. */
export type BodyKind = 'events' | 'json' | 'html' | 'empty' | 'other';

/** An error body is read up to here; more is of no use in a message. */
const MAX_ERROR_BYTES = 64 * 1024;
/** No completion is longer than this; a server that goes on is not answering. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const SNIFF_BYTES = 512;
const DRAIN_MS = 250;

/**
 * A `fetch` for one request that keeps what the client library would hide: the text of an error body whatever its shape,
 * what kind of body came, whether the stream was ended by `[DONE]`, and when bytes came (`onBytes`).
 */
export class Wire {
  /** The last answer that was not 2xx. */
  failure: HttpFailure | undefined;
  kind: BodyKind | undefined;
  /** True once a `data: [DONE]` line has passed. */
  done = false;
  /** True when the reply was cut off here because it was far too long. */
  flooded = false;

  private readonly onBytes: () => void;
  private carry = '';

  constructor(onBytes: () => void) {
    this.onBytes = onBytes;
  }

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    // A redirect would carry code, and perhaps the key, to an address that nobody chose.
    const response = await globalThis.fetch(input, { ...init, redirect: 'manual' });
    this.onBytes();
    const { status, statusText, headers } = response;
    if (status < 200 || status >= 300) {
      const body = await readAtMost(response, MAX_ERROR_BYTES, this.onBytes);
      this.failure = { status, headers, body };
      return new Response('', { status: status >= 400 && status < 600 ? status : 400, headers: { 'content-type': 'text/plain' } });
    }
    const reader = response.body?.getReader();
    if (!reader) {
      this.kind = 'empty';
      return new Response('', { status: 200, statusText });
    }
    const head = await this.readHead(reader);
    this.kind = kindOf(new TextDecoder().decode(concat(head)));
    return new Response(this.follow(reader, head), { status, statusText, headers: new Headers({ 'content-type': this.kind === 'events' ? 'text/event-stream' : 'application/json' }) });
  };

  /** Reads until the first bytes that are not white space, and a little more where those do not say enough. */
  private async readHead(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[]> {
    const head: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return head;
      this.onBytes();
      head.push(value);
      size += value.length;
      const text = new TextDecoder().decode(concat(head)).replace(/^[\uFEFF\s]+/, '');
      if (/^[{[:]/.test(text) || text.includes('\n') || text.includes(':') || size >= SNIFF_BYTES) return head;
    }
  }

  private follow(reader: ReadableStreamDefaultReader<Uint8Array>, head: Uint8Array[]): ReadableStream<Uint8Array> {
    let size = 0;
    const waiting = [...head];
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const early = waiting.shift();
          const { done, value } = early ? { done: false, value: early } : await reader.read();
          if (done || !value) return controller.close();
          if (!early) this.onBytes();
          size += value.length;
          if (size > MAX_REPLY_BYTES) {
            this.flooded = true;
            await reader.cancel();
            return controller.close();
          }
          this.look(value);
          controller.enqueue(value);
        } catch (error) {
          controller.error(error);
        }
      },
      cancel: (reason) => (this.done ? drain(reader) : reader.cancel(reason)),
    });
  }

  /** Looks for the end mark; it may be split between two chunks. JSON text cannot hold a line that begins so. */
  private look(bytes: Uint8Array): void {
    const text = this.carry + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    if (/(?:^|[\r\n])data: ?\[DONE\]/.test(text)) this.done = true;
    this.carry = text.slice(-20);
  }
}

/** Reads what is left after the end mark, so that the connection can be used again; gives up soon. */
function drain(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), DRAIN_MS);
  timer.unref();
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  rest().then(
    () => clearTimeout(timer),
    () => clearTimeout(timer),
  );
}

function kindOf(head: string): BodyKind {
  const text = head.replace(/^[\uFEFF\s]+/, '');
  if (!text) return 'empty';
  if (/^(?:data|event|id|retry)?:/.test(text)) return 'events';
  if (/^[{[]/.test(text)) return 'json';
  return text.startsWith('<') ? 'html' : 'other';
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] ? parts[0] : new Uint8Array(Buffer.concat(parts));
}

/** The text of a body, up to a number of bytes; what a broken connection leaves is kept. */
export async function readAtMost(response: Response, limit: number, onBytes?: () => void): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    while (size < limit) {
      const { done, value } = await reader.read();
      if (done) break;
      onBytes?.();
      parts.push(value);
      size += value.length;
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw cancelled();
  }
  await reader.cancel().catch(() => undefined);
  return new TextDecoder().decode(concat(parts)).slice(0, limit);
}
