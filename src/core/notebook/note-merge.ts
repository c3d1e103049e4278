import { joinParts, type NoteExtras, noteParts, type NoteParts, parseNote, sectionText } from './note-markdown.ts';
import type { MergedFailure, Note } from './note.ts';

/** A note's file as it was read. */
export interface NoteFile {
  readonly note: Note;
  readonly extras: NoteExtras;
}

export interface MergedNote {
  /** The file. It reads as a note when there are no conflicts, else it holds their marks and is set aside until they are gone. */
  readonly text: string;
  /** Front matter keys and titles of sections that both sides changed in ways that do not go together. */
  readonly conflicts: readonly string[];
}

export interface MergeOptions {
  /** The sides were read out of a merge by lines: what is the same on both is merged already. */
  readonly byLines?: boolean;
}

/**
 * Three-way merge of a note, by front matter key and section: what one side changed is taken, tasks are united, frequency is
 * added up from the base, the later date counts, muted beats active. A text that both changed is taken whole where it holds
 * the other's; otherwise both stay, between marks. Without a base (added on both sides) whatever differs counts as changed.
 */
export function mergeNotes(base: NoteFile | undefined, ours: NoteFile, theirs: NoteFile, options: MergeOptions = {}): MergedNote | { readonly problem: string } {
  if (ours.note.id !== theirs.note.id || ours.note.kind !== theirs.note.kind) return { problem: 'they are two different notes' };
  const left = mergeSide(base, ours, theirs, options);
  const right = mergeSide(base, theirs, ours, options);
  // Both sides say the same but where they cannot be put together; then each keeps its own.
  // Nothing of a prompt hangs on who wrote it and where: ours will do.
  const { file: _file, line: _line, merged: _merged, ...rest } = right.note;
  const { origin, model, tasks, file, line, merged } = left.note;
  const agreed: Note = { ...rest, origin, model, tasks, ...(file !== undefined && { file }), ...(line !== undefined && { line }), ...(merged && { merged }) };
  return withMarks(noteParts(left.note, left.extras), noteParts(agreed, orderedAs(right.extras, left.extras)));
}

/** The same from three texts. `problem` says which side is no note. */
export function mergeNoteTexts(texts: { readonly base?: string; readonly ours: string; readonly theirs: string }, fileName: string, options: MergeOptions = {}): MergedNote | { readonly problem: string } {
  const ours = parseNote(texts.ours, fileName);
  if (ours.problem !== undefined) return { problem: `our side: ${ours.problem}` };
  const theirs = parseNote(texts.theirs, fileName);
  if (theirs.problem !== undefined) return { problem: `their side: ${theirs.problem}` };
  const base = texts.base === undefined ? undefined : parseNote(texts.base, fileName);
  // A base that is no note (it was written by hand, or is empty) tells nothing: without one more counts as changed.
  return mergeNotes(base?.note && { note: base.note, extras: base.extras }, { note: ours.note, extras: ours.extras }, { note: theirs.note, extras: theirs.extras }, options);
}

/** One side after the merge: everything merged, and its own value where the two do not go together. */
function mergeSide(base: NoteFile | undefined, mine: NoteFile, other: NoteFile, options: MergeOptions): NoteFile {
  const b = base?.note;
  const m = mine.note;
  const o = other.note;
  const value = <K extends keyof Note>(key: K): Note[K] => threeWay(base ? { was: base.note[key] } : undefined, m[key], o[key]) as Note[K];
  const text = <K extends 'erroneousCode' | 'diagnosis' | 'guidance' | 'secureExample'>(key: K): Note[K] => mergeText(b?.[key], m[key], o[key]) as Note[K];
  // Every key of a note has its rule; a new one without one does not compile.
  const merged: { readonly [K in keyof Required<Note>]: Note[K] | undefined } = {
    id: m.id,
    kind: m.kind,
    title: value('title'),
    cwe: value('cwe'),
    language: value('language'),
    rule: value('rule'),
    ruleFamily: value('ruleFamily'),
    frequency: b && !(options.byLines && m.frequency === o.frequency) ? Math.max(1, m.frequency + o.frequency - b.frequency) : Math.max(m.frequency, o.frequency),
    origin: value('origin'),
    model: value('model'),
    created: earlier(m.created, o.created),
    updated: later(m.updated, o.updated),
    ...mergeStatus(b, m, o),
    pinned: threeWay(b && { was: b.pinned ?? false }, m.pinned ?? false, o.pinned ?? false) || (!b && (o.pinned ?? false)),
    ...mergePlace(b, m, o),
    mergePending: threeWay(b && { was: b.mergePending ?? false }, m.mergePending ?? false, o.mergePending ?? false) || (!b && (o.mergePending ?? false)),
    tasks: mergeTasks(b?.tasks, m.tasks, o.tasks),
    erroneousCode: text('erroneousCode'),
    diagnosis: text('diagnosis'),
    secureExample: text('secureExample'),
    guidance: text('guidance'),
    merged: mergeFailures(b?.merged ?? (b && []), m.merged ?? [], o.merged ?? []),
  };
  const note = Object.fromEntries(Object.entries(merged).filter(([, v]) => v !== undefined)) as unknown as Note;
  return { note, extras: mergeExtras(base?.extras, mine.extras, other.extras) };
}

