import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readdirSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Note, NoteKind } from '../../core/notebook/note.ts';
import { parseNote } from '../../core/notebook/note-markdown.ts';
import type { NoteExtras } from '../../core/notebook/note-markdown.ts';
import { approvalHash } from './approvals.ts';
import { fileErrorCode } from './file-errors.ts';

/** A file that is no note, with the reason. */
interface NoNote {
  readonly reason: string;
  readonly note?: undefined;
}

/** What one file in a notebook's folder says, as far as it is kept in memory. */
export type FileContent = { readonly note: Note; readonly hash: string; readonly reason?: undefined } | NoNote;

/** A note file in full. */
export interface WholeFile {
  readonly note: Note;
  readonly extras: NoteExtras;
  readonly hash: string;
  readonly text: string;
  readonly reason?: undefined;
}

/** What was read from one file, and what the file looked like then. */
export interface ReadFile<Content extends FileContent = FileContent> {
  readonly stamp: string;
  /** Changed so shortly before it was read that a second change may carry the same time. Read again next time. */
  readonly racy: boolean;
  readonly content: Content;
}

const MAX_BYTES = 1024 * 1024;
/** Coarser than the clock of any file system in use, but for those that count whole seconds. */
const RACY_MS = 50;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Identity of a file's content without reading it. */
export function stampOf(stat: BigIntStats): string {
  return `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

/** Like `readNoteFile`, without the text, and `before` itself where the file is what that was read from. */
export function readAgain(file: string, kind: NoteKind, before?: ReadFile): ReadFile | undefined {
  if (before && !before.racy) {
    try {
      if (before.stamp === stampOf(lstatSync(file, { bigint: true }))) return before;
    } catch {
      // Gone, or out of reach: what that means is said below.
    }
  }
  const read = readNoteFile(file, kind);
  if (!read?.content.note) return read;
  const { note, hash } = read.content;
  return { ...read, content: { note, hash } };
}

/**
 * Reads one note file. Gives nothing when there is no such file. Links are not followed: a file that came with a clone
 * must not make SafeNote read elsewhere.
 */
export function readNoteFile(file: string, kind: NoteKind): ReadFile<WholeFile | NoNote> | undefined {
  return readSafely(file, (bytes, stat) => readContent(bytes, file, kind, stat));
}

/** The text of a file that may be no note, under the same conditions; `reason` says why there is none. */
export function readRawFile(file: string): { readonly text: string; readonly reason?: undefined } | { readonly reason: string } | undefined {
  let text = '';
  const read = readSafely(file, (bytes): NoNote => {
    text = new TextDecoder().decode(bytes);
    return { reason: '' };
  });
  return read && (read.content.reason === '' ? { text } : { reason: read.content.reason ?? '' });
}

function readSafely<Content extends FileContent>(file: string, understand: (bytes: Uint8Array, stat: BigIntStats) => Content): ReadFile<Content | NoNote> | undefined {
  try {
    const look = lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (!look) return undefined;
    if (look.isSymbolicLink()) return setAside(look, 'it is a symbolic link; put the file itself here');
    if (!look.isFile()) return setAside(look, 'it is not a file');
    // NOFOLLOW and the second look: it may have been exchanged since. NONBLOCK: a pipe must not stop the editor.
    const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const stat = fstatSync(handle, { bigint: true });
      if (!stat.isFile()) return setAside(stat, 'it is not a file');
      if (stat.size > MAX_BYTES) return setAside(stat, 'the file is larger than 1 MB; a note is a few kilobytes');
      const bytes = readFileSync(handle);
      return { stamp: stampOf(stat), racy: isRacy(stat), content: understand(bytes, stat) };
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') return undefined;
    const denied = fileErrorCode(error) === 'EACCES' || fileErrorCode(error) === 'EPERM';
    return { stamp: '', racy: true, content: { reason: denied ? 'no permission to read it' : `it cannot be read (${messageOf(error)})` } };
  }
}

/** What a file would say that was just written with this text. Throws when that is not a note: it must not happen. */
export function contentOf(text: string, file: string): WholeFile {
  const parsed = parseNote(text, path.basename(file));
  if (parsed.problem !== undefined) throw new Error(`A note was to be written that cannot be read back: ${parsed.problem}`);
  return { note: parsed.note, extras: parsed.extras, hash: approvalHash(parsed.note), text };
}

/** Names of the files that should be notes. */
export function noteFileNames(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.md') && !name.startsWith('.'));
}

function readContent(bytes: Uint8Array, file: string, kind: NoteKind, stat: BigIntStats): WholeFile | NoNote {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { reason: 'it is not UTF-8 text; save it as UTF-8' };
  }
  const parsed = parseNote(text, path.basename(file), new Date(Number(stat.mtimeMs)).toISOString());
  if (parsed.problem !== undefined) return { reason: parsed.problem };
  if (parsed.note.kind !== kind) return { reason: `it is a ${parsed.note.kind} note in the folder of ${kind} notes; move it or correct "kind"` };
  return { note: parsed.note, extras: parsed.extras, hash: approvalHash(parsed.note), text };
}

function setAside(stat: BigIntStats, reason: string): ReadFile<NoNote> {
  return { stamp: stampOf(stat), racy: false, content: { reason } };
}

function isRacy(stat: BigIntStats): boolean {
  const wholeSeconds = stat.mtimeNs % 1_000_000_000n === 0n;
  return Date.now() - Number(stat.mtimeMs) < (wholeSeconds ? 2_100 : RACY_MS);
}
