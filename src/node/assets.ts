import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { EMPTY_KNOWLEDGE, type KnowledgeBase } from '../core/knowledge/knowledge.ts';
import type { SampleVectors } from '../core/knowledge/knowledge-retriever.ts';
import type { Prompts } from '../core/prompting/template.ts';

const VectorsHeader = z.object({ modelId: z.string(), dimensions: z.number().int().positive(), hash: z.string(), ids: z.array(z.string()) });

/** What the build packed beside the bundles. `root` is the folder of the bundles. Each part is read once, when asked for. */
export class Assets {
  readonly root: string;
  private readonly parts = new Map<string, Promise<unknown>>();

  constructor(root: string) {
    this.root = root;
  }

  prompts(): Promise<Prompts> {
    return this.json('prompts.json') as Promise<Prompts>;
  }

  knowledge(): Promise<KnowledgeBase> {
    return existsSync(path.join(this.root, 'knowledge.json')) ? (this.json('knowledge.json') as Promise<KnowledgeBase>) : Promise.resolve(EMPTY_KNOWLEDGE);
  }

  /** Vectors of the samples, where the build had the embedding model; `undefined` for another model's. */
  async sampleVectors(modelId: string): Promise<SampleVectors | undefined> {
    const header = path.join(this.root, 'knowledge-vectors.json');
    if (!existsSync(header)) return undefined;
    const { ids, dimensions, modelId: own } = VectorsHeader.parse(await this.json('knowledge-vectors.json'));
    if (own !== modelId) return undefined;
    const bytes = await readFile(path.join(this.root, 'knowledge-vectors.bin'));
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const rows = new Map(ids.map((id, row) => [id, row]));
    return {
      modelId: own,
      get: (id, facet) => {
        const row = rows.get(id);
        if (row === undefined) return undefined;
        const at = (2 * row + (facet === 'code' ? 0 : 1)) * dimensions;
        return all.subarray(at, at + dimensions);
      },
    };
  }

  private json(name: string): Promise<unknown> {
    const known = this.parts.get(name);
    if (known) return known;
    const part = readFile(path.join(this.root, name), 'utf8').then((text) => JSON.parse(text) as unknown);
    this.parts.set(name, part);
    return part;
  }
}
