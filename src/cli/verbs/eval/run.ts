import path from 'node:path';
import { existsSync } from 'node:fs';
import { normalizeCwe } from '../../../core/cwe.ts';
import { ExpectedError, isCancelled } from '../../../core/errors.ts';
import { ABLATION_ARMS, type Arm, distinctArms, MAIN_ARMS, parseArm, SWEEP_ARMS } from '../../../core/evaluation/arm.ts';
import { bootstrapMean } from '../../../core/evaluation/bootstrap.ts';
import { passAt, secureRate, securePassAt } from '../../../core/evaluation/metrics.ts';
import { type SampleResult, saysSomething } from '../../../core/evaluation/results.ts';
import type { EvalTask } from '../../../core/evaluation/suite.ts';
import { parsePrice } from '../../../core/notebook/build-estimate.ts';
import { canonicalLanguage } from '../../../core/language.ts';
import { DEFAULT_SETTINGS, parseSettings, SettingsSchema } from '../../../core/settings.ts';
import { evaluate } from '../../../node/evaluation/evaluation.ts';
import { writeReport } from '../../../node/evaluation/report-files.ts';
import { RunFolder } from '../../../node/evaluation/run-folder.ts';
import { SuiteContext } from '../../../node/evaluation/suites/context.ts';
import { loadSuite } from '../../../node/evaluation/suites/index.ts';
import { Toolbox } from '../../../node/evaluation/toolbox.ts';
import { Sandbox } from '../../../node/sandbox/box.ts';
import { type Output, printable } from '../../output.ts';
import { progressLine } from '../../progress.ts';
import { type GlobalOptions, interruptible, modelOfEnvironment, stderrLogger } from '../../session.ts';

declare const SAFENOTE_VERSION: string;

export interface SuiteOptions extends GlobalOptions {
  readonly data?: string;
  readonly toolbox?: string;
  readonly judgeRules?: string;
}

export interface EvalRunOptions extends SuiteOptions {
  readonly suite?: string;
  readonly out?: string;
  readonly modes?: string;
  readonly arm?: readonly string[];
  readonly ablate?: boolean;
  readonly sweepK?: boolean;
  readonly samples?: string;
  readonly temperature?: string;
  readonly maxTokens?: string;
  readonly unseen?: string;
  readonly notebook?: string;
  readonly cwe?: string;
  readonly language?: string;
  readonly limit?: string;
  readonly task?: readonly string[];
  readonly set?: readonly string[];
  readonly jobs?: string;
  readonly rpm?: string;
  readonly budget?: string;
  readonly price?: string;
  readonly resume?: boolean;
  readonly replay?: boolean;
}

/** Longest wait for a rate limit: nobody sits before an evaluation. */
const PATIENCE_MS = 120_000;

