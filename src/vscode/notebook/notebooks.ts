import * as vscode from 'vscode';
import { countersOf } from '../../core/activity/totals.ts';
import { ExpectedError } from '../../core/errors.ts';
import type { NoteKind, StoredNote } from '../../core/notebook/note.ts';
import type { Guideline } from '../../core/knowledge/knowledge.ts';
import type { SetAsideFile } from '../../core/notebook/store.ts';
import type { Apps, Room } from '../apps.ts';
import type { NoteTarget } from '../commands.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { FolderSnapshot } from './notes-tree.ts';

/** A note and the room it belongs to. */
export interface FoundNote {
  readonly room: Room;
  readonly stored: StoredNote;
}

/** The notebooks of all workspace folders as the views read them; says when any of them changed. */
export class Notebooks implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly changes = new Listeners<void>();
  private readonly watched = new Map<Room, () => void>();
  private readonly titles = new Map<string, string>();
  private readonly o: { apps: Apps; errors: ErrorPath };

  constructor(options: Notebooks['o']) {
    this.o = options;
    this.disposables.add(options.apps.onDidMake((room) => this.watch(room)));
    this.disposables.add(vscode.workspace.onDidChangeWorkspaceFolders(() => this.changes.fire()));
  }

  dispose(): void {
    for (const stop of this.watched.values()) stop();
    this.disposables.dispose();
  }

  /** Calls back when a note was written, changed or removed, here or on disk. */
  onDidChange(listener: () => void): vscode.Disposable {
    return this.changes.on(listener) as vscode.Disposable;
  }

  changed(): void {
    this.changes.fire();
  }

  /** Everything that lies in the notebooks now. A folder that cannot be read is logged and left out. */
  async load(): Promise<FolderSnapshot[]> {
    const rooms = await this.o.apps.all();
    const loaded = await Promise.all(
      rooms.map(async (room): Promise<FolderSnapshot[]> => {
        try {
          await this.readTitles(room);
          const totals = room.app.journal.totals();
          return [{ folder: room.folder.toString(), name: room.name, snapshot: await room.app.store.load(), counters: (id) => countersOf(totals, id) }];
        } catch (error) {
          this.o.errors.quiet(`Reading the notebook of ${room.name}`, error);
          return [];
        }
      }),
    );
    return loaded.flat();
  }

  /** Reads the titles of the knowledge base, once. */
  async readTitles(room: Room): Promise<void> {
    if (this.titles.size === 0) for (const { cwe, title } of (await room.app.assets.knowledge()).guidelines) this.titles.set(cwe, title);
  }

  /** Title of a CWE from the knowledge base; empty where it has none, or before it was read. */
  titleOf(cwe: string): string {
    return this.titles.get(cwe) ?? '';
  }

  /** The note that a target names. Throws `ExpectedError` `note-missing`. */
  async find(target: NoteTarget): Promise<FoundNote> {
    for (const room of await this.rooms()) {
      if (target.folder !== undefined && room.folder.toString() !== target.folder) continue;
      const stored = await room.app.store.get(target.id);
      if (stored) return { room, stored };
    }
    throw new ExpectedError('note-missing', `There is no note "${target.id}".`, 'It may have been deleted meanwhile; refresh the view to see which there are.');
  }

  /** Every note of every notebook. */
  async everyNote(): Promise<FoundNote[]> {
    const lists = await Promise.all((await this.rooms()).map(async (room) => (await room.app.store.load()).notes.map((stored) => ({ room, stored }))));
    return lists.flat();
  }

  /** The room whose notebook a file lies in, and which notebook. */
  async roomOf(file: vscode.Uri): Promise<{ room: Room; kind: NoteKind } | undefined> {
    if (file.scheme !== 'file') return undefined;
    for (const room of await this.rooms()) {
      const kind = kindOfFile(room, file.fsPath);
      if (kind) return { room, kind };
    }
    return undefined;
  }

  /** Files that are no readable notes; `inUse` where an earlier version of the note stands in. */
  async setAside(): Promise<(SetAsideFile & { readonly inUse: boolean })[]> {
    return (await this.load()).flatMap(({ snapshot }) => {
      const broken = new Set(snapshot.notes.flatMap((stored) => (stored.broken === undefined ? [] : stored.file)));
      return snapshot.setAside.map((one) => ({ ...one, inUse: broken.has(one.file) }));
    });
  }

  /** What the knowledge base says of weaknesses, by CWE, as the folder of a file has it. */
  async guidelines(file: vscode.Uri): Promise<ReadonlyMap<string, Guideline>> {
    const room = (await this.roomOf(file))?.room ?? (await this.rooms())[0];
    const { guidelines } = room ? await room.app.assets.knowledge() : { guidelines: [] };
    return new Map(guidelines.map((guideline) => [guideline.cwe, guideline]));
  }

  private async rooms(): Promise<Room[]> {
    const rooms = await this.o.apps.all();
    // A window without a folder works with the user's own notebook.
    return rooms.length > 0 ? rooms : [await this.o.apps.for(undefined)];
  }

  private watch(room: Room): void {
    this.watched.get(room)?.();
    this.watched.set(room, room.app.store.watch(() => this.changes.fire()));
    this.readTitles(room).catch((error: unknown) => this.o.errors.quiet('Reading the knowledge base', error));
    this.changes.fire();
  }
}

export function kindOfFile(room: Room, file: string): NoteKind | undefined {
  const { folders } = room.app.store;
  const inside = (folder: string) => file.startsWith(`${folder}/`) || file.startsWith(`${folder}\\`);
  if (inside(folders.security)) return 'security';
  return inside(folders.function) ? 'function' : undefined;
}
