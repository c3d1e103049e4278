import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { ActivityEvent, type ActivityJournal } from '../../core/activity/event.ts';
import { ActivityTotals, addEvent, noTotals, rollUp } from '../../core/activity/totals.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { replaceFile } from '../notes/atomic-file.ts';
import { fileErrorCode, writeError } from '../notes/file-errors.ts';
import { FolderLock } from '../notes/folder-lock.ts';

/*
 * The activity of one workspace: a file of lines in the user's own folder. The first line may be the sums of all events
 * that are not in the file any more; each other line is one event. An event is one append under a lock; when the events take
 * too much room, the older ones are added to the sums and the file is replaced in one step, so that a kill at any moment
 * counts nothing twice and loses nothing that was written.
 */

const Sums = z.object({ type: z.literal('sums'), id: z.string(), totals: ActivityTotals });

/** Events may take so many bytes; then the newest of them are kept and the rest is added up. */
const EVENT_BYTES = 1_000_000;
const KEPT_EVENTS = 500;
/** So much of a file tells it from the one before. */
const HEAD_BYTES = 64;
/** Events that wait for a disk with room. */
const WAITING = 200;

export interface JournalOptions {
  readonly file: string;
  readonly log: Logger;
  readonly now?: () => Date;
  /** For tests: when to add up. */
  readonly eventBytes?: number;
  readonly keptEvents?: number;
}

export class FileActivityJournal implements ActivityJournal {
  readonly file: string;
  private readonly log: Logger;
  private readonly now: () => Date;
  private readonly limits: { bytes: number; events: number };
  private readonly lock: FolderLock;
  private readonly listeners = new Set<() => void>();
  private known: ReadState = emptyState();
  private waiting: ActivityEvent[] = [];
  private told = false;

  constructor(options: JournalOptions) {
    this.file = options.file;
    this.log = options.log;
    this.now = options.now ?? (() => new Date());
    this.limits = { bytes: options.eventBytes ?? EVENT_BYTES, events: options.keptEvents ?? KEPT_EVENTS };
    this.lock = new FolderLock({ folder: `${options.file}.lock`, what: 'The activity journal' });
  }

  /** Writes an event. Where that fails (a full disk) it is kept in memory and written with the next one. */
  async append(event: ActivityEvent): Promise<void> {
    this.waiting.push(event);
    if (this.waiting.length > WAITING) this.waiting.shift();
    try {
      mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
      await this.lock.run(async (assertHeld) => {
        const batch = [...this.waiting];
        if (batch.length === 0) return;
        // A line that a killed process left half written is ended by the line break in front.
        await appendWhole(this.file, batch.map((e) => `\n${JSON.stringify(e)}\n`).join(''));
        this.waiting = this.waiting.filter((e) => !batch.includes(e));
        this.read();
        if (this.known.eventBytes > this.limits.bytes) await this.addUp(assertHeld);
      });
      this.told = false;
    } catch (error) {
      // Once per trouble: a full disk would fill the log, too.
      if (this.told) this.log.debug('The activity journal is still not written.', error);
      else this.log.warn('What SafeNote did is not written down for now; it is tried again with the next event.', messageOf(writeError(error, 'The activity journal')));
      this.told = true;
      return;
    }
    for (const listener of [...this.listeners]) listener();
  }

  /** Everything counted so far; reads only what was appended since the last time. */
  totals(): ActivityTotals {
    this.read();
    return this.known.totals;
  }

  /** The events that are still there one by one, oldest first. */
  events(): readonly ActivityEvent[] {
    this.read();
    return this.known.events;
  }

  /** Lines that could not be read and are counted nowhere. */
  get unreadable(): number {
    return this.known.unreadable;
  }

