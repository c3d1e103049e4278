/** What happens before the request goes out, warm: context, embedding, retrieval, prompt; on the example tasks' kind of file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT } from '../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import { App } from '../src/node/app.ts';
import { type BenchRow, percentiles } from './rows.ts';

const BODY = Array.from({ length: 12 }, (_, n) => `def helper_${n}(rows, key):\n    """Pick the rows that have the key ${n}."""\n    kept = []\n    for row in rows:\n        if row.get(key) == ${n}:\n            kept.append(row)\n    return kept\n`).join('\n\n');

export async function run(): Promise<BenchRow[]> {
  const home = mkdtempSync(path.join(tmpdir(), 'safenote-bench-'));
  const app = new App({
    assetsRoot: path.resolve(import.meta.dirname, '../dist'), workspaceFolder: home, settings: () => DEFAULT_SETTINGS, trusted: () => true, model: () => Promise.reject(new Error('none')), log: SILENT, semgrepWarm: false,
    env: { ...process.env, SAFENOTE_HOME: path.join(home, 'home') },
  });
  try {
    const times: number[] = [];
    for (let n = 0; n < 40; n++) {
      // Each time another function, so that no vector is remembered.
      const text = `import sqlite3\n\n${BODY}\n\ndef find_orders_${n}(db, customer_${n}):\n    """Find the orders of a customer by name, newest first, page ${n}."""\n    `;
      const document = { path: path.join(home, 'orders.py'), language: 'python', text };
      const started = performance.now();
      await app.engine.preview({ document, offset: text.length, mode: 'safenote' }, { signal: new AbortController().signal });
      if (n >= 5) times.push(performance.now() - started);
    }
    const { median, p95 } = percentiles(times);
    return [
      { name: 'before the request, 100-line file, warm, median', value: median, unit: 'ms' },
      { name: 'before the request, 100-line file, warm, p95', value: p95, unit: 'ms', budget: 80 },
    ];
  } finally {
    await app.dispose();
    rmSync(home, { recursive: true, force: true });
  }
}
