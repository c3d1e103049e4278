import type { Retrieved, RetrievedKnowledge } from '../completion/types.ts';
import { LexicalIndex } from '../retrieval/bm25.ts';
import { cosine } from '../retrieval/embedder.ts';
import { fuse } from '../retrieval/fusion.ts';
import { languageFamily, type QueryVectors, type RetrievalQuery, sameFamily } from '../retrieval/query.ts';
import { apiTokens, codeTokens, textTokens } from '../retrieval/tokens.ts';
import { CweEvidence } from './cwe-evidence.ts';
import type { Guideline, KnowledgeBase, Sample } from './knowledge.ts';

/** Port: vectors of the samples, made when the knowledge base was packed or in the background. */
export interface SampleVectors {
  readonly modelId: string;
  get(sampleId: string, facet: 'code' | 'task'): Float32Array | undefined;
}

/**
 * Weights of the four facets (paper §3.2, step 2) in the fusion of samples, and of the evidence for a CWE: the votes of the
 * nearest samples, what the terms suggest, the guideline's APIs and words, what a rule saw in a draft. Chosen by
 * cross-validation over commits (bench/retrieval-quality.mts), reported on other commits.
 */
export const KNOWLEDGE_WEIGHTS = {
  sample: { codeLexical: 1.5, codeDense: 1, taskLexical: 0.5, taskDense: 2, apis: 0.5, causes: 0.5 },
  cwe: { votes: 1, terms: 0.5, apis: 0.3, text: 0.3, draft: 0.8 },
} as const;

/** So many of the fused samples vote for their CWE. */
const VOTERS = 20;
const DEPTH = 60;

/**
 * Hierarchical retrieval (paper §3.2, step 2): CWEs from APIs, causes and the votes of the nearest samples; within a CWE
 * the sample that fits best. One entry per CWE.
 */
export class KnowledgeRetriever {
  private readonly samples = new Map<string, Sample>();
  private readonly guidelines = new Map<string, Guideline>();
  private readonly code = new LexicalIndex();
  private readonly task = new LexicalIndex();
  private readonly apis = new LexicalIndex();
  private readonly causes = new LexicalIndex();
  private readonly guidelineText = new LexicalIndex();
  /** Language family → which guidelines name which API. */
  private readonly guidelineApis = new Map<string, LexicalIndex>();
  /** Language family → what its samples' terms say about CWEs. */
  private readonly terms = new Map<string, CweEvidence>();
  private readonly vectors: SampleVectors | undefined;

  constructor(base: KnowledgeBase, vectors?: SampleVectors) {
    this.vectors = vectors;
    for (const sample of base.samples) {
      this.samples.set(sample.id, sample);
      this.code.add(sample.id, codeTokens(`${sample.vulnerable}\n${sample.slice}`));
      this.task.add(sample.id, textTokens(sample.description));
      this.apis.add(sample.id, apiTokens(sample.apis));
      this.causes.add(sample.id, textTokens(sample.causes.join('\n')));
      const family = languageFamily(sample.language);
      const terms = this.terms.get(family) ?? new CweEvidence();
      this.terms.set(family, terms);
      terms.add(sample, termsOf(codeTokens(sample.vulnerable), apiTokens(sample.apis), textTokens(sample.description)));
    }
    for (const guideline of base.guidelines) {
      this.guidelines.set(guideline.cwe, guideline);
      this.guidelineText.add(guideline.cwe, textTokens([guideline.title, ...guideline.keywords, ...guideline.keywords, ...guideline.causes].join('\n')));
      for (const [language, apis] of Object.entries(guideline.apis)) {
        const index = this.guidelineApis.get(language) ?? new LexicalIndex();
        this.guidelineApis.set(language, index);
        index.add(guideline.cwe, apiTokens(apis));
      }
    }
  }

  get size(): number {
    return this.samples.size;
  }

  guideline(cwe: string): Guideline | undefined {
    return this.guidelines.get(cwe);
  }

  /** Any sample of a CWE in a language, for a fix; the first by id. */
  sampleFor(cwe: string, language: string): Sample | undefined {
    return [...this.samples.values()].find((s) => s.cwe === cwe && sameFamily(s.language, language));
  }

