import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { LRUCache } from 'lru-cache';

/** Folders that hold no tests of the workspace's own. */
export const FOREIGN_FOLDERS = ['node_modules', '.venv', 'venv', 'env', '.git', '.safenote', 'dist', 'build', 'out', 'target', 'vendor', '__pycache__', '.tox', '.nox', 'coverage', '.gradle', '.mypy_cache', '.pytest_cache', '.ruff_cache'];
const MAX_FILES = 50_000;
const MAX_READ = 200_000;
/** Text that is kept, in characters. */
const MAX_KEPT = 24_000_000;
/** Two changes within this can have one time stamp. */
const STAMP_MS = 50;
const AT_ONCE = 24;

interface Folder {
  readonly mtimeMs: number;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** A file's text and the lines of it that bring in others. */
export interface FileFacts {
  readonly text: string;
  readonly imports: string;
}

const IMPORTING = /^\s*(?:import\b|from\b|export\b.*\bfrom\b|#\s*include|}\s*from\b)|\brequire\(|\bimport\(|\bmock\(/;

/**
 * The workspace's files: their names by folder and their texts by file, kept as long as the file system's times say that
 * nothing has changed. Looked at anew by every question, read anew only where something changed.
 */
export class FileIndex {
  readonly root: string;
  private readonly folders = new Map<string, Folder>();
  private readonly texts = new LRUCache<string, FileFacts & { readonly stamp: string }>({ maxSize: MAX_KEPT, sizeCalculation: (facts) => facts.text.length + 200 });

  constructor(root: string) {
    this.root = root;
  }

  /** Paths of all files below a folder, relative to it, with forward slashes, in order. */
  async list(folder = this.root): Promise<string[]> {
    const found: string[] = [];
    let level = [''];
    while (level.length > 0 && found.length < MAX_FILES) {
      const read = await inTurns(level, (relative) => this.folder(path.join(folder, relative)));
      const next: string[] = [];
      read.forEach((entries, i) => {
        const under = level[i] ? `${level[i]}/` : '';
        for (const name of entries.files) found.push(under + name);
        for (const name of entries.folders) next.push(under + name);
      });
      level = next;
    }
    return found.sort();
  }

  /** `undefined` for a file that is gone or too large. */
  async facts(file: string): Promise<FileFacts | undefined> {
    const info = await stat(file).catch(() => undefined);
    if (!info?.isFile() || info.size > MAX_READ) return undefined;
    const stamp = `${info.mtimeMs} ${info.size}`;
    const known = this.texts.get(file);
    if (known?.stamp === stamp) return known;
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const facts = { text, imports: text.split('\n').filter((line) => IMPORTING.test(line)).join('\n'), stamp };
    if (Date.now() - info.mtimeMs > STAMP_MS) this.texts.set(file, facts);
    return facts;
  }

  /** Facts of many files, in their order. */
  allFacts(files: readonly string[]): Promise<(FileFacts | undefined)[]> {
    return inTurns(files, (file) => this.facts(file));
  }

  /** A stamp of all files by name, time and size. */
  async state(): Promise<string> {
    const files = await this.list();
    const stamps = await inTurns(files, async (file) => {
      const info = await stat(path.join(this.root, file)).catch(() => undefined);
      return `${file} ${info?.mtimeMs ?? 0} ${info?.size ?? 0}`;
    });
    return createHash('sha256').update(stamps.join('\n')).digest('hex');
  }

  private async folder(at: string): Promise<Folder> {
    const info = await stat(at).catch(() => undefined);
    if (!info) return { mtimeMs: 0, files: [], folders: [] };
    const known = this.folders.get(at);
    if (known?.mtimeMs === info.mtimeMs) return known;
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    const folder = {
      mtimeMs: info.mtimeMs,
      files: entries.filter((e) => e.isFile()).map((e) => e.name),
      folders: entries.filter((e) => e.isDirectory() && !FOREIGN_FOLDERS.includes(e.name)).map((e) => e.name),
    };
    if (Date.now() - info.mtimeMs > STAMP_MS) this.folders.set(at, folder);
    return folder;
  }
}

async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  return results;
}
