import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { cweFolder, formatSample, type SampleContent } from '../../core/knowledge/format.ts';
import type { Guideline, KnowledgeBase, Sample } from '../../core/knowledge/knowledge.ts';
import { KnowledgeError, parseGuideline, parseSample } from '../../core/knowledge/parse.ts';
import type { SetAsideFile } from '../../core/notebook/store.ts';
import type { Approvals } from '../notes/approvals.ts';
import { replaceFile } from '../notes/atomic-file.ts';
import { fileErrorCode, writeError } from '../notes/file-errors.ts';
import { GITIGNORE } from '../notes/file-note-store.ts';
import { FolderLock } from '../notes/folder-lock.ts';

/** A file of the workspace's own knowledge. */
export interface ShelfFile {
  /** A sample's id, or `CWE-89/guideline`. */
  readonly id: string;
  readonly file: string;
  readonly sample?: Sample;
  readonly guideline?: Guideline;
  readonly hash: string;
  /** It came from elsewhere, or was changed since it was approved: listed, and never used. */
  readonly quarantined: boolean;
}

export interface ShelfSnapshot {
  readonly files: readonly ShelfFile[];
  readonly setAside: readonly SetAsideFile[];
}

const MAX_BYTES = 1024 * 1024;
const WHAT = "The workspace's knowledge";
const AT_ONCE = 8;

/**
 * The workspace's own shelf of knowledge, `.safenote/knowledge/CWE-NNN/*.md`, in the form of the library. What SafeNote
 * writes is approved; what came with a clone is quarantined until the user approves it, as notes are. Links are not followed.
 */
export class WorkspaceShelf {
  readonly folder: string;
  private readonly home: string;
  private readonly approvals: Approvals;
  private readonly trustAll: boolean;
  private readonly lock: FolderLock;
  private known: { readonly stamp: string; readonly read: readonly Omit<ShelfFile, 'quarantined'>[]; readonly setAside: readonly SetAsideFile[] } | undefined;

  constructor(options: { workspaceFolder: string; approvals: Approvals; trustAll?: boolean }) {
    this.home = path.join(path.resolve(options.workspaceFolder), '.safenote');
    this.folder = path.join(this.home, 'knowledge');
    this.approvals = options.approvals;
    this.trustAll = options.trustAll ?? false;
    this.lock = new FolderLock({ folder: path.join(this.home, '.lock'), what: WHAT });
  }

  /** All files now, by id. Reads again only what may have changed: cheap when nothing has. */
  load(): ShelfSnapshot {
    const stamp = this.stamp();
    if (this.known?.stamp !== stamp) this.known = { stamp, ...this.readAll() };
    const approved = this.approvals.hashes();
    return { files: this.known.read.map((file) => ({ ...file, quarantined: !this.trustAll && !approved.has(file.hash) })), setAside: this.known.setAside };
  }

  /** What may reach a prompt. */
  usable(): KnowledgeBase & { readonly key: string } {
    const files = this.load().files.filter((file) => !file.quarantined);
    return {
      guidelines: files.flatMap((file) => file.guideline ?? []),
      samples: files.flatMap((file) => file.sample ?? []),
      key: files.length === 0 ? '' : sha256(files.map((file) => file.hash).join('\n')),
    };
  }

  /** The id that a sample gets: from the words, and from its code, so that the same pair is the same sample. */
  idOf(words: string, content: SampleContent): string {
    return `${content.cwe}/${content.language}-${words}-${sha256(JSON.stringify([content.vulnerable, content.secure])).slice(0, 8)}`;
  }

  /** Whether a file of this id lies there, readable or not. */
  has(id: string): boolean {
    return lstatSync(this.fileOf(id), { throwIfNoEntry: false }) !== undefined;
  }

  /** Writes samples, approved. Those that are there are replaced. */
  async put(samples: readonly { readonly id: string; readonly content: SampleContent }[]): Promise<void> {
    if (samples.length === 0) return;
    await this.change(async (assertHeld) => {
      const files = samples.map(({ id, content }) => {
        const text = formatSample(content);
        // Refused here is better than set aside when it is read.
        parseSample(text, this.fileOf(id));
        return { file: this.fileOf(id), text, hash: this.hashOf(this.fileOf(id), text) };
      });
      // First the approvals: a hash without a file harms nobody, a file without its hash would be quarantined.
      await this.approvals.add(files.map((f) => f.hash));
      for (const folder of new Set(files.map((f) => path.dirname(f.file)))) await this.makeFolder(folder);
      const temporary = path.join(this.home, '.tmp');
      await this.makeFolder(temporary);
      for (let at = 0; at < files.length; at += AT_ONCE) {
        assertHeld();
        await Promise.all(
          files.slice(at, at + AT_ONCE).map((f) => replaceFile(f.file, f.text, { temporary: path.join(temporary, `${path.basename(f.file)}.${randomBytes(6).toString('hex')}`) })),
        );
      }
    });
  }

  /** Deletes files by id. Throws `ExpectedError` `no-such-sample` for one that is not there, and deletes nothing then. */
  async remove(ids: readonly string[]): Promise<void> {
    const files = this.named(ids);
    await this.change(async () => {
      for (const { file } of files) await rm(file, { force: true });
      for (const folder of new Set(files.map((f) => path.dirname(f.file)))) await rmdir(folder).catch(() => undefined);
      await this.approvals.remove(files.map((f) => f.hash));
    });
  }

