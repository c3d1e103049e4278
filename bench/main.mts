/**
 * All benchmarks, each figure beside its budget (DESIGN §8): `npm run bench [-- NAME… --json --compare --save]`. Figures are medians
 * and 95th percentiles of one run on this machine; compare ratios, not runs. `--compare`: beside the last release's figures;
 * `--save`: keep them as those of this version.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compareWith, describeComparison, previousRelease, saveRelease } from './releases.ts';
import type { BenchRow } from './rows.ts';

const SUITES = ['package', 'activation', 'retrieval', 'request', 'notes', 'index', 'embedding', 'checking', 'tests', 'soak'];
const asked = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const unknown = asked.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark "${unknown.join('", "')}". There are: ${SUITES.join(', ')}.`);
  process.exit(2);
}
const json = process.argv.includes('--json');
const rows: (BenchRow & { suite: string })[] = [];
let over = 0;
for (const suite of asked.length > 0 ? asked : SUITES) {
  if (!existsSync(path.join(import.meta.dirname, `${suite}.ts`))) continue;
  if (!json) console.log(`\n${suite}`);
  try {
    const { run } = (await import(`./${suite}.ts`)) as { run(): Promise<BenchRow[]> };
    for (const row of await run()) {
      rows.push({ suite, ...row });
      const missed = row.budget !== undefined && row.value > row.budget;
      if (missed) over++;
      if (!json) console.log(`  ${row.name.padEnd(64)} ${row.value.toFixed(row.value < 10 ? 2 : 0).padStart(8)} ${row.unit.padEnd(4)}${row.budget === undefined ? '' : ` budget ${row.budget} ${row.unit}${missed ? '  OVER' : ''}`}${row.note ? `  (${row.note})` : ''}`);
    }
  } catch (error) {
    console.error(`  ${suite} did not run: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string };
const previous = process.argv.includes('--compare') ? previousRelease(version) : undefined;
const compared = previous ? compareWith(previous, rows) : [];
if (json) console.log(JSON.stringify({ node: process.version, version, rows, ...(previous ? { comparedWith: previous.version, compared } : {}) }, null, 2));
else {
  console.log(`\n${rows.length} figures, ${over} over budget`);
  if (process.argv.includes('--compare')) console.log(previous ? `\n${describeComparison(previous, compared)}` : `\nThere is no release before ${version} to compare with.`);
}
if (process.argv.includes('--save')) console.error(`Kept in ${path.relative(process.cwd(), saveRelease(version, rows))}.`);
// Workers of a suite that failed must not keep the run alive.
setTimeout(() => process.exit(), 500).unref();
