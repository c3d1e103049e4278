import type { Note } from './note.ts';

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

/** Longest list of tasks that a note keeps in full; it only bounds what one file can grow to. */
const MAX_TASKS = 200;

/** A note after the same failure was seen again: frequency + 1, the task added (paper §3.3). Nothing is taken away. */
export function absorb(note: Note, seen: { tasks: readonly string[]; frequency: number; secureExample?: string; guidance?: string; now: string }): Note {
  const known = new Set(note.tasks.map(normalized));
  const added = seen.tasks.filter((task) => {
    const key = normalized(task);
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
  return {
    ...note,
    frequency: note.frequency + seen.frequency,
    tasks: [...note.tasks, ...added].slice(0, Math.max(MAX_TASKS, note.tasks.length)),
    updated: seen.now,
    guidance: note.guidance || seen.guidance || '',
    ...(note.secureExample === undefined && seen.secureExample !== undefined ? { secureExample: seen.secureExample } : {}),
  };
}

/** Equal but for white space: the same failure, whatever an embedder would say. */
export function sameCode(a: string, b: string): boolean {
  return normalized(a) === normalized(b);
}

function normalized(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
