import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { SILENT } from '../../core/log.ts';
import type { Logger } from '../../core/log.ts';
import type { Note, NoteKind, StoredNote } from '../../core/notebook/note.ts';
import { NO_EXTRAS, formatNote, isNoteId, normalizeNote } from '../../core/notebook/note-markdown.ts';
import type { NoteExtras } from '../../core/notebook/note-markdown.ts';
import { redactExtras, redactNote } from '../../core/notebook/redact.ts';
import type { NoteStore, NotebookSnapshot, RemovedNote, SetAsideFile } from '../../core/notebook/store.ts';
import { approvalHash } from './approvals.ts';
import type { Approvals } from './approvals.ts';
import { replaceFile, syncFolder } from './atomic-file.ts';
import { fileErrorCode, writeError } from './file-errors.ts';
import { FolderLock } from './folder-lock.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { contentOf, noteFileNames, readAgain, readNoteFile, readRawFile, stampOf } from './note-files.ts';
import type { ReadFile, WholeFile } from './note-files.ts';
import { LastGood } from './last-good.ts';

const KINDS: readonly NoteKind[] = ['security', 'function'];
/** Nothing is shared by accident: only house rules are offered to Git until the user shares the notes. */
export const GITIGNORE = '*\n!.gitignore\n!rules/\n!rules/**\n';
const WHAT = 'The notebook';
const DEBOUNCE_MS = 100;
/** Files looked at between two breaths of the event loop. */
const BATCH = 250;
const LEFTOVER_MS = 60_000;

export interface FileNoteStoreOptions {
  readonly workspaceFolder: string;
  readonly approvals: Approvals;
  /** Every note counts as approved, in this process only: the notebook of a build server was reviewed elsewhere. */
  readonly trustAll?: boolean;
  /** Folder for the last good versions of files that cannot be read; absent: they are kept in memory. */
  readonly lastGood?: string;
  readonly log?: Logger;
}

interface KnownFolder {
  readonly files: Map<string, ReadFile>;
  /** The folder as it was when it was listed; empty when it must be listed again. */
  stamp: string;
}

/**
 * Notes as Markdown files under `.safenote/notes/{security,function}/` of a workspace folder. Reading never creates
 * anything. Every write is atomic, under a lock that all windows and the command line share, and redacted.
 */
export class FileNoteStore implements NoteStore {
  readonly folders: Readonly<Record<NoteKind, string>>;
  private readonly root: string;
  private readonly home: string;
  private readonly notes: string;
  private readonly temporary: string;
  private readonly approvals: Approvals;
  private readonly trustAll: boolean;
  private readonly log: Logger;
  private readonly lock: FolderLock;
  private readonly lastGood: LastGood;
  private readonly known: Readonly<Record<NoteKind, KnownFolder>> = {
    security: { files: new Map(), stamp: '' },
    function: { files: new Map(), stamp: '' },
  };
  /** Files that may have changed although their folder did not. */
  private readonly dirty = new Set<string>();
  private snapshot: NotebookSnapshot | undefined;
  private snapshotApprovals: ReadonlySet<string> | undefined;
  private watcher: FolderWatcher | undefined;
  private readonly listeners = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private cleaned = false;
  private disposed = false;

  constructor(options: FileNoteStoreOptions) {
    this.root = path.resolve(options.workspaceFolder);
    this.home = path.join(this.root, '.safenote');
    this.notes = path.join(this.home, 'notes');
    this.temporary = path.join(this.home, '.tmp');
    this.folders = { security: path.join(this.notes, 'security'), function: path.join(this.notes, 'function') };
    this.approvals = options.approvals;
    this.trustAll = options.trustAll ?? false;
    this.log = options.log ?? SILENT;
    this.lock = new FolderLock({ folder: path.join(this.home, '.lock'), what: WHAT });
    this.lastGood = new LastGood({ folder: options.lastGood, log: this.log });
  }

