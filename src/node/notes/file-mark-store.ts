import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isSeq, parseDocument, type Document } from 'yaml';
import * as z from 'zod';
import { normalizeCwe } from '../../core/cwe.ts';
import { ExpectedError, messageOf } from '../../core/errors.ts';
import { redactSecrets } from '../../core/notebook/redact.ts';
import { type FindingIdentity, identityKey } from '../../core/verification/identity.ts';
import type { Mark, MarksSnapshot, MarkStore } from '../../core/verification/marks.ts';
import type { Approvals } from './approvals.ts';
import { replaceFile } from './atomic-file.ts';
import { fileErrorCode, writeError } from './file-errors.ts';
import { GITIGNORE } from './file-note-store.ts';
import { FolderLock } from './folder-lock.ts';

const WHAT = 'The list of false positives';
const HEAD = ' Findings that somebody looked at and that are no weakness here. One that came from elsewhere\n counts once it is approved ("SafeNote: Review False-Positive Marks", "safenote marks approve").';
const MAX_SIZE = 1_000_000;
const Day = z.string().regex(/^\d{4}-\d\d-\d\d$/, 'is no date like 2027-03-01');
/** A person may write the date without quotes: YAML of our version keeps it as text. */
const Entry = z.object({
  path: z.string().min(1),
  family: z.string().min(1),
  rule: z.string().default(''),
  cwe: z.array(z.string()).default([]),
  in: z.string().default(''),
  code: z.string().min(1),
  nth: z.number().int().min(1).default(1),
  reason: z.string().trim().min(1, 'is empty: say why it is no weakness'),
  expires: Day.optional(),
  created: Day.default('1970-01-01'),
});

/** SHA-256 (hex) of all that a mark decides. */
export function markHash(mark: Mark): string {
  return createHash('sha256').update(`false positive\u0000${identityKey(mark)}\u0000${mark.reason}\u0000${mark.expires ?? ''}`).digest('hex');
}

/** Marks of false positives in `.safenote/false-positives.yml`: a list that people read and review. Reading creates nothing. */
export class FileMarkStore implements MarkStore {
  readonly file: string;
  private readonly home: string;
  private readonly approvals: Approvals;
  private readonly lock: FolderLock;
  private known: { readonly stamp: string; readonly hashes: ReadonlySet<string>; readonly snapshot: MarksSnapshot } | undefined;

  constructor(options: { workspaceFolder: string; approvals: Approvals }) {
    this.home = path.join(path.resolve(options.workspaceFolder), '.safenote');
    this.file = path.join(this.home, 'false-positives.yml');
    this.approvals = options.approvals;
    this.lock = new FolderLock({ folder: path.join(this.home, '.lock'), what: WHAT });
  }

  load(): MarksSnapshot {
    const stat = lstatSync(this.file, { bigint: true, throwIfNoEntry: false });
    const stamp = stat ? `${stat.ino} ${stat.size} ${stat.mtimeNs}` : '';
    const hashes = this.approvals.hashes();
    if (this.known?.stamp === stamp && this.known.hashes === hashes) return this.known.snapshot;
    const snapshot = this.read(hashes);
    this.known = { stamp, hashes, snapshot };
    return snapshot;
  }

  add(mark: Mark): Promise<void> {
    return this.change(async (document) => {
      const clean = { ...mark, reason: redactSecrets(mark.reason) };
      removeFrom(document, [mark]);
      if (!isSeq(document.contents)) document.contents = document.createNode([]) as typeof document.contents;
      document.add(document.createNode(entryOf(clean)));
      // Killed in between, a hash without a mark harms nobody.
      await this.approvals.add([markHash(clean)]);
    });
  }

  remove(marks: readonly FindingIdentity[]): Promise<void> {
    return this.change(async (document) => {
      const removed = this.matching(marks);
      removeFrom(document, marks);
      await this.approvals.remove(removed.map(markHash));
    });
  }

  async approve(marks: readonly FindingIdentity[]): Promise<void> {
    await this.approvals.add(this.matching(marks).map(markHash));
  }

  private matching(identities: readonly FindingIdentity[]): Mark[] {
    const keys = new Set(identities.map(identityKey));
    return this.load().marks.map((m) => m.mark).filter((mark) => keys.has(identityKey(mark)));
  }

