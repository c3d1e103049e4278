import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError, isExpected } from '../../core/errors.ts';
import { notesOfFindings } from '../../core/notebook/finding-notes.ts';
import { Learner } from '../../core/notebook/learner.ts';
import { NO_EXTRAS } from '../../core/notebook/note-markdown.ts';
import type { Note, StoredNote } from '../../core/notebook/note.ts';
import type { NoteStore } from '../../core/notebook/store.ts';
import { noPair, preferenceRow, trainingRow } from '../../core/notebook/transfer/pairs.ts';
import { type IncomingNote, importedId, noteRow, readNoteRow } from '../../core/notebook/transfer/rows.ts';
import { intoRulesFile, rulesSection } from '../../core/notebook/transfer/rules-file.ts';
import type { App } from '../app.ts';
import { linesOf } from '../lines.ts';
import { importSarifFile } from '../sarif-file.ts';
import { approvalHash } from './approvals.ts';
import { replaceFile } from './atomic-file.ts';
import { writeError } from './file-errors.ts';
import { readNoteFile, readRawFile } from './note-files.ts';

export const IMPORT_FORMATS = ['markdown', 'jsonl', 'sarif'] as const;
export const EXPORT_FORMATS = ['markdown', 'jsonl', 'pairs', 'preferences', 'agents', 'copilot'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** A file for agents is read with every request: it stays short, in characters. */
const RULES_CHARACTERS = 8_000;
const MAX_LINE = 4_000_000;
const MAX_DEPTH = 4;
const MAX_FILES = 50_000;

export interface ImportNotesReport {
  /** Ids of notes that are new, quarantined until somebody has read them. */
  readonly imported: readonly string[];
  /** Notes whose text is here already. */
  readonly present: number;
  /** Notes whose id is taken here by another text, which stays. */
  readonly kept: readonly string[];
  /** Where (file, or line of it) and why something was left out. */
  readonly skipped: readonly { readonly where: string; readonly problem: string }[];
  /** How many rows or files were read. */
  readonly rows: number;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number) => void;
}

/** What the format of a source is, by its looks. Throws `no-file` or `bad-format`. */
export function importFormatOf(source: string): ImportFormat {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat) throw new ExpectedError('no-file', `There is no file or folder ${source}.`, 'Name a folder of notes, a note (.md), a JSONL file or a SARIF file.');
  if (stat.isDirectory() || /\.md$/i.test(source)) return 'markdown';
  if (/\.(?:jsonl|ndjson)$/i.test(source)) return 'jsonl';
  if (/\.(?:sarif|sarif\.json)$/i.test(source)) return 'sarif';
  throw new ExpectedError('bad-format', `${path.basename(source)} does not say what it is.`, `Name its format with --format: ${IMPORT_FORMATS.join(', ')}.`);
}

/**
 * Takes notes in. They are quarantined; rows that cannot be used are named and the rest goes on; importing the same again
 * changes nothing, and nothing that is here is overwritten. On abort, what was written stays.
 */
export async function importNotes(app: App, source: string, format: ImportFormat, options: TransferOptions): Promise<ImportNotesReport> {
  const { notes } = await app.store.load();
  const byId = new Map(notes.map(({ note }) => [note.id, approvalHash(note)]));
  const texts = new Set(byId.values());
  const imported: string[] = [];
  const kept: string[] = [];
  const skipped: { where: string; problem: string }[] = [];
  let [present, rows] = [0, 0];
  for await (const { where, found } of readSource(app, source, format, options.signal)) {
    options.signal.throwIfAborted();
    rows++;
    if ('problem' in found) skipped.push({ where, problem: found.problem });
    else {
      const { note, extras } = found;
      const hash = approvalHash(note);
      if (texts.has(hash)) present++;
      else if (byId.has(note.id)) kept.push(note.id);
      else {
        try {
          const stored = await app.store.add(note, extras);
          imported.push(note.id);
          byId.set(note.id, approvalHash(stored.note));
          // A secret that was taken out makes another text: both count as here.
          texts.add(hash).add(approvalHash(stored.note));
        } catch (error) {
          if (!isExpected(error) || !['note-exists', 'bad-note-id'].includes(error.code)) throw error;
          skipped.push({ where, problem: `${error.message} ${error.hint}` });
        }
      }
    }
    options.onProgress?.(rows);
  }
  if (rows === 0) throw new ExpectedError('empty-import', `${source} has no notes.`, 'Name a folder of notes, a note (.md), a JSONL file or a SARIF file.');
  return { imported, present, kept, skipped, rows };
}

interface Row {
  readonly where: string;
  readonly found: IncomingNote | { readonly problem: string };
}

async function* readSource(app: App, source: string, format: ImportFormat, signal: AbortSignal): AsyncGenerator<Row> {
  if (format === 'markdown') yield* readMarkdown(source);
  else if (format === 'jsonl') yield* readJsonl(source);
  else yield* readSarif(app, source, signal);
}