/** `eval run`: an experiment on a suite, recorded in a folder, and its report. */
export async function run(options: EvalRunOptions): Promise<Output> {
  const out = path.resolve(options.out ?? 'safenote-eval');
  const how = options.replay ? 'replay' : options.resume ? 'resume' : 'new';
  if (options.replay && options.resume) throw new ExpectedError('bad-option', '--replay and --resume exclude each other.', 'Resume a run first, then replay it.');
  const recorded = how === 'new' ? undefined : RunFolder.read(out);
  const suiteName = options.suite ?? recorded?.suite.name;
  const data = options.data ?? recorded?.suite.data;
  if (!suiteName || !data) throw new ExpectedError('bad-option', 'A run needs a suite and its data.', 'Name them with --suite NAME --data DIR; "safenote eval suites" lists the suites.');
  const samples = wholeNumber('--samples', options.samples, 1, 1000) ?? recorded?.samples ?? 1;
  const temperature = number('--temperature', options.temperature, 0, 2) ?? recorded?.temperature ?? 0.2;
  const maxTokens = wholeNumber('--max-tokens', options.maxTokens, 16, 1_000_000) ?? recorded?.maxTokens ?? 4096;
  const jobs = wholeNumber('--jobs', options.jobs, 1, 64) ?? 4;
  const perMinute = number('--rpm', options.rpm, 0.1, 100_000);
  const price = options.price === undefined ? undefined : parsePrice(options.price);
  const limit = number('--budget', options.budget, 0, Number.MAX_SAFE_INTEGER);
  const arms = chooseArms(options, recorded?.arms);
  const unseen = cwes('--unseen', options.unseen) ?? recorded?.unseen ?? [];
  const changed = options.set ? readSettings(options.set) : (recorded?.settings ?? {});
  const { settings, problems } = parseSettings(changed);
  if (problems[0]) throw new ExpectedError('bad-option', problems[0], 'Write --set retrieval.minSimilarity=0.4, with a name and a value of docs/configuration.md.');

  return interruptible(async (signal) => {
    const log = stderrLogger(options.verbose ?? false);
    const suite = await loadSuite(suiteName, path.resolve(data), suiteContext(options));
    for (const problem of suite.problems.slice(0, 10)) process.stderr.write(`left out: ${printable(problem.id)}: ${printable(problem.reason)}\n`);
    const tasks = recorded && !options.limit && !options.cwe && !options.language && !options.task ? again(suite.tasks, recorded.tasks.map((t) => t.id)) : chooseTasks(suite.tasks, options);
    const model = how === 'replay' ? undefined : await modelOfEnvironment(signal, log, PATIENCE_MS);
    const progress = progressLine();
    let told = 0;
    const outcome = await evaluate({
      assetsRoot: __dirname,
      folder: out,
      how,
      version: SAFENOTE_VERSION,
      suite,
      data: path.resolve(data),
      tasks,
      arms,
      samples,
      temperature,
      maxTokens,
      unseen,
      ...(options.notebook === undefined ? {} : { notebook: path.resolve(options.notebook) }),
      settings: { ...DEFAULT_SETTINGS, ...settings },
      changed,
      ...(model ? { model } : {}),
      ...(limit === undefined ? {} : { budget: { limit, ...(price ? { price } : {}) } }),
      jobs,
      ...(perMinute === undefined ? {} : { perMinute }),
      env: process.env,
      log,
      signal,
      onProgress: (done, total, results, spent) => {
        const line = `${done} of ${total}  ${running(results)}  ${spent.requests} requests, ${Math.round((spent.prompt + spent.completion) / 1000)}k tokens`;
        progress.show(line);
        // Where there is no terminal, a line for every tenth.
        const tenth = Math.floor((10 * done) / total);
        if (!process.stderr.isTTY && tenth > told) {
          told = tenth;
          process.stderr.write(`${line}\n`);
        }
      },
      onProblem: (where, problem) => process.stderr.write(`${printable(where)}: ${printable(problem)}\n`),
    }).catch((error: unknown) => {
      if (isCancelled(error)) throw new ExpectedError('cancelled', 'Cancelled. What was recorded is kept.', `Go on with: safenote eval run --resume --out ${out}`);
      throw error;
    }).finally(() => progress.end());
    const report = await writeReport(outcome.folder, __dirname, price);
    const { summary } = report.read;
    const unfinished = outcome.stopped !== undefined || outcome.open > 0;
    const text = [
      ...summary.main.map((row) => `${row.arm.padEnd(32)} ${row.values.map((v) => `${v.title} ${v.value ? (v.value.mean * 100).toFixed(1) : '–'}`).join('  ')}`),
      `Report: ${report.html}`,
      ...(outcome.stopped ? [`Not finished: ${printable(outcome.stopped.message)} ${outcome.stopped.hint}`] : outcome.open > 0 ? [`${outcome.open} samples have no result; the report says why. Run again with --resume to try them again.`] : []),
      '',
    ].join('\n');
    const json = {
      run: outcome.folder, suite: suite.name, model: outcome.run.model, arms: outcome.run.arms, tasks: tasks.length, samples, open: outcome.open, spent: outcome.spent, summary,
      report: { markdown: report.markdown, html: report.html, json: report.json },
      ...(outcome.stopped ? { error: { code: outcome.stopped.code, message: outcome.stopped.message, hint: outcome.stopped.hint } } : {}),
    };
    return { json, text, exitCode: unfinished ? 2 : 0 };
  });
}

export function suiteContext(options: SuiteOptions): SuiteContext {
  for (const [name, file] of [['--toolbox', options.toolbox], ['--judge-rules', options.judgeRules]] as const) {
    if (file !== undefined && !existsSync(file)) throw new ExpectedError('bad-option', `${name}: there is no ${file}.`, 'See docs/evaluation.md.');
  }
  return new SuiteContext({ box: new Sandbox(process.env), toolbox: new Toolbox(process.env, options.toolbox), env: process.env, ...(options.judgeRules === undefined ? {} : { judgeRules: path.resolve(options.judgeRules) }) });
}

