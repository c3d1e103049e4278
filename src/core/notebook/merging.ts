import type { MergedFailure, Note } from './note.ts';

/**
 * Whether two notes may ever be merged (DESIGN §4.8): same kind, language, and the same CWE and rule family; where a rule
 * names no CWE, the same rule. Code similarity alone can hide distinct errors.
 */
export function mayMerge(a: Pick<Note, 'kind' | 'language' | 'cwe' | 'rule' | 'ruleFamily'>, b: Pick<Note, 'kind' | 'language' | 'cwe' | 'rule' | 'ruleFamily'>): boolean {
  if (a.kind !== b.kind || a.language !== b.language) return false;
  if (a.kind === 'function') return true;
  if (a.cwe !== b.cwe) return false;
  return a.cwe === undefined ? a.rule === b.rule : a.ruleFamily === b.ruleFamily;
}

/** What one file may grow to by merging. Beyond it a failure becomes a note of its own, so that nothing is left out. */
const MAX_TASKS = 200;
const MAX_CHARACTERS = 500_000;
/** Beyond this a merge keeps a failure's task and count, but no longer its code and diagnosis. */
const MAX_DETAIL = 200_000;

/** Whether a note can take in another without growing past what a file may hold. */
export function hasRoom(note: Note, other: Note): boolean {
  const after = absorb(note, other, note.updated);
  return after.tasks.length <= Math.max(MAX_TASKS, note.tasks.length) && size(after) <= Math.max(MAX_CHARACTERS, size(note));
}

/**
 * A note after the same failure was seen again: the frequencies added, the other's tasks and failures taken in (paper §3.3).
 * Nothing is taken away; `split` brings the other out again.
 */
export function absorb(note: Note, other: Note, now: string): Note {
  let room = MAX_DETAIL - (note.merged ?? []).reduce((sum, m) => sum + sizeOf(m), 0);
  const merged = [...(note.merged ?? [])];
  for (const failure of failuresOf(other)) {
    // The very same again is counted where it stands; the note's own is counted by its frequency alone.
    if (isSame(ownFailure(note), failure)) continue;
    const at = merged.findIndex((m) => isSame(m, failure));
    if (at !== -1) {
      merged[at] = { ...merged[at]!, frequency: merged[at]!.frequency + failure.frequency };
      continue;
    }
    const whole = withoutCommon(failure, note);
    room -= sizeOf(whole);
    merged.push(room >= 0 ? whole : { ...whole, erroneousCode: '', diagnosis: '' });
  }
  return {
    ...note,
    frequency: note.frequency + other.frequency,
    tasks: distinct([...note.tasks, ...other.tasks]),
    updated: now,
    guidance: note.guidance || other.guidance,
    ...(note.secureExample === undefined && other.secureExample !== undefined ? { secureExample: other.secureExample } : {}),
    ...(merged.length > 0 ? { merged } : {}),
  };
}

/**
 * Everything that a note stands for, as single failures: its own first, then what was merged into it. A task without a
 * failure of its own (a note of an earlier format, or written by hand) is one without code. Frequencies add up to the
 * note's wherever it is large enough for that.
 */
export function failuresOf(note: Note): MergedFailure[] {
  const own = ownFailure(note);
  const merged = note.merged ?? [];
  const told = new Set([own, ...merged].map((m) => normalized(m.task)));
  const bare = note.tasks
    .filter((task) => !told.has(normalized(task)) && told.add(normalized(task)))
    .map((task): MergedFailure => ({ task, erroneousCode: '', diagnosis: '', frequency: 1, origin: note.origin, model: note.model, created: note.created }));
  const rest = note.frequency - [...merged, ...bare].reduce((sum, m) => sum + m.frequency, 0);
  return [{ ...own, frequency: Math.max(1, rest) }, ...merged, ...bare];
}

export interface SplitNote {
  /** The note as it stays, under its id. */
  readonly rest: Note;
  /** What was taken out of it, as notes of their own. */
  readonly parts: readonly Note[];
}

/**
 * Takes failures out of a note again. `tasks` are places in its list of tasks, from 0, each of which becomes a note; without
 * them every task does. Guidance and secure example were written for all of them, so that each part begins with a copy. Where
 * a failure's own code is not known, its note begins with a copy of that, too. Undefined where nothing can be taken out.
 */
