import { existsSync, statSync } from 'node:fs';
import { isCancelled, ExpectedError, messageOf } from '../../core/errors.ts';
import { apisOfCode } from '../../core/retrieval/note-retriever.ts';
import { isSupported } from '../../core/language.ts';
import type { SampleContent } from '../../core/knowledge/format.ts';
import { readImportRow } from '../../core/knowledge/import-row.ts';
import { KnowledgeError } from '../../core/knowledge/parse.ts';
import { describeSample } from '../../core/knowledge/describe.ts';
import type { LanguageModel } from '../../core/llm/model.ts';
import type { App } from '../app.ts';
import { linesOf } from '../lines.ts';

export interface ImportOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (step: 'read' | 'described' | 'embedded', done: number, total: number) => void;
  /** Writes the descriptions that rows lack. */
  readonly describeWith?: LanguageModel;
}

export interface ImportReport {
  readonly rows: number;
  readonly imported: readonly string[];
  /** Rows whose sample is there already. */
  readonly present: number;
  readonly sliced: number;
  readonly described: number;
  /** Line of the file, from 1, and why the row was skipped. */
  readonly skipped: readonly { readonly line: number; readonly problem: string }[];
  readonly remarks: readonly string[];
}

const BATCH = 64;
const MAX_ROW = 4_000_000;

/**
 * Takes the pairs of a JSONL file into the workspace's shelf. Rows that cannot be used are named and the rest goes on; a
 * second import of the same file changes nothing. On abort, what was written stays and the next import goes on from there.
 */
export async function importKnowledge(app: App, file: string, options: ImportOptions): Promise<ImportReport> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new ExpectedError('no-file', `There is no file ${file}.`, 'Name a JSONL file: one JSON object a line, with cwe, language, vulnerable and secure.');
  const { signal } = options;
  const total = statSync(file).size;
  const skipped: { line: number; problem: string }[] = [];
  const imported: string[] = [];
  const remarks: string[] = [];
  const counts = { rows: 0, present: 0, sliced: 0, described: 0 };
  const seen = new Set<string>();
  let batch: { id: string; content: SampleContent }[] = [];
  let done = 0;

  const flush = async () => {
    await app.shelf.put(batch);
    imported.push(...batch.map((b) => b.id));
    batch = [];
  };
  let number = 0;
  for await (const line of linesOf(file)) {
    signal.throwIfAborted();
    number++;
    done += Buffer.byteLength(line) + 1;
    if (!line.trim()) continue;
    counts.rows++;
    const row = line.length > MAX_ROW ? { problem: 'the row is longer than 4 million characters' } : readImportRow(line.replace(/^\uFEFF/, ''));
    if ('problem' in row) {
      skipped.push({ line: number, problem: row.problem });
      continue;
    }
    const id = app.shelf.idOf(row.words, row.content);
    if (seen.has(id) || app.shelf.has(id)) {
      counts.present++;
      continue;
    }
    seen.add(id);
    try {
      const content = await enriched(app, row.content, signal);
      if (content.slice !== undefined) counts.sliced++;
      batch.push({ id, content });
      if (batch.length >= BATCH) await flush();
    } catch (error) {
      if (!(error instanceof KnowledgeError)) throw error;
      skipped.push({ line: number, problem: error.message });
    }
    options.onProgress?.('read', done, total);
  }
  await flush();
  if (counts.rows === 0) throw new ExpectedError('empty-import', `${file} has no rows.`, 'Name a JSONL file: one JSON object a line, with cwe, language, vulnerable and secure.');

  if (options.describeWith) counts.described = await describe(app, options.describeWith, options, remarks);
  try {
    await app.shelfVectors.use(app.shelf.usable().samples);
    await app.shelfVectors.complete(signal, { onProgress: (at, of) => options.onProgress?.('embedded', at, of) });
  } catch (error) {
    if (isCancelled(error) || signal.aborted) throw error;
    remarks.push(`The samples are ranked by words only: ${messageOf(error)}`);
  }
  const retriever = await app.knowledge();
  const unknown = [...new Set(app.shelf.usable().samples.map((s) => s.cwe))].filter((cwe) => !retriever.guideline(cwe));
  if (unknown.length > 0) remarks.push(`No guideline describes ${unknown.join(', ')}: these samples are not suggested until .safenote/knowledge/CWE-NNN/guideline.md does.`);
  return { ...counts, imported, skipped, remarks };
}

/** Adds what the syntax tree says: the APIs that a pair calls, and the slice of its secure side. */
async function enriched(app: App, content: SampleContent, signal: AbortSignal): Promise<SampleContent> {
  if (!isSupported(content.language)) return { ...content, apis: apisOfCode(content.vulnerable).filter((name) => name.length <= 80).slice(0, 24) };
  try {
    const outlines = await Promise.all([content.vulnerable, content.secure].map((text) => app.parser.outline({ path: `sample.${content.language}`, language: content.language, text }, signal)));
    const apis = [...new Set(outlines.flatMap((o) => o.calls.map((c) => c.name)))].filter((name) => name.length <= 80).slice(0, 24);
    const slice = await app.parser.slice({ path: '', language: content.language, text: content.secure }, content.vulnerable, signal);
    return { ...content, apis, ...(slice === undefined ? {} : { slice }) };
  } catch (error) {
    if (isCancelled(error) || signal.aborted) throw error;
    return content;
  }
}

/** Lets the model describe the samples that have no description (paper §3.2, step 1). Stops at the first error of the model. */
async function describe(app: App, model: LanguageModel, options: ImportOptions, remarks: string[]): Promise<number> {
  const prompts = await app.assets.prompts();
  const missing = app.shelf.usable().samples.filter((s) => !s.description);
  let done = 0;
  for (const sample of missing) {
    try {
      const description = await describeSample(prompts, model, sample, options.signal);
      if (description) {
        const { id, slice, ...rest } = sample;
        await app.shelf.put([{ id, content: { ...rest, description, ...(slice === sample.secure ? {} : { slice }) } }]);
        done++;
      }
      options.onProgress?.('described', done, missing.length);
    } catch (error) {
      if (isCancelled(error) || options.signal.aborted) throw error;
      remarks.push(`${missing.length - done} samples have no description yet: ${messageOf(error)} Run the import again with --describe to go on.`);
      break;
    }
  }
  return done;
}
