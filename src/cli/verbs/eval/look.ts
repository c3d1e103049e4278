import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as z from 'zod';
import { ExpectedError, messageOf } from '../../../core/errors.ts';
import { pairedDifference } from '../../../core/evaluation/bootstrap.ts';
import { metricsFor } from '../../../core/evaluation/metrics.ts';
import { type SampleResult, saysSomething } from '../../../core/evaluation/results.ts';
import { checkControls } from '../../../core/evaluation/suite.ts';
import { tune as choose } from '../../../core/evaluation/tune.ts';
import { parsePrice } from '../../../core/notebook/build-estimate.ts';
import { rebuildNotebook } from '../../../node/evaluation/evaluation.ts';
import { writeReport } from '../../../node/evaluation/report-files.ts';
import { RunFolder } from '../../../node/evaluation/run-folder.ts';
import { loadSuite, SUITES } from '../../../node/evaluation/suites/index.ts';
import { replaceFile } from '../../../node/notes/atomic-file.ts';
import { writeError } from '../../../node/notes/file-errors.ts';
import { type Output, printable } from '../../output.ts';
import { progressLine } from '../../progress.ts';
import { type GlobalOptions, interruptible } from '../../session.ts';
import { number, suiteContext, type SuiteOptions } from './run.ts';

/** `eval suites [NAME]`: what suites there are, the tasks of one, and whether its judge judges (`--check`). */
export async function suites(name: string | undefined, options: SuiteOptions & { readonly check?: boolean; readonly jobs?: string }): Promise<Output> {
  if (name === undefined) {
    const list = Object.entries(SUITES).map(([id, { needs }]) => ({ name: id, needs }));
    return { json: { suites: list }, text: list.map((s) => `${s.name.padEnd(15)} ${s.needs}\n`).join(''), exitCode: 0 };
  }
  if (options.data === undefined) throw new ExpectedError('bad-option', `The suite ${name} needs its data.`, 'Name its folder with --data DIR.');
  const folder = path.resolve(options.data);
  const jobs = number('--jobs', options.jobs, 1, 64) ?? 2;
  return interruptible(async (signal) => {
    const suite = await loadSuite(name, folder, suiteContext(options));
    const facts = suite.tasks.map((t) => ({ id: t.id, language: t.language, cwe: t.cwe ?? null, group: t.group ?? null, controls: suite.controls(t).length }));
    const base = { name: suite.name, title: suite.title, judge: suite.words, tasks: facts, problems: suite.problems };
    const problems = suite.problems.map((p) => `left out: ${printable(p.id)}: ${printable(p.reason)}\n`).join('');
    if (!options.check) return { json: base, text: `${facts.map((t) => `${t.id}  ${t.language}  ${t.cwe ?? ''}\n`).join('')}${problems}${facts.length} tasks. Function: ${suite.words.function}. Security: ${suite.words.security}.\n`, exitCode: suite.problems.length > 0 ? 1 : 0 };
    const progress = progressLine();
    const total = suite.tasks.reduce((n, t) => n + suite.controls(t).length, 0);
    if (total === 0) throw new ExpectedError('no-controls', `The suite ${name} has no references to try its judge with.`, 'Leave --check out.');
    let done = 0;
    const results = await checkControls(suite, { signal, jobs, onResult: () => progress.show(`${++done} of ${total} references`) }).finally(() => progress.end());
    results.sort((a, b) => (a.task < b.task ? -1 : a.task > b.task ? 1 : 0));
    const kinds = [...new Set(results.map((r) => r.control))].map((control) => {
      const own = results.filter((r) => r.control === control);
      const count = (status: string) => own.filter((r) => r.status === status).length;
      return { control, of: own.length, hold: count('holds'), broken: count('broken'), unavailable: count('unavailable') };
    });
    const text = [
      ...results.filter((r) => r.status !== 'holds').map((r) => `${r.status}: ${r.task} ${r.control}: ${printable(r.reason ?? '')}`),
      ...kinds.map((k) => `${k.control}: ${k.hold} of ${k.of} hold${k.broken > 0 ? `, ${k.broken} do not` : ''}${k.unavailable > 0 ? `, ${k.unavailable} cannot be judged here` : ''}`),
      '',
    ].join('\n');
    const broken = results.some((r) => r.status === 'broken');
    return { json: { ...base, controls: kinds, results }, text: problems + text, exitCode: broken ? 1 : 0 };
  });
}

