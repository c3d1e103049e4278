import { ExpectedError } from '../errors.ts';
import type { ModelSettings } from '../settings.ts';
import { parseArm } from './arm.ts';
import { type Interval, pairedDifference } from './bootstrap.ts';
import { passAt, securePassAt } from './metrics.ts';
import { type SampleResult, saysSomething } from './results.ts';

export interface Candidate {
  readonly arm: string;
  readonly settings: ModelSettings;
  readonly value: number;
  readonly tasks: number;
}

export interface Tuned {
  readonly measure: string;
  readonly best: Candidate;
  /** Best first. */
  readonly candidates: readonly Candidate[];
  /** The best minus the default, paired; absent where the run has no default arm. */
  readonly gain: Interval | undefined;
}

/**
 * The number of notes and the notebooks that suit a model best, out of the arms of a run that differ in nothing else. Of equal
 * ones the arm with fewer notes: each costs tokens. A difference that the run cannot tell from chance is no reason to leave the default.
 */
export function tune(results: readonly SampleResult[], arms: readonly string[]): Tuned {
  const candidates = arms.map(parseArm).filter((a) => a.mode === 'safenote' && a.draft === undefined && a.retry);
  const judgedBoth = results.some((r) => r.shown.security.status !== 'unavailable');
  const metric = judgedBoth ? securePassAt(1) : passAt(1);
  const says = saysSomething(results);
  const perTask = (arm: string) => {
    const found = new Map<string, number>();
    for (const [task, samples] of Map.groupBy(results.filter((r) => r.arm === arm && r.status !== 'error' && says(metric.id, r.task)), (r) => r.task)) {
      const value = metric.of(samples.map((r) => ({ function: r.shown.function.status, security: r.shown.security.status })));
      if (value !== undefined) found.set(task, value);
    }
    return found;
  };
  const values = candidates.map((arm) => ({ arm, values: perTask(arm.name) })).filter((c) => c.values.size > 0);
  // Only tasks that every candidate has: another set of tasks is another difficulty.
  const common = [...(values[0]?.values.keys() ?? [])].filter((task) => values.every((v) => v.values.has(task)));
  if (values.length < 2 || common.length === 0) throw new ExpectedError('nothing-to-tune', 'The run has fewer than two arms of safenote to choose from.', 'Run it with --sweep-k, and with --ablate to try the notebooks.');
  const scored: Candidate[] = values
    .map(({ arm, values: v }) => ({
      arm: arm.name,
      settings: { k: arm.k ?? 1, securityNotebook: arm.securityNotebook, functionNotebook: arm.functionNotebook },
      value: common.reduce((sum, task) => sum + (v.get(task) ?? 0), 0) / common.length,
      tasks: common.length,
    }))
    .sort((a, b) => b.value - a.value || notes(a.settings) - notes(b.settings));
  const best = scored[0] as Candidate;
  const standard = values.find((v) => v.arm.name === 'safenote') ?? values.find((v) => v.arm.name === 'safenote k=1');
  const chosen = values.find((v) => v.arm.name === best.arm);
  return { measure: metric.title, best, candidates: scored, gain: standard && chosen ? pairedDifference(standard.values, chosen.values) : undefined };
}

function notes({ k, securityNotebook, functionNotebook }: ModelSettings): number {
  return (k ?? 1) * (Number(securityNotebook ?? true) + Number(functionNotebook ?? true));
}
