// knowledge.json: samples without a `## Slice` of their own get one from the syntax tree, by the product's own analysis worker.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { writeIfChanged } from './files.mjs';

/** Returns how many samples got a slice. A sample in which nothing can be left out keeps its whole secure side. */
export async function packSlices(outdir) {
  const file = path.join(outdir, 'knowledge.json');
  const knowledge = JSON.parse(await readFile(file, 'utf8'));
  const { AnalysisWorker } = await tsImport('../../src/node/analysis/client.ts', import.meta.url);
  const worker = new AnalysisWorker({ assetsRoot: outdir });
  let made = 0;
  try {
    for (const sample of knowledge.samples) {
      if (sample.slice !== sample.secure) continue;
      const slice = await worker.slice({ path: '', language: sample.language, text: sample.secure }, sample.vulnerable, new AbortController().signal);
      if (slice === undefined) continue;
      sample.slice = slice;
      made++;
    }
  } finally {
    await worker.dispose();
  }
  await writeIfChanged(file, JSON.stringify(knowledge));
  return made;
}