/** The running result: the most telling measure of each of the first arms. */
function running(results: readonly SampleResult[]): string {
  const arms = [...Map.groupBy(results.filter((r) => r.status !== 'error'), (r) => r.arm)];
  const says = saysSomething(results);
  const secured = results.some((r) => r.status === 'judged' && r.shown.security.status !== 'unavailable');
  return arms.slice(0, 4).map(([arm, own]) => {
    for (const metric of [...(secured ? [securePassAt(1)] : []), passAt(1), secureRate]) {
      const values = [...Map.groupBy(own.filter((r) => says(metric.id, r.task)), (r) => r.task).values()].flatMap((samples) => metric.of(samples.map((r) => ({ function: r.shown.function.status, security: r.shown.security.status }))) ?? []);
      const mean = bootstrapMean(values, { seed: 1, resamples: 1, level: 0.95 });
      if (mean) return `${arm} ${metric.title} ${(mean.mean * 100).toFixed(0)}%`;
    }
    return `${arm} –`;
  }).join(', ');
}

function chooseArms(options: EvalRunOptions, recorded: readonly string[] | undefined): Arm[] {
  const named = [...(options.modes ?? '').split(',').map((m) => m.trim()).filter(Boolean), ...(options.arm ?? [])].map(parseArm);
  const extra = [...(options.ablate ? ABLATION_ARMS : []), ...(options.sweepK ? SWEEP_ARMS : [])];
  if (named.length + extra.length > 0) return distinctArms([...named, ...extra]);
  return recorded ? recorded.map(parseArm) : [...MAIN_ARMS];
}

function again(tasks: readonly EvalTask[], ids: readonly string[]): EvalTask[] {
  return ids.map((id) => {
    const task = tasks.find((t) => t.id === id);
    if (!task) throw new ExpectedError('run-differs', `The suite has no task "${id}" any more.`, 'Name the data of that run with --data.');
    return task;
  });
}

function chooseTasks(tasks: readonly EvalTask[], options: EvalRunOptions): EvalTask[] {
  const wanted = cwes('--cwe', options.cwe);
  const languages = options.language?.split(',').map(canonicalLanguage);
  const fits = tasks.filter((t) => (!wanted || (t.cwe !== undefined && wanted.includes(t.cwe))) && (!languages || languages.includes(t.language)) && (!options.task || options.task.some((id) => t.id === id || t.group === id)));
  const limit = wholeNumber('--limit', options.limit, 1, 1_000_000);
  if (fits.length === 0) throw new ExpectedError('bad-option', 'No task of the suite fits this choice.', '"safenote eval suites NAME --data DIR" lists them.');
  // Spread over weaknesses, in the suite's order.
  if (limit === undefined || limit >= fits.length) return fits;
  const groups = [...Map.groupBy(fits, (t) => t.group ?? t.cwe ?? '').values()];
  const chosen = new Set<EvalTask>();
  for (let round = 0; chosen.size < limit; round++) for (const group of groups) if (group[round] && chosen.size < limit) chosen.add(group[round] as EvalTask);
  return fits.filter((t) => chosen.has(t));
}

export function cwes(name: string, text: string | undefined): string[] | undefined {
  return text?.split(',').map((part) => part.trim()).filter(Boolean).map((part) => {
    const cwe = normalizeCwe(part) ?? normalizeCwe(`CWE-${part}`);
    if (!cwe) throw new ExpectedError('bad-option', `${name}: "${printable(part)}" is no CWE id.`, 'Write CWE-89,CWE-78.');
    return cwe;
  });
}

function readSettings(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map((pair) => {
    const [name = '', ...rest] = pair.split('=');
    const text = rest.join('=');
    if (!Object.hasOwn(SettingsSchema.shape, name)) throw new ExpectedError('bad-option', `There is no setting "${printable(name)}".`, 'Write --set NAME=VALUE with a name of docs/configuration.md, without "safenote.".');
    try {
      return [name, JSON.parse(text) as unknown];
    } catch {
      return [name, text];
    }
  }));
}

export function number(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || value > most) throw new ExpectedError('bad-option', `${name} must be a number from ${least} to ${most}.`, 'See safenote eval run --help.');
  return value;
}

export function wholeNumber(name: string, text: string | undefined, least: number, most: number): number | undefined {
  const value = number(name, text, least, most);
  if (value !== undefined && !Number.isInteger(value)) throw new ExpectedError('bad-option', `${name} must be a whole number from ${least} to ${most}.`, 'See safenote eval run --help.');
  return value;
}
