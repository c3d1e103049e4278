/** Which CWE comes first? Knowledge retrieval on vulnerable functions whose CWE is known, and the library alone on prompts of other sets. */
import { requestContext } from '../../src/core/completion/context.ts';
import { type EvidenceKind, KNOWLEDGE_WEIGHTS, KnowledgeRetriever, type Looked, type SampleVectors } from '../../src/core/knowledge/knowledge-retriever.ts';
import type { Guideline, KnowledgeBase, Sample } from '../../src/core/knowledge/knowledge.ts';
import { extensionFor } from '../../src/core/language.ts';
import { LexicalIndex } from '../../src/core/retrieval/bm25.ts';
import { cosine } from '../../src/core/retrieval/embedder.ts';
import { fuse } from '../../src/core/retrieval/fusion.ts';
import { apisOfCode } from '../../src/core/retrieval/note-retriever.ts';
import type { RetrievalQuery } from '../../src/core/retrieval/query.ts';
import { codeTokens } from '../../src/core/retrieval/tokens.ts';
import type { AnalysisWorker } from '../../src/node/analysis/client.ts';
import type { BuiltinAnalyzer } from '../../src/node/analyzers/builtin.ts';
import { bucket, type Pair, type Prompt } from './data.ts';
import { type CachedEmbedder, clip } from './embeddings.ts';
import { climb, hit, mrr } from './ranks.ts';

export interface Tools {
  readonly embedder: CachedEmbedder;
  readonly parser: AnalysisWorker;
  readonly builtin: BuiltinAnalyzer;
  readonly library: KnowledgeBase;
}

type Vectors = readonly (Float32Array | undefined)[];

/** Pairs with everything that retrieval wants to know of them. */
export interface Prepared {
  readonly pairs: readonly Pair[];
  readonly samples: readonly Sample[];
  readonly code: Vectors;
  readonly task: Vectors;
  /** What the in-process rules see in the vulnerable side. */
  readonly seen: readonly (readonly string[])[];
}

export async function prepare(pairs: readonly Pair[], tools: Tools): Promise<Prepared> {
  const samples = pairs.map((p): Sample => ({ id: p.id, cwe: p.cwe, language: p.language, description: p.description, apis: apisOfCode(p.vulnerable).slice(0, 24), causes: [], vulnerable: p.vulnerable, secure: p.secure, slice: clip(p.secure) }));
  const signal = new AbortController().signal;
  const seen: string[][] = [];
  for (const p of pairs) seen.push([...new Set((await tools.builtin.analyze({ path: `q.${p.language}`, language: p.language, text: p.vulnerable }, signal)).findings.flatMap((f) => f.cwe))]);
  return { pairs, samples, code: await tools.embedder.embed(pairs.map((p) => clip(p.vulnerable))), task: await tools.embedder.embed(pairs.map((p) => p.description)), seen };
}

/** A retriever over some of the pairs. Every CWE has a guideline: the library's, or an empty one. */
function retrieverOf(all: Prepared, rows: readonly number[], tools: Tools): KnowledgeRetriever {
  const samples = rows.map((i) => all.samples[i]!);
  const at = new Map(rows.map((i) => [all.samples[i]!.id, i]));
  const guidelines = [...new Set([...tools.library.guidelines.map((g) => g.cwe), ...samples.map((s) => s.cwe)])].map(
    (cwe): Guideline => tools.library.guidelines.find((g) => g.cwe === cwe) ?? { cwe, title: cwe, detectable: true, apis: {}, keywords: [], causes: [], practices: [], pitfalls: [] },
  );
  const vectors: SampleVectors = { modelId: tools.embedder.modelId, get: (id, facet) => (facet === 'code' ? all.code : all.task)[at.get(id) ?? -1] };
  return new KnowledgeRetriever({ guidelines, samples }, vectors);
}

function queryOf(all: Prepared, i: number, drafted: boolean): { query: RetrievalQuery; vectors: { code?: Float32Array; task?: Float32Array } } {
  const p = all.pairs[i]!;
  const { code, task } = { code: all.code[i], task: all.task[i] };
  return {
    query: { language: p.language, task: p.description, code: p.vulnerable, whole: true, apis: apisOfCode(p.vulnerable), ownApis: [], draftCwes: drafted ? all.seen[i]! : [] },
    vectors: { ...(code ? { code } : {}), ...(task ? { task } : {}) },
  };
}

const distinct = (list: readonly string[]) => [...new Set(list)];

