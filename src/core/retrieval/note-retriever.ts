import type { Retrieved } from '../completion/types.ts';
import { isUsable, type NoteKind, type StoredNote } from '../notebook/note.ts';
import type { NoteIndex } from '../notebook/note-index.ts';
import { LexicalIndex } from './bm25.ts';
import { fuse } from './fusion.ts';
import { OwnNames } from './own-names.ts';
import { type QueryVectors, type RetrievalQuery, sameFamily } from './query.ts';
import { apiTokens, codeTokens, textTokens } from './tokens.ts';

/**
 * Weights of the rankings in the fusion. Code finds the note about the API that a task will misuse far more often than the
 * task's words do; measured by `npm run bench:retrieval` (docs/knowledge.md).
 */
export const NOTE_WEIGHTS = { codeLexical: 3, codeDense: 2, apis: 2, taskLexical: 0.7, taskDense: 0.7 } as const;
export type NoteWeights = Readonly<Record<keyof typeof NOTE_WEIGHTS, number>>;
/** The paper's fusion: code and task with equal weight. For comparison. */
export const EQUAL_WEIGHTS: NoteWeights = { codeLexical: 1, codeDense: 1, apis: 0, taskLexical: 1, taskDense: 1 };

/** How many of each ranking enter the fusion. */
const DEPTH = 50;
/** A note of another model is evidence too, but weaker; one in another language hardly. */
const OTHER_MODEL = 0.9;
const OTHER_LANGUAGE = 0.5;

/** What being about the workspace's own API adds to a note's relevance, and to its score in parts of the best score. */
const OWN_RELEVANCE = 0.3;
const OWN_SCORE = 1;

interface Entry {
  readonly stored: StoredNote;
}

/** Ranks the notes of one notebook. Holds the lexical side in memory; vectors stay in the note index. */
export class NoteRetriever {
  private readonly code = new LexicalIndex();
  private readonly task = new LexicalIndex();
  private readonly apis = new LexicalIndex();
  private readonly own = new OwnNames();
  private readonly entries = new Map<string, Entry>();
  private readonly pinned = new Set<string>();
  private synced: readonly StoredNote[] | undefined;
  private readonly kind: NoteKind;
  private readonly index: NoteIndex | undefined;
  private readonly weights: NoteWeights;

  constructor(kind: NoteKind, index: NoteIndex | undefined, weights: NoteWeights = NOTE_WEIGHTS) {
    this.kind = kind;
    this.index = index;
    this.weights = weights;
  }

  /** Takes over the notes as they are now. Only what changed is indexed again. */
  sync(notes: readonly StoredNote[]): void {
    if (this.synced === notes) return;
    this.synced = notes;
    const usable = new Map(notes.filter((n) => n.note.kind === this.kind && isUsable(n)).map((n) => [n.note.id, n]));
    for (const id of [...this.entries.keys()]) {
      if (usable.has(id)) continue;
      this.entries.delete(id);
      this.pinned.delete(id);
      for (const index of [this.code, this.task, this.apis, this.own]) index.remove(id);
    }
    for (const [id, stored] of usable) {
      const known = this.entries.get(id);
      if (known?.stored.note === stored.note) continue;
      this.entries.set(id, { stored });
      if (stored.note.pinned) this.pinned.add(id);
      else this.pinned.delete(id);
      const { note } = stored;
      this.code.add(id, codeTokens(note.erroneousCode));
      this.task.add(id, textTokens(note.tasks.join('\n')));
      this.apis.add(id, apiTokens(apisOfCode(note.erroneousCode)));
      this.own.add(id, note.erroneousCode, note.guidance, note.language);
    }
  }

