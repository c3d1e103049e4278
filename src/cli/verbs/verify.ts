import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { languageOfPath } from '../../core/language.ts';
import type { AnalyzerName, AnalyzerReport, Finding } from '../../core/verification/finding.ts';
import { Identities, identityKey } from '../../core/verification/identity.ts';
import { describeMark, type Lapsed } from '../../core/verification/marks.ts';
import { toSarif } from '../../core/verification/sarif.ts';
import type { Suppressed } from '../../core/verification/suppression.ts';
import { type Status, worst } from '../../core/verification/verdict.ts';
import { type ExitCode, type Output, printable } from '../output.ts';
import { type GlobalOptions, type TestingOptions, withSession } from '../session.ts';

declare const SAFENOTE_VERSION: string;

export interface VerifyOptions extends GlobalOptions, TestingOptions {
  readonly analyzer?: string;
  readonly format?: string;
}

interface CheckedFile {
  readonly path: string;
  readonly status: Status;
  readonly reason?: string;
  readonly findings: readonly Finding[];
  readonly reports: readonly AnalyzerReport[];
  readonly suppressed: readonly Suppressed[];
  readonly lapsed: readonly Lapsed[];
  readonly fingerprint?: (finding: Finding) => string;
}

/** For the tests of one file, in milliseconds. */
const TEST_BUDGET_MS = 120_000;
const ANALYZERS: readonly AnalyzerName[] = ['builtin', 'semgrep', 'codeql'];

/** `verify FILE…`: whole files through the analyzers. */
export async function verify(files: readonly string[], options: VerifyOptions): Promise<Output> {
  const format = options.format ?? (options.json ? 'json' : 'text');
  if (!['text', 'json', 'sarif'].includes(format)) throw new ExpectedError('bad-format', `There is no format "${format}".`, 'Use text, json or sarif.');
  const named = options.analyzer?.split(',').map((name) => name.trim()).filter(Boolean);
  const unknown = named?.find((name) => !ANALYZERS.includes(name as AnalyzerName));
  if (unknown) throw new ExpectedError('bad-analyzer', `There is no analyzer "${unknown}".`, `Use ${ANALYZERS.join(', ')}, separated by commas.`);
  return withSession(options, async ({ app, signal }) => {
    const checked: CheckedFile[] = [];
    for (const file of files) checked.push(await check(file));
    const analyzers = (named ?? ['builtin', 'semgrep']).map((name) => summary(name as AnalyzerName, checked));
    const missing = named && analyzers.some((a) => a.status === 'unavailable');
    const exitCode: ExitCode = missing || checked.some((f) => f.status === 'unavailable') ? 2 : checked.some((f) => f.status === 'fail') ? 1 : 0;
    const json = { files: checked.map(fileJson), analyzers, marks: { problems: app.marks.store.load().problems } };
    if (format === 'sarif') {
      const sarif = toSarif({ files: checked.map((f) => ({ ...f, uri: uriOf(f.path) })), analyzers }, SAFENOTE_VERSION);
      return { json: sarif, text: `${JSON.stringify(sarif, null, 2)}\n`, exitCode };
    }
    return { json, text: toText(checked, analyzers, json.marks.problems), exitCode };

    async function check(file: string): Promise<CheckedFile> {
      const absolute = path.resolve(file);
      try {
        const text = await readFile(absolute, 'utf8');
        const identities = format === 'sarif' ? new Identities('', text, await app.parser.outline({ path: absolute, language: languageOfPath(absolute), text }, signal)) : undefined;
        const fingerprint = identities && ((finding: Finding) => createHash('sha256').update(identityKey(identities.of(finding))).digest('hex').slice(0, 32));
        const verdict = await app.verifier.verifyDocument({ path: absolute, language: languageOfPath(absolute), text }, { signal, ...(named ? { analyzers: named as AnalyzerName[] } : {}) });
        const base = { path: file, ...verdict, ...(fingerprint ? { fingerprint } : {}) };
        if (!options.tests) return base;
        const tested = await app.tests.checkDocument({ path: absolute, language: languageOfPath(absolute), text }, { signal, budgetMs: TEST_BUDGET_MS });
        const status = worst([verdict.status, tested.status]);
        const said = [tested.status === 'pass' || tested.reason ? tested.reason : 'failed', tested.unboxed ? 'run without a sandbox' : undefined].filter(Boolean).join('; ');
        const reason = [verdict.reason, said ? `tests: ${said}` : undefined].filter(Boolean).join('; ');
        return { ...base, status, ...(reason ? { reason: printable(reason) } : {}) };
      } catch (error) {
        if (signal.aborted) throw error;
        const code = (error as NodeJS.ErrnoException).code;
        const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder; name files' : `it cannot be read: ${(error as Error).message}`;
        return { path: file, status: 'unavailable', reason, findings: [], reports: [], suppressed: [], lapsed: [] };
      }
    }
  });
}

