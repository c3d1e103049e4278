/**
 * How good is retrieval? `npm run bench:retrieval [-- --tune] [-- --model FOLDER]`
 *
 * 1. Which CWE comes first (hit@k, MRR), on vulnerable functions of `../shared/data/safecoder`, beside the majority class,
 *    BM25, dense, their fusion and votes; and the library alone on the prompts of the other data sets.
 * 2. Which note comes first, for notes and similar tasks in one notebook.
 * 3. From which similarity on two failures are one (`merge.similarity`).
 *
 * What tunes never reports: commits (1, 3), projects (2) and prompts are on one side only. `--tune` prints the weights that the
 * tuning part would choose beside those in use. `SAFENOTE_DATA` names another data folder, `SAFENOTE_BGE` (or `--model`) a folder with
 * BAAI/bge-base-en-v1.5 in ONNX form. What is absent is named and skipped.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { KNOWLEDGE_WEIGHTS, KnowledgeRetriever } from '../src/core/knowledge/knowledge-retriever.ts';
import { SILENT } from '../src/core/log.ts';
import { AnalysisWorker } from '../src/node/analysis/client.ts';
import { BuiltinAnalyzer } from '../src/node/analyzers/builtin.ts';
import { Assets } from '../src/node/assets.ts';
import { bucket, PAIRS_FILE, readPairs, readPrompts, ROOT } from './quality/data.ts';
import { CachedEmbedder } from './quality/embeddings.ts';
import { compare, lookAtPrompts, prepare, ranked, type Tools, tuneWeights } from './quality/knowledge.ts';
import { bestThreshold, describeMerging, mergeData } from './quality/merging.ts';
import { compareNotes, libraryCases, noteBench, projectCases, tuneNotes } from './quality/notes.ts';
import { table } from './quality/ranks.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';

const assetsRoot = path.join(ROOT, 'dist');
const flag = process.argv.indexOf('--model');
const bge = flag === -1 ? process.env['SAFENOTE_BGE'] : process.argv[flag + 1];
const assets = new Assets(assetsRoot);
const library = await assets.knowledge();
const parser = new AnalysisWorker({ assetsRoot, log: SILENT });
const builtin = new BuiltinAnalyzer({ worker: parser, assetsRoot });
const tuning = process.argv.includes('--tune');
const pairs = readPairs();
const { prompts, missing } = readPrompts();

async function withModel(folder: string | undefined): Promise<void> {
  const embedder = new CachedEmbedder(folder);
  const tools: Tools = { embedder, parser, builtin, library };
  try {
    console.log(`\n=== ${embedder.name} ===`);
    const packed = folder === undefined ? await assets.sampleVectors(embedder.modelId) : await vectorsOf(embedder);
    const alone = new KnowledgeRetriever(library, packed);
    const covered = new Set(library.samples.map((s) => `${s.cwe} ${s.language}`));
    const asked = prompts.filter((p) => covered.has(`${p.cwe} ${p.language}`));
    const looked = await lookAtPrompts(asked, alone, tools);
    const tunes = (id: string) => bucket(id) % 2 === 0;

    if (pairs) {
      const all = await prepare(pairs, tools);
      const rows = pairs.map((_, i) => i);
      const part = rows.filter((i) => bucket(pairs[i]!.commit) < 8);
      const held = rows.filter((i) => bucket(pairs[i]!.commit) >= 8);
      console.log(`\nRight CWE, same language. Tuned by cross-validation over the commits of ${part.length} pairs, which are the knowledge here; reported on ${held.length} pairs of other commits.`);
      console.log(table(compare(all, part, held, tools, alone)));
      if (tuning) {
        const half = asked.flatMap((p, i) => (tunes(p.id) ? [{ looked: looked[i]!, cwe: p.cwe }] : []));
        console.log(`\n${tuneWeights(all, part, tools, half).lines.join('\n')}`);
      }
    } else console.log(`pairs: skipped, ${path.relative(ROOT, PAIRS_FILE)} is not there`);

    if (missing.length > 0) console.log(`prompts of ${missing.join(', ')}: skipped, they are not there`);
    const places = (sets: (p: (typeof asked)[number]) => boolean) => asked.flatMap((p, i) => (sets(p) ? [ranked(looked[i]!, KNOWLEDGE_WEIGHTS.cwe, () => true).indexOf(p.cwe)] : []));
    if (asked.length > 0) {
      console.log(`\nThe library alone on prompts of other sets whose CWE and language it covers; half of them, by id, took part in tuning.`);
      console.log(table({ ...Object.fromEntries([...new Set(asked.map((p) => p.set))].map((set) => [set, places((p) => p.set === set)])), 'all, the half that reports': places((p) => !tunes(p.id)), 'all, the half that tunes': places((p) => tunes(p.id)) }));
    }

    const benches = [];
    for (const cases of [libraryCases(library.samples), ...(pairs ? [projectCases(pairs)] : [])]) {
      const bench = await noteBench(cases, embedder);
      benches.push(bench);
      console.log(`\nThe right note first, ${cases.name}: ${[...cases.notebooks.values()].map((n) => n.length).join(' + ')} notes; weights from ${cases.tasks.filter((t) => t.tunes).length} other tasks.`);
      console.log(table(await compareNotes(bench, (t) => !t.tunes)));
    }
    if (tuning) console.log(`\n${(await tuneNotes(benches)).lines.join('\n')}`);

    if (pairs) {
      const tune = await mergeData(pairs, embedder, 'tune');
      const report = await mergeData(pairs, embedder, 'report');
      const best = bestThreshold(tune);
      console.log(`\nMerging: pairs of failures of one CWE and language. The best threshold on half of the projects is ${best.toFixed(2)}; in use: ${DEFAULT_SETTINGS['merge.similarity']}. On the other half:`);
      console.log(describeMerging(report, [...new Set([0.7, 0.75, 0.8, 0.85, 0.9, 0.95, best])].sort()));
    }
  } finally {
    await embedder.dispose();
  }
}

async function vectorsOf(embedder: CachedEmbedder) {
  const code = await embedder.embed(library.samples.map((s) => s.vulnerable));
  const task = await embedder.embed(library.samples.map((s) => s.description));
  const at = new Map(library.samples.map((s, i) => [s.id, i]));
  return { modelId: embedder.modelId, get: (id: string, facet: 'code' | 'task') => (facet === 'code' ? code : task)[at.get(id) ?? -1] };
}

try {
  await withModel(undefined);
  if (bge && existsSync(path.join(bge, 'config.json'))) await withModel(bge);
  else console.log(`\nbge-base-en-v1.5: skipped, ${bge ? `${bge} holds no model` : 'no folder with its files was named (--model FOLDER or SAFENOTE_BGE)'}`);
} finally {
  await parser.dispose();
}
