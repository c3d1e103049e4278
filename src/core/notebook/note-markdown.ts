import * as z from 'zod';
import { firstConflict } from '../conflict-marks.ts';
import { normalizeCwe } from '../cwe.ts';
import { canonicalLanguage } from '../language.ts';
import { IsoDate, ORIGINS, Text } from './note-keys.ts';
import { MERGED_SECTION, readMerged, writeMerged } from './note-merged.ts';
import type { MergedFailure, Note, NoteKind } from './note.ts';
import { frontMatterExtras, frontMatterLine, readFrontMatter } from './note-front-matter.ts';
import { fenced, firstFence, heading, readItems, readProse, splitSections, trimBlank, writeItems, writeProse } from '../markdown-sections.ts';
import type { Section } from '../markdown-sections.ts';

/*
 * A note's file:
 *
 *     ---
 *     version: 1
 *     id: sql-injection-3f2a
 *     kind: security
 *     title: SQL built by string concatenation
 *     cwe: CWE-89
 *     …
 *     ---
 *
 *     ## Task                 one text, or a bullet list of them, or several such sections
 *     ## Erroneous code       one code fence
 *     ## Diagnosis            text
 *     ## Secure example       one code fence; absent when not known
 *     ## Guidance             text
 *     ## Merged failure       one for each failure that was merged into it; `note-merged.ts`
 *
 * Text is written as it is wherever it reads back exactly, else inside a `text` fence. A file made by hand needs `kind`
 * and `## Task`; everything else has a default. Sections and keys that SafeNote does not know stay in the file.
 */

/** What a note's file holds beside the note; goes back into the file when it is written again. */
export interface NoteExtras {
  /** Front matter keys that SafeNote does not know. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Text between the front matter and the first section. */
  readonly preface: string;
  readonly sections: readonly { readonly title: string; readonly body: string }[];
}

export const NO_EXTRAS: NoteExtras = { keys: {}, preface: '', sections: [] };

export type ParsedNote =
  | { readonly note: Note; readonly extras: NoteExtras; readonly problem?: undefined }
  /** What is wrong, where (`line 4: …`) and what to do. */
  | { readonly problem: string; readonly note?: undefined };

const FORMAT_VERSION = 1;
const MAX_CHARACTERS = 1024 * 1024;
const ID = /^[a-z0-9](?:[a-z0-9-]{0,118}[a-z0-9])?$/;
const KINDS = ['security', 'function'] as const satisfies readonly NoteKind[];
const SOME_DATE = '1970-01-01T00:00:00.000Z';

/** True for what can be a note's id and so a file name on every system. */
export function isNoteId(id: string): boolean {
  return ID.test(id) && !/^(?:con|prn|aux|nul|com\d|lpt\d)$/.test(id);
}

/**
 * The note as its file keeps it. Lines end in `\n` (Git and editors change line ends, so a file cannot keep them),
 * NUL characters and lone surrogates become U+FFFD (such a file would not count as text), nothing else changes.
 */
export function normalizeNote(note: Note): Note {
  const text = (value: string) => value.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '\ufffd');
  return {
    id: note.id,
    kind: note.kind,
    title: text(note.title),
    ...(note.cwe !== undefined && { cwe: text(note.cwe) }),
    language: canonicalLanguage(text(note.language)),
    ...(note.rule !== undefined && { rule: text(note.rule) }),
    ...(note.ruleFamily !== undefined && { ruleFamily: text(note.ruleFamily) }),
    frequency: note.frequency,
    origin: note.origin,
    model: text(note.model),
    created: note.created,
    updated: note.updated,
    status: note.status,
    ...(note.statusReason !== undefined && { statusReason: text(note.statusReason) }),
    ...(note.pinned === true && { pinned: true }),
    ...(note.file !== undefined && { file: text(note.file) }),
    ...(note.line !== undefined && { line: note.line }),
    ...(note.mergePending === true && { mergePending: true }),
    tasks: note.tasks.map(text),
    erroneousCode: text(note.erroneousCode),
    diagnosis: text(note.diagnosis),
    ...(note.secureExample !== undefined && { secureExample: text(note.secureExample) }),
    guidance: text(note.guidance),
    ...(note.merged && note.merged.length > 0 && {
      merged: note.merged.map((m) => ({
        task: text(m.task),
        erroneousCode: text(m.erroneousCode),
        diagnosis: text(m.diagnosis),
        frequency: m.frequency,
        origin: m.origin,
        model: text(m.model),
        created: m.created,
        ...(m.title !== undefined && { title: text(m.title) }),
        ...(m.rule !== undefined && { rule: text(m.rule) }),
        ...(m.file !== undefined && { file: text(m.file) }),
        ...(m.line !== undefined && { line: m.line }),
        ...(m.secureExample !== undefined && { secureExample: text(m.secureExample) }),
        ...(m.guidance !== undefined && { guidance: text(m.guidance) }),
      })),
    }),
  };
}

