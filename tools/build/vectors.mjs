// knowledge.json → knowledge-vectors.{json,bin}: the samples' vectors by the packed model, so that the first request does not
// wait for hundreds of texts to be embedded. Made again only for samples that changed.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { writeIfChanged } from './files.mjs';

const BATCH = 32;

/** Returns how many samples have vectors; throws when the model cannot be used. Layout: per sample the vector of its code, then of its task. */
export async function packVectors({ root, outdir, modelId, samples }) {
  const cacheFile = path.join(root, '.cache', 'knowledge-vectors', `${modelId}.json`);
  const cache = JSON.parse(await readFile(cacheFile, 'utf8').catch(() => '{}'));
  const keyOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 32);
  const texts = samples.flatMap((s) => [s.vulnerable, s.description]);
  const missing = [...new Set(texts.filter((text) => !cache[keyOf(text)]))];
  const { WorkerEmbedder } = await tsImport('../../src/node/embedding/worker-embedder.ts', import.meta.url);
  const embedder = new WorkerEmbedder({ assetsRoot: outdir, modelId });
  try {
    for (let at = 0; at < missing.length; at += BATCH) {
      const part = missing.slice(at, at + BATCH);
      const vectors = await embedder.embed(part);
      part.forEach((text, i) => (cache[keyOf(text)] = Buffer.from(vectors[i].buffer, vectors[i].byteOffset, vectors[i].byteLength).toString('base64')));
      if (missing.length > BATCH) console.log(`  embedding the knowledge base: ${Math.min(at + BATCH, missing.length)} of ${missing.length} texts`);
    }
    const used = Object.fromEntries(texts.map((text) => [keyOf(text), cache[keyOf(text)]]));
    if (missing.length > 0) {
      await mkdir(path.dirname(cacheFile), { recursive: true });
      await writeIfChanged(cacheFile, JSON.stringify(used));
    }
    const bytes = Buffer.concat(texts.map((text) => Buffer.from(used[keyOf(text)], 'base64')));
    await writeIfChanged(path.join(outdir, 'knowledge-vectors.bin'), bytes);
    const header = { modelId: embedder.modelId, dimensions: embedder.dimensions, hash: createHash('sha256').update(bytes).digest('hex'), ids: samples.map((s) => s.id) };
    await writeIfChanged(path.join(outdir, 'knowledge-vectors.json'), JSON.stringify(header));
    return samples.length;
  } finally {
    await embedder.dispose();
  }
}