/** `eval report RUN`: writes the report again, e.g. with a price. */
export async function report(folder: string, options: GlobalOptions & { readonly price?: string }): Promise<Output> {
  const price = options.price === undefined ? undefined : parsePrice(options.price);
  const written = await writeReport(path.resolve(folder), __dirname, price);
  return { json: { summary: written.read.summary, report: { markdown: written.markdown, html: written.html, json: written.json } }, text: `${printable(written.text)}\nReport: ${written.html}\n`, exitCode: 0 };
}

/** `eval compare A B`: two runs of one suite, arm by arm, paired over the tasks that both have. */
export function compare(a: string, b: string, _options: GlobalOptions): Promise<Output> {
  const [left, right] = [a, b].map((folder) => ({ folder, opened: RunFolder.open(path.resolve(folder)) })) as [{ folder: string; opened: RunFolder }, { folder: string; opened: RunFolder }];
  const { run: one } = left.opened;
  const { run: two } = right.opened;
  if (one.suite.name !== two.suite.name) throw new ExpectedError('run-differs', `The runs are of different suites (${one.suite.name} and ${two.suite.name}).`, 'Compare runs of the same suite.');
  const arms = one.arms.filter((arm) => two.arms.includes(arm));
  if (arms.length === 0) throw new ExpectedError('run-differs', 'The runs have no arm in common.', `One has ${one.arms.join(', ')}, the other ${two.arms.join(', ')}.`);
  const remarks = [
    ...(one.model.name === two.model.name ? [] : [`The models differ: ${one.model.name} and ${two.model.name}.`]),
    ...(one.samples === two.samples && one.temperature === two.temperature ? [] : ['Samples or temperature differ.']),
    ...(one.words.security === two.words.security ? [] : [`Security was judged differently: ${one.words.security} / ${two.words.security}.`]),
    ...(JSON.stringify(one.settings) === JSON.stringify(two.settings) ? [] : ['The settings differ.']),
  ];
  const says = saysSomething([...left.opened.all(), ...right.opened.all()]);
  const rows = arms.flatMap((arm) =>
    metricsFor([1]).flatMap((metric) => {
      const values = (results: readonly SampleResult[]) => new Map([...Map.groupBy(results.filter((r) => r.arm === arm && r.status !== 'error' && says(metric.id, r.task)), (r) => r.task)].flatMap(([task, own]) => {
        const value = metric.of(own.map((r) => ({ function: r.shown.function.status, security: r.shown.security.status })));
        return value === undefined ? [] : [[task, value] as const];
      }));
      const [va, vb] = [values(left.opened.all()), values(right.opened.all())];
      const difference = pairedDifference(va, vb);
      const mean = (m: ReadonlyMap<string, number>) => [...m.values()].reduce((s, v) => s + v, 0) / Math.max(1, m.size);
      return difference ? [{ arm, metric: metric.id, title: metric.title, a: mean(va), b: mean(vb), difference, clear: difference.low > 0 || difference.high < 0 }] : [];
    }),
  );
  const signed = (n: number) => `${n >= 0 ? '+' : ''}${(n * 100).toFixed(1)}`;
  const text = [
    `A: ${a} (${one.model.name})`, `B: ${b} (${two.model.name})`, ...remarks,
    ...rows.map((r) => `${r.arm.padEnd(28)} ${r.title.padEnd(22)} ${(r.a * 100).toFixed(1).padStart(5)} → ${(r.b * 100).toFixed(1).padStart(5)}  ${signed(r.difference.mean)} (${signed(r.difference.low)} to ${signed(r.difference.high)}, ${r.difference.tasks} tasks)${r.clear ? '' : '  not told apart'}`),
    '',
  ].join('\n');
  return Promise.resolve({ json: { a: one.model, b: two.model, remarks, rows }, text: printable(text), exitCode: 0 });
}

