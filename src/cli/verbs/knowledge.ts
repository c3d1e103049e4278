import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { normalizeCwe } from '../../core/cwe.ts';
import { formatSample } from '../../core/knowledge/format.ts';
import type { App } from '../../node/app.ts';
import { importKnowledge } from '../../node/knowledge/import.ts';
import type { ShelfFile } from '../../node/knowledge/shelf.ts';
import { type Output, printable } from '../output.ts';
import { progressLine } from '../progress.ts';
import { type GlobalOptions, withSession } from '../session.ts';

function row({ id, file, sample, guideline, quarantined }: ShelfFile) {
  return { id, cwe: sample?.cwe ?? guideline?.cwe ?? '', language: sample?.language ?? null, description: sample?.description ?? guideline?.title ?? '', shelf: 'workspace' as const, quarantined, file };
}

/** `knowledge import FILE`: pairs of vulnerable and secure code into the workspace's own shelf. */
export function importFile(file: string, options: GlobalOptions & { readonly describe?: boolean }): Promise<Output> {
  return withSession(options, async ({ app, signal, model }) => {
    const progress = progressLine();
    const describeWith = options.describe ? await model() : undefined;
    const words = { read: 'reading', described: 'describing', embedded: 'embedding' };
    const report = await importKnowledge(app, path.resolve(file), {
      signal,
      onProgress: (step, done, total) => progress.show(step === 'read' ? `${words.read} ${Math.floor((100 * done) / Math.max(1, total))} %` : `${words[step]} ${done} of ${total}`),
      ...(describeWith ? { describeWith } : {}),
    }).finally(() => progress.end());
    const text = [
      `${report.rows} rows: ${report.imported.length} imported, ${report.present} already there, ${report.skipped.length} skipped.${report.sliced > 0 ? ` ${report.sliced} have a slice.` : ''}${report.described > 0 ? ` ${report.described} were described.` : ''}`,
      ...[...Map.groupBy(report.skipped, (s) => s.problem)].map(([problem, rows]) => `skipped ${rows.length === 1 ? 'line' : 'lines'} ${rows.map((r) => r.line).join(', ')}: ${printable(problem)}`),
      ...report.remarks.map(printable),
      '',
    ].join('\n');
    return { json: report, text, exitCode: report.imported.length + report.present === 0 ? 2 : 0 };
  });
}

/** `knowledge list`: what is on the workspace's shelf; with `--all` the library too. */
export function list(options: GlobalOptions & { readonly all?: boolean; readonly cwe?: string }): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const cwe = options.cwe === undefined ? undefined : (normalizeCwe(options.cwe) ?? normalizeCwe(`CWE-${options.cwe}`) ?? 'none');
    const { files, setAside } = app.shelf.load();
    const library = options.all ? (await app.assets.knowledge()).samples.map((s) => ({ id: s.id, cwe: s.cwe, language: s.language, description: s.description, shelf: 'library' as const, quarantined: false, file: null })) : [];
    const samples = [...files.map(row), ...library].filter((s) => cwe === undefined || s.cwe === cwe);
    const text = [
      ...(samples.length + setAside.length === 0 ? ['The shelf of this workspace is empty.'] : []),
      ...samples.map((s) => `${s.id}${s.shelf === 'library' ? '  library' : ''}${s.quarantined ? '  quarantined' : ''}  ${printable(s.description) || '(no description)'}`),
      ...setAside.map((s) => `set aside: ${s.file}: ${printable(s.reason)}`),
      '',
    ].join('\n');
    return { json: { samples, setAside }, text, exitCode: 0 };
  });
}

/** `knowledge show ID`: one sample, of the shelf or the library, whole. */
export function show(id: string, options: GlobalOptions): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const found = app.shelf.load().files.find((f) => f.id === id);
    if (found?.guideline) return { json: { ...row(found), guideline: found.guideline }, text: `${found.file}\n${printable(`${found.guideline.cwe}: ${found.guideline.title}\n\n${found.guideline.practices.map((p) => `- ${p}`).join('\n')}`)}\n`, exitCode: 0 };
    const sample = found?.sample ?? (await app.assets.knowledge()).samples.find((s) => s.id === id);
    if (!sample) throw new ExpectedError('no-such-sample', `There is no sample "${id}".`, 'List them with "knowledge list", or "knowledge list --all" for the library.');
    return { json: { ...sample, shelf: found ? 'workspace' : 'library', quarantined: found?.quarantined ?? false, file: found?.file ?? null }, text: `${id}${found ? `\n${found.file}` : ''}\n${printable(formatSample(sample))}`, exitCode: 0 };
  });
}

/** `knowledge remove ID… | --all`: takes samples off the workspace's shelf. */
export function remove(ids: readonly string[], options: GlobalOptions & { readonly all?: boolean }): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const wanted = chosen(app, ids, options.all, () => true);
    await app.shelf.remove(wanted);
    return { json: { removed: wanted }, text: `${wanted.length} removed.\n`, exitCode: 0 };
  });
}

/** `knowledge approve ID… | --all`: samples that came from elsewhere may be used from now on. */
export function approve(ids: readonly string[], options: GlobalOptions & { readonly all?: boolean }): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const approved = await app.shelf.approve(chosen(app, ids, options.all, (f) => f.quarantined));
    return { json: { approved }, text: approved.length === 0 ? 'Nothing was quarantined.\n' : `Approved: ${approved.join(', ')}\n`, exitCode: 0 };
  });
}

function chosen(app: App, ids: readonly string[], all: boolean | undefined, which: (file: ShelfFile) => boolean): string[] {
  if (ids.length === 0 && !all) throw new ExpectedError('no-samples-named', 'No sample was named.', 'Name samples by id, or use --all. Read them first: "knowledge show ID".');
  return all ? app.shelf.load().files.filter(which).map((f) => f.id) : [...new Set(ids)];
}
