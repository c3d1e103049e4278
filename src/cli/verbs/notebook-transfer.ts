import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { describeExport, describeImport, EXPORT_FORMATS, type ExportFormat, exportNotes, IMPORT_FORMATS, type ImportFormat, importFormatOf, importNotes } from '../../node/notes/transfer.ts';
import { type Output, printable } from '../output.ts';
import { progressLine } from '../progress.ts';
import { type GlobalOptions, withSession } from '../session.ts';

export interface ImportOptions extends GlobalOptions {
  readonly format?: string;
}

/** `notebook import SOURCE`: notes of a folder, a JSONL or a SARIF file. 1: something was left out. */
export function importInto(source: string, options: ImportOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    const file = path.resolve(source);
    const format = options.format === undefined ? importFormatOf(file) : oneOf<ImportFormat>(options.format, IMPORT_FORMATS);
    const progress = progressLine();
    const report = await importNotes(app, file, format, { signal, onProgress: (done) => progress.show(`${done} read`) }).finally(() => progress.end());
    const text = [`${printable(describeImport(report))}.`, ...report.skipped.map(({ where, problem }) => `  ${printable(where)}: ${printable(problem)}`), ...(report.imported.length > 0 ? ['Read them, then: notebook approve ID…'] : []), ''];
    return { json: { format, ...report }, text: text.join('\n'), exitCode: report.skipped.length + report.kept.length > 0 ? 1 : 0 };
  });
}

export interface ExportOptions extends GlobalOptions {
  readonly format?: string;
  readonly force?: boolean;
}

/** `notebook export TARGET --format F`. */
export function exportFrom(target: string | undefined, options: ExportOptions): Promise<Output> {
  return withSession(options, async ({ app, signal }) => {
    const format = oneOf<ExportFormat>(options.format ?? formatOf(target), EXPORT_FORMATS);
    const usual: Partial<Record<ExportFormat, string>> = { agents: 'AGENTS.md', copilot: '.github/copilot-instructions.md' };
    const place = target === undefined ? usual[format] && path.join(app.workspaceFolder, usual[format]) : path.resolve(target);
    if (place === undefined) throw new ExpectedError('no-target', 'Where to is not said.', `Name a ${format === 'markdown' ? 'folder' : 'file'}: notebook export TARGET --format ${format}.`);
    const progress = progressLine();
    const report = await exportNotes(app, place, format, { signal, force: options.force ?? false, onProgress: (done) => progress.show(`${done} written`) }).finally(() => progress.end());
    return { json: { format, ...report }, text: `${printable(describeExport(report))}.\n`, exitCode: 0 };
  });
}

function formatOf(target: string | undefined): string {
  if (target === undefined) throw new ExpectedError('bad-format', 'Neither a target nor a format is named.', `Use --format with one of ${EXPORT_FORMATS.join(', ')}.`);
  if (/\.(?:jsonl|ndjson)$/i.test(target)) return 'jsonl';
  if (/(?:^|[\\/])AGENTS\.md$/.test(target)) return 'agents';
  if (/copilot-instructions\.md$/.test(target)) return 'copilot';
  return 'markdown';
}

function oneOf<T extends string>(text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (!found) throw new ExpectedError('bad-format', `There is no format "${printable(text)}".`, `Use one of ${known.join(', ')}.`);
  return found;
}
