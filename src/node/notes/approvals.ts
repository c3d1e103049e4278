import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Note } from '../../core/notebook/note.ts';
import { approvalText } from '../../core/notebook/note-markdown.ts';
import { replaceFile } from './atomic-file.ts';
import { fileErrorCode, writeError } from './file-errors.ts';
import { FolderLock } from './folder-lock.ts';

/** SHA-256 (hex) over everything of a note that can reach a prompt. */
export function approvalHash(note: Note): string {
  return createHash('sha256').update(approvalText(note)).digest('hex');
}

/**
 * Which notes of one workspace the user trusts, by hash of what can reach a prompt. The file is the user's, outside
 * the repository, so that nothing that comes with a clone can approve itself. One hash a line; anything else in it is
 * ignored. Shared by all windows and the command line.
 */
export class Approvals {
  readonly file: string;
  private readonly workspaceFolder: string;
  private readonly lock: FolderLock;
  private readonly head: string;
  private cached: { readonly stamp: string; readonly hashes: ReadonlySet<string> } = { stamp: '', hashes: new Set() };

  constructor(options: { file: string; workspaceFolder: string; head?: string }) {
    this.file = options.file;
    this.workspaceFolder = options.workspaceFolder;
    this.head = options.head ?? 'Notes that SafeNote may use';
    this.lock = new FolderLock({ folder: `${options.file}.lock`, what: 'The list of approved notes' });
  }

  /** All approved hashes; the same set as long as nothing changed. A file that cannot be read approves nothing. */
  hashes(): ReadonlySet<string> {
    const stamp = this.stamp();
    if (stamp !== this.cached.stamp) this.cached = { stamp, hashes: this.read() };
    return this.cached.hashes;
  }

  /** Throws the errors of `FolderLock.run`. */
  async add(hashes: readonly string[]): Promise<void> {
    const known = this.hashes();
    if (hashes.every((hash) => known.has(hash))) return;
    await this.update((set) => hashes.forEach((hash) => set.add(hash)));
  }

  async remove(hashes: readonly string[]): Promise<void> {
    const known = this.hashes();
    if (!hashes.some((hash) => known.has(hash))) return;
    await this.update((set) => hashes.forEach((hash) => set.delete(hash)));
  }

  private async update(change: (set: Set<string>) => void): Promise<void> {
    try {
      mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw writeError(error, 'The list of approved notes');
    }
    await this.lock.run(async (assertHeld) => {
      const set = new Set(this.hashes());
      change(set);
      const lines = [`# ${this.head} in ${this.workspaceFolder.replaceAll(/[\r\n]/g, ' ')}`, ...set, ''];
      try {
        await replaceFile(this.file, lines.join('\n'), { temporary: `${this.file}.${randomBytes(6).toString('hex')}.tmp`, mode: 0o600, beforeRename: assertHeld });
      } catch (error) {
        throw writeError(error, 'The list of approved notes');
      }
      this.cached = { stamp: this.stamp(), hashes: set };
    });
  }

  private read(): ReadonlySet<string> {
    try {
      return new Set(readFileSync(this.file, 'utf8').split('\n').filter((line) => /^[0-9a-f]{64}$/.test(line)));
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
      return new Set();
    }
  }

  private stamp(): string {
    let stat;
    try {
      stat = statSync(this.file, { bigint: true, throwIfNoEntry: false });
    } catch {
      // A folder without permission: nothing is approved.
    }
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : '';
  }
}
