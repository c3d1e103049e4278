/** Sizes of what is shipped. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { BenchRow } from './rows.ts';

export function run(): Promise<BenchRow[]> {
  const dist = path.resolve(import.meta.dirname, '../dist');
  const megabytes = (file: string) => statSync(file).size / 1e6;
  const rows: BenchRow[] = ['extension.js', 'main.js'].map((name) => ({ name, value: megabytes(path.join(dist, name)), unit: 'MB', budget: 1 }));
  for (const name of ['cli.js', 'analysis-worker.js', 'embedding-worker.js']) rows.push({ name, value: megabytes(path.join(dist, name)), unit: 'MB' });
  const vsix = existsSync(dist) ? readdirSync(dist).find((name) => name.endsWith('.vsix')) : undefined;
  if (vsix) rows.push({ name: `${vsix} with the embedding model`, value: megabytes(path.join(dist, vsix)), unit: 'MB', budget: 30 });
  return Promise.resolve(rows);
}