/** The note's file. `parseNote` gives back `normalizeNote(note)` and the extras. */
export function formatNote(note: Note, extras: NoteExtras = NO_EXTRAS): string {
  const { front, preface, sections } = noteParts(note, extras);
  return joinParts(front.map((part) => part.text), preface, sections.map(({ title, body }) => sectionText(title, body)));
}

/** A front matter key or a section: what a merge takes from one side or the other. */
export interface NoteParts {
  readonly front: readonly { readonly key: string; readonly text: string }[];
  readonly preface: string;
  readonly sections: readonly { readonly title: string; readonly body: string }[];
}

export function joinParts(front: readonly string[], preface: string, sections: readonly string[]): string {
  return `${[`---\n${front.join('\n')}\n---`, ...(preface ? [preface] : []), ...sections].join('\n\n')}\n`;
}

export function sectionText(title: string, body: string): string {
  return body ? `## ${title}\n\n${body}` : `## ${title}`;
}

/** The note's file in its parts. */
export function noteParts(original: Note, extras: NoteExtras): NoteParts {
  const note = normalizeNote(original);
  const front = [
    frontMatterLine('version', FORMAT_VERSION),
    frontMatterLine('id', note.id),
    frontMatterLine('kind', note.kind),
    frontMatterLine('title', note.title),
    ...(note.cwe === undefined ? [] : [frontMatterLine('cwe', note.cwe)]),
    frontMatterLine('language', note.language),
    ...(note.rule === undefined ? [] : [frontMatterLine('rule', note.rule)]),
    ...(note.ruleFamily === undefined ? [] : [frontMatterLine('family', note.ruleFamily)]),
    frontMatterLine('frequency', note.frequency),
    frontMatterLine('origin', note.origin),
    frontMatterLine('model', note.model),
    frontMatterLine('created', note.created),
    frontMatterLine('updated', note.updated),
    frontMatterLine('status', note.status),
    ...(note.statusReason === undefined ? [] : [frontMatterLine('statusReason', note.statusReason)]),
    ...(note.pinned ? [frontMatterLine('pinned', true)] : []),
    ...(note.file === undefined ? [] : [frontMatterLine('file', note.file)]),
    ...(note.line === undefined ? [] : [frontMatterLine('line', note.line)]),
    ...(note.mergePending ? [frontMatterLine('mergePending', true)] : []),
  ].map((text) => ({ key: text.slice(0, text.indexOf(':')), text }));
  if (Object.keys(extras.keys).length > 0) front.push({ key: '', text: frontMatterExtras(extras.keys) });
  const tag = /^[A-Za-z0-9+#._-]+$/.test(note.language) ? note.language : '';
  const sections = [
    ...writeItems(note.tasks).map((body) => ['Task', body]),
    ...(note.erroneousCode === '' ? [] : [['Erroneous code', fenced(note.erroneousCode, tag)]]),
    ...(note.diagnosis === '' ? [] : [['Diagnosis', writeProse(note.diagnosis)]]),
    ...(note.secureExample === undefined ? [] : [['Secure example', fenced(note.secureExample, tag)]]),
    ...(note.guidance === '' ? [] : [['Guidance', writeProse(note.guidance)]]),
    ...(note.merged ?? []).map((m) => [MERGED_SECTION, writeMerged(m, tag)]),
  ].map(([title = '', body = '']) => ({ title, body }));
  return { front, preface: extras.preface, sections: [...sections, ...extras.sections] };
}

/**
 * Reads a note's file. Never throws. `fileName` (a path will do) must agree with the note's id; `date` stands in for
 * dates that the file does not give.
 */
export function parseNote(text: string, fileName: string, date: string = SOME_DATE): ParsedNote {
  if (text.length > MAX_CHARACTERS) return { problem: 'the file is larger than 1 MB; a note is a few kilobytes' };
  const all = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n').toWellFormed().replaceAll('\0', '\ufffd');
  const conflict = firstConflict(all);
  if (conflict > 0) return problemAt(conflict, 'a merge left two versions of it here; run "SafeNote: Resolve Note Conflict" (or "safenote notebook resolve"), or keep one version of each marked part and delete the marks');
  const lines = all.split('\n');
  const end = lines[0]?.trimEnd() === '---' ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === '---') : -1;
  if (end === -1) return problemAt(1, 'the file must begin with front matter, "key: value" lines between two lines "---"');
  const source = lines.slice(1, end).join('\n');
  const yaml = readFrontMatter(source);
  if (yaml.problem !== undefined) return problemAt(yaml.line + 1, `${yaml.problem}; correct the front matter`);
  const keys = readKeys(yaml.values, source);
  if ('problem' in keys) return keys;
  const body = readBody(lines.slice(end + 1).join('\n'), end + 1);
  if ('problem' in body) return body;

  const { id: ownId, title, created, updated, language, family, version, pinned, mergePending, ...rest } = keys.known;
  if (version > FORMAT_VERSION) return { problem: `it was written by a newer SafeNote (format ${version}); update SafeNote to read it` };
  const fileId = /([^\\/]*?)(?:\.md)?$/i.exec(fileName)?.[1] ?? '';
  const id = ownId ?? fileId;
  if (!isNoteId(id)) return { problem: `its id "${id}" may have small letters, digits and hyphens only; rename the file` };
  if (id !== fileId) return problemAt(lineOfKey(source, 'id'), `the id is "${id}" but the file is named "${fileId}.md"; make them the same`);
  const { preface, sections, ...content } = body;
  const mainHeading = preface.split('\n').map((line) => heading(line, 1)).find((found) => found);
  const note: Note = {
    id,
    ...rest,
    ...(family !== undefined && { ruleFamily: family }),
    title: title ?? mainHeading ?? oneLine(content.tasks[0] ?? id),
    language: canonicalLanguage(language ?? (content.tag || 'plaintext')),
    created: created ?? updated ?? date,
    updated: updated ?? created ?? date,
    ...(pinned && { pinned }),
    ...(mergePending && { mergePending }),
    tasks: content.tasks,
    erroneousCode: content.erroneousCode,
    diagnosis: content.diagnosis,
    ...(content.secureExample !== undefined && { secureExample: content.secureExample }),
    guidance: content.guidance,
    ...(content.merged.length > 0 && { merged: content.merged }),
  };
  return { note, extras: { keys: keys.unknown, preface, sections } };
}

