import { createInterface } from 'node:readline/promises';
import { normalizeCwe } from '../../core/cwe.ts';
import { ExpectedError } from '../../core/errors.ts';
import { canonicalLanguage } from '../../core/language.ts';
import { describeEstimate, parsePrice } from '../../core/notebook/build-estimate.ts';
import { summaryOf, whyStopped } from '../../core/notebook/offline-build.ts';
import { NotebookBuild } from '../../node/knowledge/build.ts';
import { type Output, printable } from '../output.ts';
import { progressLine } from '../progress.ts';
import { type GlobalOptions, withSession } from '../session.ts';

export interface BuildOptions extends GlobalOptions {
  readonly cwe?: string;
  readonly language?: string;
  readonly limit?: string;
  readonly jobs?: string;
  readonly price?: string;
  readonly estimate?: boolean;
  readonly fresh?: boolean;
  readonly yes?: boolean;
}

/** `notebook build`: finds the model's blind spots on the tasks of the knowledge base, before the user meets them. */
export function build(options: BuildOptions): Promise<Output> {
  const limit = wholeNumber('--limit', options.limit, 1_000_000);
  const jobs = wholeNumber('--jobs', options.jobs, 32) ?? 4;
  const price = options.price === undefined ? undefined : parsePrice(options.price);
  const cwes = listOf(options.cwe).map((cwe) => {
    const known = normalizeCwe(cwe) ?? normalizeCwe(`CWE-${cwe}`);
    if (!known) throw new ExpectedError('bad-option', `"${printable(cwe)}" is no CWE id.`, 'Write --cwe CWE-89,CWE-78.');
    return known;
  });
  return withSession(options, async ({ app, signal, model }) => {
    const prepared = await NotebookBuild.prepare(app, await model(), { cwes, languages: listOf(options.language).map(canonicalLanguage), ...(limit === undefined ? {} : { limit }) });
    if (options.fresh) prepared.restart();
    const estimate = await prepared.estimate(signal);
    const words = describeEstimate(estimate, prepared.model, price);
    if (options.estimate) return { json: { estimate }, text: `${words}\n`, exitCode: 0 };
    if (estimate.done < estimate.tasks && !options.yes) await confirm(words, signal);

    const progress = progressLine();
    const report = await prepared
      .run({ signal, jobs, onProgress: (p, last) => progress.show(`${p.done} of ${p.total}, ${p.failed} failed, ${p.notes} notes  ${last.key.split('#')[0] ?? ''} ${last.status}`) })
      .finally(() => progress.end());
    const { map, markdown, html, results, requests, tokens, stopped } = report;
    const failed = results.filter((r) => r.status === 'fail');
    const text = [
      `${summaryOf(results)}.`,
      ...map.rows.filter((row) => row.all.failed > 0).map((row) => `  ${row.cwe}: ${row.all.failed} of ${row.all.tasks} failed`),
      `Report: ${html}`,
      ...(stopped ? [`Not finished: ${printable(whyStopped(stopped))} Run the command again to go on; nothing is asked twice.`] : []),
      '',
    ].join('\n');
    const json = { tasks: estimate.tasks, done: results.length, failed: failed.length, notes: [...new Set(results.flatMap((r) => r.notes.map((n) => n.id)))], requests, tokens, results, report: { markdown, html }, ...(stopped ? { error: { code: stopped.code, message: stopped.message, hint: stopped.hint } } : {}) };
    return { json, text, exitCode: stopped ? 2 : failed.length > 0 ? 1 : 0 };
  });
}

async function confirm(words: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new ExpectedError('not-confirmed', words, 'Run again with --yes to begin, or with --estimate to see this only.');
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await ask.question(`${words}\nBegin? [y/N] `, { signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new ExpectedError('not-confirmed', 'Nothing was sent.', 'Answer "y" to begin.');
  } finally {
    ask.close();
  }
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').map((part) => part.trim()).filter(Boolean);
}

function wholeNumber(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new ExpectedError('bad-option', `${name} must be a whole number from 1 to ${most}.`, 'See safenote notebook build --help.');
  return value;
}
