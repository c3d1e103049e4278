import { randomBytes } from 'node:crypto';
import { access, lstat, mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileDetails, FileStorage } from 'vectra';
import type { Logger } from '../../core/log.ts';
import type { NoteIndexCodec } from './note-codec.ts';

const DELAY_MS = 500;
const LONGEST_DELAY_MS = 5_000;
const LEFTOVER_MS = 10 * 60_000;

/**
 * vectra's storage, with the index written later and whole: some time after the last change, to a temporary file that
 * then takes the index's name. A process that is killed leaves the previous index; of two processes the last one
 * stands, and each still has its own in memory. Failing to write is logged and not an error: the index is a cache.
 */
export class DeferredStorage implements FileStorage {
  private readonly codec: NoteIndexCodec;
  private readonly log: Logger;
  private pending: { readonly file: string; readonly token: Buffer } | undefined;
  private firstChange = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private cleaned = false;
  private discarded = false;
  /** The last save failed: what is in memory is better than what is on disk. */
  private unsaved = false;
  /** Identity of the file that this process wrote or read last. */
  private own = '';

  constructor(options: { codec: NoteIndexCodec; log: Logger }) {
    this.codec = options.codec;
    this.log = options.log;
  }

  async upsertFile(file: string, content: Buffer | string): Promise<void> {
    if (typeof content === 'string') throw new Error('The index is written as bytes.');
    if (!this.pending) this.firstChange = Date.now();
    this.pending = { file, token: content };
    clearTimeout(this.timer);
    const delay = Math.max(0, Math.min(DELAY_MS, this.firstChange + LONGEST_DELAY_MS - Date.now()));
    // Unreferenced: a command line that ends early loses a cache, one that wants to keep it calls `flush`.
    this.timer = setTimeout(() => void this.flush(), delay).unref();
  }

  /** Resolves when everything is on disk, or could not be put there (logged). */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.writing = this.writing.then(async () => {
      const job = this.pending;
      if (!job) return;
      this.pending = undefined;
      try {
        await this.write(job.file, job.token);
        this.unsaved = false;
      } catch (error) {
        this.unsaved = true;
        this.log.warn('The note index could not be saved; it will be rebuilt when it is needed.', error);
      }
    });
    return this.writing;
  }

  /** True when another process has replaced the file and nothing of ours is waiting to replace it again. */
  async isForeign(file: string): Promise<boolean> {
    return this.pending === undefined && !this.unsaved && (await identity(file)) !== this.own;
  }

  async readFile(file: string): Promise<Buffer> {
    const before = await identity(file);
    const content = await readFile(file);
    this.own = before;
    return content;
  }

  /** From now on there is no such file, even if it cannot be deleted: the next save replaces it. */
  async discard(file: string): Promise<void> {
    this.discarded = true;
    await rm(file, { force: true }).catch((error: unknown) => this.log.warn(`${file} cannot be deleted.`, error));
  }

  async pathExists(file: string): Promise<boolean> {
    if (this.pending?.file === file) return true;
    if (this.discarded) return false;
    return access(file).then(() => true, () => false);
  }

  /** The folder is made when there is something to put into it. */
  async createFolder(): Promise<void> {}

  async deleteFolder(folder: string): Promise<void> {
    this.pending = undefined;
    await rm(folder, { recursive: true, force: true });
  }

  async createFile(file: string, content: Buffer | string): Promise<void> {
    await this.upsertFile(file, content);
  }

  async deleteFile(file: string): Promise<void> {
    await rm(file, { force: true });
  }

  async getDetails(file: string): Promise<FileDetails> {
    return { name: path.basename(file), path: file, isFolder: (await stat(file)).isDirectory() };
  }

  async listFiles(folder: string): Promise<FileDetails[]> {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, path: path.join(folder, entry.name), isFolder: entry.isDirectory() }));
  }

  private async write(file: string, token: Buffer): Promise<void> {
    // Looking into a notebook without notes leaves nothing behind.
    if (this.own === '' && this.codec.isEmpty(token)) return;
    const folder = path.dirname(file);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!this.cleaned) await this.removeLeftovers(folder);
    const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      const handle = await open(temporary, 'wx', 0o600);
      try {
        for (const chunk of this.codec.chunks(token)) await handle.appendFile(chunk);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    this.own = await identity(file);
    this.discarded = false;
  }

  /** Temporary files of processes that were killed. */
  private async removeLeftovers(folder: string): Promise<void> {
    this.cleaned = true;
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.tmp')) continue;
      const file = path.join(folder, name);
      const found = await lstat(file).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(file, { force: true });
    }
  }
}

async function identity(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : '';
}