  load(): Promise<NotebookSnapshot> {
    return this.inTurn(() => this.refresh());
  }

  async get(id: string): Promise<StoredNote | undefined> {
    const { notes } = await this.load();
    return notes.find((stored) => stored.note.id === id);
  }

  create(note: Note): Promise<StoredNote> {
    return this.write(async (assertHeld) => {
      this.assertFree(note.id);
      return this.put(note, NO_EXTRAS, true, assertHeld);
    });
  }

  /** Writes a note that came from elsewhere: redacted, and quarantined unless its text was approved before. */
  add(note: Note, extras: NoteExtras = NO_EXTRAS): Promise<StoredNote> {
    return this.write((assertHeld) => {
      this.assertFree(note.id);
      return this.put(note, extras, false, assertHeld);
    });
  }

  /**
   * Replaces the text of a file in the notebook, whether it can be read as a note or not, as somebody's editor would: it is
   * asked about like any change from outside.
   */
  rewrite(file: string, change: (text: string) => string): Promise<void> {
    return this.write(async (assertHeld) => {
      const kind = KINDS.find((one) => path.dirname(path.resolve(file)) === this.folders[one]);
      if (!kind || !file.endsWith('.md')) throw new ExpectedError('note-missing', `${file} is not a file of the notebook.`, `Notes lie in ${this.notes}.`);
      const read = readRawFile(file);
      if (read?.reason !== undefined || !read) throw new ExpectedError('note-unreadable', `${file} cannot be read: ${read?.reason ?? 'it is gone'}.`, 'Nothing was changed.');
      const text = change(read.text);
      if (text !== read.text) await this.commit(kind, file, text, undefined, assertHeld);
    });
  }

  /** The file of a note as it was when it was last approved on this machine, where that is known. */
  approvedText(note: Pick<Note, 'id' | 'kind'>): string | undefined {
    return this.approvals.approvedText(note);
  }

  modify(id: string, change: (current: Note) => Note): Promise<StoredNote> {
    return this.write(async (assertHeld) => {
      const found = this.find(id);
      const current = found.content;
      const changed = change(current.note);
      if (changed.id !== id || changed.kind !== current.note.kind) throw new Error('A note keeps its id and its kind.');
      const approved = this.approvals.hashes().has(current.hash);
      // As if written back: what a hand-made file left out gets its value and its place.
      return this.put(changed, current.extras, approved, assertHeld);
    });
  }

  remove(id: string): Promise<RemovedNote> {
    return this.write(async (assertHeld) => {
      const { file, kind, content } = this.find(id);
      const approved = this.approvals.hashes().has(content.hash);
      await this.ownChange(kind, file, async () => {
        assertHeld();
        unlinkSync(file);
        await syncFolder(path.dirname(file));
      });
      // The same text that comes back from outside is asked about again, unless another note has it too.
      if (approved && !this.anyOther(content.hash)) await this.approvals.remove([content.hash]);
      this.approvals.forget(content.note);
      return { id, file, content: content.text, approved };
    });
  }

  restore(removed: RemovedNote): Promise<StoredNote> {
    return this.write(async (assertHeld) => {
      const content = contentOf(removed.content, `${removed.id}.md`);
      const { kind } = content.note;
      const file = this.fileOf(kind, removed.id);
      if (KINDS.some((other) => exists(this.fileOf(other, removed.id)))) throw new ExpectedError('note-exists', `There is a note "${removed.id}" again.`, 'Delete or rename it before you bring the old one back.');
      await this.commit(kind, file, removed.content, removed.approved ? content.hash : undefined, assertHeld);
      return this.stored(file, content);
    });
  }