/** What is said of one file; what was accepted, and marks that do not hold, only where there are some. */
function fileJson({ path: name, status, reason, findings, suppressed, lapsed }: CheckedFile) {
  return {
    path: name,
    status,
    ...(reason ? { reason } : {}),
    findings: findings.map(findingJson),
    ...(suppressed.length > 0 ? { suppressed: suppressed.map(({ finding, ...why }) => ({ ...findingJson(finding), ...why })) } : {}),
    ...(lapsed.length > 0 ? { lapsed: lapsed.map(({ finding, mark, why }) => ({ ...findingJson(finding), why, mark })) } : {}),
  };
}

/** A file as SARIF names it: relative to the current folder, with forward slashes. */
function uriOf(file: string): string {
  return path.relative(process.cwd(), path.resolve(file)).split(path.sep).map(encodeURIComponent).join('/');
}

/** A finding in the shape that DESIGN promises. */
export function findingJson(finding: Finding) {
  const { ruleId, cwe, severity, message, startLine, startColumn, endLine, endColumn, analyzer } = finding;
  return { ruleId, cwe, severity, message, startLine, startColumn, endLine, endColumn, analyzer };
}

interface AnalyzerSummary {
  readonly name: AnalyzerName;
  readonly version: string | null;
  readonly status: Status;
  readonly reason?: string;
  readonly ms: number;
}

/** One analyzer over all files: `unavailable` when it ran on none, with the first reason. */
function summary(name: AnalyzerName, checked: readonly CheckedFile[]): AnalyzerSummary {
  const reports = checked.flatMap((f) => f.reports.filter((r) => r.name === name));
  const ran = reports.filter((r) => r.status === 'ran');
  const ms = Math.round(reports.reduce((sum, r) => sum + r.ms, 0));
  if (ran.length === 0) {
    const reason = reports[0]?.reason ?? 'no file could be read';
    return { name, version: reports[0]?.version ?? null, status: 'unavailable', reason, ms };
  }
  return { name, version: ran[0]?.version ?? null, status: worst(ran.map((r) => (r.findings.length > 0 ? 'fail' : 'pass'))), ms };
}

function toText(checked: readonly CheckedFile[], analyzers: readonly AnalyzerSummary[], problems: readonly string[]): string {
  const lines: string[] = [];
  for (const file of checked) {
    lines.push(`${file.path}: ${file.status}${file.reason ? ` (${file.reason})` : ''}`);
    for (const f of file.findings) lines.push(`  ${f.startLine}:${f.startColumn} ${f.severity} ${f.cwe.join(', ')} ${printable(f.message.trim().replace(/\s+/g, ' '))} [${f.analyzer}: ${f.ruleId}]`);
    for (const { finding: f, by, reason, expires } of file.suppressed) lines.push(printable(`  ${f.startLine}:${f.startColumn} accepted by a ${by}${expires ? ` until ${expires}` : ''}: ${f.cwe.join(', ') || f.ruleId}${reason ? `, because ${reason}` : ''}`));
    for (const { finding: f, mark, why } of file.lapsed) lines.push(printable(`  ${f.startLine}:${f.startColumn} has a mark that ${why === 'expired' ? `expired on ${mark.expires ?? ''}` : 'nobody approved here (safenote marks list)'}: ${describeMark(mark)}`));
  }
  for (const problem of problems) lines.push(printable(problem));
  for (const a of analyzers) if (a.status === 'unavailable') lines.push(`${a.name} did not run: ${a.reason ?? ''}`);
  return `${lines.join('\n')}\n`;
}