  /** Lets files into prompts as they are now. Returns the ids of those that were quarantined. */
  async approve(ids: readonly string[]): Promise<string[]> {
    const files = this.named(ids).filter((f) => f.quarantined);
    await this.approvals.add(files.map((f) => f.hash));
    return files.map((f) => f.id);
  }

  private named(ids: readonly string[]): ShelfFile[] {
    const { files } = this.load();
    return ids.map((id) => {
      const found = files.find((f) => f.id === id);
      if (!found) throw new ExpectedError('no-such-sample', `There is no sample "${id}" in ${path.relative(path.dirname(this.home), this.folder)}.`, 'List them with "knowledge list".');
      return found;
    });
  }

  private fileOf(id: string): string {
    const [cwe = '', name = ''] = id.split('/');
    return path.join(this.folder, cweFolder(cwe), `${name}.md`);
  }

  private hashOf(file: string, text: string): string {
    return sha256(`knowledge\n${path.relative(this.folder, file).split(path.sep).join('/')}\n${text.replace(/\r\n/g, '\n')}`);
  }

  private async change(work: (assertHeld: () => void) => Promise<void>): Promise<void> {
    for (const folder of [this.home, this.folder]) {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat && !stat.isDirectory()) throw new ExpectedError('not-a-folder', `Knowledge cannot be written: ${folder} is in the way.`, 'Move it away: it must be a folder of its own, not a link.');
    }
    try {
      const born = lstatSync(path.join(this.home, 'notes'), { throwIfNoEntry: false }) ?? lstatSync(this.folder, { throwIfNoEntry: false });
      await mkdir(this.home, { recursive: true });
      await this.lock.run(async (assertHeld) => {
        if (!born) {
          await writeFile(path.join(this.home, '.gitignore'), GITIGNORE, { flag: 'wx' }).catch((error: unknown) => {
            if (fileErrorCode(error) !== 'EEXIST') throw error;
          });
        }
        await this.makeFolder(this.folder);
        await work(assertHeld);
      });
    } catch (error) {
      throw writeError(error, WHAT);
    } finally {
      this.known = undefined;
    }
  }

  private async makeFolder(folder: string): Promise<void> {
    await mkdir(folder).catch((error: unknown) => {
      if (fileErrorCode(error) !== 'EEXIST') throw error;
    });
    if (!lstatSync(folder).isDirectory()) throw new ExpectedError('not-a-folder', `Knowledge cannot be written: ${folder} is in the way.`, 'Move it away: it must be a folder of its own, not a link.');
  }

  private folders(): string[] {
    for (const folder of [this.home, this.folder]) if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
    return readdirSync(this.folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && /^CWE-\d{3,4}$/.test(entry.name))
      .map((entry) => path.join(this.folder, entry.name))
      .sort();
  }

  /** Changes whenever a file comes, goes or is exchanged, as Git and editors exchange them. */
  private stamp(): string {
    try {
      return this.folders()
        .map((folder) => {
          const { ino, mtimeNs, ctimeNs } = lstatSync(folder, { bigint: true });
          return `${folder} ${ino} ${mtimeNs} ${ctimeNs}`;
        })
        .join('\n');
    } catch {
      return randomBytes(8).toString('hex');
    }
  }

  private readAll(): { read: Omit<ShelfFile, 'quarantined'>[]; setAside: SetAsideFile[] } {
    const read: Omit<ShelfFile, 'quarantined'>[] = [];
    const setAside: SetAsideFile[] = [];
    for (const folder of this.folders()) {
      for (const name of readdirSync(folder).filter((n) => n.endsWith('.md') && !n.startsWith('.')).sort()) {
        const file = path.join(folder, name);
        try {
          const text = readOwnFile(file);
          const hash = this.hashOf(file, text);
          const place = `${path.basename(folder)}/${name}`;
          if (name === 'guideline.md') {
            const guideline = parseGuideline(text, place);
            if (cweFolder(guideline.cwe) !== path.basename(folder)) throw new KnowledgeError(`"cwe" is ${guideline.cwe}, the folder says ${path.basename(folder)}`);
            read.push({ id: `${guideline.cwe}/guideline`, file, guideline, hash });
          } else {
            const sample = parseSample(text, place);
            read.push({ id: sample.id, file, sample, hash });
          }
        } catch (error) {
          if (!(error instanceof KnowledgeError) && fileErrorCode(error) === undefined) throw error;
          setAside.push({ file, reason: (error as Error).message });
        }
      }
    }
    return { read, setAside };
  }
}

/** Reads a file that is a file: links, pipes and anything large are refused. */
function readOwnFile(file: string): string {
  const look = lstatSync(file);
  if (look.isSymbolicLink() || !look.isFile()) throw new KnowledgeError('it is not a file of its own (links are not followed)');
  const handle = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new KnowledgeError('it is not a file');
    if (stat.size > MAX_BYTES) throw new KnowledgeError('the file is larger than 1 MB');
    return readFileSync(handle, 'utf8').replace(/^\uFEFF/, '');
  } finally {
    closeSync(handle);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