  approve(ids: readonly string[]): Promise<string[]> {
    return this.inTurn(async () => {
      const { notes } = await this.refresh();
      const wanted = new Set(ids);
      const quarantined = notes.filter((stored) => stored.quarantined && wanted.has(stored.note.id));
      await this.approvals.add(quarantined.map((stored) => approvalHash(stored.note)));
      for (const { note, file } of quarantined) {
        const now = readNoteFile(file, note.kind)?.content;
        if (now?.note) this.approvals.remember(now.note, now.text);
      }
      if (quarantined.length > 0) this.announce();
      return quarantined.map((stored) => stored.note.id);
    });
  }

  watch(listener: () => void): () => void {
    // Its own function each time, so that the same listener given twice is called twice and stopped one by one.
    const call = () => listener();
    this.listeners.add(call);
    this.startWatching();
    return () => {
      this.listeners.delete(call);
    };
  }

  /** Stops watching. The store must not be used afterwards. */
  dispose(): void {
    this.disposed = true;
    this.watcher?.close();
    clearTimeout(this.timer);
    this.listeners.clear();
  }

  // --- reading

  private async refresh(): Promise<NotebookSnapshot> {
    this.startWatching();
    let changed = false;
    const obstacle = this.obstacle();
    for (const kind of KINDS) changed = (await this.refreshFolder(kind, obstacle)) || changed;
    const approved = this.approvals.hashes();
    if (!this.snapshot || changed || approved !== this.snapshotApprovals) {
      this.snapshot = this.collect(approved, obstacle);
      this.snapshotApprovals = approved;
    }
    return this.snapshot;
  }

  /** Brings what is known of one folder up to date. True when anything changed. */
  private async refreshFolder(kind: NoteKind, obstacle: SetAsideFile | undefined): Promise<boolean> {
    const folder = this.folders[kind];
    const known = this.known[kind];
    const stat = obstacle ? undefined : lstatSync(folder, { bigint: true, throwIfNoEntry: false });
    if (!stat) {
      const had = known.files.size > 0 || known.stamp !== (obstacle?.reason ?? 'none');
      known.files.clear();
      known.stamp = obstacle?.reason ?? 'none';
      return had;
    }
    const stamp = stampOf(stat);
    const all = !this.watcher?.isWatched(folder, stat.ino) || stamp !== known.stamp;
    let names: string[];
    let listed = true;
    try {
      names = all ? noteFileNames(folder) : [...this.dirty].filter((file) => path.dirname(file) === folder).map((file) => path.basename(file));
    } catch (error) {
      this.log.warn(`${folder} cannot be read.`, error);
      names = [];
      listed = false;
    }
    if (names.length === 0 && !all) return false;
    // The files' own marks are cleared before they are read: what changes meanwhile is marked anew.
    for (const name of names) this.dirty.delete(path.join(folder, name));
    let changed = stamp !== known.stamp;
    const present = new Set<string>();
    for (const [at, name] of names.entries()) {
      if (at > 0 && at % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
      const file = path.join(folder, name);
      const before = known.files.get(file);
      const now = readAgain(file, kind, before);
      if (now) {
        present.add(file);
        known.files.set(file, now);
        if (now.racy) this.dirty.add(file);
      } else known.files.delete(file);
      if (now !== before) {
        changed = true;
        this.compareWithLast(file, before, now);
      }
    }
    if (all) {
      for (const file of known.files.keys()) {
        if (present.has(file)) continue;
        known.files.delete(file);
        changed = true;
      }
      known.stamp = stamp;
      if (listed) this.lastGood.prune(folder, present);
    }
    return changed;
  }

  /** A note whose file is broken by an edit stays in use as it was. */
  private compareWithLast(file: string, before: ReadFile | undefined, now: ReadFile | undefined): void {
    if (!now || now.content.note) this.lastGood.forget(file);
    else if (before?.content.note) this.lastGood.keep(file, before.content);
  }

  private collect(approved: ReadonlySet<string>, obstacle: SetAsideFile | undefined): NotebookSnapshot {
    const notes: StoredNote[] = [];
    const setAside: SetAsideFile[] = obstacle ? [obstacle] : [];
    const ids = new Set<string>();
    for (const kind of KINDS) {
      for (const file of [...this.known[kind].files.keys()].sort()) {
        const content = this.known[kind].files.get(file)!.content;
        const good = content.reason === undefined ? undefined : this.lastGood.of(file);
        if (content.reason !== undefined) {
          setAside.push({ file, reason: content.reason });
          if (good && !ids.has(good.note.id)) {
            ids.add(good.note.id);
            notes.push({ note: good.note, file, quarantined: !this.trustAll && !approved.has(good.hash), broken: content.reason });
          }
        } else if (ids.has(content.note.id)) setAside.push({ file, reason: `another note has the id "${content.note.id}" too; rename one of them` });
        else {
          ids.add(content.note.id);
          notes.push({ note: content.note, file, quarantined: !this.trustAll && !approved.has(content.hash) });
        }
      }
    }
    return { notes, setAside };
  }

  /** The first part of the way to the notes that is not a folder of its own: links could lead out of the workspace. */
  private obstacle(more: readonly string[] = []): SetAsideFile | undefined {
    for (const folder of [this.home, this.notes, this.folders.security, this.folders.function, ...more]) {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat?.isSymbolicLink()) return { file: folder, reason: 'it is a symbolic link; SafeNote reads and writes notes inside the workspace only, so put the folder itself here' };
      if (stat && !stat.isDirectory()) return { file: folder, reason: 'it is not a folder; move it away' };
    }
    return undefined;
  }