/** Notes of a folder and the folders below. Links are not followed. */
function* readMarkdown(source: string): Generator<Row> {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (!stat) throw new ExpectedError('no-file', `There is no file or folder ${source}.`, 'Name a folder of notes or a note.');
  const files = stat.isDirectory() ? filesOf(source, 0) : [source];
  for (const file of files.slice(0, MAX_FILES)) {
    const where = path.relative(stat.isDirectory() ? source : path.dirname(source), file);
    // The kind is what the file says: a folder of notes need not be in two halves.
    const read = ['security', 'function'].map((kind) => readNoteFile(file, kind as 'security' | 'function')?.content);
    const whole = read.find((content) => content?.note !== undefined);
    if (whole?.note) yield { where, found: { note: whole.note, extras: 'extras' in whole ? whole.extras : NO_EXTRAS } };
    else yield { where, found: { problem: read.find((content) => content?.reason && !content.reason.includes('in the folder of'))?.reason ?? 'it is gone' } };
  }
  if (files.length > MAX_FILES) yield { where: source, found: { problem: `it has more than ${MAX_FILES} files; import it in parts` } };
}

function filesOf(folder: string, depth: number): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    if (entry.name.startsWith('.') && entry.name !== '.safenote') return [];
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return depth < MAX_DEPTH ? filesOf(file, depth + 1) : [];
    return /\.md$/i.test(entry.name) ? [file] : [];
  });
}

async function* readJsonl(source: string): AsyncGenerator<Row> {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new ExpectedError('no-file', `There is no file ${source}.`, 'Name a JSONL file: one JSON object a line.');
  const options = { hash: (text: string) => createHash('sha256').update(text).digest('hex'), now: new Date().toISOString() };
  let number = 0;
  for await (const line of linesOf(source)) {
    number++;
    if (!line.trim()) continue;
    yield { where: `line ${number}`, found: line.length > MAX_LINE ? { problem: 'the line is longer than 4 million characters' } : readNoteRow(line.replace(/^\ufeff/, ''), options) };
  }
}

