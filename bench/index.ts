/** The vector index: searching and storing, beside vectra as it is published, on the same vectors. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalIndex } from 'vectra';
import { FACETS } from '../src/core/notebook/note-index.ts';
import type { IndexedNote } from '../src/core/notebook/note-index.ts';
import { VectraNoteIndex } from '../src/node/index/vectra-note-index.ts';
import { type BenchRow, percentiles } from './rows.ts';

const DIMENSIONS = 384;
const KINDS = ['security', 'function'] as const;
const QUERY_FACETS = ['code', 'task'] as const;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of [100, 1000, 10_000]) {
    const notes: IndexedNote[] = Array.from({ length: size }, (_, i) => ({ noteId: `note-${i}`, kind: KINDS[i % 2]!, contentHash: `${i}`.padStart(64, '0'), vectors: { code: unit(), task: unit(), merge: unit() } }));
    const own = await ours(notes);
    const published = await theirs(notes);
    const at = `at ${size} notes`;
    rows.push({ name: `search, 2 notebooks × 2 facets ${at}, p95`, value: percentiles(own.search).p95, unit: 'ms', ...(size === 10_000 && { budget: 15, note: 'the budget is for the whole retrieval' }) });
    rows.push({ name: `  the same by vectra as published ${at}, p95`, value: percentiles(published.search).p95, unit: 'ms', note: `${ratio(published.search, own.search)} times ours` });
    rows.push({ name: `storing a note's vectors ${at}, p95`, value: percentiles(own.store).p95, unit: 'ms', ...(size === 10_000 && { budget: 20 }) });
    rows.push({ name: `  the same by vectra as published ${at}, median`, value: percentiles(published.store).median, unit: 'ms', note: `${ratio(published.store, own.store)} times ours` });
    rows.push({ name: `saving in the background ${at}`, value: own.save, unit: 'ms' });
    rows.push({ name: `opening ${at}`, value: own.open, unit: 'ms' });
    rows.push({ name: `  the same by vectra as published ${at}`, value: published.open, unit: 'ms' });
    rows.push({ name: `on disk ${at}`, value: own.megabytes, unit: 'MB', note: `vectra as published: ${published.megabytes.toFixed(0)} MB` });
  }
  return rows;
}

interface Measured {
  readonly search: number[];
  readonly store: number[];
  readonly save: number;
  readonly open: number;
  readonly megabytes: number;
}

async function ours(notes: readonly IndexedNote[]): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safenote-bench-'));
  const embedder = { modelId: 'bench', dimensions: DIMENSIONS };
  try {
    const writer = new VectraNoteIndex({ folder, embedder });
    await writer.upsert(notes);
    const save = await timed(() => writer.flush());
    const index = new VectraNoteIndex({ folder, embedder });
    const open = await timed(() => index.known());
    const search: number[] = [];
    for (let i = 0; i < 60; i++) {
      const query = { code: unit(), task: unit() };
      const ms = await timed(async () => {
        for (const kind of KINDS) for (const facet of QUERY_FACETS) await index.nearest(kind, facet, query[facet], 50);
      });
      // The first ones are run before the engine has optimised the loop.
      if (i >= 10) search.push(ms);
    }
    const store: number[] = [];
    for (let i = 0; i < 50; i++) store.push(await timed(() => index.upsert([{ ...notes[0]!, noteId: `new-${i}` }])));
    await index.flush();
    return { search, store, save, open, megabytes: statSync(path.join(folder, 'index.bin')).size / 1e6 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As the README of vectra shows it: number arrays, one item per vector, JSON on disk, every insert saved. */
async function theirs(notes: readonly IndexedNote[]): Promise<Measured> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safenote-bench-'));
  try {
    const writer = new LocalIndex(folder);
    await writer.createIndex();
    await writer.beginUpdate();
    for (const note of notes) for (const facet of FACETS) await writer.upsertItem({ metadata: { note: note.noteId, kind: note.kind, facet }, vector: [...note.vectors[facet]] });
    const save = await timed(() => writer.endUpdate());
    const index = new LocalIndex(folder);
    const open = await timed(() => index.getIndexStats());
    const search: number[] = [];
    for (let i = 0; i < 12; i++) {
      const query = { code: [...unit()], task: [...unit()] };
      const ms = await timed(async () => {
        for (const kind of KINDS) for (const facet of QUERY_FACETS) await index.queryItems(query[facet], '', 50, { kind: { $eq: kind }, facet: { $eq: facet } });
      });
      if (i >= 2) search.push(ms);
    }
    const store: number[] = [];
    for (let i = 0; i < 3; i++) {
      store.push(await timed(async () => {
        for (const facet of FACETS) await index.insertItem({ metadata: { note: `new-${i}`, kind: 'security', facet }, vector: [...notes[0]!.vectors[facet]] });
      }));
    }
    return { search, store, save, open, megabytes: statSync(path.join(folder, 'index.json')).size / 1e6 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ratio(a: readonly number[], b: readonly number[]): string {
  return (percentiles(a).median / percentiles(b).median).toFixed(1);
}

function unit(): Float32Array {
  const vector = Float32Array.from({ length: DIMENSIONS }, () => Math.random() - 0.5);
  const norm = Math.hypot(...vector);
  return vector.map((x) => x / norm);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
