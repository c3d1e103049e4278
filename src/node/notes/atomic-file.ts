import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReplaceOptions {
  /** A path on the same file system for the time being. */
  readonly temporary: string;
  readonly mode?: number;
  /** Called when the content is safe on disk and before it takes the file's name; may throw to give up. */
  readonly beforeRename?: () => void | Promise<void>;
  /** Whether the new name, too, must outlast a power cut. */
  readonly lasting?: boolean;
}

/**
 * Replaces a file in one step: whoever reads it, whenever this process dies, finds the old content or the new one.
 * Throws file errors as they are and leaves nothing behind.
 */
export async function replaceFile(target: string, content: string | Uint8Array, options: ReplaceOptions): Promise<void> {
  const { temporary } = options;
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o666);
    try {
      await file.writeFile(content);
      // Waiting for a busy disk can take a while; nobody else must wait with us.
      await file.sync();
    } finally {
      await file.close();
    }
    await options.beforeRename?.();
    await renameReplacing(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  if (options.lasting) await syncFolder(path.dirname(target));
}

/** Makes renames and deletions in this folder last through a power cut, where the platform can (Windows cannot open folders). */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Some network file systems refuse; the rename itself has happened.
  }
}

/** On Windows a virus scanner or indexer may hold a file for a moment; try for a while before giving up. */
async function renameReplacing(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (process.platform !== 'win32' || attempt >= 20 || (code !== 'EPERM' && code !== 'EACCES' && code !== 'EBUSY')) throw error;
      await sleep(5 + attempt * 5);
    }
  }
}