/** Results of a CI as notes about the code as it stands here, in the analyzer's words. */
async function* readSarif(app: App, source: string, signal: AbortSignal): AsyncGenerator<Row> {
  const sarif = await importSarifFile({ file: source, folders: [app.workspaceFolder] });
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  for (const { what, why, results } of sarif.leftOut) yield { where: what, found: { problem: `${why}${results > 1 ? ` (${results} results)` : ''}` } };
  for (const problem of sarif.problems) yield { where: path.basename(source), found: { problem } };
  const collected = new CollectedNotes();
  const learner = new Learner({
    store: collected,
    prompts: () => app.assets.prompts(),
    guideline: async (cwe) => (await app.knowledge()).guideline(cwe),
    mergeSimilarity: () => 1,
    newId: () => randomBytes(8).toString('hex'),
    now: () => new Date(),
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  for (const { document, findings } of sarif.files) {
    signal.throwIfAborted();
    await notesOfFindings({ learner, parser: app.parser }, document, findings.filter((f) => f.security).map((f) => f.finding), 'ci', signal);
  }
  for (const { note } of collected.notes.values()) {
    const { tasks, erroneousCode, diagnosis, cwe, rule, language } = note;
    yield { where: note.title, found: { note: { ...note, id: importedId(`${cwe ?? 'rule'} ${note.ruleFamily ?? ''}`, [cwe, rule, language, tasks, erroneousCode, diagnosis], { hash: sha }) }, extras: NO_EXTRAS } };
  }
}

/** Notes on their way into a notebook: equal ones merge among themselves, and with none that is there. */
class CollectedNotes implements NoteStore {
  readonly folders = { security: '', function: '' };
  readonly notes = new Map<string, StoredNote>();

  load() {
    return Promise.resolve({ notes: [...this.notes.values()], setAside: [] });
  }
  get(id: string) {
    return Promise.resolve(this.notes.get(id));
  }
  create(note: Note) {
    const stored = { note, file: '', quarantined: false };
    this.notes.set(note.id, stored);
    return Promise.resolve(stored);
  }
  modify(id: string, change: (current: Note) => Note) {
    const before = this.notes.get(id);
    return before ? this.create(change(before.note)) : Promise.reject(new ExpectedError('note-missing', `There is no note "${id}".`, 'Import again.'));
  }
  remove(id: string) {
    this.notes.delete(id);
    return Promise.resolve({ id, file: '', content: '', approved: false });
  }
  restore(): Promise<StoredNote> {
    return Promise.reject(new Error('Nothing is restored into an import.'));
  }
  approve() {
    return Promise.resolve([]);
  }
  watch() {
    return () => undefined;
  }
}

export interface ExportNotesReport {
  /** The file or folder that was written. */
  readonly target: string;
  readonly exported: number;
  /** Notes that the format has no place for, by why. */
  readonly left: Readonly<Record<string, number>>;
}

export interface ExportOptions extends TransferOptions {
  /** Replace a file that is there. A folder's other files and the team's own rules always stay. */
  readonly force?: boolean;
}

/**
 * Writes notes in another form. Training pairs, preferences and rules leave out what is muted or not approved; they teach
 * others, and what has not been read must not.
 */
export async function exportNotes(app: App, target: string, format: ExportFormat, options: ExportOptions): Promise<ExportNotesReport> {
  const { notes } = await app.store.load();
  try {
    if (format === 'markdown') return await exportFolder(notes, target, options);
    if (format === 'agents' || format === 'copilot') {
      const guidelines = new Map((await app.assets.knowledge()).guidelines.map(({ cwe, title }) => [cwe, title]));
      const section = rulesSection(notes, (cwe) => guidelines.get(cwe) ?? '', RULES_CHARACTERS);
      const existing = lstatSync(target, { throwIfNoEntry: false }) ? readFileSync(target, 'utf8') : undefined;
      await write(target, intoRulesFile(existing, section.text));
      return { target, exported: section.taken, left: { ...(section.left > 0 && { 'no room': section.left }), ...(notes.length > section.taken + section.left && { 'not approved, muted or without guidance': notes.length - section.taken - section.left }) } };
    }
    if (!options.force && lstatSync(target, { throwIfNoEntry: false })) throw new ExpectedError('file-exists', `${target} is there already.`, 'Name another file, or use --force to replace it.');
    const left: Record<string, number> = {};
    const lines: string[] = [];
    for (const stored of notes) {
      options.signal.throwIfAborted();
      const row = rowOf(stored, format);
      if ('line' in row) lines.push(row.line);
      else left[row.why] = (left[row.why] ?? 0) + 1;
      options.onProgress?.(lines.length);
    }
    await write(target, lines.map((line) => `${line}\n`).join(''));
    return { target, exported: lines.length, left };
  } catch (error) {
    throw writeError(error, target);
  }
}

function rowOf(stored: StoredNote, format: 'jsonl' | 'pairs' | 'preferences'): { readonly line: string } | { readonly why: string } {
  const { note, file, quarantined } = stored;
  if (format === 'jsonl') {
    const content = readNoteFile(file, note.kind)?.content;
    return { line: noteRow({ note, extras: content?.note && 'extras' in content ? content.extras : NO_EXTRAS }) };
  }
  if (quarantined) return { why: 'not approved' };
  if (note.status === 'muted') return { why: 'muted' };
  const line = format === 'pairs' ? trainingRow(note) : preferenceRow(note);
  return line === undefined ? { why: noPair(note) ?? 'no CWE' } : { line };
}

/** The note files as they are. */
async function exportFolder(notes: readonly StoredNote[], target: string, options: ExportOptions): Promise<ExportNotesReport> {
  let exported = 0;
  for (const { note, file } of notes) {
    options.signal.throwIfAborted();
    const raw = readRawFile(file);
    if (!raw || !('text' in raw)) continue;
    const to = path.join(target, note.kind, `${note.id}.md`);
    const there = lstatSync(to, { throwIfNoEntry: false });
    if (there && !options.force && readRawFile(to)?.reason === undefined && readFileSync(to, 'utf8') !== raw.text) throw new ExpectedError('file-exists', `${to} is there already and says something else.`, 'Name another folder, or use --force to replace what differs.');
    await write(to, raw.text);
    exported++;
    options.onProgress?.(exported);
  }
  if (exported === 0) await mkdir(target, { recursive: true });
  return { target, exported, left: {} };
}

async function write(target: string, text: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  await replaceFile(target, text, { temporary: `${target}.${randomBytes(6).toString('hex')}.tmp` });
}

/** What happened, in words. */
export function describeImport(report: ImportNotesReport): string {
  const many = (n: number, one: string, more: string) => `${n} ${n === 1 ? one : more}`;
  return [
    `${many(report.imported.length, 'note', 'notes')} imported${report.imported.length > 0 ? ', quarantined until approved' : ''}`,
    ...(report.present > 0 ? [`${report.present} here already`] : []),
    ...(report.kept.length > 0 ? [`${many(report.kept.length, 'id is', 'ids are')} taken by another text, which stays (${report.kept.slice(0, 3).join(', ')}${report.kept.length > 3 ? ', …' : ''})`] : []),
    ...(report.skipped.length > 0 ? [`${report.skipped.length} left out (first: ${report.skipped[0]?.where}: ${report.skipped[0]?.problem})`] : []),
  ].join('; ');
}

export function describeExport(report: ExportNotesReport): string {
  const left = Object.entries(report.left).map(([why, n]) => `${n} ${why}`);
  return `${report.exported} ${report.exported === 1 ? 'note' : 'notes'} written to ${report.target}${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}`;
}

