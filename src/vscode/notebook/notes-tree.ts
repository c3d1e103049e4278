import type { NoteCounters } from '../../core/activity/totals.ts';
import type { NoteKind, StoredNote } from '../../core/notebook/note.ts';
import type { NotebookSnapshot, SetAsideFile } from '../../core/notebook/store.ts';
import type { NoteTarget, ViewItem } from '../commands.ts';
import { type CountersOf, fits, type GroupBy, grouped, NO_FILTER, type NoteFilter, type SortBy, type State, stateOf } from './arrange.ts';

/** One notebook folder as a view gets it. */
export interface FolderSnapshot {
  /** URI of the workspace folder. */
  readonly folder: string;
  readonly name: string;
  readonly snapshot: NotebookSnapshot;
  /** What became of its notes; nothing is counted where it is absent. */
  readonly counters?: CountersOf;
}

export interface FolderNode {
  readonly kind: 'folder';
  readonly key: string;
  readonly name: string;
  readonly children: readonly (GroupNode | FileNode)[];
  /** Notes in it, all groups together. */
  readonly count: number;
}

export interface GroupNode {
  readonly kind: 'group';
  readonly key: string;
  readonly by: GroupBy;
  /** `CWE-89`, a file, a language, a model, an age; empty for notes that name none. */
  readonly label: string;
  /** What the label stands for, where that is not plain; empty otherwise. */
  readonly title: string;
  readonly children: readonly NoteNode[];
}

export interface NoteNode extends NoteTarget {
  readonly kind: 'note';
  readonly key: string;
  readonly folder: string;
  readonly stored: StoredNote;
  readonly state: State;
  readonly counters?: NoteCounters;
}

/** Stands for the rest of a long group until it is asked for: an editor asked for thousands of rows at once stutters. */
export interface MoreNode {
  readonly kind: 'more';
  readonly key: string;
  readonly group: string;
  readonly hidden: number;
}

/** A file in the notebook that is not a readable note. */
export interface FileNode {
  readonly kind: 'setAside';
  readonly key: string;
  readonly file: SetAsideFile;
  /** The last good version of the note is used until the file can be read again. */
  readonly inUse: boolean;
}

export type NotesNode = FolderNode | GroupNode | NoteNode | MoreNode | FileNode;

export interface TreeOptions {
  readonly groupBy: GroupBy;
  readonly sortBy: SortBy;
  readonly filter: NoteFilter;
  /** Title of a CWE; empty where it is not known. */
  readonly titleOf: (cwe: string) => string;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
}

export interface Tree {
  readonly roots: readonly NotesNode[];
  /** Notes that the filter lets through, and all there are. */
  readonly shown: number;
  readonly all: number;
}

/**
 * The tree of one notebook. Several workspace folders come each under its own name. Files that could not be read come last,
 * filtered or not: they need attention.
 */
export function notesTree(kind: NoteKind, folders: readonly FolderSnapshot[], options: TreeOptions): Tree {
  let all = 0;
  const { filter, titleOf } = options;
  const made = folders.map((folder): FolderNode => {
    const own = folder.snapshot.notes.filter((stored) => stored.note.kind === kind);
    all += own.length;
    const notes = filter === NO_FILTER ? own : own.filter((stored) => fits(stored, filter, titleOf));
    const setAside = folder.snapshot.setAside.filter(({ file }) => notebookOf(file) === kind);
    const groups = grouped(notes, options.groupBy, options.sortBy, options.now, folder.counters).map(({ label, notes: list }): GroupNode => ({
      kind: 'group',
      key: `${folder.folder}#${options.groupBy}#${label}`,
      by: options.groupBy,
      label,
      title: options.groupBy === 'cwe' && label ? titleOf(label) : '',
      children: list.map((stored): NoteNode => ({ kind: 'note', key: `${folder.folder}#${stored.note.id}`, id: stored.note.id, folder: folder.folder, stored, state: stateOf(stored), ...(folder.counters ? { counters: folder.counters(stored.note.id) } : {}) })),
    }));
    return { kind: 'folder', key: folder.folder, name: folder.name, count: notes.length, children: [...groups, ...setAside.map((file): FileNode => ({ kind: 'setAside', key: file.file, file, inUse: folder.snapshot.notes.some((stored) => stored.file === file.file) }))] };
  });
  const only = made[0];
  const roots = made.length === 1 && only ? only.children : made.filter((folder) => folder.children.length > 0);
  return { roots, shown: made.reduce((sum, folder) => sum + folder.count, 0), all };
}

/** The rows of a group: `pages` pages of notes, then a row that stands for the rest. */
export function page(group: GroupNode, pages: number, size: number): (NoteNode | MoreNode)[] {
  const end = pages * size;
  // A row that hides one more row saves nothing.
  if (group.children.length <= end + 1) return [...group.children];
  return [...group.children.slice(0, end), { kind: 'more', key: `${group.key}#more`, group: group.key, hidden: group.children.length - end }];
}

/** What menus may offer on a note: its state, then what it has. */
export function viewItemOf({ state, stored: { note } }: NoteNode): ViewItem {
  return `note.${state}${note.pinned ? '.pinned' : ''}${note.tasks.length > 1 ? '.merged' : ''}${note.file !== undefined ? '.origin' : ''}${note.secureExample !== undefined && note.erroneousCode ? '.secure' : ''}`;
}

/** Which view names a file that cannot be read: that of its folder, the security notes for what lies above both. */
function notebookOf(file: string): NoteKind {
  return /[\\/]function(?:[\\/][^\\/]*)?$/.test(file) ? 'function' : 'security';
}