/** `eval tune RUN`: which k and notebooks suit the run's model, and the setting for it. */
export async function tune(folder: string, options: GlobalOptions & { readonly write?: string }): Promise<Output> {
  const opened = RunFolder.open(path.resolve(folder));
  const { model, arms } = opened.run;
  const { best, candidates, gain, measure } = choose(opened.all(), arms);
  const setting = { [model.name]: best.settings };
  const clear = gain !== undefined && gain.low > 0;
  let written: string | undefined;
  if (options.write !== undefined) {
    written = path.resolve(options.write);
    await writeSetting(written, model.name, best.settings);
  }
  const text = [
    ...candidates.map((c) => `${c.arm.padEnd(40)} ${measure} ${(c.value * 100).toFixed(1)}`),
    `Best for ${model.name}: ${best.arm}${gain ? `, ${gain.mean >= 0 ? '+' : ''}${(gain.mean * 100).toFixed(1)} points against the default (${(gain.low * 100).toFixed(1)} to ${(gain.high * 100).toFixed(1)})` : ''}.`,
    ...(gain && !clear && best.arm !== 'safenote' && best.arm !== 'safenote k=1' ? ['The run cannot tell this from chance: more tasks or samples would.'] : []),
    `"safenote.models": ${JSON.stringify(setting)}`,
    ...(written ? [`Written to ${written}.`] : []),
    '',
  ].join('\n');
  return { json: { model: model.name, measure, best, candidates, gain: gain ?? null, clear, setting: { 'safenote.models': setting }, written: written ?? null }, text: printable(text), exitCode: 0 };
}

/** Adds the model's entry to a settings file. What is not plain JSON is never touched. */
async function writeSetting(file: string, model: string, settings: unknown): Promise<void> {
  let current: Record<string, unknown> = {};
  let text: string | undefined;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw writeError(error, 'The settings file') as Error;
  }
  if (text?.trim()) {
    try {
      current = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    } catch (error) {
      throw new ExpectedError('bad-settings-file', `${file} is no plain JSON (comments?), so it was left as it is: ${messageOf(error).split('\n')[0]}`, `Add this by hand: "safenote.models": ${JSON.stringify({ [model]: settings })}`);
    }
  }
  const models = z.record(z.string(), z.unknown()).catch({}).parse(current['safenote.models'] ?? {});
  const own = z.record(z.string(), z.unknown()).catch({}).parse(models[model] ?? {});
  const next = { ...current, 'safenote.models': { ...models, [model]: { ...own, ...(settings as object) } } };
  try {
    await replaceFile(file, `${JSON.stringify(next, null, 2)}\n`, { temporary: `${file}.${randomBytes(6).toString('hex')}.tmp` });
  } catch (error) {
    throw writeError(error, 'The settings file');
  }
}

/** `eval notebook RUN ARM`: the notebook of an arm, as it was before a task or at the end, as a workspace's. */
export async function notebook(folder: string, arm: string, options: GlobalOptions & { readonly before?: string; readonly group?: string; readonly to?: string }): Promise<Output> {
  if (options.to === undefined) throw new ExpectedError('bad-option', 'Where shall the notebook be written?', 'Name a folder with --to DIR.');
  const to = path.resolve(options.to);
  const notes = await rebuildNotebook(path.resolve(folder), arm, { ...(options.group === undefined ? {} : { group: options.group }), ...(options.before === undefined ? {} : { before: options.before }), to });
  return { json: { folder: to, notes }, text: `${notes} notes written to ${to}. Read them with: safenote notebook list --workspace ${to}\n`, exitCode: 0 };
}