/** The side that changed; ours where both did. A value that only one side has without a base is taken. */
function threeWay<T>(base: { readonly was: T } | undefined, mine: T, other: T): T {
  if (same(mine, other)) return mine;
  if (base && same(mine, base.was)) return other;
  if (!base && mine === undefined) return other;
  return mine;
}

/** As above; a text that holds the other side's, or is there where the other side deleted it, is the one to keep. */
function mergeText(base: string | undefined, mine: string | undefined, other: string | undefined): string | undefined {
  if (mine === other || base === other) return mine;
  if (base === mine) return other;
  if (!mine?.trim()) return other;
  if (!other?.trim()) return mine;
  if (other.includes(mine.trim())) return other;
  return mine;
}

/** The tasks of both; one that a side took out on purpose stays out, as long as any is left. */
function mergeTasks(base: readonly string[] | undefined, mine: readonly string[], other: readonly string[]): readonly string[] {
  // The order says which task the note is about.
  if (base && same(mine, base)) return other;
  if (base && same(other, base)) return mine;
  const all = [...new Set([...mine, ...other])];
  if (!base) return all;
  const [own, others, before] = [new Set(mine), new Set(other), new Set(base)];
  const kept = all.filter((task) => (own.has(task) && others.has(task)) || !before.has(task));
  return kept.length > 0 ? kept : all;
}

/** The failures of both, as their tasks; the same one on both sides is counted from the base. */
function mergeFailures(base: readonly MergedFailure[] | undefined, mine: readonly MergedFailure[], other: readonly MergedFailure[]): readonly MergedFailure[] | undefined {
  if (base && same(mine, base)) return other.length > 0 ? other : undefined;
  if (base && same(other, base)) return mine.length > 0 ? mine : undefined;
  const keyOf = (m: MergedFailure) => JSON.stringify([m.task, m.erroneousCode]);
  const by = (list: readonly MergedFailure[] | undefined) => new Map(list?.map((m) => [keyOf(m), m]));
  const [own, others, before] = [by(mine), by(other), by(base)];
  const united = [...new Set([...own.keys(), ...others.keys()])].flatMap((key): MergedFailure[] => {
    const [m, o, b] = [own.get(key), others.get(key), before.get(key)];
    if (m && o) return [{ ...m, frequency: b ? Math.max(1, m.frequency + o.frequency - b.frequency) : Math.max(m.frequency, o.frequency) }];
    const only = m ?? o;
    // Split off on the other side: it is a note of its own there.
    return only && !b ? [only] : [];
  });
  return united.length > 0 ? united : undefined;
}

function mergeStatus(base: Note | undefined, mine: Note, other: Note): Pick<Note, 'status'> & { statusReason: string | undefined } {
  const of = ({ status, statusReason }: Note) => ({ status, statusReason });
  if (base && same(of(mine), of(base))) return of(other);
  if (same(of(mine), of(other)) || (base && same(of(other), of(base)))) return of(mine);
  // Both sides said something else: a note that somebody muted is not used.
  const muted = [mine, other].filter((note) => note.status === 'muted');
  const reasons = [...new Set((muted.length > 0 ? muted : [mine, other]).flatMap((note) => note.statusReason ?? []))].sort();
  return { status: muted.length > 0 ? 'muted' : 'active', statusReason: reasons.length > 0 ? reasons.join('; ') : undefined };
}

/** File and line belong together: the line of one side says nothing about the file of the other. */
function mergePlace(base: Note | undefined, mine: Note, other: Note): { file: string | undefined; line: number | undefined } {
  const of = ({ file, line }: Note) => ({ file, line });
  const chosen = threeWay(base && { was: of(base) }, of(mine), of(other));
  return chosen.file === undefined && !base ? of(other) : chosen;
}

