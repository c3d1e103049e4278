import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../../../core/errors.ts';
import { MARKER } from '../../../core/prompting/marker.ts';

const MOST_BYTES = 1024 * 1024;

/** All files below a folder by relative path with `/`; links are not followed. A folder that is not there has none. */
export async function filesBelow(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const look = async (at: string): Promise<void> => {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const file = path.join(at, entry.name);
      if (entry.isDirectory()) await look(file);
      else if (entry.isFile()) {
        if ((await stat(file)).size > MOST_BYTES) throw new Error(`${entry.name} is larger than 1 MB`);
        found[path.relative(folder, file).split(path.sep).join('/')] = await readFile(file, 'utf8');
      }
    }
  };
  await look(folder);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((e) => e.isDirectory() && !e.name.startsWith('.')).map((e) => e.name).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** Takes the marker out of a text. Throws where there is not exactly one. */
export function withoutMarker(text: string): { text: string; offset: number } {
  const at = text.indexOf(MARKER);
  if (at === -1 || text.indexOf(MARKER, at + 1) !== -1) throw new Error(`the file to complete needs one line ${MARKER}`);
  return { text: text.slice(0, at) + text.slice(at + MARKER.length), offset: at };
}

/** Rows of a JSONL file, each with its line number; lines that are no JSON come as problems. Throws `ExpectedError` where there is no file. */
export async function readRows(file: string): Promise<{ rows: { line: number; value: unknown }[]; problems: { id: string; reason: string }[] }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new ExpectedError('no-data', `There is no file ${file}.`, 'Name the folder that has it with --data DIR; docs/evaluation.md says what each suite needs.');
  }
  const rows: { line: number; value: unknown }[] = [];
  const problems: { id: string; reason: string }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (!line.trim()) continue;
    try {
      rows.push({ line: index + 1, value: JSON.parse(line) });
    } catch {
      problems.push({ id: `line ${index + 1}`, reason: 'the line is no JSON' });
    }
  }
  return { rows, problems };
}
