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
 * nearest samples, what the terms suggest, also those of the repaired lines alone, the guideline's APIs and words, what a rule
 * saw in the code. Chosen by cross-validation over commits, held against prompts of other sets (`npm run bench:retrieval -- --tune`).
 */
export const KNOWLEDGE_WEIGHTS = {
  sample: { codeLexical: 1.5, codeDense: 1, taskLexical: 0.5, taskDense: 2, apis: 0.5, causes: 0.5 },
  cwe: { votes: 1, crowd: 0.2, terms: 0.5, changed: 0.8, apis: 0.25, text: 1.2, draft: 3 },
} as const;
export type EvidenceKind = keyof typeof KNOWLEDGE_WEIGHTS.cwe;

/** What there is to say about one CWE and one query, before it is weighed. */
export interface RelevanceSigns {
  readonly drafted: boolean;
  /** The guideline names an API that is in reach. */
  readonly api: boolean;
  /** Share of the task's words that the guideline has, and of the code's terms that the CWE's best sample has. */
  readonly words: number;
  readonly code: number;
  /** Cosine to the CWE's best sample; absent without an embedder. */
  readonly similarity?: { readonly task: number; readonly code: number };
}

export interface Looked {
  /** Kind of evidence → CWE → its share of it. */
  readonly evidence: Readonly<Record<EvidenceKind, ReadonlyMap<string, number>>>;
  /** CWE → its best sample. */
  readonly best: ReadonlyMap<string, string>;
  readonly signs: (cwe: string) => RelevanceSigns;
}

/** So many of the fused samples vote for their CWE. */
const VOTERS = 20;
const CROWD = 30;
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
  /** The same for the lines alone that the secure side does not have: what makes a sample vulnerable. */
  private readonly changed = new Map<string, CweEvidence>();
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
      const changed = this.changed.get(family) ?? new CweEvidence();
      this.changed.set(family, changed);
      changed.add(sample, codeTokens(changedLines(sample)));
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
    const looked = this.look(query, vectors, options.without);
    const totals = new Map<string, number>();
    for (const [kind, shared] of Object.entries(looked.evidence)) {
      const weight = KNOWLEDGE_WEIGHTS.cwe[kind as EvidenceKind];
      for (const [cwe, share] of shared) if (this.guidelines.has(cwe)) totals.set(cwe, (totals.get(cwe) ?? 0) + weight * share);
    }
    const cwes = [...totals].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return cwes.slice(0, options.limit).flatMap(({ id: cwe, score }) => {
      const guideline = this.guidelines.get(cwe);
      if (!guideline) return [];
      const sampleId = looked.best.get(cwe);
      return [{ item: { guideline, sample: sampleId === undefined ? undefined : this.samples.get(sampleId) }, score, passesGate: relevanceOf(looked.signs(cwe)) >= options.minSimilarity }];
    });
  }

  /** What speaks for each CWE, and how each is related to the query; the weights come afterwards. */
  look(query: RetrievalQuery, vectors: QueryVectors, without?: string): Looked {
    const code = codeTokens(query.code);
    const task = textTokens(query.task);
    const apis = apiTokens(query.apis);
    const fits = (id: string) => {
      const sample = this.samples.get(id);
      return sample !== undefined && id !== without && sameFamily(sample.language, query.language);
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
    const family = languageFamily(query.language);
    const known = termsOf(code, apis, task);
    const byApi = shares(this.guidelineApis.get(query.language)?.search(apis) ?? []);
    const evidence: Record<EvidenceKind, ReadonlyMap<string, number>> = {
      votes: tally(ranked.slice(0, VOTERS), cweOf, (at) => 1 / (at + 1)),
      crowd: tally(ranked.slice(0, CROWD), cweOf, () => 1),
      terms: this.terms.get(family)?.posterior(known) ?? NO_EVIDENCE,
      changed: this.changed.get(family)?.posterior(code) ?? NO_EVIDENCE,
      apis: byApi,
      text: shares(this.guidelineText.search(task)),
      draft: new Map(query.draftCwes.map((cwe) => [cwe, 1])),
    };
    const best = new Map<string, string>();
    for (const { id } of ranked) if (!best.has(cweOf(id))) best.set(cweOf(id), id);
    // Once for all CWEs: a query's terms are weighed against the whole index.
    const covered = { code: this.code.coverage(code), words: this.guidelineText.coverage(task) };
    const withVectors = dense.task.similarity.size > 0 || dense.code.similarity.size > 0;
    const signs = (cwe: string): RelevanceSigns => {
      const own = best.get(cwe) ?? '';
      return {
        drafted: query.draftCwes.includes(cwe),
        api: byApi.has(cwe),
        words: covered.words(cwe),
        code: covered.code(own),
        ...(withVectors ? { similarity: { task: dense.task.similarity.get(own) ?? 0, code: dense.code.similarity.get(own) ?? 0 } } : {}),
      };
    };
    return { evidence, best, signs };
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
}

const NO_EVIDENCE: ReadonlyMap<string, number> = new Map();

/**
 * Whether a CWE has to do with the request, in [0, 1]. What a rule saw in a draft always has. The weights separate
 * ordinary tasks from security tasks at 0.35, fitted on one part of bench/gate.mts's tasks and looked at on the other:
 * an API that the guideline names is enough by itself, and so is code much like the sample's.
 */
export function relevanceOf(signs: RelevanceSigns): number {
  if (signs.drafted) return 1;
  const api = signs.api ? 1 : 0;
  if (!signs.similarity) return Math.min(1, 0.7 * signs.code + 0.85 * signs.words + 0.35 * api);
  const dense = 0.24 * Math.max(0, signs.similarity.task) + 0.61 * Math.max(0, signs.similarity.code);
  return Math.min(1, dense + 0.24 * signs.words + 0.35 * api);
}

/** Votes of ranked samples for their CWE, as shares. */
function tally(ranked: readonly { readonly id: string }[], cweOf: (id: string) => string, weight: (at: number) => number): Map<string, number> {
  const votes = new Map<string, number>();
  ranked.forEach(({ id }, at) => votes.set(cweOf(id), (votes.get(cweOf(id)) ?? 0) + weight(at)));
  return shares([...votes].map(([id, score]) => ({ id, score })));
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

/** Lines of the vulnerable side that the secure side does not have; all of it where only lines were added. */
function changedLines(sample: Pick<Sample, 'vulnerable' | 'secure'>): string {
  const secure = new Set(sample.secure.split('\n').map((line) => line.trim()));
  return sample.vulnerable.split('\n').filter((line) => !secure.has(line.trim())).join('\n') || sample.vulnerable;
}
