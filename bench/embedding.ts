/** The embedder: first text, short and long ones, and what it costs in memory where it runs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { WorkerEmbedder } from '../src/node/embedding/worker-embedder.ts';
import { type BenchRow, percentiles } from './rows.ts';

const dist = path.resolve(import.meta.dirname, '../dist');

/** About three tokens a word of code; the model reads 256. */
const LENGTHS = { 'a short text': 'find the user by name', '64 tokens': 'x = foo(bar) '.repeat(10), '128 tokens': 'x = foo(bar) '.repeat(20), '256 tokens': 'x = foo(bar) '.repeat(60) } as const;

export async function run(): Promise<BenchRow[]> {
  if (!existsSync(path.join(dist, 'model', 'all-MiniLM-L6-v2'))) throw new Error('the model is not in dist/model; run npm run setup and build');
  const rows: BenchRow[] = [];
  for (const isolation of ['process', 'thread'] as const) {
    const before = process.memoryUsage().rss;
    const embedder = new WorkerEmbedder({ assetsRoot: dist, modelId: 'all-MiniLM-L6-v2', isolation: () => isolation });
    try {
      rows.push({ name: `first text, with starting and loading (${isolation})`, value: await timed(() => embedder.embed(['first'])), unit: 'ms' });
      for (const [name, text] of Object.entries(LENGTHS)) {
        const times: number[] = [];
        // The engine optimises the model's code during the first dozens.
        for (let i = 0; i < 60; i++) {
          const ms = await timed(() => embedder.embed([`${i} ${text}`]));
          if (i >= 30) times.push(ms);
        }
        rows.push({ name: `${name}, median (${isolation})`, value: percentiles(times).median, unit: 'ms' });
      }
      const again = await embedder.embed(['find it again']).then(() => timed(() => embedder.embed(['find it again'])));
      rows.push({ name: `a text that was asked before (${isolation})`, value: again, unit: 'ms' });
      rows.push({ name: `memory added to the host (${isolation})`, value: (process.memoryUsage().rss - before) / 1e6, unit: 'MB' });
    } finally {
      await embedder.dispose();
    }
  }
  return rows;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
