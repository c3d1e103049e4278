import type { NoteKind, StoredNote } from '../../core/notebook/note.ts';
import type { NotebookSnapshot, SetAsideFile } from '../../core/notebook/store.ts';
import type { NoteTarget, ViewItem } from '../commands.ts';

/** One notebook folder as a view gets it. */
export interface FolderSnapshot {
  /** URI of the workspace folder. */
  readonly folder: string;
  readonly name: string;
  readonly snapshot: NotebookSnapshot;
}

export interface FolderNode {
  readonly kind: 'folder';
  readonly key: string;
  readonly name: string;
  readonly children: readonly (GroupNode | FileNode)[];
}

export interface GroupNode {
  readonly kind: 'group';
  readonly key: string;
  /** `CWE-89`, a language, or empty for notes that name no CWE. */
  readonly label: string;
  readonly title: string;
  readonly children: readonly NoteNode[];
}

export interface NoteNode extends NoteTarget {
  readonly kind: 'note';
  readonly key: string;
  readonly folder: string;
  readonly stored: StoredNote;
  readonly state: 'active' | 'muted' | 'quarantined';
}

/** A file in the notebook that is not a readable note. */
export interface FileNode {
  readonly kind: 'setAside';
  readonly key: string;
  readonly file: SetAsideFile;
}

export type NotesNode = FolderNode | GroupNode | NoteNode | FileNode;

/**
 * The tree of one notebook: security notes by CWE with its title, function notes by language; what was seen most often
 * comes first. Several workspace folders come each under its own name. Files that could not be read come last.
 */
export function notesTree(kind: NoteKind, folders: readonly FolderSnapshot[], titleOf: (cwe: string) => string): NotesNode[] {
  const made = folders.map((folder): FolderNode => {
    const notes = folder.snapshot.notes.filter((stored) => stored.note.kind === kind);
    const setAside = folder.snapshot.setAside.filter(({ file }) => notebookOf(file) === kind);
    return {
      kind: 'folder',
      key: folder.folder,
      name: folder.name,
      children: [...groups(kind, folder.folder, notes, titleOf), ...setAside.map((file): FileNode => ({ kind: 'setAside', key: file.file, file }))],
    };
  });
  const only = made[0];
  return made.length === 1 && only ? [...only.children] : made.filter((folder) => folder.children.length > 0);
}

function groups(kind: NoteKind, folder: string, notes: readonly StoredNote[], titleOf: (cwe: string) => string): GroupNode[] {
  const byLabel = new Map<string, StoredNote[]>();
  for (const stored of notes) {
    const label = kind === 'security' ? (stored.note.cwe ?? '') : stored.note.language;
    const list = byLabel.get(label);
    if (list) list.push(stored);
    else byLabel.set(label, [stored]);
  }
  return [...byLabel]
    .map(([label, list]): GroupNode => ({
      kind: 'group',
      key: `${folder}#${label}`,
      label,
      title: kind === 'security' ? (label ? titleOf(label) : 'Rules of the house (no CWE)') : '',
      children: list.sort(mostSeenFirst).map((stored): NoteNode => ({ kind: 'note', key: `${folder}#${stored.note.id}`, id: stored.note.id, folder, stored, state: stateOf(stored) })),
    }))
    .sort((a, b) => Number(a.label === '') - Number(b.label === '') || a.label.localeCompare(b.label, 'en', { numeric: true }));
}

function mostSeenFirst(a: StoredNote, b: StoredNote): number {
  return b.note.frequency - a.note.frequency || b.note.updated.localeCompare(a.note.updated) || a.note.title.localeCompare(b.note.title);
}

export function stateOf(stored: StoredNote): NoteNode['state'] {
  if (stored.quarantined) return 'quarantined';
  return stored.note.status;
}

export function viewItemOf(state: NoteNode['state']): ViewItem {
  return `note.${state}`;
}

/** How a note is called in a list: how often it was seen and its state come first, so that a narrow view shows them. */
export function labelOf(stored: StoredNote): string {
  const state = { active: '', muted: 'muted', quarantined: 'not approved' }[stateOf(stored)];
  return [stored.note.frequency > 1 ? `×${stored.note.frequency}` : '', state, stored.note.title].filter(Boolean).join(' · ');
}

/** Which view names a file that cannot be read: that of its folder, the security notes for what lies above both. */
function notebookOf(file: string): NoteKind {
  return /[\\/]function(?:[\\/][^\\/]*)?$/.test(file) ? 'function' : 'security';
}
