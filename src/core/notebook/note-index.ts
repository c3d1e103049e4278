import type { NoteKind } from './note.ts';

/** What a note's vector is made of: its erroneous code, its tasks, or both together (paper eq. 4, for merging). */
export type Facet = 'code' | 'task' | 'merge';
export const FACETS: readonly Facet[] = ['code', 'task', 'merge'];

export interface IndexedNote {
  readonly noteId: string;
  readonly kind: NoteKind;
  /** Hash of what was embedded, so that a changed note is embedded again and an unchanged one is not. */
  readonly contentHash: string;
  /** Unit vectors of the embedder that this index was opened for. */
  readonly vectors: Readonly<Record<Facet, Float32Array>>;
}

/**
 * Port: vectors of one workspace's notes. Only a cache: rebuilt from the note files, safe to delete. Zero, NaN and
 * wrong-length vectors are refused with `ExpectedError` `bad-vector`.
 */
export interface NoteIndex {
  /** Note id → content hash of all that is indexed. */
  known(): Promise<ReadonlyMap<string, string>>;
  upsert(notes: readonly IndexedNote[]): Promise<void>;
  remove(noteIds: readonly string[]): Promise<void>;
  /** The `limit` nearest notes of one kind by cosine in [-1, 1], best first. */
  nearest(kind: NoteKind, facet: Facet, vector: Float32Array, limit: number): Promise<{ noteId: string; score: number }[]>;
  /** Resolves when everything is on disk. */
  flush(): Promise<void>;
}