/**
 * Everything of a note that can reach a prompt, as one text without ambiguity. Its hash is what a user approves:
 * frequency, dates, status and id may change without asking again.
 */
export function approvalText(original: Note): string {
  const note = normalizeNote(original);
  return JSON.stringify([
    'safenote-note-1', note.kind, note.title, note.cwe ?? null, note.language, note.rule ?? null, note.ruleFamily ?? null,
    note.tasks, note.erroneousCode, note.diagnosis, note.secureExample ?? null, note.guidance,
    // Splitting makes notes of these: a stranger's must not come in by that way.
    ...(note.merged ?? []).map((m) => [m.task, m.erroneousCode, m.diagnosis, m.title ?? null, m.rule ?? null, m.secureExample ?? null, m.guidance ?? null]),
  ]);
}

// --- front matter

/** A key that is there without a value counts as absent. */
const optional = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema.optional());
const Keys = z.object({
  version: z.preprocess((value) => value ?? FORMAT_VERSION, z.number('must be a number').int().min(1)),
  id: optional(Text),
  kind: z.enum(KINDS, `must be ${KINDS.join(' or ')}`),
  title: optional(Text),
  cwe: optional(Text.refine((value) => normalizeCwe(value) !== undefined, 'must look like CWE-89').transform((value) => normalizeCwe(value) ?? value)),
  language: optional(Text),
  rule: optional(Text),
  family: optional(Text),
  frequency: z.preprocess((value) => value ?? 1, z.number('must be a whole number from 1').int('must be a whole number from 1').min(1, 'must be a whole number from 1')),
  origin: z.preprocess((value) => value ?? 'user', z.enum(ORIGINS, `must be one of ${ORIGINS.join(', ')}`)),
  model: z.preprocess((value) => value ?? '', Text),
  created: optional(IsoDate),
  updated: optional(IsoDate),
  status: z.preprocess((value) => value ?? 'active', z.enum(['active', 'muted'], 'must be active or muted')),
  statusReason: optional(Text),
  pinned: z.preprocess((value) => value ?? false, z.boolean('must be true or false')),
  file: optional(Text),
  line: optional(z.number('must be a whole number from 1').int('must be a whole number from 1').min(1, 'must be a whole number from 1')),
  mergePending: z.preprocess((value) => value ?? false, z.boolean('must be true or false')),
});

/** Every key that SafeNote reads. */
export const NOTE_KEYS: readonly string[] = Object.keys(Keys.shape);

