/** Vectors of many texts, kept in `.cache` between runs: by the packed model, or by another one in a folder. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SILENT } from '../../src/core/log.ts';
import { WorkerEmbedder } from '../../src/node/embedding/worker-embedder.ts';
import { ROOT } from './data.ts';

/** Longer than any model reads. */
export const clip = (text: string): string => text.slice(0, 3000);

export class CachedEmbedder {
  readonly name: string;
  readonly modelId: string;
  private readonly embedder: WorkerEmbedder;
  private readonly file: string;
  private readonly known: Record<string, string>;

  /** `folder`: a model in ONNX form; the packed one where absent. */
  constructor(folder?: string) {
    this.name = folder === undefined ? 'all-MiniLM-L6-v2' : path.basename(folder);
    this.embedder = new WorkerEmbedder({ assetsRoot: path.join(ROOT, 'dist'), modelId: folder === undefined ? this.name : path.resolve(folder), log: SILENT });
    this.modelId = this.embedder.modelId;
    this.file = path.join(ROOT, '.cache', `quality-vectors-${this.modelId.replace(/[^\w.-]+/g, '-')}.json`);
    this.known = existsSync(this.file) ? (JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, string>) : {};
  }

  /** Same order; an empty text has no vector. */
  async embed(texts: readonly string[]): Promise<(Float32Array | undefined)[]> {
    const missing = [...new Set(texts.filter((t) => t && this.known[keyOf(t)] === undefined))];
    for (let at = 0; at < missing.length; at += 32) {
      const part = missing.slice(at, at + 32);
      const vectors = await this.embedder.embed(part);
      part.forEach((t, i) => (this.known[keyOf(t)] = Buffer.from(vectors[i]!.buffer, vectors[i]!.byteOffset, vectors[i]!.byteLength).toString('base64')));
      process.stderr.write(`\rembedding ${Math.min(at + 32, missing.length)}/${missing.length} `);
      if (at % 512 === 0 || at + 32 >= missing.length) writeFileSync(this.file, JSON.stringify(this.known));
    }
    return texts.map((t) => {
      const bytes = t ? Buffer.from(this.known[keyOf(t)]!, 'base64') : undefined;
      return bytes && new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    });
  }

  dispose(): Promise<void> {
    return this.embedder.dispose();
  }
}

function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
