import { ExpectedError } from '../../core/errors.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import type { FileNoteStore } from './file-note-store.ts';
import type { WorkspaceGit } from './git.ts';

/** Whom a note comes from, as a person would say it, and whether one word about them may approve it. */
export interface NoteSource {
  /** `Ann <ann@example.org>`, several of them, or where there is no Git `import`, the note's origin. */
  readonly label: string;
  /** Everybody who committed a change of it; empty where Git does not know it. */
  readonly authors: readonly string[];
  /** It was changed on this machine since it was committed, so it is nobody's word. */
  readonly changed: boolean;
}

/** Tells whom notes come from: from Git where there is a repository, else from what the note says of itself. */
export class NoteAuthors {
  private readonly store: FileNoteStore;
  private readonly git: WorkspaceGit;

  constructor(options: { store: FileNoteStore; git: WorkspaceGit }) {
    this.store = options.store;
    this.git = options.git;
  }

  /** Note id → source. */
  async of(notes: readonly StoredNote[], signal?: AbortSignal): Promise<Map<string, NoteSource>> {
    const folders = new Set(notes.map(({ note }) => this.store.folders[note.kind]));
    const known = new Map((await Promise.all([...folders].map((folder) => this.git.authorsBelow(folder, signal)))).flatMap((map) => [...map]));
    return new Map(
      notes.map(({ note, file }): [string, NoteSource] => {
        const found = known.get(file);
        if (!found || found.authors.length === 0) return [note.id, { label: note.origin, authors: [], changed: false }];
        const names = [...found.authors].sort().join(', ');
        return [note.id, { label: found.changed ? `${names}, and changed here since` : names, authors: found.authors, changed: found.changed }];
      }),
    );
  }

  /**
   * The quarantined notes that are all one author's: a name, an address, or both as Git writes them; without a repository the
   * notes' origin. A note that others changed too, or that is not as it was committed, is not among them.
   */
  async quarantinedBy(author: string, signal?: AbortSignal): Promise<StoredNote[]> {
    const notes = (await this.store.load()).notes.filter((stored) => stored.quarantined);
    const sources = await this.of(notes, signal);
    const found = notes.filter(({ note }) => {
      const source = sources.get(note.id);
      if (!source || source.changed) return false;
      return source.authors.length > 0 ? source.authors.every((one) => isAuthor(one, author)) : source.label === author;
    });
    if (found.length === 0 && notes.length > 0) {
      const labels = [...new Set([...sources.values()].map((source) => source.label))].sort();
      throw new ExpectedError('no-such-author', `No quarantined note is by "${author}" alone.`, `They come from: ${labels.join('; ')}. Name an author as Git does ("Name <address>", the name or the address).`);
    }
    return found;
  }
}

function isAuthor(ident: string, wanted: string): boolean {
  const [, name = ident, address = ''] = /^(.*?) ?<(.*)>$/.exec(ident) ?? [];
  const text = wanted.trim().toLowerCase();
  return text !== '' && [ident, name, address].some((part) => part.trim().toLowerCase() === text);
}
