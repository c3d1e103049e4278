/** Data sets that the quality benchmarks read where they are: never packed, never copied. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { normalizeCwe } from '../../src/core/cwe.ts';
import { canonicalLanguage } from '../../src/core/language.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
/** `SAFENOTE_DATA` names another folder with the same data sets. */
export const DATA = process.env['SAFENOTE_DATA'] ?? path.join(ROOT, '../shared/data');

/** A vulnerable function, its repair, and the commit that they come from. */
export interface Pair {
  readonly id: string;
  readonly cwe: string;
  readonly language: string;
  readonly description: string;
  readonly vulnerable: string;
  readonly secure: string;
  readonly commit: string;
  readonly repository: string;
}

/** What a developer has before the answer, and the weakness that it invites. */
export interface Prompt {
  readonly set: string;
  readonly id: string;
  readonly cwe: string;
  readonly language: string;
  /** The file up to the caret, or nothing where the task is words alone. */
  readonly code: string;
  readonly task: string;
}

/** Rows of a JSONL file, or undefined where it is absent. */
function rows<T>(file: string): T[] | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as T) : undefined;
}

export const PAIRS_FILE = process.env['SAFENOTE_PAIRS'] ?? path.join(DATA, 'safecoder/pairs.jsonl');

export function readPairs(): Pair[] | undefined {
  interface Row { id: string; cwe: string; language: string; description: string | null; vulnerable: string; secure: string; commit_link: string }
  return rows<Row>(PAIRS_FILE)?.map((r) => ({
    id: r.id, cwe: normalizeCwe(r.cwe) ?? r.cwe, language: canonicalLanguage(r.language), description: r.description ?? '', vulnerable: r.vulnerable, secure: r.secure,
    commit: r.commit_link, repository: r.commit_link.split('/').slice(0, 3).join('/'),
  }));
}

/** The prompts of the other data sets; a set that is absent is named in `missing`. */
export function readPrompts(): { prompts: Prompt[]; missing: string[] } {
  interface Row { task_id: string; cwe: string; language: string; prompt?: string; file_context?: string; func_context?: string }
  const missing: string[] = [];
  const prompts = [['cweval', 'tasks'], ['sallm', 'tasks'], ['codeguardplus', 'tasks'], ['cyberseceval-instruct', 'prompts']].flatMap(([set = '', name = '']) => {
    const found = rows<Row>(path.join(DATA, set, `${name}.jsonl`));
    if (!found) missing.push(set);
    return (found ?? []).map((r): Prompt => {
      const text = r.prompt ?? `${r.file_context ?? ''}${r.func_context ?? ''}`;
      const inWords = set === 'cyberseceval-instruct';
      return { set, id: r.task_id, cwe: normalizeCwe(r.cwe) ?? r.cwe, language: canonicalLanguage(r.language), code: inWords ? '' : text, task: inWords ? text.replace(/\s*Only return the code[\s\S]*$/, '') : '' };
    });
  });
  return { prompts, missing };
}

/** A number from 0 to 9 that is the same for the same text in every run. */
export function bucket(text: string): number {
  return (createHash('sha256').update(text).digest()[0] ?? 0) % 10;
}