  // --- writing

  /** Runs a change alone in this process and, by the lock, on this machine. */
  private write<T>(change: (assertHeld: () => void) => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      const obstacle = this.obstacle([this.temporary, path.join(this.home, '.lock')]);
      if (obstacle) throw new ExpectedError('not-a-folder', `Notes cannot be written: ${path.relative(this.root, obstacle.file)} is in the way.`, `${obstacle.file}: ${obstacle.reason}.`);
      try {
        this.makeHome();
        const result = await this.lock.run((assertHeld) => {
          this.makeFolders();
          return change(assertHeld);
        });
        this.announce();
        return result;
      } catch (error) {
        throw writeError(error, WHAT);
      }
    });
  }

  private assertFree(id: string): void {
    if (!isNoteId(id)) throw new ExpectedError('bad-note-id', `"${id}" cannot be a note's id.`, 'Use small letters, digits and hyphens.');
    if (KINDS.some((kind) => exists(this.fileOf(kind, id)))) throw new ExpectedError('note-exists', `There is already a note "${id}".`, 'Give the new note another id.');
  }

  private makeHome(): void {
    if (!exists(this.root)) throw new ExpectedError('no-workspace', `The workspace folder ${this.root} does not exist.`, 'Open a folder that exists.');
    makeFolder(this.home);
  }

  /** Under the lock. `notes` comes last: as long as it is missing, the folder is not yet born whole. */
  private makeFolders(): void {
    if (!exists(this.notes)) {
      try {
        writeFileSync(path.join(this.home, '.gitignore'), GITIGNORE, { flag: 'wx' });
      } catch (error) {
        // The team's own file stays.
        if (fileErrorCode(error) !== 'EEXIST') throw error;
      }
    }
    for (const folder of [this.notes, this.folders.security, this.folders.function, this.temporary]) makeFolder(folder);
    if (this.cleaned) return;
    this.cleaned = true;
    for (const name of readdirSync(this.temporary)) {
      const file = path.join(this.temporary, name);
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat && Date.now() - stat.ctimeMs > LEFTOVER_MS) rmSync(file, { recursive: true, force: true });
    }
  }

  private async put(note: Note, extras: NoteExtras, approved: boolean, assertHeld: () => void): Promise<StoredNote> {
    const file = this.fileOf(note.kind, note.id);
    const text = formatNote(redactNote(normalizeNote(note)), redactExtras(extras));
    const content = contentOf(text, file);
    await this.commit(note.kind, file, text, approved ? content.hash : undefined, assertHeld);
    return this.stored(file, content);
  }

  /** Writes a note's file, and its approval where a hash is given. */
  private async commit(kind: NoteKind, file: string, text: string, approvedHash: string | undefined, assertHeld: () => void): Promise<void> {
    // Both are written at the same time, and the approval is there first: killed in between, a hash without a note harms
    // nobody, while a note without its hash would be quarantined.
    const approval = approvedHash === undefined ? Promise.resolve() : this.approvals.add([approvedHash]);
    approval.catch(() => undefined);
    await this.ownChange(kind, file, () =>
      replaceFile(file, text, {
        temporary: path.join(this.temporary, `${path.basename(file)}.${randomBytes(6).toString('hex')}`),
        lasting: true,
        beforeRename: async () => {
          await approval;
          assertHeld();
        },
      }),
    );
    if (approvedHash !== undefined) this.approvals.remember({ kind, id: path.basename(file, '.md') }, text);
  }

  /** After a change of its own the folder need not be listed again. */
  private async ownChange(kind: NoteKind, file: string, change: () => Promise<void>): Promise<void> {
    const known = this.known[kind];
    const wasCurrent = this.folderStamp(kind) === known.stamp;
    await change();
    const now = readAgain(file, kind);
    if (wasCurrent) known.stamp = this.folderStamp(kind);
    if (now) known.files.set(file, now);
    else known.files.delete(file);
    if (now?.racy) this.dirty.add(file);
    this.snapshot = undefined;
  }

  private folderStamp(kind: NoteKind): string {
    const stat = lstatSync(this.folders[kind], { bigint: true, throwIfNoEntry: false });
    return stat ? stampOf(stat) : '';
  }

  /** The note as it is on disk now. */
  private find(id: string): { file: string; kind: NoteKind; content: WholeFile } {
    for (const kind of isNoteId(id) ? KINDS : []) {
      const file = this.fileOf(kind, id);
      const content = readNoteFile(file, kind)?.content;
      if (!content) continue;
      if (content.reason !== undefined) throw new ExpectedError('note-unreadable', `The note "${id}" cannot be read: ${content.reason}.`, `Correct ${file}; nothing was changed.`);
      return { file, kind, content };
    }
    throw new ExpectedError('note-missing', `There is no note "${id}".`, 'It may have been deleted meanwhile; list the notes to see which there are.');
  }

  private anyOther(hash: string): boolean {
    return KINDS.some((kind) => [...this.known[kind].files.values()].some(({ content }) => content.note && content.hash === hash));
  }

  private stored(file: string, content: WholeFile): StoredNote {
    return { note: content.note, file, quarantined: !this.trustAll && !this.approvals.hashes().has(content.hash) };
  }

  private fileOf(kind: NoteKind, id: string): string {
    return path.join(this.folders[kind], `${id}.md`);
  }

  // --- turns and news

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private startWatching(): void {
    if (this.watcher || this.disposed || !exists(this.root)) return;
    this.watcher = new FolderWatcher({
      root: this.root,
      folders: KINDS.map((kind) => this.folders[kind]),
      log: this.log,
      onChange: (folder, name) => {
        if (name === undefined) for (const kind of KINDS) if (this.folders[kind] === folder) this.known[kind].stamp = '';
        if (name !== undefined && !name.endsWith('.md')) return;
        if (name !== undefined) this.dirty.add(path.join(folder, name));
        this.announce();
      },
    });
  }

  private announce(): void {
    if (this.timer || this.disposed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      for (const listener of [...this.listeners]) listener();
    }, DEBOUNCE_MS);
    this.timer.unref();
  }
}

function exists(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (fileErrorCode(error) !== 'EEXIST') throw error;
  }
}
