import { existsSync, lstatSync, watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../core/log.ts';
import { fileErrorCode } from './file-errors.ts';

/** Where the system cannot watch a folder (too many watches, some network drives): how often to look instead. */
const POLL_MS = 5_000;

/**
 * Watches a few folders that may not exist yet, without keeping the process alive and without work while nothing
 * changes. `onChange` gets the folder and the name of what changed in it, or no name when anything may have changed.
 */
export class FolderWatcher {
  private readonly watchers = new Map<string, FSWatcher>();
  /** Inode of each watched folder: a watch stays with a folder that is moved away or deleted. */
  private readonly watched = new Map<string, bigint>();
  private poll: NodeJS.Timeout | undefined;
  private seen = '';
  private readonly folders: readonly string[];
  private readonly root: string;
  private readonly onChange: (folder: string, name: string | undefined) => void;
  private readonly log: Logger;
  private closed = false;

  /** `root` must exist and is an ancestor of all `folders`. */
  constructor(options: { root: string; folders: readonly string[]; onChange: (folder: string, name: string | undefined) => void; log: Logger }) {
    this.root = options.root;
    this.folders = options.folders;
    this.onChange = options.onChange;
    this.log = options.log;
    this.attach();
  }

  /**
   * True when the system reports every change in this folder: then nothing reported means nothing changed. `inode` is
   * the folder's own; a folder that was exchanged is watched anew.
   */
  isWatched(folder: string, inode: bigint): boolean {
    if (this.closed || this.poll) return false;
    if (this.watched.get(folder) === inode) return true;
    this.reattach(folder);
    return false;
  }

  close(): void {
    this.closed = true;
    for (const watcher of this.watchers.values()) watcher.close();
    this.watchers.clear();
    this.watched.clear();
    clearInterval(this.poll);
    this.poll = undefined;
  }

  /** Watches each folder, or the nearest folder above it that exists, to see it appear. */
  private attach(): void {
    if (this.closed) return;
    const wanted = new Set(this.folders.map((folder) => this.nearest(folder)));
    for (const [folder, watcher] of this.watchers) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.forget(folder);
    }
    for (const folder of wanted) if (!this.watchers.has(folder)) this.watchOne(folder);
  }

  private watchOne(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.changed(folder, name ?? undefined));
      watcher.on('error', () => {
        // The folder went away (Windows says so by an error).
        watcher.close();
        if (this.watchers.get(folder) === watcher) this.forget(folder);
        this.changed(folder, undefined);
      });
      this.watchers.set(folder, watcher);
      this.watched.set(folder, lstatSync(folder, { bigint: true }).ino);
    } catch (error) {
      if (fileErrorCode(error) === 'ENOENT') return;
      this.log.warn(`${folder} cannot be watched; looking every ${POLL_MS / 1000} s instead.`, error);
      this.startPolling();
    }
  }

  private changed(folder: string, name: string | undefined): void {
    if (this.closed) return;
    if (this.folders.includes(folder)) {
      // On its own end a folder reports its own name; it may be there again by now, as another one.
      if (name === undefined || name === path.basename(folder)) this.reattach(folder);
      this.onChange(folder, name);
      return;
    }
    // Something happened above: of interest only when it is on the way to one of the folders.
    const changedPath = name === undefined ? folder : path.join(folder, name);
    if (!this.folders.some((wanted) => wanted === changedPath || wanted.startsWith(changedPath + path.sep))) return;
    this.attach();
    for (const wanted of this.folders) if (wanted.startsWith(changedPath)) this.onChange(wanted, undefined);
  }

  private reattach(folder: string): void {
    this.watchers.get(folder)?.close();
    this.forget(folder);
    this.attach();
  }

  private forget(folder: string): void {
    this.watchers.delete(folder);
    this.watched.delete(folder);
  }

  private nearest(folder: string): string {
    let at = folder;
    while (at !== this.root && !existsSync(at)) at = path.dirname(at);
    return at;
  }

  private startPolling(): void {
    if (this.poll) return;
    this.seen = this.look();
    this.poll = setInterval(() => {
      const now = this.look();
      if (now === this.seen) return;
      this.seen = now;
      for (const folder of this.folders) this.onChange(folder, undefined);
    }, POLL_MS);
    this.poll.unref();
  }

  private look(): string {
    return this.folders.map((folder) => lstatSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? '').join(' ');
  }
}
