// How long the extension's own activation takes, in a real VS Code: from its first line to the end of `activate`.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runInVsCode } from '../test/vscode/harness/run.ts';
import { type BenchRow, percentiles } from './rows.ts';

const RUNS = 3;
/** DESIGN: activation at most 50 ms of own time. */
const BUDGET_MS = 50;

export async function run(): Promise<BenchRow[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-bench-'));
  try {
    const activation: number[] = [];
    const firstUse: number[] = [];
    for (let n = 0; n < RUNS; n++) {
      const file = path.join(folder, `${n}.json`);
      const result = await runInVsCode({ suite: ['bench/in-editor/activation.ts'], env: { SAFENOTE_BENCH_FILE: file }, log: () => undefined });
      if (result.crashed !== undefined || result.failures.length > 0) throw new Error(result.crashed ?? 'the measurement failed in the editor');
      const measured = JSON.parse(await readFile(file, 'utf8')) as { activationMs: number; firstUseMs: number };
      activation.push(measured.activationMs);
      firstUse.push(measured.firstUseMs);
    }
    return [
      { name: `activation, own time, in VS Code (median of ${RUNS})`, value: percentiles(activation).median, unit: 'ms', budget: BUDGET_MS },
      { name: 'first use: loading the house behind the shell', value: percentiles(firstUse).median, unit: 'ms' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