  /** Calls back after this process has written an event. Returns the way to stop. */
  watch(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private read(): void {
    let handle: number;
    try {
      handle = openSync(this.file, 'r');
    } catch (error) {
      if (fileErrorCode(error) !== 'ENOENT') this.log.warn('The activity journal cannot be read.', error);
      if (fileErrorCode(error) === 'ENOENT' && this.known.end > 0) this.known = emptyState();
      return;
    }
    try {
      const { size } = fstatSync(handle);
      const head = Buffer.alloc(Math.min(HEAD_BYTES, size));
      readSync(handle, head, 0, head.length, 0);
      // A file that was added up begins with a new number. (An inode would not tell: the system gives it to the next file.)
      if (size < this.known.end || !head.subarray(0, this.known.head.length).equals(this.known.head)) this.known = emptyState();
      this.known.head = head;
      if (size === this.known.end) return;
      const bytes = Buffer.alloc(size - this.known.end);
      let got = 0;
      while (got < bytes.length) {
        const n = readSync(handle, bytes, got, bytes.length - got, this.known.end + got);
        if (n === 0) break;
        got += n;
      }
      // The last line may still be being written.
      const whole = bytes.subarray(0, got).lastIndexOf(10) + 1;
      const known = this.known;
      for (const line of bytes.subarray(0, whole).toString('utf8').split('\n')) if (line.trim()) take(known, line);
      known.end += whole;
    } finally {
      closeSync(handle);
    }
  }

  /** Under the lock, with everything read: no event can be written meanwhile. */
  private async addUp(assertHeld: () => void): Promise<void> {
    const { base, lines } = this.known;
    const totals = structuredClone(base);
    const kept = lines.slice(-this.limits.events);
    let foreignRoom = this.limits.bytes / 4;
    const foreign = this.known.foreign.slice(this.known.foreign.length - takeWhileFits(this.known.foreign, (line) => (foreignRoom -= line.length) > 0));
    // The file gets well below the limit, so that this is not done again with every event.
    let room = this.limits.bytes / 2;
    const from = kept.length - takeWhileFits(kept, (line) => (room -= line.text.length) > 0);
    for (const { event } of [...lines.slice(0, lines.length - kept.length), ...kept.slice(0, from)]) addEvent(totals, event);
    rollUp(totals, this.now());
    const text = [JSON.stringify({ type: 'sums', id: randomBytes(8).toString('hex'), totals }), ...foreign, ...kept.slice(from).map((line) => line.text), ''].join('\n');
    await replaceFile(this.file, text, { temporary: `${this.file}.${randomBytes(6).toString('hex')}.tmp`, mode: 0o600, beforeRename: assertHeld });
    this.known = emptyState();
    this.read();
  }
}

interface ReadState {
  /** The first bytes of the file. */
  head: Buffer;
  /** So far was read. */
  end: number;
  /** The sums at the head of the file. */
  base: ActivityTotals;
  totals: ActivityTotals;
  events: ActivityEvent[];
  lines: { text: string; event: ActivityEvent }[];
  /** Lines that this version does not understand: a newer SafeNote may have written them, so the newest are kept. */
  foreign: string[];
  eventBytes: number;
  unreadable: number;
}

function emptyState(): ReadState {
  return { head: Buffer.alloc(0), end: 0, base: noTotals(), totals: noTotals(), events: [], lines: [], foreign: [], eventBytes: 0, unreadable: 0 };
}

function take(state: ReadState, line: string): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Torn by a kill or a full disk.
    state.unreadable++;
    return;
  }
  const event = ActivityEvent.safeParse(value);
  if (event.success) {
    state.lines.push({ text: line, event: event.data });
    state.events.push(event.data);
    state.eventBytes += line.length;
    addEvent(state.totals, event.data);
    return;
  }
  const sums = state.end === 0 && state.lines.length === 0 ? Sums.safeParse(value) : undefined;
  if (sums?.success) {
    state.base = sums.data.totals;
    state.totals = structuredClone(sums.data.totals);
    return;
  }
  state.foreign.push(line);
  state.eventBytes += line.length;
}

/** How many of a list's last entries fit. */
function takeWhileFits<T>(list: readonly T[], fits: (item: T) => boolean): number {
  let count = 0;
  for (let at = list.length - 1; at >= 0; at--) {
    const item = list[at];
    if (item === undefined || !fits(item)) break;
    count++;
  }
  return count;
}

/** Appends all of a text or, where the disk fills up on the way, none of it that counts. */
async function appendWhole(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a', 0o600);
  try {
    const { size } = await handle.stat();
    try {
      await handle.writeFile(text);
      await handle.datasync();
    } catch (error) {
      await handle.truncate(size).catch(() => undefined);
      throw error;
    }
  } finally {
    await handle.close();
  }
}
