import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, copyFileSync, existsSync, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Note } from '../../core/notebook/note.ts';
import { approvalText, parseNote } from '../../core/notebook/note-markdown.ts';
import { replaceFile } from './atomic-file.ts';
import { fileErrorCode, writeError } from './file-errors.ts';
import { FolderLock } from './folder-lock.ts';

/** SHA-256 (hex) over everything of a note that can reach a prompt. */
export function approvalHash(note: Note): string {
  return createHash('sha256').update(approvalText(note)).digest('hex');
}

/** Where a notebook keeps the name by which its approvals are found again after its folder was moved. Git never sees it. */
const NAME_FILE = '.id';
const NAME = /^[0-9a-f]{32}$/;

/**
 * Which notes of one workspace the user trusts, by hash of what can reach a prompt. The file is the user's, outside
 * the repository, so that nothing that comes with a clone can approve itself. One hash a line; anything else in it is
 * ignored. Shared by all windows and the command line.
 *
 * A folder that was moved or copied finds its approvals again by a random name inside `.safenote`, which is ignored by Git.
 * Whoever learned that name could bring only texts that the user has approved for this very notebook: what is approved
 * is the text, and no name approves another one.
 */
export class Approvals {
  readonly file: string;
  private readonly workspaceFolder: string;
  private readonly lock: FolderLock;
  private readonly head: string;
  private readonly home: string;
  private readonly movable: boolean;
  private adopted = false;
  private cached: { readonly stamp: string; readonly hashes: ReadonlySet<string> } = { stamp: '', hashes: new Set() };

  constructor(options: { file: string; workspaceFolder: string; head?: string }) {
    this.file = options.file;
    this.workspaceFolder = options.workspaceFolder;
    this.head = options.head ?? 'Notes that SafeNote may use';
    this.home = path.join(path.resolve(options.workspaceFolder), '.safenote');
    // What a user said about other things is asked again in another folder.
    this.movable = options.head === undefined;
    this.lock = new FolderLock({ folder: `${options.file}.lock`, what: 'The list of approved notes' });
  }

  /** All approved hashes; the same set as long as nothing changed. A file that cannot be read approves nothing. */
  hashes(): ReadonlySet<string> {
    let stamp = this.stamp();
    if (stamp === '' && this.adopt()) stamp = this.stamp();
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

  /** Keeps the text of an approved note, so that a later change can be shown as what changed. Best effort. */
  remember(note: Pick<Note, 'id' | 'kind'>, text: string): void {
    try {
      mkdirSync(this.texts, { recursive: true, mode: 0o700 });
      writeFileSync(this.textOf(note), text, { mode: 0o600 });
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
    }
  }

  forget(note: Pick<Note, 'id' | 'kind'>): void {
    rmSync(this.textOf(note), { force: true });
  }

  /** The file of a note as it was when it was last approved, where that is known. */
  approvedText(note: Pick<Note, 'id' | 'kind'>): string | undefined {
    let text: string;
    try {
      text = readFileSync(this.textOf(note), 'utf8');
    } catch {
      return undefined;
    }
    // Torn, or taken back since: then it says nothing about what was approved.
    const parsed = parseNote(text, `${note.id}.md`);
    return parsed.note && this.hashes().has(approvalHash(parsed.note)) ? text : undefined;
  }

  private get texts(): string {
    return this.file.replace(/(?:\.txt)?$/, '.texts');
  }

  private textOf({ id, kind }: Pick<Note, 'id' | 'kind'>): string {
    return path.join(this.texts, `${kind}-${id}.md`);
  }

  /** Takes over the approvals of the folder that this one was moved or copied from. True when there were any. */
  private adopt(): boolean {
    if (this.adopted || !this.movable) return false;
    this.adopted = true;
    const name = this.ownName();
    if (!name) return false;
    const folder = path.dirname(this.file);
    try {
      for (const other of readdirSync(folder).filter((file) => file.endsWith('.txt') && file !== path.basename(this.file))) {
        const text = readFileSync(path.join(folder, other), 'utf8');
        if (!text.split('\n', 3).includes(`# ${name}`)) continue;
        copyFileSync(path.join(folder, other), this.file, constants.COPYFILE_EXCL);
        const texts = path.join(folder, other.replace(/\.txt$/, '.texts'));
        mkdirSync(this.texts, { recursive: true, mode: 0o700 });
        for (const file of readdirSync(texts)) copyFileSync(path.join(texts, file), path.join(this.texts, file));
        return true;
      }
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error;
    }
    return existsSync(this.file);
  }

  private ownName(): string | undefined {
    const file = path.join(this.home, NAME_FILE);
    try {
      if (!lstatSync(this.home).isDirectory()) return undefined;
      const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      try {
        const stat = fstatSync(handle);
        if (!stat.isFile() || stat.size > 64) return undefined;
        const name = readFileSync(handle, 'utf8').trim();
        return NAME.test(name) ? name : undefined;
      } finally {
        closeSync(handle);
      }
    } catch {
      return undefined;
    }
  }

  /** The notebook's own name, given with its first approval. Where it cannot be written, a moved folder asks again. */
  private giveName(): string | undefined {
    const known = this.ownName();
    if (known) return known;
    const name = randomBytes(16).toString('hex');
    try {
      if (!lstatSync(this.home).isDirectory()) return undefined;
      writeFileSync(path.join(this.home, NAME_FILE), `${name}\n`, { flag: 'wx' });
      return name;
    } catch {
      return undefined;
    }
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
      const name = this.movable ? this.giveName() : undefined;
      const lines = [`# ${this.head} in ${this.workspaceFolder.replaceAll(/[\r\n]/g, ' ')}`, ...(name ? [`# ${name}`] : []), ...set, ''];
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
