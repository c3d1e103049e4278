import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { isCancelled } from '../../core/errors.ts';
import type { Sample } from '../../core/knowledge/knowledge.ts';
import type { SampleVectors } from '../../core/knowledge/knowledge-retriever.ts';
import type { Embedder } from '../../core/retrieval/embedder.ts';
import { replaceFile } from '../notes/atomic-file.ts';

const Header = z.object({ dimensions: z.number().int().positive(), keys: z.array(z.string()) });
const BATCH = 16;
/** Saved so often, in texts, that a kill costs little. */
const SAVE_EVERY = 256;

/**
 * Vectors of the samples on a workspace's shelf, by their text, cached in a file of the user's own. Only a cache: a file that
 * cannot be read counts as none.
 */
export class ShelfVectors implements SampleVectors {
  private readonly file: string;
  private readonly embedder: Embedder;
  private readonly vectors = new Map<string, Float32Array>();
  /** Sample id → the keys of its texts. */
  private readonly keys = new Map<string, Record<'code' | 'task', string>>();
  private samples: readonly Sample[] = [];
  private loaded: Promise<void> | undefined;

  constructor(options: { file: string; embedder: Embedder }) {
    this.file = options.file;
    this.embedder = options.embedder;
  }

  get modelId(): string {
    return this.embedder.modelId;
  }

  get(sampleId: string, facet: 'code' | 'task'): Float32Array | undefined {
    const keys = this.keys.get(sampleId);
    return keys && this.vectors.get(keys[facet]);
  }

  /** Says which samples there are, and reads the cache the first time. */
  async use(samples: readonly Sample[]): Promise<void> {
    this.samples = samples;
    this.keys.clear();
    for (const sample of samples) this.keys.set(sample.id, { code: keyOf(textOf(sample, 'code')), task: keyOf(textOf(sample, 'task')) });
    this.loaded ??= this.read();
    await this.loaded;
  }

  /** Embeds what has no vector yet and saves. Rejects with the embedder's error, and on abort; what was done stays. */
  async complete(signal: AbortSignal, o: { readonly batch?: number; readonly onProgress?: (done: number, total: number) => void } = {}): Promise<void> {
    const wanted = new Map(this.samples.flatMap((s) => [textOf(s, 'code'), textOf(s, 'task')].filter(Boolean).map((text) => [keyOf(text), text] as const)));
    const missing = [...wanted].filter(([key]) => !this.vectors.has(key));
    const size = o.batch ?? BATCH;
    let unsaved = 0;
    try {
      for (let at = 0; at < missing.length; at += size) {
        signal.throwIfAborted();
        const batch = missing.slice(at, at + size);
        const vectors = await this.embedder.embed(batch.map(([, text]) => text), signal);
        batch.forEach(([key], n) => vectors[n] && this.vectors.set(key, vectors[n]));
        unsaved += batch.length;
        o.onProgress?.(Math.min(at + size, missing.length), missing.length);
        if (unsaved >= SAVE_EVERY) {
          await this.save(wanted);
          unsaved = 0;
        }
      }
    } catch (error) {
      if (unsaved > 0 && isCancelled(error)) await this.save(wanted).catch(() => undefined);
      throw error;
    }
    if (unsaved > 0) await this.save(wanted);
  }

  private async save(wanted: ReadonlyMap<string, string>): Promise<void> {
    const kept = [...this.vectors].filter(([key]) => wanted.has(key));
    const dimensions = kept[0]?.[1].length;
    if (!dimensions) return;
    const header = Buffer.from(JSON.stringify({ dimensions, keys: kept.map(([key]) => key) }));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(header.length);
    const body = kept.map(([, vector]) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength));
    await mkdir(path.dirname(this.file), { recursive: true, mode: 0o700 });
    await replaceFile(this.file, Buffer.concat([size, header, ...body]), { temporary: `${this.file}.${randomBytes(6).toString('hex')}.tmp`, mode: 0o600 });
  }

  private async read(): Promise<void> {
    try {
      const bytes = await readFile(this.file);
      const start = 4 + bytes.readUInt32LE(0);
      const { dimensions, keys } = Header.parse(JSON.parse(bytes.toString('utf8', 4, start)));
      if (bytes.length !== start + keys.length * dimensions * 4) return;
      const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
      keys.forEach((key, row) => this.vectors.set(key, all.subarray(row * dimensions, (row + 1) * dimensions)));
    } catch {
      // Missing or damaged: made again.
    }
  }
}

function textOf(sample: Sample, facet: 'code' | 'task'): string {
  return facet === 'code' ? sample.vulnerable.slice(0, 20_000) : sample.description;
}

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
