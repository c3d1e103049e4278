import { crc32 } from 'node:zlib';
import type { IndexCodec, IndexData, IndexItem } from 'vectra';
import * as z from 'zod';
import { FACETS } from '../../core/notebook/note-index.ts';
import type { VectorMemory } from './vector-memory.ts';

/*
 * The index file: one line of JSON, padded to four bytes, then all vectors as 32-bit floats, then a checksum.
 *
 *     "SNIX1\n"  length of the JSON (u32)  JSON  padding  vectors (f32, little endian)  CRC-32 of all before (u32)
 *
 * A note is one item; its vector holds the facets side by side, each of norm 1, with zeros up to a multiple of eight. At 10,000 notes of 384 dimensions the
 * file has 47 MB, where vectra's JSON has 184 MB.
 */

const MAGIC = Buffer.from('SNIX1\n');
const HEAD_BYTES = MAGIC.length + 4;
const VERSION = 1;

const Header = z.object({
  version: z.literal(VERSION),
  embedder: z.string(),
  dimensions: z.number().int().min(1).max(65_536),
  /** [note id, kind, content hash] in the order of the vectors. */
  notes: z.array(z.tuple([z.string(), z.enum(['security', 'function']), z.string()])),
});

/** The file is damaged, or another embedder's. It is only a cache: build it again. */
export class UnusableIndexError extends Error {}

/**
 * vectra calls the codec at the end of every update, synchronously; laying out 47 MB there would stop the editor at
 * every note. So the codec hands out an empty buffer as a token for the index as it then was, and the storage asks for
 * the bytes when it really writes. (vectra replaces items and never changes them, so the token stays true.)
 */
export class NoteIndexCodec implements IndexCodec {
  readonly extension = '.bin';
  private readonly embedder: string;
  private readonly dimensions: number;
  private readonly memory: VectorMemory;
  private readonly pending = new WeakMap<Buffer, IndexData>();

  /** What is read from disk goes into `memory`. */
  constructor(options: { embedder: string; dimensions: number; memory: VectorMemory }) {
    this.embedder = options.embedder;
    this.dimensions = options.dimensions;
    this.memory = options.memory;
  }

  /** A token of zero length; `chunks` turns it into the file's bytes. */
  serializeIndex(data: IndexData): Buffer {
    const token = Buffer.alloc(0);
    this.pending.set(token, data);
    return token;
  }

  isEmpty(token: Buffer): boolean {
    return this.pending.get(token)?.items.length === 0;
  }

  /** The bytes that a token stands for, in pieces of about 1 MB, so that the caller can breathe between them. */
  *chunks(token: Buffer): Generator<Buffer> {
    const data = this.pending.get(token);
    if (!data) throw new Error('Not a token of this codec.');
    const header: z.infer<typeof Header> = {
      version: VERSION,
      embedder: this.embedder,
      dimensions: this.dimensions,
      notes: data.items.map((item) => [item.id, item.metadata['kind'] as 'security' | 'function', String(item.metadata['hash'])]),
    };
    const json = Buffer.from(JSON.stringify(header));
    const padding = (4 - ((HEAD_BYTES + json.length) % 4)) % 4;
    const head = Buffer.alloc(HEAD_BYTES + json.length + padding, ' ');
    MAGIC.copy(head);
    head.writeUInt32LE(json.length + padding, MAGIC.length);
    json.copy(head, HEAD_BYTES);
    let sum = crc32(head);
    yield head;
    const { perNote } = this.memory;
    const perChunk = Math.max(1, Math.floor(262_144 / perNote));
    for (let from = 0; from < data.items.length; from += perChunk) {
      const part = data.items.slice(from, from + perChunk);
      const floats = new Float32Array(part.length * perNote);
      part.forEach((item, at) => floats.set(item.vector, at * perNote));
      const bytes = Buffer.from(floats.buffer);
      sum = crc32(bytes, sum);
      yield bytes;
    }
    const tail = Buffer.alloc(4);
    tail.writeUInt32LE(sum);
    yield tail;
  }

  /** Throws `UnusableIndexError`. */
  deserializeIndex(buffer: Buffer): IndexData {
    if (buffer.length < HEAD_BYTES + 4 || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) throw new UnusableIndexError('Not an index file of this format.');
    const end = buffer.length - 4;
    if (crc32(buffer.subarray(0, end)) !== buffer.readUInt32LE(end)) throw new UnusableIndexError('The checksum does not match.');
    const length = buffer.readUInt32LE(MAGIC.length);
    const header = readHeader(buffer.subarray(HEAD_BYTES, HEAD_BYTES + length));
    if (header.embedder !== this.embedder || header.dimensions !== this.dimensions) throw new UnusableIndexError(`Made for ${header.embedder}.`);
    const { perNote } = this.memory;
    if (HEAD_BYTES + length + header.notes.length * perNote * 4 !== end) throw new UnusableIndexError('The length does not match.');
    // Floats need an offset that is a multiple of four, which a pooled buffer does not promise.
    const base = buffer.byteOffset % 4 === 0 ? buffer : Buffer.from(new Uint8Array(buffer));
    const floats = new Float32Array(base.buffer, base.byteOffset + HEAD_BYTES + length, header.notes.length * perNote);
    const items: IndexItem[] = header.notes.map(([id, kind, hash], at) => {
      const vector = this.memory.allocate();
      vector.set(floats.subarray(at * perNote, (at + 1) * perNote));
      return { id, metadata: { kind, hash }, vector, norm: Math.sqrt(FACETS.length) };
    });
    return { version: 1, metadata_config: {}, items };
  }

  // vectra asks for these for documents and for metadata in files of their own, which SafeNote's index has not.
  serializeCatalog(): Buffer {
    throw new Error('The note index has no documents.');
  }
  deserializeCatalog(): never {
    throw new Error('The note index has no documents.');
  }
  serializeMetadata(): Buffer {
    throw new Error('The note index keeps metadata with its items.');
  }
  deserializeMetadata(): never {
    throw new Error('The note index keeps metadata with its items.');
  }
}

function readHeader(bytes: Buffer): z.infer<typeof Header> {
  try {
    return Header.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw new UnusableIndexError('The header cannot be read.');
  }
}
