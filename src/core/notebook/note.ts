/** The two kinds of notes, one notebook each. */
export type NoteKind = 'security' | 'function';

/** `active` notes are retrieved; `muted` ones are kept but never reach a prompt. */
export type NoteStatus = 'active' | 'muted';

/** Where a note came from. */
export type NoteOrigin = 'completion' | 'offline' | 'guard' | 'ci' | 'import' | 'user';

/**
 * A failure that a note took in when it was merged, as it was seen: what is needed to split it off again. The note's own
 * failure is not among these.
 */
export interface MergedFailure {
  readonly task: string;
  /** Empty where a merge had no more room for it. */
  readonly erroneousCode: string;
  readonly diagnosis: string;
  /** How often exactly this was seen, at least 1; counted in the note's frequency. */
  readonly frequency: number;
  readonly origin: NoteOrigin;
  readonly model: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly title?: string;
  readonly rule?: string;
  readonly file?: string;
  readonly line?: number;
  /** Only where they differ from the note's: a note that was merged as a whole brings its own. */
  readonly secureExample?: string;
  readonly guidance?: string;
}

/**
 * One note (paper eq. 1 and 2): security ⟨T, C_err, D, S, G⟩, function ⟨T, C_err, D_func, G_fix⟩ with S where a retry
 * passed. A note is a Markdown file that people read and edit; this is its content, whoever wrote it.
 */
export interface Note {
  /** Unique in the workspace, made of `[a-z0-9-]`, and the file's name without `.md`. */
  readonly id: string;
  readonly kind: NoteKind;
  /** One line for lists. */
  readonly title: string;
  /** Normalized; absent for function notes and for rules that name none. */
  readonly cwe?: string;
  readonly language: string;
  /** Rule id of the finding, and the family it belongs to. Absent for function notes. */
  readonly rule?: string;
  readonly ruleFamily?: string;
  /** How often this failure was seen, at least 1. */
  readonly frequency: number;
  readonly origin: NoteOrigin;
  /** Name of the model that failed. */
  readonly model: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly updated: string;
  readonly status: NoteStatus;
  /** Why it is muted. */
  readonly statusReason?: string;
  /** Preferred by the user: where it is relevant, it comes before every note that is not. */
  readonly pinned?: boolean;
  /** Where the failure happened: a path inside the workspace folder with `/` between its parts, and a 1-based line in it. */
  readonly file?: string;
  readonly line?: number;
  /** Stored without an embedder: compared with its neighbours, and perhaps merged, once there is one. */
  readonly mergePending?: boolean;
  /** T: every task that ended in this failure, oldest first, at least one. */
  readonly tasks: readonly string[];
  /** C_err: the code as the model wrote it. */
  readonly erroneousCode: string;
  /** D: what the analyzer said, or the traceback. */
  readonly diagnosis: string;
  /** S: sliced secure code, or what worked; absent when not known. */
  readonly secureExample?: string;
  /** G: correction guide, security warning or repair suggestion; empty until the model has written it. */
  readonly guidance: string;
  /** What merging took in, oldest first; absent where nothing was. Never in a prompt. */
  readonly merged?: readonly MergedFailure[];
}

/** A note as it lies in the store. */
export interface StoredNote {
  readonly note: Note;
  /** Absolute path of its file. */
  readonly file: string;
  /**
   * Quarantined: it did not come from here, or was changed from outside since it was approved. It is listed and can be
   * read, and never reaches a prompt.
   */
  readonly quarantined: boolean;
  /** Why its file cannot be read now. The note is the last version that could, and stays in use. */
  readonly broken?: string;
}

/** True when a note may reach a prompt. */
export function isUsable(stored: StoredNote): boolean {
  return !stored.quarantined && stored.note.status === 'active';
}
