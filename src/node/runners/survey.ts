import path from 'node:path';
import { languageOfPath } from '../../core/language.ts';
import { projectRoots } from './detect.ts';
import type { FileIndex } from './file-index.ts';

export interface SurveyRow {
  /** Language and folder, in words. */
  readonly part: string;
  readonly found: { readonly runner: string; readonly because: string } | { readonly unavailable: string };
}

const NAMES: Readonly<Record<string, string>> = { python: 'Python', javascript: 'JavaScript', typescript: 'JavaScript', c: 'C and C++', cpp: 'C and C++', go: 'Go', java: 'Java' };
/** A report that is longer is not read. */
const MAX_ROWS = 12;

/** Asks for one file of each language in each project, preferably one of its tests: that one certainly has a runner. */
export async function survey(files: FileIndex, root: string, find: (file: string) => Promise<SurveyRow['found']>): Promise<SurveyRow[]> {
  const projects = new Map<string, string>();
  const parts = new Map<string, { part: string; file: string; isTest: boolean }>();
  for (const relative of await files.list()) {
    const file = path.join(root, relative);
    const language = languageOfPath(file);
    const name = NAMES[language];
    if (!name) continue;
    const key = `${name} ${path.dirname(file)}`;
    const folder = projects.get(key) ?? path.relative(root, projectRoots(root, file, language)[0] ?? root);
    projects.set(key, folder);
    const part = folder ? `${name} in ${folder}` : name;
    const isTest = /(?:^|[/_.-])tests?(?:[/_.-])|Tests?\./.test(relative);
    const known = parts.get(part);
    if (!known || (isTest && !known.isTest)) parts.set(part, { part, file, isTest });
  }
  const rows: SurveyRow[] = [];
  for (const { part, file } of [...parts.values()].slice(0, MAX_ROWS)) rows.push({ part, found: await find(file) });
  return rows;
}
