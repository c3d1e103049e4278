import * as z from 'zod';
import { readImportRow } from '../../knowledge/import-row.ts';
import { firstWords } from '../merging.ts';
import { ORIGINS } from '../note-keys.ts';
import { formatNote, NO_EXTRAS, normalizeNote, type NoteExtras, parseNote } from '../note-markdown.ts';
import type { Note } from '../note.ts';

/** A note out of another form, not yet in any notebook. */
export interface IncomingNote {
  readonly note: Note;
  readonly extras: NoteExtras;
}

export interface RowOptions {
  /** A hash in hexadecimal digits, for the ids of notes that have none: the same row is the same note. */
  readonly hash: (text: string) => string;
  /** ISO 8601. */
  readonly now: string;
}

export const NOTE_FORMAT = 'safenote-note/1';
export const PREFERENCE_FORMAT = 'safenote-preference/1';

/** One note as one line of JSON, whole. */
export function noteRow({ note, extras }: IncomingNote): string {
  const { keys, preface, sections } = extras;
  const beside = Object.keys(keys).length > 0 || preface || sections.length > 0 ? { extras: { keys, preface, sections } } : {};
  return jsonLine({ format: NOTE_FORMAT, ...normalizeNote(note), ...beside });
}

/** JSON on one line, whatever its reader takes for a line's end. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0085\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const Text = z.string();
const Failure = z.object({ task: Text, erroneousCode: Text, diagnosis: Text, frequency: z.int().min(1), origin: z.enum(ORIGINS), model: Text, created: Text, title: Text.optional(), rule: Text.optional(), file: Text.optional(), line: z.int().min(1).optional(), secureExample: Text.optional(), guidance: Text.optional() });
const NoteRow = z.object({
  format: z.literal(NOTE_FORMAT),
  id: Text, kind: z.enum(['security', 'function']), title: Text, cwe: Text.optional(), language: Text, rule: Text.optional(), ruleFamily: Text.optional(), frequency: z.int().min(1), origin: z.enum(ORIGINS), model: Text,
  created: Text, updated: Text, status: z.enum(['active', 'muted']), statusReason: Text.optional(), pinned: z.boolean().optional(), file: Text.optional(), line: z.int().min(1).optional(), mergePending: z.boolean().optional(),
  tasks: z.array(Text).min(1), erroneousCode: Text, diagnosis: Text, secureExample: Text.optional(), guidance: Text, merged: z.array(Failure).optional(),
  extras: z.object({ keys: z.record(Text, z.unknown()), preface: Text, sections: z.array(z.object({ title: Text, body: Text })) }).optional(),
});
const PreferenceRow = z.object({ prompt: Text.min(1), chosen: Text.min(1), rejected: Text.min(1), language: Text, cwe: Text.optional() });

/**
 * Reads a line of JSON as a note: a note of SafeNote, a preference, or a training pair of vulnerable and secure code.
 * `problem` says in one sentence why the row cannot be used.
 */
export function readNoteRow(line: string, options: RowOptions): IncomingNote | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'it is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'it is not an object' };
  if ('format' in value && value.format === NOTE_FORMAT) return readWhole(value);
  if ('chosen' in value && 'rejected' in value) return readPreference(value, options);
  if ('vulnerable' in value && 'secure' in value) return readPair(line, value, options);
  return { problem: `it is neither a note ("format": "${NOTE_FORMAT}"), nor a pair ("vulnerable" and "secure"), nor a preference ("prompt", "chosen", "rejected")` };
}

function readWhole(value: unknown): IncomingNote | { readonly problem: string } {
  const parsed = NoteRow.safeParse(value);
  if (!parsed.success) return { problem: why(parsed.error) };
  const { format: _, extras, ...fields } = parsed.data;
  return asWritten(fields as Note, extras ?? NO_EXTRAS);
}

function readPreference(value: unknown, options: RowOptions): IncomingNote | { readonly problem: string } {
  const parsed = PreferenceRow.safeParse(value);
  if (!parsed.success) return { problem: why(parsed.error) };
  const { prompt, chosen, rejected, language, cwe } = parsed.data;
  if (chosen === rejected) return { problem: '"chosen" and "rejected" are the same' };
  return asWritten(pairNote({ language, task: prompt, vulnerable: rejected, secure: chosen, ...(cwe !== undefined && { cwe }) }, options), NO_EXTRAS);
}

function readPair(line: string, value: object, options: RowOptions): IncomingNote | { readonly problem: string } {
  const row = readImportRow(line);
  if ('problem' in row) return row;
  const { cwe, language, description, vulnerable, secure } = row.content;
  const name = 'func_name' in value && typeof value.func_name === 'string' ? value.func_name.replace(/\s+/g, ' ').trim() : '';
  if (!description && !name) return { problem: 'it has neither "description" nor "func_name"; a note needs a task' };
  return asWritten(pairNote({ cwe, language, task: description || `Write the function ${name}.`, vulnerable, secure }, options), NO_EXTRAS);
}

function pairNote(pair: { cwe?: string; language: string; task: string; vulnerable: string; secure: string }, options: RowOptions): Note {
  const kind = pair.cwe === undefined ? 'function' : 'security';
  return {
    id: importedId(pair.cwe ?? kind, pair, options),
    kind,
    title: firstWords(pair.task) || 'An imported pair',
    ...(pair.cwe !== undefined && { cwe: pair.cwe }),
    language: pair.language,
    frequency: 1,
    origin: 'import',
    model: '',
    created: options.now,
    updated: options.now,
    status: 'active',
    tasks: [pair.task],
    erroneousCode: pair.vulnerable,
    diagnosis: '',
    secureExample: pair.secure,
    guidance: '',
  };
}

/** An id by content: importing the same again finds it. */
export function importedId(words: string, content: unknown, { hash }: Pick<RowOptions, 'hash'>): string {
  return `${words.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 48).replace(/^-+|-+$/g, '') || 'note'}-${hash(JSON.stringify(content)).slice(0, 8)}`;
}

/** The note as its file would keep it, or what is wrong with it. */
function asWritten(note: Note, extras: NoteExtras): IncomingNote | { readonly problem: string } {
  let text: string;
  try {
    text = formatNote(note, extras);
  } catch (error) {
    return { problem: `it cannot be written as a note (${(error as Error).message.split('\n')[0]})` };
  }
  const parsed = parseNote(text, note.id);
  return parsed.problem === undefined ? { note: parsed.note, extras: parsed.extras } : { problem: parsed.problem.replace(/^line \d+: /, '') };
}

function why(error: z.ZodError): string {
  const issue = error.issues[0];
  return `"${issue?.path.join('.') || 'the row'}": ${issue?.message ?? 'not valid'}`;
}
