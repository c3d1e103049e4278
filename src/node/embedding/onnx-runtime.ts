/*
 * What transformers.js gets for its native runtime (see tools/build/bundling.mjs): the WebAssembly one, which is the
 * same file on every platform. In Node transformers.js hands over the path of a model where this one expects a URL or
 * the bytes, so the bytes are read here.
 */
import { readFile } from 'node:fs/promises';
import { InferenceSession as WasmSession, Tensor, env } from 'onnxruntime-web/wasm';

export { Tensor, env };

export const InferenceSession = {
  async create(model: string | Uint8Array, options?: WasmSession.SessionOptions): Promise<WasmSession> {
    return WasmSession.create(typeof model === 'string' ? await readFile(model) : model, options);
  },
};
