import { isExpected } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Embedder } from '../retrieval/embedder.ts';
import type { Note, StoredNote } from './note.ts';
import type { NoteIndex } from './note-index.ts';

/** Texts of a note that become its vectors. */
export function facetTexts(note: Pick<Note, 'tasks' | 'erroneousCode'>): { code: string; task: string; merge: string } {
  const task = note.tasks.join('\n');
  return { code: note.erroneousCode, task, merge: mergeText(note.erroneousCode, note.tasks[0] ?? '') };
}

/** What the merging decision compares (paper §3.3: draft code and task description, mapped to one vector). */
export function mergeText(code: string, task: string): string {
  return `${task}\n${code}`;
}

const BATCH = 16;
/** Few enough to be indexed while a request waits, in notes. */
const INLINE_LIMIT = 24;

/** Keeps the note index in step with the notes. One run at a time; a failure leaves the notes to lexical ranking. */
export class NoteIndexer {
  private running: Promise<void> | undefined;
  /** The notes that are known to be indexed: nothing is to be done while they are the same. */
  private done: readonly StoredNote[] | undefined;
  private readonly hashes = new WeakMap<Note, string>();
  private readonly index: NoteIndex;
  private readonly embedder: Embedder;
  private readonly hash: (text: string) => string;
  private readonly log: Logger;

  constructor(o: { index: NoteIndex; embedder: Embedder; hash: (text: string) => string; log: Logger }) {
    this.index = o.index;
    this.embedder = o.embedder;
    this.hash = o.hash;
    this.log = o.log;
  }

  /**
   * Indexes what is new or changed and forgets what is gone. Waits for it where it is little; much is indexed in the
   * background. Returns how many notes are still without vectors. Throws `embedder-unavailable`.
   */
  async sync(notes: readonly StoredNote[]): Promise<number> {
    if (this.running) await this.running;
    if (this.done === notes) return 0;
    const known = await this.index.known();
    const present = new Map(notes.map(({ note }) => [note.id, note]));
    const gone = [...known.keys()].filter((id) => !present.has(id));
    if (gone.length > 0) await this.index.remove(gone);
    const missing = [...present.values()].filter((note) => known.get(note.id) !== this.contentHash(note));
    if (missing.length === 0) {
      this.done = notes;
      return 0;
    }
    const work = this.embed(missing);
    this.running = work.catch(() => undefined).finally(() => (this.running = undefined));
    if (missing.length <= INLINE_LIMIT) {
      await work;
      return 0;
    }
    work.catch((error: unknown) => this.log.warn('Notes could not be indexed; they are ranked by words.', isExpected(error) ? error.message : error));
    return missing.length;
  }

  /** Resolves when no indexing is under way. */
  async idle(): Promise<void> {
    await this.running;
  }

  contentHash(note: Note): string {
    let hash = this.hashes.get(note);
    if (hash === undefined) {
      const texts = facetTexts(note);
      hash = this.hash(`${this.embedder.modelId}\u0000${texts.code}\u0000${texts.task}`);
      this.hashes.set(note, hash);
    }
    return hash;
  }

  private async embed(notes: readonly Note[]): Promise<void> {
    for (let at = 0; at < notes.length; at += BATCH) {
      const batch = notes.slice(at, at + BATCH);
      const texts = batch.map(facetTexts);
      const vectors = await this.embedder.embed(texts.flatMap((t) => [t.code, t.task, t.merge]));
      await this.index.upsert(
        batch.flatMap((note, i) => {
          const [code, task, merge] = vectors.slice(3 * i, 3 * i + 3);
          return code && task && merge ? [{ noteId: note.id, kind: note.kind, contentHash: this.contentHash(note), vectors: { code, task, merge } }] : [];
        }),
      );
    }
  }
}