  private read(hashes: ReadonlySet<string>): MarksSnapshot {
    let document: Document.Parsed;
    try {
      const text = this.text();
      if (text === undefined) return { marks: [], problems: [] };
      document = parse(text);
    } catch (error) {
      return { marks: [], problems: [`${this.file} is not used: ${messageOf(error)}`] };
    }
    const problems: string[] = [];
    const marks = entriesIn(document).flatMap((value, at) => {
      const parsed = Entry.safeParse(value);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        problems.push(`${this.file}: mark ${at + 1} is not used: "${issue?.path.join('.') ?? ''}" ${issue?.message ?? 'is not valid'}`);
        return [];
      }
      const { expires, ...rest } = parsed.data;
      const mark: Mark = { ...rest, cwe: rest.cwe.map((cwe) => normalizeCwe(cwe) ?? cwe), ...(expires ? { expires } : {}) };
      return [{ mark, approved: hashes.has(markHash(mark)) }];
    });
    return { marks, problems };
  }

  private text(): string | undefined {
    const stat = lstatSync(this.file, { throwIfNoEntry: false });
    if (!stat) return undefined;
    if (!stat.isFile() || lstatSync(this.home).isSymbolicLink()) throw new Error('it is a link or no file; marks are read inside the workspace only');
    if (stat.size > MAX_SIZE) throw new Error('it is too large');
    return readFileSync(this.file, 'utf8');
  }

  /** Changes the file in one step, alone on this machine. What is in it and not understood stays. */
  private async change(work: (document: Document) => Promise<void>): Promise<void> {
    try {
      const home = lstatSync(this.home, { throwIfNoEntry: false });
      if (home && !home.isDirectory()) throw new ExpectedError('not-a-folder', `${this.home} is a link or no folder, so nothing was written there.`, 'Put a folder of its own there.');
      if (!home) {
        mkdirSync(this.home);
        writeFileSync(path.join(this.home, '.gitignore'), GITIGNORE, { flag: 'wx' });
      }
      await this.lock.run(async (assertHeld) => {
        const text = this.text();
        const document: Document = parse(text ?? '');
        if (text === undefined) document.commentBefore = HEAD;
        await work(document);
        const temporary = path.join(this.home, '.tmp');
        mkdirSync(temporary, { recursive: true });
        await replaceFile(this.file, document.toString({ lineWidth: 0 }), { temporary: path.join(temporary, `marks.${randomBytes(6).toString('hex')}`), lasting: true, beforeRename: assertHeld });
      });
    } catch (error) {
      throw fileErrorCode(error) === undefined && !(error instanceof ExpectedError) ? new ExpectedError('marks-unreadable', `${this.file} was not changed: ${messageOf(error)}.`, 'Correct the file, or move it away, and try again.') : writeError(error, WHAT);
    }
  }
}

/** A file by its path inside a folder, with forward slashes; `undefined` for one outside. */
export function nameInside(folder: string, file: string): string | undefined {
  if (!path.isAbsolute(file)) return undefined;
  const inside = (from: string, to: string) => {
    const relative = path.relative(from, to);
    return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? undefined : relative.split(path.sep).join('/');
  };
  const plain = inside(path.resolve(folder), file);
  if (plain !== undefined) return plain;
  try {
    return inside(realpathSync(folder), realpathSync(file));
  } catch {
    // A text that was never saved.
    return undefined;
  }
}

function parse(text: string): Document.Parsed {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Error(error.message.split('\n')[0] ?? 'it is no YAML');
  if (document.contents !== null && !isSeq(document.contents)) throw new Error('it is no list');
  // References are not followed: a short text could stand for a very long one.
  entriesIn(document);
  return document;
}

function entriesIn(document: Document): unknown[] {
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  return Array.isArray(value) ? value : [];
}

function removeFrom(document: Document, identities: readonly FindingIdentity[]): void {
  const keys = new Set(identities.map(identityKey));
  const entries = entriesIn(document);
  for (let at = entries.length - 1; at >= 0; at--) {
    const parsed = Entry.safeParse(entries[at]);
    if (parsed.success && keys.has(identityKey(parsed.data))) document.deleteIn([at]);
  }
}

/** In the order in which a person reads it. */
function entryOf({ path: file, family, rule, cwe, in: scope, code, nth, reason, expires, created }: Mark): Record<string, unknown> {
  return { path: file, cwe: [...cwe], family, rule, ...(scope ? { in: scope } : {}), code, ...(nth > 1 ? { nth } : {}), reason, ...(expires ? { expires } : {}), created };
}