function mergeExtras(base: NoteExtras | undefined, mine: NoteExtras, other: NoteExtras): NoteExtras {
  const keys: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of new Set([...Object.keys(mine.keys), ...Object.keys(other.keys)])) {
    const value = threeWay<unknown>(base && { was: base.keys[key] }, mine.keys[key], other.keys[key]);
    if (value !== undefined) keys[key] = value;
  }
  const sections = [...new Set([...mine.sections, ...other.sections].map((s) => s.title))].flatMap((title) => {
    const bodies = (extras: NoteExtras | undefined) => extras?.sections.filter((s) => s.title === title).map((s) => s.body);
    const [m = [], o = [], b] = [bodies(mine), bodies(other), bodies(base)];
    if (m.length > 1 || o.length > 1) return [...new Set([...m, ...o])].map((body) => ({ title, body }));
    const body = mergeText(b?.[0], m[0], o[0]);
    return body === undefined ? [] : [{ title, body }];
  });
  return { keys, preface: mergeText(base?.preface, mine.preface, other.preface) ?? '', sections };
}

/** The same keys and sections in the order of another, so that only what differs differs. */
function orderedAs(extras: NoteExtras, model: NoteExtras): NoteExtras {
  const keys = Object.fromEntries([...new Set([...Object.keys(model.keys), ...Object.keys(extras.keys)])].filter((key) => key in extras.keys).map((key) => [key, extras.keys[key]]));
  const place = (title: string) => {
    const at = model.sections.findIndex((s) => s.title === title);
    return at === -1 ? model.sections.length : at;
  };
  return { keys, preface: extras.preface, sections: [...extras.sections].sort((a, b) => place(a.title) - place(b.title)) };
}

/** Puts both sides into one text; what differs stands between marks, ours first. */
function withMarks(ours: NoteParts, theirs: NoteParts): MergedNote {
  const conflicts: string[] = [];
  const both = (name: string, left: string | undefined, right: string | undefined, whole = (text: string) => text): string => {
    if (left === right) return whole(left ?? '');
    conflicts.push(name);
    const lines = (text: string | undefined) => (text ? `${text}\n` : '');
    return whole(`<<<<<<< ours\n${lines(left)}=======\n${lines(right)}>>>>>>> theirs`);
  };
  const front = union(ours.front, theirs.front, (part) => part.key).map(([left, right]) => both(left?.key ?? right?.key ?? '', left?.text, right?.text));
  const preface = both('the text above the first section', ours.preface, theirs.preface);
  const sections = union(numbered(ours.sections), numbered(theirs.sections), (part) => `${part.title}#${part.at}`).map(([left, right]) => {
    const title = left?.title ?? right?.title ?? '';
    return both(title, left?.body, right?.body, (body) => sectionText(title, body));
  });
  return { text: joinParts(front, preface, sections), conflicts: conflicts.map((name) => name || 'other keys') };
}

/** Sections of the same name are told apart by their place. */
function numbered(sections: NoteParts['sections']): { title: string; body: string; at: number }[] {
  const seen = new Map<string, number>();
  return sections.map(({ title, body }) => {
    const at = seen.get(title) ?? 0;
    seen.set(title, at + 1);
    return { title, body, at };
  });
}

/** Pairs by key, in the order of the first; what only the second has stands where it stood there. */
function union<T>(first: readonly T[], second: readonly T[], keyOf: (item: T) => string): [T | undefined, T | undefined][] {
  const others = new Map(second.map((item) => [keyOf(item), item]));
  const pairs = first.map((item): [T | undefined, T | undefined] => [item, others.get(keyOf(item))]);
  const known = new Set(first.map(keyOf));
  second.forEach((item, at) => {
    if (known.has(keyOf(item))) return;
    const before = second.slice(0, at).findLast((other) => known.has(keyOf(other)));
    const place = before ? pairs.findIndex(([left, right]) => keyOf((left ?? right) as T) === keyOf(before)) + 1 : 0;
    pairs.splice(place, 0, [undefined, item]);
    known.add(keyOf(item));
  });
  return pairs;
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function earlier(a: string, b: string): string {
  return Date.parse(b) < Date.parse(a) ? b : a;
}

function later(a: string, b: string): string {
  return Date.parse(b) > Date.parse(a) ? b : a;
}
