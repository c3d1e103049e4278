import type { Note, NoteKind, StoredNote } from './note.ts';

/** A file in the notebook's folder that is not a readable note. It is named to the user and never touched. */
export interface SetAsideFile {
  readonly file: string;
  readonly reason: string;
}

export interface NotebookSnapshot {
  readonly notes: readonly StoredNote[];
  readonly setAside: readonly SetAsideFile[];
}

/** What `remove` took away, enough to put it back exactly. */
export interface RemovedNote {
  readonly id: string;
  readonly file: string;
  readonly content: string;
  readonly approved: boolean;
}

/**
 * Port: the notes of one workspace, both notebooks. Text is always read from the note files; every write is atomic and
 * holds the notebook's lock, so that two windows and a command line lose nothing.
 */
export interface NoteStore {
  /** All notes now. Cheap when nothing changed on disk. */
  load(): Promise<NotebookSnapshot>;
  get(id: string): Promise<StoredNote | undefined>;
  /** Writes a new note, redacted and approved. Throws when the id is taken. */
  create(note: Note): Promise<StoredNote>;
  /**
   * Reads a note again under the lock, applies `change`, writes the result. A note that was approved stays approved; a
   * quarantined one stays quarantined. Throws `ExpectedError` `note-missing` when it is gone.
   */
  modify(id: string, change: (current: Note) => Note): Promise<StoredNote>;
  remove(id: string): Promise<RemovedNote>;
  restore(removed: RemovedNote): Promise<StoredNote>;
  /** Marks the present content of these notes as trusted on this machine. Returns those that were quarantined. */
  approve(ids: readonly string[]): Promise<string[]>;
  /** Calls back, debounced, when the notebook may have changed on disk or through this store. Returns the way to stop. */
  watch(listener: () => void): () => void;
  readonly folders: Readonly<Record<NoteKind, string>>;
}
