/** Messages of the language server protocol as bytes: a header with a length, an empty line, JSON. */

/** Longer messages are not from a server that works. */
const MAX_MESSAGE = 64 * 1024 * 1024;
const MAX_HEADER = 4096;

export function frame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, 'ascii'), body]);
}

/** Takes bytes as they arrive and gives whole messages. */
export class FrameReader {
  private buffer: Buffer = Buffer.alloc(0);

  /** Throws when the bytes are no messages; the reader is of no use then. */
  push(chunk: Buffer): unknown[] {
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
    const messages: unknown[] = [];
    for (;;) {
      const headerEnd = this.buffer.indexOf('\r\n\r\n');
      if (headerEnd === -1) {
        if (this.buffer.length > MAX_HEADER) throw new Error('the header of a message does not end');
        // Whatever is no header so far will not become one.
        if (!/^(Content-|C$|Co$|Con$|Cont$|Conte$|Conten$|Content$|$)/i.test(this.buffer.toString('latin1', 0, 8))) throw new Error('something that is not a message');
        return messages;
      }
      const length = Number(/^Content-Length: *(\d+) *$/im.exec(this.buffer.toString('latin1', 0, Math.min(headerEnd, MAX_HEADER)))?.[1] ?? NaN);
      if (!Number.isInteger(length)) throw new Error('a message without a length');
      if (length > MAX_MESSAGE) throw new Error(`a message of ${length} bytes`);
      const end = headerEnd + 4 + length;
      if (this.buffer.length < end) return messages;
      messages.push(JSON.parse(this.buffer.toString('utf8', headerEnd + 4, end)));
      this.buffer = this.buffer.subarray(end);
    }
  }
}
