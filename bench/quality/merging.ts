/**
 * From which similarity on are two failures one? Pairs of failures inside one CWE and language, where merging is allowed at all:
 * the same mistake (the vulnerable sides of one commit, which a developer repaired alike) against distinct ones
 * (other projects). Cosine of what merging compares, task and code together.
 */
import { mergeText } from '../../src/core/notebook/note-indexer.ts';
import { cosine } from '../../src/core/retrieval/embedder.ts';
import { bucket, type Pair } from './data.ts';
import { type CachedEmbedder, clip } from './embeddings.ts';

/** Of one commit at most so many failures, so that a project with fifty does not decide alone. */
const MOST_OF_ONE = 4;

export interface MergeData {
  readonly same: readonly number[];
  readonly distinct: readonly number[];
}

export async function mergeData(pairs: readonly Pair[], embedder: CachedEmbedder, which: 'tune' | 'report'): Promise<MergeData> {
  const side = pairs.filter((p) => (bucket(p.repository) % 2 === 0) === (which === 'tune'));
  const kept = [...Map.groupBy(side, (p) => `${p.commit} ${p.cwe} ${p.language}`).values()].flatMap((list) => list.slice(0, MOST_OF_ONE));
  const vectors = await embedder.embed(kept.map((p) => clip(mergeText(p.vulnerable, p.description))));
  const same: number[] = [];
  const distinct: number[] = [];
  for (const group of Map.groupBy(kept.map((p, i) => ({ p, v: vectors[i]! })), ({ p }) => `${p.cwe} ${p.language}`).values()) {
    for (const [i, a] of group.entries()) {
      for (const b of group.slice(i + 1)) {
        if (a.p.commit === b.p.commit) same.push(cosine(a.v, b.v));
        else if (a.p.repository !== b.p.repository) distinct.push(cosine(a.v, b.v));
      }
    }
  }
  return { same, distinct };
}

const over = (list: readonly number[], threshold: number) => list.filter((c) => c > threshold).length / (list.length || 1);

/** The threshold with the best trade: a wrong merge hides a mistake, a missed one only repeats a note, so a wrong one costs ten times as much. */
export function bestThreshold({ same, distinct }: MergeData): number {
  const tried = Array.from({ length: 61 }, (_, i) => 0.4 + i / 100).map((t) => ({ t, gain: over(same, t) - 10 * over(distinct, t) }));
  return tried.reduce((best, x) => (x.gain > best.gain + 1e-9 ? x : best)).t;
}

export function describeMerging(data: MergeData, thresholds: readonly number[]): string {
  const quantile = (list: readonly number[], q: number) => (list.toSorted((a, b) => a - b)[Math.floor(q * (list.length - 1))] ?? 0).toFixed(2);
  const row = (name: string, list: readonly number[]) => `${name.padEnd(16)} ${String(list.length).padStart(6)}  ${[0.05, 0.25, 0.5, 0.75, 0.95, 0.99].map((q) => quantile(list, q)).join('  ')}`;
  return [
    `${'cosine'.padEnd(16)} ${'pairs'.padStart(6)}    5%   25%   50%   75%   95%   99%`,
    row('same mistake', data.same),
    row('distinct', data.distinct),
    ...thresholds.map((t) => `  over ${t.toFixed(2)}: ${(100 * over(data.same, t)).toFixed(1)} % of the same, ${(100 * over(data.distinct, t)).toFixed(2)} % of the distinct`),
  ].join('\n');
}