  /** The best CWEs first, at most `limit`, each with its best sample. */
  retrieve(query: RetrievalQuery, vectors: QueryVectors, options: { limit: number; minSimilarity: number; without?: string }): Retrieved<RetrievedKnowledge>[] {
    const code = codeTokens(query.code);
    const task = textTokens(query.task);
    const apis = apiTokens(query.apis);
    const fits = (id: string) => {
      const sample = this.samples.get(id);
      return sample !== undefined && id !== options.without && sameFamily(sample.language, query.language);
    };
    const lexical = (index: LexicalIndex, tokens: readonly string[]) => index.search(tokens).map((r) => r.id).filter(fits).slice(0, DEPTH);
    const dense = { code: this.nearest('code', vectors.code, fits), task: this.nearest('task', vectors.task, fits) };
    const w = KNOWLEDGE_WEIGHTS.sample;
    const ranked = fuse([
      { ids: lexical(this.code, code), weight: w.codeLexical },
      { ids: dense.code.ids, weight: w.codeDense },
      { ids: lexical(this.task, task), weight: w.taskLexical },
      { ids: dense.task.ids, weight: w.taskDense },
      { ids: lexical(this.apis, apis), weight: w.apis },
      { ids: lexical(this.causes, task), weight: w.causes },
    ]);

    const cweOf = (id: string) => this.samples.get(id)?.cwe ?? '';
    const votes = new Map<string, number>();
    ranked.slice(0, VOTERS).forEach(({ id }, at) => votes.set(cweOf(id), (votes.get(cweOf(id)) ?? 0) + 1 / (at + 1)));
    const byApi = shares(this.guidelineApis.get(query.language)?.search(apis) ?? []);
    const v = KNOWLEDGE_WEIGHTS.cwe;
    const evidence: [number, ReadonlyMap<string, number>][] = [
      [v.votes, shares([...votes].map(([id, score]) => ({ id, score })))],
      [v.terms, this.terms.get(languageFamily(query.language))?.posterior(termsOf(code, apis, task)) ?? new Map<string, number>()],
      [v.apis, byApi],
      [v.text, shares(this.guidelineText.search(task))],
      [v.draft, new Map(query.draftCwes.map((cwe) => [cwe, 1]))],
    ];
    const totals = new Map<string, number>();
    for (const [weight, shared] of evidence) for (const [cwe, share] of shared) if (this.guidelines.has(cwe)) totals.set(cwe, (totals.get(cwe) ?? 0) + weight * share);
    const cwes = [...totals].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));

    const best = new Map<string, string>();
    for (const { id } of ranked) if (!best.has(cweOf(id))) best.set(cweOf(id), id);
    return cwes.slice(0, options.limit).flatMap(({ id: cwe, score }) => {
      const guideline = this.guidelines.get(cwe);
      if (!guideline) return [];
      const sampleId = best.get(cwe);
      const relevance = this.relevance(cwe, sampleId, { code, task, dense, apiHit: byApi.has(cwe), drafted: query.draftCwes.includes(cwe) });
      return [{ item: { guideline, sample: sampleId === undefined ? undefined : this.samples.get(sampleId) }, score, passesGate: relevance >= options.minSimilarity }];
    });
  }

  private nearest(facet: 'code' | 'task', vector: Float32Array | undefined, fits: (id: string) => boolean): { ids: string[]; similarity: Map<string, number> } {
    const similarity = new Map<string, number>();
    if (!vector || !this.vectors) return { ids: [], similarity };
    for (const id of this.samples.keys()) {
      const own = fits(id) ? this.vectors.get(id, facet) : undefined;
      if (own && own.length === vector.length) similarity.set(id, cosine(own, vector));
    }
    const ids = [...similarity].sort((a, b) => b[1] - a[1]).slice(0, DEPTH).map(([id]) => id);
    return { ids, similarity };
  }

  /**
   * Whether this CWE has to do with the request, in [0, 1]. What a rule saw in a draft always has. The weights separate
   * ordinary tasks from security tasks at 0.35, fitted on one part of bench/gate.mts's tasks and looked at on the other:
   * an API that the guideline names is enough by itself, and so is code much like the sample's.
   */
  private relevance(
    cwe: string,
    sampleId: string | undefined,
    e: { code: readonly string[]; task: readonly string[]; dense: Record<'code' | 'task', { similarity: Map<string, number> }>; apiHit: boolean; drafted: boolean },
  ): number {
    if (e.drafted) return 1;
    const own = sampleId ?? '';
    const words = this.guidelineText.coverage(e.task)(cwe);
    const api = e.apiHit ? 1 : 0;
    if (e.dense.task.similarity.size === 0 && e.dense.code.similarity.size === 0) return Math.min(1, 0.7 * this.code.coverage(e.code)(own) + 0.85 * words + 0.35 * api);
    const dense = 0.24 * Math.max(0, e.dense.task.similarity.get(own) ?? 0) + 0.61 * Math.max(0, e.dense.code.similarity.get(own) ?? 0);
    return Math.min(1, dense + 0.24 * words + 0.35 * api);
  }
}

/** Scores as shares of their sum, so that evidence of different kinds can be added. */
function shares(ranked: readonly { readonly id: string; readonly score: number }[]): Map<string, number> {
  const total = ranked.reduce((sum, r) => sum + r.score, 0);
  return new Map(ranked.map((r) => [r.id, r.score / (total || 1)]));
}

/** One vocabulary for code, APIs and words, told apart by a mark. */
function termsOf(code: readonly string[], apis: readonly string[], words: readonly string[]): string[] {
  return [...code, ...apis.map((api) => `@${api}`), ...words.map((word) => `#${word}`)];
}
