/** Retrieval over both notebooks, the query already embedded: lexical and dense rankings fused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT } from '../src/core/log.ts';
import { Notebook } from '../src/core/notebook/notebook.ts';
import type { StoredNote } from '../src/core/notebook/note.ts';
import type { RetrievalQuery } from '../src/core/retrieval/query.ts';
import { VectraNoteIndex } from '../src/node/index/vectra-note-index.ts';
import { type BenchRow, percentiles } from './rows.ts';

/** Words are drawn as in code: few are everywhere, most are rare (Zipf), 4,000 in all. */
const STEMS = 'user order invoice path file query cursor table session token report image upload render page cache buffer length index socket request header cookie account mail price stock'.split(' ');

/** Pseudo-random numbers that are the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const VOCABULARY = 4000;

export function makeNote(n: number, next: () => number): StoredNote {
  const word = () => {
    const rank = Math.floor(VOCABULARY ** next()) - 1;
    return `${STEMS[rank % STEMS.length] ?? 'user'}${rank < STEMS.length ? '' : Math.floor(rank / STEMS.length)}`;
  };
  const lines = Array.from({ length: 12 }, () => `    ${word()}_${word()} = ${word()}.${word()}(${word()}, ${word()}_${Math.floor(next() * 500)})`);
  const note = {
    id: `note-${n}`, kind: n % 2 ? ('security' as const) : ('function' as const), title: `${word()} ${word()}`, cwe: 'CWE-89', language: 'python', rule: 'r', ruleFamily: 'f', frequency: 1, origin: 'completion' as const, model: 'm',
    created: '', updated: '', status: 'active' as const, tasks: [`${word()} the ${word()} of a ${word()} by ${word()} ${n}`], erroneousCode: `import ${word()}\ndef ${word()}_${n}(${word()}):\n${lines.join('\n')}`, diagnosis: 'd', guidance: 'g',
  };
  return { note, file: '', quarantined: false };
}

function unit(next: () => number): Float32Array {
  const v = Float32Array.from({ length: 384 }, () => next() - 0.5);
  const norm = Math.hypot(...v);
  return v.map((x) => x / norm);
}

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of [100, 1000, 10_000]) {
    const next = random(size);
    const notes = Array.from({ length: size }, (_, n) => makeNote(n, next));
    const folder = mkdtempSync(path.join(tmpdir(), 'safenote-bench-'));
    const embedder = { modelId: 'bench', dimensions: 384, embed: (texts: readonly string[]) => Promise.resolve(texts.map(() => unit(next))) };
    const index = new VectraNoteIndex({ folder, embedder });
    const store = { load: () => Promise.resolve({ notes, setAside: [] }) } as never;
    const notebook = new Notebook({ store, index, embedder, hash: (text) => text.slice(0, 80), log: SILENT });
    await notebook.indexer?.sync(notes);
    await notebook.indexer?.idle();
    const times: number[] = [];
    for (let n = 0; n < 120; n++) {
      const { note } = notes[Math.floor(next() * size)]!;
      const query: RetrievalQuery = { language: 'python', task: note.tasks[0] ?? '', code: note.erroneousCode, apis: ['cursor.query', 'file.path'], ownApis: ['order'], draftCwes: [] };
      const vectors = { code: unit(next), task: unit(next) };
      const started = performance.now();
      await notebook.retrieve(query, vectors, { model: 'm', limit: { security: 5, function: 5 }, minSimilarity: 0.35 });
      // The first ones build the lexical side and are what a cold start costs.
      if (n >= 20) times.push(performance.now() - started);
    }
    const { median, p95 } = percentiles(times);
    rows.push({ name: `both notebooks at ${size} notes, median`, value: median, unit: 'ms' });
    rows.push({ name: `both notebooks at ${size} notes, p95`, value: p95, unit: 'ms', ...(size === 10_000 ? { budget: 15 } : {}) });
    await index.flush();
    rmSync(folder, { recursive: true, force: true });
  }
  return rows;
}
