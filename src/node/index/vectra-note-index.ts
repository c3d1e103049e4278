import { setImmediate as breathe } from 'node:timers/promises';
import { LocalIndex } from 'vectra';
import { ExpectedError, messageOf } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import type { Logger } from '../../core/log.ts';
import { FACETS } from '../../core/notebook/note-index.ts';
import type { Facet, IndexedNote, NoteIndex } from '../../core/notebook/note-index.ts';
import type { NoteKind } from '../../core/notebook/note.ts';
import { DeferredStorage } from './deferred-storage.ts';
import { NoteIndexCodec } from './note-codec.ts';
import { VectorMemory } from './vector-memory.ts';
import type { Packed } from './vector-memory.ts';

export interface VectraNoteIndexOptions {
  /** Folder of this workspace's index for this embedder; made when something is stored. */
  readonly folder: string;
  /** `Embedder.modelId` and `Embedder.dimensions`. */
  readonly embedder: { readonly modelId: string; readonly dimensions: number };
  readonly log?: Logger;
}

/** The notes of one kind, position by position. */
interface Group {
  readonly ids: readonly string[];
  readonly vectors: readonly Packed[];
}

/** Notes per update: vectra looks through all items for each one it adds. */
const BATCH = 200;

/**
 * Vectors of one workspace's notes in a vectra `LocalIndex`. A note is one item, its facets side by side in one vector.
 *
 * A search reads the items' vectors directly, see `VectorMemory`: `queryItems` asks a filter of every item and compares
 * whole vectors, three facets instead of one. Both give the same answer (a test holds them together).
 */
export class VectraNoteIndex implements NoteIndex {
  private readonly folder: string;
  private readonly dimensions: number;
  private readonly embedder: string;
  private readonly log: Logger;
  private index: LocalIndex | undefined;
  private storage: DeferredStorage | undefined;
  private memory: VectorMemory | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  /** The items by kind, until the next change. */
  private byKind: Record<NoteKind, Group> | undefined;

  constructor(options: VectraNoteIndexOptions) {
    this.folder = options.folder;
    this.embedder = options.embedder.modelId;
    this.dimensions = options.embedder.dimensions;
    this.log = options.log ?? SILENT;
  }

  known(): Promise<ReadonlyMap<string, string>> {
    return this.inTurn(async () => {
      // What another window has embedded meanwhile need not be embedded again here.
      if (this.index && this.storage && (await this.storage.isForeign(indexFile(this.index)))) this.close();
      const items = await (await this.open()).listItems();
      return new Map(items.map((item) => [item.id, String(item.metadata['hash'])]));
    });
  }

  upsert(notes: readonly IndexedNote[]): Promise<void> {
    return this.inTurn(async () => {
      const index = await this.open();
      const items = notes.map((note) => ({ id: note.noteId, metadata: { kind: note.kind, hash: note.contentHash }, vector: this.pack(note) }));
      for (let from = 0; from < items.length; from += BATCH) {
        if (from > 0) await breathe();
        await index.beginUpdate();
        for (const item of items.slice(from, from + BATCH)) await index.upsertItem(item);
        await index.endUpdate();
      }
      this.byKind = undefined;
    });
  }

  remove(noteIds: readonly string[]): Promise<void> {
    return this.inTurn(async () => {
      await (await this.open()).deleteItems(noteIds);
      this.byKind = undefined;
    });
  }

  nearest(kind: NoteKind, facet: Facet, vector: Float32Array, limit: number): Promise<{ noteId: string; score: number }[]> {
    return this.inTurn(async () => {
      const query = this.unit(vector, 'The query');
      const { ids, vectors } = (await this.grouped())[kind];
      const scores = this.memory?.dots(vectors, facet, query) ?? new Float32Array();
      return best(scores, limit).map((at) => ({ noteId: ids[at] ?? '', score: Math.max(-1, Math.min(1, scores[at] ?? 0)) }));
    });
  }

  flush(): Promise<void> {
    return this.inTurn(async () => this.storage?.flush());
  }

  private async grouped(): Promise<Record<NoteKind, Group>> {
    if (this.byKind) return this.byKind;
    const items = await (await this.open()).listItems();
    const group = (kind: NoteKind): Group => {
      const own = items.filter((item) => item.metadata['kind'] === kind);
      return { ids: own.map((item) => item.id), vectors: own.map((item) => item.vector as Packed) };
    };
    this.byKind = { security: group('security'), function: group('function') };
    return this.byKind;
  }

  /** The index on disk, or a new one where there is none that can be used. */
  private async open(): Promise<LocalIndex> {
    if (this.index) return this.index;
    const memory = new VectorMemory(this.dimensions);
    const codec = new NoteIndexCodec({ embedder: this.embedder, dimensions: this.dimensions, memory });
    const storage = new DeferredStorage({ codec, log: this.log });
    const index = new LocalIndex(this.folder, `index${codec.extension}`, storage, codec);
    try {
      // Reads it, which is where a file shows that it is damaged or another embedder's.
      if (await index.isIndexCreated()) await index.getIndexStats();
      else await index.createIndex();
    } catch (error) {
      this.log.info(`The note index is built again: ${messageOf(error)}`);
      await storage.discard(indexFile(index));
      await index.createIndex();
    }
    this.index = index;
    this.storage = storage;
    this.memory = memory;
    this.byKind = undefined;
    return index;
  }

  private close(): void {
    this.index = undefined;
    this.storage = undefined;
    this.memory = undefined;
    this.byKind = undefined;
  }

  private pack(note: IndexedNote): Packed {
    const vectors = FACETS.map((facet) => this.unit(note.vectors[facet], `The ${facet} vector of note "${note.noteId}"`));
    const memory = (this.memory ??= new VectorMemory(this.dimensions));
    const packed = memory.allocate();
    vectors.forEach((vector, at) => packed.set(vector, at * memory.stride));
    return packed;
  }

  /** A zero or NaN vector would win or hide matches in silence. */
  private unit(vector: Float32Array, what: string): Float32Array {
    let sum = 0;
    for (const value of vector) sum += value * value;
    if (vector.length !== this.dimensions || !Number.isFinite(sum) || sum < 1e-12) {
      const problem = vector.length === this.dimensions ? 'is zero or not a number' : `has ${vector.length} dimensions instead of ${this.dimensions}`;
      throw new ExpectedError('bad-vector', `${what} ${problem}.`, 'The embedding model may be damaged: run SafeNote: Doctor, or choose another model.');
    }
    if (Math.abs(sum - 1) < 1e-4) return vector;
    const norm = Math.sqrt(sum);
    return vector.map((value) => value / norm);
  }

  /** vectra allows one update at a time. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

function indexFile(index: LocalIndex): string {
  return `${index.folderPath}/${index.indexName}`;
}

/** Positions of the highest scores, best first; the earlier one of equals first. */
function best(scores: Float32Array, limit: number): number[] {
  const wanted = Math.min(Math.max(0, Math.floor(limit)), scores.length);
  const higher = (x: number, y: number) => scores[y]! - scores[x]! || x - y;
  if (wanted > 64) return Array.from(scores.keys()).sort(higher).slice(0, wanted);
  const top: number[] = [];
  for (let at = 0; at < scores.length && wanted > 0; at++) {
    if (top.length === wanted && scores[at]! <= scores[top[wanted - 1]!]!) continue;
    let place = top.length === wanted ? wanted - 1 : top.length;
    while (place > 0 && scores[top[place - 1]!]! < scores[at]!) {
      top[place] = top[place - 1]!;
      place--;
    }
    top[place] = at;
  }
  return top;
}
