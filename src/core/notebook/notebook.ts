import type { Retrieved } from '../completion/types.ts';
import { ExpectedError, isCancelled, isExpected } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Embedder } from '../retrieval/embedder.ts';
import { NoteRetriever } from '../retrieval/note-retriever.ts';
import type { QueryVectors, RetrievalQuery } from '../retrieval/query.ts';
import { NoteIndexer } from './note-indexer.ts';
import type { NoteIndex } from './note-index.ts';
import type { StoredNote } from './note.ts';
import type { NoteStore } from './store.ts';

export interface NotebookOptions {
  readonly store: NoteStore;
  /** Absent when there is no embedder at all: everything then works by words. */
  readonly index?: NoteIndex;
  readonly embedder?: Embedder;
  readonly hash: (text: string) => string;
  /** Asked once per request: what each note's score is multiplied by for what became of it so far (activity/worth.ts). */
  readonly worth?: () => (noteId: string) => number;
  readonly log: Logger;
}

export interface NotesFound {
  readonly security: Retrieved<StoredNote>[];
  readonly function: Retrieved<StoredNote>[];
  readonly remarks: string[];
}

/**
 * So much of a query's code is embedded, its end: about 150 tokens. Embedding takes time in proportion, before the request
 * goes out, and more of the file changed no hit in bench/gate.mts's tasks.
 */
const QUERY_CHARS = 600;
/** Of a whole piece the beginning, as of the samples and notes that it is compared with; the model cuts it at its own length. */
const WHOLE_CHARS = 3000;

/** Cosine below which a note is about something else than the words of a search. */
const ALIKE = 0.25;

/** Said wherever vectors are missing; part of a result's remarks. */
export const LEXICAL_ONLY = 'No embedding model is there: notes and knowledge are ranked by words only.';

/** The notebook of a workspace as retrieval sees it: the note files, kept in step with both rankings. */
export class Notebook {
  readonly store: NoteStore;
  readonly indexer: NoteIndexer | undefined;
  private readonly retrievers: { security: NoteRetriever; function: NoteRetriever };
  private readonly embedder: Embedder | undefined;
  private readonly worth: NotebookOptions['worth'];
  private readonly index: NoteIndex | undefined;
  private readonly log: Logger;

  constructor(options: NotebookOptions) {
    this.store = options.store;
    this.embedder = options.embedder;
    this.worth = options.worth;
    this.index = options.index;
    this.log = options.log;
    const { index, embedder } = options;
    this.indexer = index && embedder ? new NoteIndexer({ index, embedder, hash: options.hash, log: options.log }) : undefined;
    this.retrievers = { security: new NoteRetriever('security', index), function: new NoteRetriever('function', index) };
  }

  /** Vectors of a query; empty, with a remark, where there is no embedder. */
  async embedQuery(query: RetrievalQuery, signal: AbortSignal): Promise<{ vectors: QueryVectors; remarks: string[] }> {
    if (!this.embedder) return { vectors: {}, remarks: [LEXICAL_ONLY] };
    const code = query.whole ? query.code.trim().slice(0, WHOLE_CHARS) : query.code.trim().slice(-QUERY_CHARS);
    const task = query.task.trim();
    try {
      const texts = [code, task].filter(Boolean);
      const vectors = await this.embedder.embed(texts, signal);
      const codeVector = code ? vectors[0] : undefined;
      const taskVector = task ? vectors.at(-1) : undefined;
      return { vectors: { ...(codeVector ? { code: codeVector } : {}), ...(taskVector ? { task: taskVector } : {}) }, remarks: [] };
    } catch (error) {
      if (isCancelled(error) || signal.aborted) throw error;
      this.log.warn('The query could not be embedded.', isExpected(error) ? error.message : error);
      return { vectors: {}, remarks: [LEXICAL_ONLY] };
    }
  }

  /** The notes nearest in meaning to a text, of either notebook and whatever their state, best first. Throws where there is no embedder. */
  async similar(text: string, limit: number, signal: AbortSignal): Promise<{ stored: StoredNote; score: number }[]> {
    const { embedder, index, indexer } = this;
    if (!embedder || !index || !indexer) throw new ExpectedError('embedder-unavailable', LEXICAL_ONLY, 'Search by words.');
    const [vector] = await embedder.embed([text], signal);
    const { notes } = await this.store.load();
    await indexer.sync(notes);
    signal.throwIfAborted();
    if (!vector) return [];
    const byId = new Map(notes.map((stored) => [stored.note.id, stored]));
    const best = new Map<string, number>();
    for (const kind of ['security', 'function'] as const) {
      for (const facet of ['task', 'code'] as const) {
        for (const { noteId, score } of await index.nearest(kind, facet, vector, limit)) best.set(noteId, Math.max(score, best.get(noteId) ?? 0));
      }
    }
    return [...best]
      .flatMap(([id, score]) => {
        const stored = byId.get(id);
        return stored && score >= ALIKE ? [{ stored, score }] : [];
      })
      .sort((a, b) => b.score - a.score)
      .slice(0, limit);
  }

  /** Brings the index up to the notes as they are now; much of it happens in the background. */
  async reindex(): Promise<void> {
    if (this.indexer) await this.indexer.sync((await this.store.load()).notes);
  }

  /** Both notebooks ranked for a query, best first, `limit` of each at most. */
  async retrieve(query: RetrievalQuery, vectors: QueryVectors, options: { model: string; limit: { security: number; function: number }; minSimilarity: number }): Promise<NotesFound> {
    const remarks: string[] = [];
    const { notes, setAside } = await this.store.load();
    if (setAside.length > 0) remarks.push(`${setAside.length} note ${setAside.length === 1 ? 'file' : 'files'} could not be read and ${setAside.length === 1 ? 'is' : 'are'} not used.`);
    const withVectors = vectors.code !== undefined || vectors.task !== undefined;
    if (withVectors && this.indexer) {
      try {
        const missing = await this.indexer.sync(notes);
        if (missing > 0) remarks.push(`${missing} notes are still being indexed; they are ranked by words until then.`);
      } catch (error) {
        this.log.warn('Notes could not be indexed; they are ranked by words.', isExpected(error) ? error.message : error);
      }
    }
    const worth = this.worth?.();
    const one = (kind: 'security' | 'function') => {
      const retriever = this.retrievers[kind];
      retriever.sync(notes);
      return retriever.retrieve(query, vectors, { model: options.model, limit: options.limit[kind], minSimilarity: options.minSimilarity, ...(worth ? { worth } : {}) });
    };
    const [security, func] = await Promise.all([one('security'), one('function')]);
    return { security, function: func, remarks };
  }
}