/** hit@k of every system on the pairs `asked`, with the pairs `known` as knowledge. */
export function compare(all: Prepared, known: readonly number[], asked: readonly number[], tools: Tools, alone: KnowledgeRetriever): Record<string, number[]> {
  const retriever = retrieverOf(all, known, tools);
  const bm25 = new LexicalIndex();
  for (const i of known) bm25.add(String(i), codeTokens(all.pairs[i]!.vulnerable));
  const same = (q: number) => (i: number) => all.pairs[i]!.language === all.pairs[q]!.language;
  const byBm25 = (q: number) => bm25.search(codeTokens(all.pairs[q]!.vulnerable)).map((r) => Number(r.id)).filter(same(q));
  const byDense = (q: number) => known.filter(same(q)).map((i) => ({ i, score: cosine(all.code[i]!, all.code[q]!) })).sort((a, b) => b.score - a.score).map((r) => r.i);
  const fused = (q: number) => fuse([{ ids: byBm25(q).map(String), weight: 1 }, { ids: byDense(q).map(String), weight: 1 }]).map((r) => Number(r.id));
  const cwes = (list: readonly number[]) => distinct(list.map((i) => all.pairs[i]!.cwe));
  const majority = (q: number) => [...Map.groupBy(known.filter(same(q)), (i) => all.pairs[i]!.cwe)].sort((a, b) => b[1].length - a[1].length).map(([cwe]) => cwe);
  const votes = (q: number) => [...Map.groupBy(fused(q).slice(0, 30), (i) => all.pairs[i]!.cwe)].sort((a, b) => b[1].length - a[1].length).map(([cwe]) => cwe);
  const ask = (of: KnowledgeRetriever, drafted: boolean) => (q: number) => {
    const { query, vectors } = queryOf(all, q, drafted);
    return of.retrieve(query, vectors, { limit: 50, minSimilarity: 0 }).map((r) => r.item.guideline.cwe);
  };
  const systems: Record<string, (q: number) => string[]> = {
    'majority class': majority,
    'BM25 on code': (q) => cwes(byBm25(q)),
    'dense on code': (q) => cwes(byDense(q)),
    'fused (equal)': (q) => cwes(fused(q)),
    '30 nearest fused vote': votes,
    'SafeNote, without what rules see': ask(retriever, false),
    SafeNote: ask(retriever, true),
    'SafeNote, library alone': ask(alone, true),
  };
  return Object.fromEntries(Object.entries(systems).map(([name, rank]) => [name, asked.map((q) => rank(q).indexOf(all.pairs[q]!.cwe))]));
}

/** A prompt as a completion request sees it: what stands before the caret, its end embedded. */
export async function lookAtPrompts(prompts: readonly Prompt[], alone: KnowledgeRetriever, tools: Tools): Promise<Looked[]> {
  const queries = await Promise.all(prompts.map(async (p): Promise<RetrievalQuery> => {
    if (!p.code) return { language: p.language, task: p.task, code: '', apis: [], ownApis: [], draftCwes: [] };
    const document = { path: `task.${extensionFor(p.language)}`, language: p.language, text: p.code };
    return requestContext(document, p.code.length, await tools.parser.outline(document, new AbortController().signal), p.task).query;
  }));
  const code = await tools.embedder.embed(queries.map((q) => q.code.trim().slice(-600)));
  const task = await tools.embedder.embed(queries.map((q) => q.task.trim()));
  return queries.map((query, i) => alone.look(query, { ...(code[i] ? { code: code[i] } : {}), ...(task[i] ? { task: task[i] } : {}) }));
}

type CweWeights = Readonly<Record<EvidenceKind, number>>;

/** CWEs of looked-at evidence, best first, under some weights. */
export function ranked(looked: Looked, weights: CweWeights, known: (cwe: string) => boolean): string[] {
  const totals = new Map<string, number>();
  for (const [kind, shares] of Object.entries(looked.evidence)) for (const [cwe, share] of shares) if (known(cwe)) totals.set(cwe, (totals.get(cwe) ?? 0) + weights[kind as EvidenceKind] * share);
  return [...totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([cwe]) => cwe);
}

/** Weights by cross-validation over the commits of the tuning part, held against half of the other sets' prompts. */
export function tuneWeights(all: Prepared, part: readonly number[], tools: Tools, prompts: readonly { looked: Looked; cwe: string }[]): { weights: CweWeights; lines: string[] } {
  const cases: { looked: Looked; cwe: string }[] = [];
  for (const fold of [0, 1, 2, 3]) {
    const inFold = (i: number) => bucket(`${all.pairs[i]!.commit} fold`) % 4 === fold;
    const retriever = retrieverOf(all, part.filter((i) => !inFold(i)), tools);
    for (const i of part.filter(inFold)) {
      const { query, vectors } = queryOf(all, i, true);
      cases.push({ looked: retriever.look(query, vectors), cwe: all.pairs[i]!.cwe });
    }
  }
  const places = (list: typeof cases, weights: CweWeights) => list.map((c) => ranked(c.looked, weights, () => true).indexOf(c.cwe));
  const goodness = (p: readonly number[]) => hit(p, 1) + 0.7 * hit(p, 5) + 0.3 * mrr(p);
  const score = (weights: CweWeights) => goodness(places(cases, weights)) + 0.5 * goodness(places(prompts as typeof cases, weights));
  const { weights } = climb({ ...KNOWLEDGE_WEIGHTS.cwe }, ['votes', 'draft'], score);
  const say = (name: string, w: CweWeights) => `${name}: pairs by cross-validation ${[1, 3, 5].map((k) => hit(places(cases, w), k).toFixed(3)).join(' ')}; other prompts ${[1, 3, 5].map((k) => hit(places(prompts as typeof cases, w), k).toFixed(3)).join(' ')}`;
  return { weights, lines: [say('weights in use', KNOWLEDGE_WEIGHTS.cwe), say('fitted', weights), `  ${JSON.stringify(weights)}`] };
}
