import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** Folders that hold no tests of the workspace's own. */
export const FOREIGN_FOLDERS = ['node_modules', '.venv', 'venv', 'env', '.git', '.safenote', 'dist', 'build', 'out', 'target', 'vendor', '__pycache__', '.tox', '.nox', 'coverage'];
const MAX_FILES = 20_000;
const MAX_READ = 200_000;
/** Test files that one check runs. */
const MAX_TARGETS = 12;

/** Files of a project whose path, relative and with forward slashes, matches. */
export async function filesOf(root: string, matches: (relative: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  let seen = 0;
  const look = async (folder: string): Promise<void> => {
    const entries = await readdir(path.join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (++seen > MAX_FILES) return;
      const relative = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory()) {
        if (!FOREIGN_FOLDERS.includes(entry.name)) await look(relative);
      } else if (entry.isFile() && matches(relative)) found.push(relative);
    }
  };
  await look('');
  return found.sort();
}

/**
 * The test files that can reach a changed file, best first: those that are it, import it or are named after it, and of
 * these first the ones that name the changed functions. What neither imports nor names it is not run.
 */
export async function reaching(root: string, tests: readonly string[], changed: string, names: readonly string[]): Promise<string[]> {
  const relative = path.relative(root, changed).split(path.sep).join('/');
  const base = path.basename(relative).replace(/\.[^.]+$/, '');
  // A package is imported by its folder's name.
  const stem = ['__init__', 'index', 'mod'].includes(base) ? path.basename(path.dirname(changed)) : base;
  const word = new RegExp(`(?<![\\w])${escaped(stem)}(?![\\w])`);
  const importing = /^\s*(?:import\b|from\b|export\b.*\bfrom\b|#include|}\s*from\b)|\brequire\(|\bimport\(|\bmock\(/;
  const called = names.filter((name) => name.length > 1).map((name) => new RegExp(`(?<![\\w])${escaped(name)}(?![\\w])`));
  const scored: { file: string; score: number }[] = [];
  for (const file of tests) {
    const at = path.join(root, file);
    const info = await stat(at).catch(() => undefined);
    if (!info || info.size > MAX_READ) continue;
    const text = await readFile(at, 'utf8');
    let score = 0;
    if (file === relative) score += 8;
    if (text.split('\n').some((line) => importing.test(line) && word.test(line))) score += 4;
    if (path.basename(file).replace(/\.[^.]+$/, '').replace(/^test[_-]|[._-](?:test|spec)$/g, '') === stem) score += 3;
    if (score > 0 || called.length > 0) score += called.filter((name) => name.test(text)).length > 0 ? (score > 0 ? 4 : 1) : 0;
    if (score > 0) scored.push({ file, score });
  }
  scored.sort((a, b) => b.score - a.score || a.file.localeCompare(b.file));
  // A file that only has a word in common comes in where nothing better is there.
  const sure = scored.filter((s) => s.score > 1);
  return (sure.length > 0 ? sure : scored).slice(0, MAX_TARGETS).map((s) => s.file);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
