import type { ModelOnDisk } from './models.ts';

/** What the embedding worker is started with. */
export interface WorkerSetup {
  readonly model: ModelOnDisk;
  /** Path of the WebAssembly file. */
  readonly wasm: string;
}

export interface EmbedRequest {
  readonly id: number;
  readonly text: string;
}

/** The answer to one request. `fatal`: the model could not be loaded, so no request will do better. */
export type EmbedReply = { readonly id: number; readonly vector: Float32Array } | { readonly id: number; readonly error: string; readonly fatal: boolean };
