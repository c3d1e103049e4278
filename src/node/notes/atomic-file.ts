import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Replaces a file in one step: whoever reads it, whenever this process dies, finds the old content or the new one. The
 * temporary file must lie on the same file system. Synchronous, because it is short (0.5 ms) and must not be
 * interleaved with other work that holds the same lock. Throws file errors as they are and leaves nothing behind.
 */
export function replaceFile(target: string, content: string | Uint8Array, temporary: string, mode = 0o666): void {
  try {
    const file = openSync(temporary, 'wx', mode);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameReplacing(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(path.dirname(target));
}

/** Makes a rename in this folder last through a power cut, where the platform can (Windows cannot open folders). */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // Some network file systems refuse; the rename itself has happened.
  }
}

/** On Windows a virus scanner or indexer may hold a file for a moment; try for a while before giving up. */
function renameReplacing(from: string, to: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      renameSync(from, to);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (process.platform !== 'win32' || attempt >= 20 || (code !== 'EPERM' && code !== 'EACCES' && code !== 'EBUSY')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + attempt * 5);
    }
  }
}
