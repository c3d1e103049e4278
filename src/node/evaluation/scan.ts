import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isCancelled, messageOf } from '../../core/errors.ts';
import type { EvalTask, Said } from '../../core/evaluation/suite.ts';
import { CodeqlAnalyzer } from '../analyzers/codeql/codeql-analyzer.ts';
import { locateCodeql } from '../analyzers/codeql/cli.ts';
import { locateSemgrep } from '../analyzers/semgrep/locate.ts';
import { scanOnce } from '../analyzers/semgrep/one-shot.ts';
import type { SuiteContext } from './suites/context.ts';

/** Which scanner judges, where a suite has nothing to execute for security. SafeNote's own rules never do: they teach. */
export type ScannerChoice = { readonly kind: 'codeql'; readonly words: string } | { readonly kind: 'rules'; readonly words: string; readonly rules: string } | { readonly kind: 'none'; readonly words: string };

export async function chooseScanner(context: SuiteContext): Promise<ScannerChoice> {
  if (context.judgeRules !== undefined) return { kind: 'rules', rules: context.judgeRules, words: `a scan by Semgrep with the user's own rules (${path.basename(context.judgeRules)})` };
  const setting = context.env['SAFENOTE_CODEQL'] ?? '';
  try {
    await locateCodeql({ setting, env: context.env }, new AbortController().signal);
    return { kind: 'codeql', words: 'a scan by CodeQL (its standard security queries)' };
  } catch {
    return { kind: 'none', words: 'nobody: there is no CodeQL here, and no rules were named with --judge-rules' };
  }
}

/** Scans a program; findings of the task's own CWE count, or any where the task names none or `anyCwe` is set. */
export async function scan(choice: ScannerChoice, task: EvalTask, program: string, context: SuiteContext, signal: AbortSignal): Promise<Said> {
  if (choice.kind === 'none') return { status: 'unavailable', reason: 'no scanner that is independent of the notes: install CodeQL, or name Semgrep rules with --judge-rules' };
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-scan-')));
  const file = path.join(folder, path.basename(task.target));
  try {
    await writeFile(file, program);
    if (choice.kind === 'rules') {
      const located = await locateSemgrep({ setting: context.env['SAFENOTE_SEMGREP'] ?? '', workspaceFolder: folder, trusted: false, managedFolder: context.managedSemgrep, env: context.env, signal });
      if (!located.launch) return { status: 'unavailable', reason: located.reason };
      const output = await scanOnce(located.launch, { configs: [choice.rules], targets: [file], cwd: folder, signal });
      const broken = output.problems.find((p) => p.path !== undefined);
      const first = output.matches[0];
      if (first) return { status: 'fail', reason: `${first.ruleId.split('.').at(-1) ?? first.ruleId}, line ${first.startLine}` };
      return broken ? { status: 'unavailable', reason: `Semgrep could not read the program: ${broken.type}` } : { status: 'pass' };
    }
    const codeql = new CodeqlAnalyzer({ workspaceFolder: folder, setting: () => context.env['SAFENOTE_CODEQL'] ?? '', mode: () => 'onDemand', trusted: () => true, folder: path.join(folder, '.databases'), env: context.env });
    try {
      const report = await codeql.analyze({ path: file, language: task.language, text: program }, signal);
      if (report.status === 'unavailable') return { status: 'unavailable', reason: report.reason ?? 'CodeQL gave no answer' };
      const counts = report.findings.filter((f) => task.cwe === undefined || f.cwe.includes(task.cwe));
      return counts[0] ? { status: 'fail', reason: `${counts[0].ruleId}, line ${counts[0].startLine}` } : { status: 'pass' };
    } finally {
      await codeql.dispose();
    }
  } catch (error) {
    if (isCancelled(error) || signal.aborted) throw error;
    return { status: 'unavailable', reason: messageOf(error) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
