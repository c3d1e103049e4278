/**
 * Port: texts to vectors. Vectors have length `dimensions` and Euclidean norm 1, so that a dot product is the cosine.
 * Throws `ExpectedError` with code `embedder-unavailable` when there is no model: callers go on lexically and say so.
 */
export interface Embedder {
  /** Identifies the vector space, e.g. `all-MiniLM-L6-v2-q8`. Vectors of different spaces are never compared. */
  readonly modelId: string;
  readonly dimensions: number;
  /** One vector per text, same order. Texts longer than the model reads are cut by the model. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>;
}

/** Dot product of two unit vectors of equal length. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
