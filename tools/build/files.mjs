// Small file helpers of the build: what is written is written whole, and only when it changed.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes `content` atomically when it differs from what is there, so that a running editor or test never reads half a file. */
export async function writeIfChanged(file, content, { mode } = {}) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  const before = await readFile(file).catch(() => null);
  if (before?.equals(bytes)) return false;
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, bytes, { mode });
  await rename(temporary, file);
  return true;
}

/** Copies a file unless size and time say that it is the same. */
export async function copyIfChanged(from, to) {
  const [a, b] = [await stat(from), await stat(to).catch(() => null)];
  if (b && b.size === a.size && b.mtimeMs >= a.mtimeMs) return false;
  await mkdir(path.dirname(to), { recursive: true });
  const temporary = `${to}.${process.pid}.tmp`;
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  await rename(temporary, to);
  return true;
}

/** All files below `folder` (relative, with `/`, sorted) whose name ends in `suffix`; none where the folder is missing. */
export async function filesBelow(folder, suffix = '') {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/** Removes files of `folder` that `keep` (relative names) does not list: what was renamed in the sources must not linger. */
export async function removeOthers(folder, keep) {
  const wanted = new Set(keep);
  for (const file of await filesBelow(folder)) {
    if (!wanted.has(file) && !file.endsWith('.tmp')) await rm(path.join(folder, file), { force: true });
  }
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
