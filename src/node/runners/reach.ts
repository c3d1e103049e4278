import path from 'node:path';
import type { FileIndex } from './file-index.ts';

/** Test files that one check runs. */
const MAX_TARGETS = 12;
/** How far a test may be from the changed file: it imports what imports what imports it. */
const MAX_STEPS = 3;

export interface Reaching {
  /** Test files, best first, relative to the project. */
  readonly files: readonly string[];
  /** Those that name the changed function. */
  readonly naming: readonly string[];
}

/**
 * The test files that can reach a changed file, best first: those that are it, import it or are named after it, and of
 * these first the ones that name the changed functions. Where none imports it directly, those that import what imports it.
 * What neither imports nor names it is not run.
 */
export async function reaching(index: FileIndex, root: string, tests: readonly string[], changed: string, names: readonly string[], sources: readonly string[], o: { /** Where code is used without an import, its name anywhere counts as one. */ withoutImport?: boolean } = {}): Promise<Reaching> {
  const relative = path.relative(root, changed).split(path.sep).join('/');
  const called = names.filter((name) => name.length > 1).map(wordOf);
  const facts = await index.allFacts(tests.map((file) => path.join(root, file)));
  const scored: { file: string; score: number; names: boolean }[] = [];
  const score = (stems: readonly string[], direct: boolean) => {
    const words = stems.map(wordOf);
    tests.forEach((file, i) => {
      const known = facts[i];
      if (!known) return;
      let points = 0;
      if (direct && file === relative) points += 8;
      if (words.some((word) => word.test(o.withoutImport ? known.text : known.imports))) points += direct ? 4 : 2;
      if (direct && stems.includes(testedBy(file))) points += 3;
      const naming = called.some((name) => name.test(known.text));
      if (naming) points += points > 0 ? 4 : 1;
      if (points > 0) scored.push({ file, score: points, names: naming });
    });
  };
  score([stemOf(changed)], true);
  // A file that only has a word in common comes in where nothing better is there.
  let sure = scored.filter((s) => s.score > 1);
  if (sure.length === 0 && sources.length > 0) {
    const named = scored.splice(0);
    score(await importers(index, root, sources, stemOf(changed), o.withoutImport ?? false), false);
    sure = scored.filter((s) => s.score > 1);
    if (sure.length === 0) scored.splice(0, scored.length, ...named);
  }
  const best = (sure.length > 0 ? sure : scored).sort((a, b) => b.score - a.score || a.file.localeCompare(b.file)).slice(0, MAX_TARGETS);
  return { files: best.map((s) => s.file), naming: best.filter((s) => s.names).map((s) => s.file) };
}

/** Stems of the files that import a module, and of those that import these, up to a few steps. */
async function importers(index: FileIndex, root: string, sources: readonly string[], stem: string, withoutImport: boolean): Promise<string[]> {
  const facts = await index.allFacts(sources.map((file) => path.join(root, file)));
  const known = new Set([stem]);
  let level = [stem];
  for (let step = 1; step < MAX_STEPS && level.length > 0; step++) {
    const words = level.map(wordOf);
    const next = sources.filter((_file, i) => words.some((word) => word.test((withoutImport ? facts[i]?.text : facts[i]?.imports) ?? ''))).map(stemOf);
    level = [...new Set(next)].filter((s) => !known.has(s));
    for (const s of level) known.add(s);
  }
  known.delete(stem);
  return [...known];
}

/** The word by which a file is imported; a package is imported by its folder's name. */
function stemOf(file: string): string {
  const base = path.basename(file).replace(/\.[^.]+$/, '');
  return ['__init__', 'index', 'mod'].includes(base) ? path.basename(path.dirname(file)) : base;
}

/** The file that a test is named after. */
function testedBy(file: string): string {
  return path.basename(file).replace(/\.[^.]+$/, '').replace(/^test[_-]|[._-](?:test|spec)$|Tests?$|^Test(?=[A-Z])/g, '');
}

function wordOf(text: string): RegExp {
  return new RegExp(`(?<![\\w])${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w])`);
}
