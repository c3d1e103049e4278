/**
 * Which CWE comes first? hit@k and MRR of knowledge retrieval on vulnerable functions whose CWE is known, beside the
 * majority class, BM25, dense and their plain fusion. Half of the commits tune, the other half report; no commit is on
 * both sides, neither between knowledge and queries nor between the halves.
 *
 * Needs `../shared/data/safecoder/pairs.jsonl` (or SAFENOTE_PAIRS); says so and ends where it is absent.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canonicalLanguage } from '../src/core/language.ts';
import { normalizeCwe } from '../src/core/cwe.ts';
import { KnowledgeRetriever, type SampleVectors } from '../src/core/knowledge/knowledge-retriever.ts';
import type { Guideline, KnowledgeBase, Sample } from '../src/core/knowledge/knowledge.ts';
import { SILENT } from '../src/core/log.ts';
import { LexicalIndex } from '../src/core/retrieval/bm25.ts';
import { cosine } from '../src/core/retrieval/embedder.ts';
import { fuse } from '../src/core/retrieval/fusion.ts';
import { apisOfCode } from '../src/core/retrieval/note-retriever.ts';
import type { RetrievalQuery } from '../src/core/retrieval/query.ts';
import { codeTokens } from '../src/core/retrieval/tokens.ts';
import { AnalysisWorker } from '../src/node/analysis/client.ts';
import { BuiltinAnalyzer } from '../src/node/analyzers/builtin.ts';
import { Assets } from '../src/node/assets.ts';
import { WorkerEmbedder } from '../src/node/embedding/worker-embedder.ts';

interface Pair {
  readonly id: string;
  readonly cwe: string;
  readonly language: string;
  readonly description: string | null;
  readonly vulnerable: string;
  readonly secure: string;
  readonly commit_link: string;
}

const root = path.resolve(import.meta.dirname, '..');
const file = process.env['SAFENOTE_PAIRS'] ?? path.join(root, '../shared/data/safecoder/pairs.jsonl');
if (!existsSync(file)) {
  console.log(`retrieval quality: skipped, ${path.relative(root, file)} is not there`);
  process.exit(0);
}
const half = process.argv.includes('--tune') ? 'tune' : 'report';
const pairs = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Pair);
const bucket = (commit: string) => createHash('sha256').update(commit).digest()[0]! % 10;
// 6 of 10 commits are knowledge, 2 tune, 2 report.
const base = pairs.filter((p) => bucket(p.commit_link) < 6);
const queries = pairs.filter((p) => (half === 'tune' ? [6, 7] : [8, 9]).includes(bucket(p.commit_link)));

const assetsRoot = path.join(root, 'dist');
const embedder = new WorkerEmbedder({ assetsRoot, modelId: 'all-MiniLM-L6-v2', log: SILENT });
const parser = new AnalysisWorker({ assetsRoot, log: SILENT });
const builtin = new BuiltinAnalyzer({ worker: parser, assetsRoot });
const library = await new Assets(assetsRoot).knowledge();

const cacheFile = path.join(root, '.cache/retrieval-vectors.json');
const cache: Record<string, number[]> = existsSync(cacheFile) ? (JSON.parse(readFileSync(cacheFile, 'utf8')) as Record<string, number[]>) : {};
async function embed(texts: readonly string[]): Promise<Float32Array[]> {
  const keys = texts.map((t) => createHash('sha256').update(t).digest('hex').slice(0, 24));
  const missing = [...new Set(texts.filter((_, i) => !cache[keys[i]!]))];
  for (let at = 0; at < missing.length; at += 32) {
    const part = missing.slice(at, at + 32);
    const vectors = await embedder.embed(part);
    part.forEach((t, i) => (cache[createHash('sha256').update(t).digest('hex').slice(0, 24)] = [...vectors[i]!]));
    process.stderr.write(`\rembedding ${Math.min(at + 32, missing.length)}/${missing.length} `);
  }
  if (missing.length > 0) writeFileSync(cacheFile, JSON.stringify(cache));
  return keys.map((k) => new Float32Array(cache[k]!));
}

const cweOf = (p: Pair) => normalizeCwe(p.cwe) ?? p.cwe;
const sampleOf = (p: Pair): Sample => ({ id: p.id, cwe: cweOf(p), language: canonicalLanguage(p.language), description: p.description ?? '', apis: apisOfCode(p.vulnerable), causes: [], vulnerable: p.vulnerable.slice(0, 6000), secure: p.secure, slice: p.secure.slice(0, 3000) });
const samples = base.map(sampleOf);
const clip = (text: string) => text.slice(0, 3000);
const sampleCode = await embed(samples.map((s) => clip(s.vulnerable)));
const sampleTask = await embed(samples.map((s) => s.description || clip(s.vulnerable)));
const queryCode = await embed(queries.map((q) => clip(q.vulnerable)));
const queryTask = await embed(queries.map((q) => q.description ?? clip(q.vulnerable)));
const rows = new Map(samples.map((s, i) => [s.id, i]));
const vectors: SampleVectors = { modelId: embedder.modelId, get: (id, facet) => (facet === 'code' ? sampleCode : sampleTask)[rows.get(id) ?? -1] };

type Rank = (query: Pair, at: number) => string[] | Promise<string[]>;
const distinct = (list: readonly string[]) => [...new Set(list)];
const sameLanguage = (q: Pair) => (id: string) => samples[rows.get(id)!]!.language === canonicalLanguage(q.language);
const bm25 = new LexicalIndex();
for (const s of samples) bm25.add(s.id, codeTokens(s.vulnerable));
const byBm25 = (q: Pair) => bm25.search(codeTokens(q.vulnerable)).map((r) => r.id).filter(sameLanguage(q));
const byDense = (q: Pair, at: number) => samples.map((s, i) => ({ id: s.id, score: cosine(sampleCode[i]!, queryCode[at]!) })).sort((a, b) => b.score - a.score).map((r) => r.id).filter(sameLanguage(q));
const cwes = (ids: readonly string[]) => distinct(ids.map((id) => samples[rows.get(id)!]!.cwe));
const counts = new Map<string, number>();
for (const s of samples) counts.set(`${s.language} ${s.cwe}`, (counts.get(`${s.language} ${s.cwe}`) ?? 0) + 1);

const drafts = await Promise.all(queries.map(async (q) => (await builtin.analyze({ path: `q.${q.language}`, language: canonicalLanguage(q.language), text: clip(q.vulnerable) }, new AbortController().signal)).findings.flatMap((f) => f.cwe)));
const queryOf = (q: Pair, at: number): RetrievalQuery => ({ language: canonicalLanguage(q.language), task: q.description ?? '', code: clip(q.vulnerable), apis: apisOfCode(clip(q.vulnerable)), ownApis: [], draftCwes: distinct(drafts[at]!) });
const guidelines: Guideline[] = distinct([...library.guidelines.map((g) => g.cwe), ...samples.map((s) => s.cwe)]).map(
  (cwe) => library.guidelines.find((g) => g.cwe === cwe) ?? { cwe, title: cwe, detectable: true, apis: {}, keywords: [], causes: [], practices: [], pitfalls: [] },
);
const pairsBase: KnowledgeBase = { guidelines, samples };
const safenote = new KnowledgeRetriever(pairsBase, vectors);
const alone = new KnowledgeRetriever(library, await new Assets(assetsRoot).sampleVectors(embedder.modelId));
const ask = (retriever: KnowledgeRetriever, drafted: boolean): Rank => (q, at) => {
  const query = queryOf(q, at);
  return retriever.retrieve(drafted ? query : { ...query, draftCwes: [] }, { code: queryCode[at]!, ...(q.description ? { task: queryTask[at]! } : {}) }, { limit: 50, minSimilarity: 0 }).map((r) => r.item.guideline.cwe);
};
const systems: Record<string, Rank> = {
  'majority class': (q) => [...counts].filter(([key]) => key.startsWith(`${canonicalLanguage(q.language)} `)).sort((a, b) => b[1] - a[1]).map(([key]) => key.split(' ')[1]!),
  'BM25 on code': (q) => cwes(byBm25(q)),
  'dense on code': (q, at) => cwes(byDense(q, at)),
  'fused (equal)': (q, at) => cwes(fuse([{ ids: byBm25(q), weight: 1 }, { ids: byDense(q, at), weight: 1 }]).map((r) => r.id)),
  'SafeNote, no draft findings': ask(safenote, false),
  SafeNote: ask(safenote, true),
  'SafeNote, library alone': ask(alone, true),
};
console.log(`${half}: ${queries.length} queries, ${samples.length} pairs as knowledge, library of ${library.samples.length} samples`);
console.log('system'.padEnd(30), 'hit@1', 'hit@3', 'hit@5', '  MRR');
for (const [name, rank] of Object.entries(systems)) {
  const places = await Promise.all(queries.map(async (q, at) => (await rank(q, at)).indexOf(cweOf(q))));
  const hit = (k: number) => (places.filter((p) => p >= 0 && p < k).length / places.length).toFixed(3);
  const mrr = places.reduce((sum, p) => sum + (p < 0 ? 0 : 1 / (p + 1)), 0) / places.length;
  console.log(name.padEnd(30), hit(1), hit(3), hit(5), mrr.toFixed(3));
}
await embedder.dispose();
await parser.dispose();