/** What is wrong with front matter, key by key. */
export function keyProblems(values: Readonly<Record<string, unknown>>): { readonly key: string; readonly message: string }[] {
  return (Keys.safeParse(values).error?.issues ?? []).map((issue) => ({ key: String(issue.path[0] ?? ''), message: issue.message }));
}

function readKeys(values: Record<string, unknown>, source: string): { known: z.infer<typeof Keys>; unknown: Record<string, unknown> } | { problem: string } {
  const parsed = Keys.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = String(issue?.path[0] ?? '');
    return problemAt(lineOfKey(source, key), Object.hasOwn(values, key) ? `"${key}" ${issue?.message ?? 'is not valid'}` : `"${key}" is missing: it ${issue?.message ?? 'must be given'}`);
  }
  const known = Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined)) as z.infer<typeof Keys>;
  return { known, unknown: Object.fromEntries(Object.entries(values).filter(([key]) => !Object.hasOwn(Keys.shape, key))) };
}

/** Line of a front matter key in the file (the front matter begins on line 2), or the first line. */
function lineOfKey(source: string, key: string): number {
  const at = source.split('\n').findIndex((line) => line.startsWith(`${key}:`));
  return at === -1 ? 1 : at + 2;
}

// --- body

interface Body {
  readonly tasks: string[];
  readonly erroneousCode: string;
  readonly diagnosis: string;
  readonly secureExample?: string;
  readonly guidance: string;
  readonly merged: readonly MergedFailure[];
  /** Language tag of the erroneous code's fence. */
  readonly tag: string;
  readonly preface: string;
  readonly sections: { title: string; body: string }[];
}

function readBody(text: string, linesBefore: number): Body | { problem: string } {
  const [first, ...sections] = splitSections(text);
  const open = [first, ...sections].find((section) => section?.openFence !== undefined);
  if (open?.openFence !== undefined) return problemAt(linesBefore + open.openFence, 'this code fence is never closed; close it with the same marks');
  const tasks: string[] = [];
  const seen = new Map<string, Section>();
  const extra: { title: string; body: string }[] = [];
  const merged: MergedFailure[] = [];
  for (const section of sections) {
    const name = section.title.toLowerCase();
    if (name === 'task' || name === 'tasks') tasks.push(...readItems(section.lines));
    else if (name === MERGED_SECTION.toLowerCase()) {
      const failure = readMerged(section.lines);
      if ('problem' in failure) return problemAt(linesBefore + section.line, `"## ${section.title}" cannot be read: ${failure.problem}`);
      merged.push(failure);
    } else if (!KNOWN.has(name)) extra.push({ title: section.title, body: trimBlank(section.lines).join('\n') });
    else if (seen.has(name)) return problemAt(linesBefore + section.line, `"## ${section.title}" is there twice; keep one`);
    else seen.set(name, section);
  }
  if (tasks.length === 0) return { problem: 'it names no task; add a section "## Task" that says what was to be written' };
  const code = (name: string) => readCode(seen.get(name), linesBefore);
  const erroneous = code('erroneous code');
  if (erroneous && 'problem' in erroneous) return erroneous;
  const secure = code('secure example');
  if (secure && 'problem' in secure) return secure;
  return {
    tasks,
    erroneousCode: erroneous?.content ?? '',
    diagnosis: readProse(seen.get('diagnosis')?.lines ?? []),
    ...(secure && { secureExample: secure.content }),
    guidance: readProse(seen.get('guidance')?.lines ?? []),
    merged,
    tag: erroneous?.info.split(/\s/)[0] ?? '',
    preface: trimBlank(first?.lines ?? []).join('\n'),
    sections: extra,
  };
}

const KNOWN: ReadonlySet<string> = new Set(['erroneous code', 'diagnosis', 'secure example', 'guidance']);

/** One fence, or text without any fence, which a person in a hurry writes. Words beside a fence would be lost. */
function readCode(section: Section | undefined, linesBefore: number): { content: string; info: string } | { problem: string } | undefined {
  if (!section) return undefined;
  const lines = trimBlank(section.lines);
  const fence = firstFence(lines);
  if (!fence) return { content: lines.join('\n'), info: '' };
  if (fence.first === 0 && fence.last === lines.length - 1) return fence;
  return problemAt(linesBefore + section.line, `"## ${section.title}" must hold one code fence and nothing else; move the rest to a section of its own`);
}

function problemAt(line: number, problem: string): { problem: string } {
  return { problem: `line ${line}: ${problem}` };
}

function oneLine(text: string): string {
  const line = text.trim().split('\n')[0]?.trim() ?? '';
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
