import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { ExpectedError } from '../../core/errors.ts';
import { fileErrorCode, writeError } from './file-errors.ts';

/*
 * One writer at a time, across processes. A lock is a folder `held` with the holder's name in it, taken by renaming a
 * prepared folder to that name: a rename onto a folder that is not empty fails, so one of many wins, and there is no
 * moment in which a lock is held without saying by whom. A lock whose holder has died is taken away at once, by renaming
 * it to a name made of the holder's: when two find the same dead holder, the second rename fails, also when `held` is
 * by then another's. (Libraries that judge a lock by its age alone wait seconds after a kill, and can take away a lock
 * that was renewed between the look and the deed.)
 */

const Holder = z.object({
  nonce: z.string().regex(/^[a-z0-9-]{1,80}$/),
  pid: z.number().int(),
  /** Where the process id means something: host and process namespace. */
  scope: z.string(),
  /** When that process began, so that another one with the same id is not taken for it. Empty where not known. */
  started: z.string(),
  at: z.number(),
});
type Holder = z.infer<typeof Holder>;

/** Work under the lock takes milliseconds. A lock this old was left behind, even where the holder cannot be asked. */
const STALE_MS = 30_000;
const LEFTOVER_MS = 60_000;
const HELD = 'held';

export interface FolderLockOptions {
  /** Folder for the lock's own files. Its parent must exist when the lock is taken. */
  readonly folder: string;
  /** What is locked, for messages ("The notebook"). */
  readonly what: string;
  /** How long to wait for another holder. */
  readonly waitMs?: number;
}

export class FolderLock {
  private readonly folder: string;
  private readonly what: string;
  private readonly waitMs: number;
  private queue: Promise<unknown> = Promise.resolve();
  private cleaned = false;

  constructor(options: FolderLockOptions) {
    this.folder = options.folder;
    this.what = options.what;
    this.waitMs = options.waitMs ?? 10_000;
  }

  /**
   * Runs `work` while no other process or caller holds this lock. `work` must be short; it gets a function that throws
   * when the lock was lost meanwhile (the machine slept), to be called right before a write becomes visible. Throws
   * `ExpectedError` `locked` when the lock cannot be had in time, and the errors of `writeError`.
   */
  run<T>(work: (assertHeld: () => void) => T | Promise<T>): Promise<T> {
    // Callers of this process wait here, in order, and not on disk.
    const result = this.queue.then(() => this.locked(work));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async locked<T>(work: (assertHeld: () => void) => T | Promise<T>): Promise<T> {
    const nonce = await this.acquire();
    try {
      return await work(() => this.assertHeld(nonce));
    } finally {
      this.release(nonce);
    }
  }

  private async acquire(): Promise<string> {
    const nonce = `${process.pid}-${randomBytes(8).toString('hex')}`;
    const prepared = path.join(this.folder, `wait-${nonce}`);
    const deadline = Date.now() + this.waitMs;
    try {
      mkdirSync(this.folder, { recursive: true });
      if (!lstatSync(this.folder).isDirectory()) throw Object.assign(new Error(`${this.folder} is not a folder`), { code: 'ENOTDIR', syscall: 'mkdir' });
      mkdirSync(prepared);
      for (;;) {
        const holder: Holder = { nonce, pid: process.pid, scope: scope(), started: startOf(process.pid), at: Date.now() };
        writeFileSync(path.join(prepared, 'holder.json'), JSON.stringify(holder));
        if (this.take(prepared)) break;
        const other = this.holder();
        if (other && isGone(other)) {
          this.takeAway(other);
          continue;
        }
        if (Date.now() > deadline) throw this.busy(other);
        await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 15));
      }
      if (!this.cleaned) {
        this.cleaned = true;
        this.removeLeftovers();
      }
      return nonce;
    } catch (error) {
      rmSync(prepared, { recursive: true, force: true });
      throw writeError(error, this.what);
    }
  }

  /** True when the prepared folder became the lock; false when another holds it. */
  private take(prepared: string): boolean {
    try {
      renameSync(prepared, path.join(this.folder, HELD));
      return true;
    } catch (error) {
      const code = fileErrorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      // Windows says this when the target exists, and also when there is no permission.
      if ((code === 'EPERM' || code === 'EACCES') && process.platform === 'win32') return false;
      throw error;
    }
  }

  private holder(): Holder | undefined {
    const held = path.join(this.folder, HELD);
    try {
      const parsed = Holder.safeParse(JSON.parse(readFileSync(path.join(held, 'holder.json'), 'utf8')));
      if (parsed.success) return parsed.data;
    } catch (error) {
      if (fileErrorCode(error) === 'ENOENT') return undefined;
    }
    // Not written by SafeNote, or damaged: judged by its age.
    const at = lstatSync(held, { throwIfNoEntry: false })?.ctimeMs;
    return at === undefined ? undefined : { nonce: `unknown-${Math.floor(at)}`, pid: 0, scope: '', started: '', at };
  }

  private takeAway(dead: Holder): void {
    try {
      renameSync(path.join(this.folder, HELD), path.join(this.folder, `dead-${dead.nonce}`));
      this.cleaned = false;
    } catch {
      // Another process was faster.
    }
  }

  private assertHeld(nonce: string): void {
    if (this.holder()?.nonce === nonce) return;
    throw new ExpectedError('lock-lost', `${this.what} was taken over by another process while this one was stopped.`, 'Nothing was written. Try again.');
  }

  private release(nonce: string): void {
    if (this.holder()?.nonce !== nonce) return;
    const done = path.join(this.folder, `done-${nonce}`);
    try {
      renameSync(path.join(this.folder, HELD), done);
      rmSync(done, { recursive: true, force: true });
    } catch {
      // Whoever comes next takes it away: by then this process has ended, or the lock is too old.
    }
  }

  /** What killed processes left behind. Names of dead holders stay for a minute, as they guard against a second taking away. */
  private removeLeftovers(): void {
    for (const name of readdirSync(this.folder)) {
      if (name === HELD) continue;
      const file = path.join(this.folder, name);
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (stat && Date.now() - stat.ctimeMs > LEFTOVER_MS) rmSync(file, { recursive: true, force: true });
    }
  }

  private busy(holder: Holder | undefined): ExpectedError {
    const who = holder && holder.pid > 0 ? `process ${holder.pid}` : 'another process';
    return new ExpectedError('locked', `${this.what} is in use by ${who} since ${Math.round(this.waitMs / 1000)} s.`, `Wait for it or end it, then try again. If no SafeNote is running, delete ${path.join(this.folder, HELD)}.`);
  }
}

function isGone(holder: Holder): boolean {
  if (Date.now() - holder.at > STALE_MS) return true;
  if (holder.scope !== scope()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return fileErrorCode(error) === 'ESRCH';
  }
  return holder.started !== '' && holder.started !== startOf(holder.pid);
}

let ownScope: string | undefined;

/** Two processes with the same scope see each other's process ids. A container has a namespace of its own. */
function scope(): string {
  if (ownScope === undefined) {
    let namespace = '';
    try {
      namespace = readlinkSync('/proc/self/ns/pid');
    } catch {
      // Not Linux: the host name must do.
    }
    ownScope = `${os.hostname()} ${namespace}`;
  }
  return ownScope;
}

/** Boot and start time of a process where Linux tells them, else empty. */
function startOf(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the command, may hold spaces and parentheses; the state follows, the start time is the 19th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended and only waits for its parent to notice.
    if (fields[0] === 'Z') return '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}