  /** Best notes first, at most `limit`, each with what the gate says of it. */
  async retrieve(query: RetrievalQuery, vectors: QueryVectors, options: { model: string; limit: number; minSimilarity: number; worth?: (noteId: string) => number }): Promise<Retrieved<StoredNote>[]> {
    if (this.entries.size === 0 || options.limit === 0) return [];
    const code = codeTokens(query.code);
    const task = textTokens(query.task);
    const apis = [...apiTokens(query.apis), ...apiTokens(query.ownApis), ...apiTokens(query.ownApis)];
    const nearest = async (facet: 'code' | 'task') => {
      const vector = vectors[facet];
      return this.index && vector ? (await this.index.nearest(this.kind, facet, vector, DEPTH)).filter((hit) => this.entries.has(hit.noteId)) : [];
    };
    const [denseCode, denseTask] = await Promise.all([nearest('code'), nearest('task')]);
    const similarity = { code: new Map(denseCode.map((h) => [h.noteId, h.score])), task: new Map(denseTask.map((h) => [h.noteId, h.score])) };
    const fused = fuse([
      { ids: this.code.search(code, DEPTH).map((r) => r.id), weight: this.weights.codeLexical },
      { ids: denseCode.map((h) => h.noteId), weight: this.weights.codeDense },
      { ids: this.apis.search(apis, DEPTH).map((r) => r.id), weight: this.weights.apis },
      { ids: this.task.search(task, DEPTH).map((r) => r.id), weight: this.weights.taskLexical },
      { ids: denseTask.map((h) => h.noteId), weight: this.weights.taskDense },
    ]);
    const own = this.own.matches(query.ownNames ?? []);
    const covered = { code: this.code.coverage(code), task: this.task.coverage(task), apis: this.apis.coverage(apis) };
    const relevance = (id: string) =>
      this.relevance({ codeSimilarity: similarity.code.get(id), taskSimilarity: similarity.task.get(id), code: covered.code(id), task: covered.task(id), apis: apis.length > 0 ? covered.apis(id) : undefined, own: own.get(id) ?? 0 });
    // What the user pinned, and what is about the workspace's own APIs, is looked at however the rankings see it.
    const seen = new Set(fused.map(({ id }) => id));
    const others = [...new Set([...this.pinned, ...own.keys()])].filter((id) => !seen.has(id)).map((id) => ({ id, score: 0 }));
    const best = fused[0]?.score ?? 0;
    return [...fused, ...others]
      .flatMap(({ id, score }) => {
        const stored = this.entries.get(id)?.stored;
        if (!stored) return [];
        const related = sameFamily(stored.note.language, query.language);
        const weight = (1 + 0.1 * Math.log2(stored.note.frequency)) * (stored.note.model === options.model || options.model === '' ? 1 : OTHER_MODEL) * (related ? 1 : OTHER_LANGUAGE) * (options.worth?.(id) ?? 1);
        // Pinned notes come first, but only where they are relevant: one that always did would crowd out what fits.
        const first = stored.note.pinned === true && related && relevance(id) >= options.minSimilarity;
        return [{ id, stored, related, first, score: (score + OWN_SCORE * best * (own.get(id) ?? 0)) * weight }];
      })
      .sort((a, b) => Number(b.first) - Number(a.first) || b.score - a.score)
      .slice(0, options.limit)
      .map(({ id, stored, related, first, score }) => ({ item: stored, score, passesGate: first || (related && relevance(id) >= options.minSimilarity) }));
  }

  /**
   * Whether a note is about what this request does, in [0, 1]. Dense similarity where there is an embedder; without one,
   * or beside it, the share of the query's rare terms and APIs that the note has.
   */
  private relevance(e: { codeSimilarity: number | undefined; taskSimilarity: number | undefined; code: number; task: number; apis: number | undefined; own: number }): number {
    // A request without any API at hand tells by its words alone.
    const lexical = e.apis === undefined ? 0.5 * e.code + 0.5 * e.task : 0.4 * e.code + 0.2 * e.task + 0.4 * e.apis;
    if (e.codeSimilarity === undefined && e.taskSimilarity === undefined) return Math.min(1, 2 * lexical + OWN_RELEVANCE * e.own);
    const dense = 0.65 * Math.max(0, e.codeSimilarity ?? 0) + 0.35 * Math.max(0, e.taskSimilarity ?? 0);
    return Math.min(1, 0.6 * dense + 0.8 * lexical + OWN_RELEVANCE * e.own);
  }
}

/** Called and imported names of a piece of code by their looks: notes hold fragments in any language. */
export function apisOfCode(code: string): string[] {
  const names = new Set<string>();
  for (const match of code.matchAll(/([A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)*)\s*\(/g)) if (match[1]) names.add(match[1]);
  for (const match of code.matchAll(/^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w.]+)|#\s*include\s*[<"]([^>"]+)[>"])|(?:require\(|from\s)\s*['"]([^'"]+)['"]/gm)) {
    const name = match[1] ?? match[2] ?? match[3] ?? match[4];
    if (name) names.add(name);
  }
  for (const keyword of ['if', 'for', 'while', 'switch', 'return', 'def', 'function', 'catch', 'sizeof']) names.delete(keyword);
  return [...names];
}