export function split(note: Note, o: { readonly tasks?: readonly number[]; readonly newId: () => string; readonly now: string }): SplitNote | undefined {
  const groups = new Map(note.tasks.map((task) => [normalized(task), [] as MergedFailure[]]));
  for (const failure of failuresOf(note)) {
    const key = normalized(failure.task);
    groups.set(key, [...(groups.get(key) ?? []), failure]);
  }
  const keys = [...groups.keys()];
  const wanted = o.tasks ? new Set(o.tasks.flatMap((at) => (note.tasks[at] === undefined ? [] : [normalized(note.tasks[at])]))) : new Set(keys.slice(1));
  // Something has to stay under the note's id: its first task, where all are asked for.
  if (keys.every((key) => wanted.has(key))) wanted.delete(keys[0] ?? '');
  if (wanted.size === 0) return undefined;
  const staying = keys.filter((key) => !wanted.has(key)).flatMap((key) => groups.get(key) ?? []);
  return {
    rest: { ...compose(note, staying), id: note.id, created: note.created, updated: o.now },
    parts: keys.filter((key) => wanted.has(key)).map((key) => ({ ...compose(note, groups.get(key) ?? []), id: o.newId(), updated: o.now })),
  };
}

/** Equal but for white space: the same failure, whatever an embedder would say. */
export function sameCode(a: string, b: string): boolean {
  return normalized(a) === normalized(b);
}

/** A note of some of another's failures, the first of which it is about. */
function compose(from: Note, failures: readonly MergedFailure[]): Note {
  const [first, ...others] = failures;
  if (!first) throw new Error('A note has at least one failure.');
  const { merged: _, mergePending: __, file: ___, line: ____, rule: ruleOfAll, ...base } = from;
  const rule = first.rule ?? ruleOfAll;
  const note: Note = {
    ...base,
    ...(rule === undefined ? {} : { rule }),
    title: first.title ?? titleFor(from, first.task),
    frequency: failures.reduce((sum, m) => sum + m.frequency, 0),
    origin: first.origin,
    model: first.model,
    created: first.created,
    ...(first.file === undefined ? {} : { file: first.file }),
    ...(first.line === undefined ? {} : { line: first.line }),
    tasks: distinct(failures.map((m) => m.task)),
    erroneousCode: first.erroneousCode || from.erroneousCode,
    diagnosis: first.diagnosis || from.diagnosis,
    guidance: first.guidance ?? from.guidance,
    ...(first.secureExample === undefined ? {} : { secureExample: first.secureExample }),
  };
  const merged = others.filter((m) => m.erroneousCode !== '' || m.frequency > 1 || m.title !== undefined).map((m) => withoutCommon(m, note));
  return merged.length > 0 ? { ...note, merged } : note;
}

function ownFailure(note: Note): MergedFailure {
  return {
    task: note.tasks[0] ?? '',
    erroneousCode: note.erroneousCode,
    diagnosis: note.diagnosis,
    frequency: note.frequency,
    origin: note.origin,
    model: note.model,
    created: note.created,
    title: note.title,
    ...(note.rule === undefined ? {} : { rule: note.rule }),
    ...(note.file === undefined ? {} : { file: note.file }),
    ...(note.line === undefined ? {} : { line: note.line }),
    ...(note.secureExample === undefined ? {} : { secureExample: note.secureExample }),
    ...(note.guidance ? { guidance: note.guidance } : {}),
  };
}

function isSame(a: MergedFailure, b: MergedFailure): boolean {
  return sameCode(a.task, b.task) && sameCode(a.erroneousCode, b.erroneousCode);
}

/** Without what the note says for all of them. */
function withoutCommon({ secureExample, guidance, ...failure }: MergedFailure, note: Note): MergedFailure {
  return {
    ...failure,
    ...(secureExample === undefined || secureExample === note.secureExample ? {} : { secureExample }),
    ...(guidance === undefined || guidance === note.guidance ? {} : { guidance }),
  };
}

/** The title names the weakness, then a task; a part of it is about another task. */
function titleFor(note: Note, task: string): string {
  if (sameCode(task, note.tasks[0] ?? '')) return note.title;
  const colon = note.title.indexOf(': ');
  const words = firstWords(task);
  return note.kind === 'function' ? words : `${colon === -1 ? note.title : note.title.slice(0, colon)}: ${words}`;
}

/** The first sentence of a task, at most 70 characters. */
export function firstWords(task: string): string {
  const words = (task.trim().split(/(?<=[.!?])\s|\n\s*\n/)[0] ?? '').replace(/\s+/g, ' ').trim();
  return words.length > 70 ? `${words.slice(0, 69).trimEnd()}…` : words;
}

function distinct(tasks: readonly string[]): string[] {
  const known = new Set<string>();
  return tasks.filter((task) => {
    const key = normalized(task);
    return !known.has(key) && known.add(key);
  });
}

function size(note: Note): number {
  return [...note.tasks, note.erroneousCode, note.diagnosis, note.secureExample ?? '', note.guidance].reduce((sum, text) => sum + text.length, 0) + (note.merged ?? []).reduce((sum, m) => sum + sizeOf(m), 0);
}

function sizeOf(m: MergedFailure): number {
  return m.task.length + m.erroneousCode.length + m.diagnosis.length + (m.secureExample?.length ?? 0) + (m.guidance?.length ?? 0) + 200;
}

function normalized(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
