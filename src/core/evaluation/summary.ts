import type { Price } from '../notebook/build-estimate.ts';
import { type Arm, parseArm } from './arm.ts';
import { BOOTSTRAP, type BootstrapOptions, bootstrapMean, type Interval, pairedDifference } from './bootstrap.ts';
import { type Judged, type Metric, metricsFor, passAt, securePassAt, secureRate } from './metrics.ts';
import { type Lesson, type SampleResult, saysSomething } from './results.ts';
import type { Judgement } from './suite.ts';

/** A task as a report needs it. */
export interface TaskFacts {
  readonly id: string;
  readonly cwe?: string;
  readonly language: string;
  readonly group?: string;
  /** Its CWE was in the knowledge base. */
  readonly seen: boolean;
}

export interface SummaryInput {
  readonly tasks: readonly TaskFacts[];
  readonly arms: readonly string[];
  readonly samples: number;
  readonly results: readonly SampleResult[];
  /** What each arm's notebook learned. */
  readonly lessons: ReadonlyMap<string, readonly Lesson[]>;
  readonly price?: Price;
  readonly bootstrap?: BootstrapOptions;
}

export interface Measured {
  readonly metric: string;
  readonly title: string;
  readonly value: Interval | undefined;
}

/** Numbers of one arm over some tasks. */
export interface Row {
  readonly arm: string;
  readonly values: readonly Measured[];
}

export interface Difference {
  readonly from: string;
  readonly to: string;
  readonly metric: string;
  readonly title: string;
  readonly value: Interval;
  /** The interval does not contain zero. */
  readonly clear: boolean;
}

export interface CostRow {
  readonly arm: string;
  readonly samples: number;
  /** Per task and sample, learning included. */
  readonly prompt: number;
  readonly completion: number;
  readonly requests: number;
  readonly retrieveMs: number;
  readonly generateMs: number;
  readonly verifyMs: number;
  readonly money?: number;
  /** Tokens by what they were asked for, over the whole run. */
  readonly byPurpose: Readonly<Record<string, { readonly requests: number; readonly prompt: number; readonly completion: number }>>;
}

export interface HitRow {
  readonly arm: string;
  /** Samples whose prompt had any; and of those whose task names a CWE, the ones with an entry of that CWE. */
  readonly knowledge: number;
  readonly knowledgeRight: number;
  readonly securityNotes: number;
  readonly securityRight: number;
  readonly functionNotes: number;
  readonly samples: number;
  readonly withCwe: number;
}

export interface RepeatRow {
  readonly arm: string;
  /** Families whose first task failed: only there is a mistake that can be repeated. */
  readonly families: number;
  /** Share of failing samples in first tasks. */
  readonly firstTask: Interval | undefined;
  /** Share of failing samples in later tasks of those families: of the first answer, and of what is shown. */
  readonly firstAnswer: Interval | undefined;
  readonly shown: Interval | undefined;
}

/** The tool's own check against the judge, over all samples of an arm. */
export interface AgreementRow {
  readonly arm: string;
  readonly facet: 'security' | 'function';
  readonly bothPass: number;
  readonly bothFail: number;
  /** The check passes what the judge fails. */
  readonly missed: number;
  /** The check fails what the judge passes. */
  readonly falseAlarm: number;
  readonly unknown: number;
}

export interface Summary {
  readonly metrics: readonly { readonly id: string; readonly title: string }[];
  readonly main: readonly Row[];
  /** Of the first answers, before any retry: what prompts and notes do by themselves. */
  readonly firstAnswers: readonly Row[];
  readonly differences: readonly Difference[];
  readonly seen: readonly Row[];
  readonly unseen: readonly Row[];
  readonly byCwe: readonly { readonly name: string; readonly tasks: number; readonly rows: readonly Row[] }[];
  readonly byLanguage: readonly { readonly name: string; readonly tasks: number; readonly rows: readonly Row[] }[];
  readonly ablation: readonly Row[];
  /** Arms that differ in k alone, by k. */
  readonly sweep: readonly (Row & { readonly k: number })[];
  readonly repeat: readonly RepeatRow[];
  readonly cost: readonly CostRow[];
  readonly hits: readonly HitRow[];
  readonly agreement: readonly AgreementRow[];
  readonly counts: readonly { readonly arm: string; readonly judged: number; readonly noProgram: number; readonly errors: number; readonly open: number; readonly functionUnknown: number; readonly securityUnknown: number }[];
  /** Why samples are not judged, most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly samples: number }[];
}

type Of = (r: SampleResult) => Judgement;
const SHOWN: Of = (r) => r.shown;
const FIRST: Of = (r) => r.first;

export function summarize(input: SummaryInput): Summary {
  const bootstrap = input.bootstrap ?? BOOTSTRAP;
  const ks = [1, 5, 10].filter((k) => k <= input.samples);
  const known = input.results.filter((r) => r.status !== 'error');
  const says = saysSomething(known);
  const judgedAny = (facet: 'function' | 'security') => known.some((r) => r.status === 'judged' && r.shown[facet].status !== 'unavailable');
  // A suite that has nothing to say about one of the two gets no columns for it.
  const metrics = metricsFor(ks).filter((m) => (m.id.startsWith('pass@') ? judgedAny('function') : m.id === 'secureRate' ? judgedAny('security') : judgedAny('function') && judgedAny('security')));
  const byArm = new Map(input.arms.map((arm) => [arm, new Map([...Map.groupBy(known.filter((r) => r.arm === arm), (r) => r.task)])]));
  const values = (arm: string, tasks: readonly TaskFacts[], metric: Metric, of: Of): Map<string, number> => {
    const found = new Map<string, number>();
    for (const { id } of tasks.filter((t) => says(metric.id, t.id))) {
      const samples: Judged[] = (byArm.get(arm)?.get(id) ?? []).map((r) => ({ function: of(r).function.status, security: of(r).security.status }));
      const value = metric.of(samples);
      if (value !== undefined) found.set(id, value);
    }
    return found;
  };
  const row = (arm: string, tasks: readonly TaskFacts[], of: Of = SHOWN, which: readonly Metric[] = metrics): Row => ({
    arm,
    values: which.map((m) => ({ metric: m.id, title: m.title, value: bootstrapMean([...values(arm, tasks, m, of).values()], bootstrap) })),
  });
  const rows = (tasks: readonly TaskFacts[], of: Of = SHOWN, arms: readonly string[] = input.arms): Row[] => (tasks.length === 0 ? [] : arms.map((arm) => row(arm, tasks, of)));
  const grouped = (name: (t: TaskFacts) => string | undefined) =>
    [...Map.groupBy(input.tasks.filter((t) => name(t) !== undefined), (t) => name(t) ?? '')]
      .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
      .map(([group, tasks]) => ({ name: group, tasks: tasks.length, rows: rows(tasks) }));
  const arms = input.arms.map(parseArm);
  const judgedMetrics = [securePassAt(1), secureRate, passAt(1)].filter((m) => metrics.some((other) => other.id === m.id));

  const unseen = input.tasks.filter((t) => !t.seen);
  const main = rows(input.tasks);
  return {
    metrics: metrics.map(({ id, title }) => ({ id, title })),
    main,
    firstAnswers: rows(input.tasks, FIRST),
    differences: pairs(arms).flatMap(([from, to]) =>
      judgedMetrics.flatMap((m) => {
        const value = pairedDifference(values(from, input.tasks, m, SHOWN), values(to, input.tasks, m, SHOWN), bootstrap);
        return value ? [{ from, to, metric: m.id, title: m.title, value, clear: value.low > 0 || value.high < 0 }] : [];
      }),
    ),
    seen: unseen.length > 0 ? rows(input.tasks.filter((t) => t.seen)) : [],
    unseen: rows(unseen),
    byCwe: grouped((t) => t.cwe),
    byLanguage: grouped((t) => t.language),
    ablation: arms.filter((a) => isDefault(a) || (a.mode === 'safenote' && (!a.securityNotebook || !a.functionNotebook || !a.retry))).length > 1 ? main.filter((r) => arms.some((a) => a.name === r.arm && a.mode === 'safenote' && a.k === undefined && a.draft === undefined)) : [],
    sweep: arms.filter((a) => a.k !== undefined && a.securityNotebook && a.functionNotebook && a.draft === undefined && a.retry).map((a) => ({ ...row(a.name, input.tasks), k: a.k ?? 0 })).sort((a, b) => a.k - b.k),
    repeat: input.tasks.some((t) => t.group !== undefined) ? input.arms.map((arm) => repeatRow(arm, input.tasks, byArm.get(arm) ?? new Map(), bootstrap)) : [],
    cost: input.arms.map((arm) => costRow(arm, known.filter((r) => r.arm === arm), input.lessons.get(arm) ?? [], input.price)),
    hits: input.arms.map((arm) => hitRow(arm, known.filter((r) => r.arm === arm && r.status === 'judged'), input.tasks)),
    agreement: input.arms.flatMap((arm) => (['security', 'function'] as const).flatMap((facet) => agreement(arm, facet, known.filter((r) => r.arm === arm && r.status === 'judged')))),
    counts: input.arms.map((arm) => {
      const own = input.results.filter((r) => r.arm === arm);
      const count = (of: (r: SampleResult) => boolean) => own.filter(of).length;
      return {
        arm,
        judged: count((r) => r.status === 'judged'),
        noProgram: count((r) => r.status === 'no-program'),
        errors: count((r) => r.status === 'error'),
        open: input.tasks.length * input.samples - own.length,
        functionUnknown: count((r) => r.status === 'judged' && r.shown.function.status === 'unavailable'),
        securityUnknown: count((r) => r.status === 'judged' && r.shown.security.status === 'unavailable'),
      };
    }),
    reasons: reasons(input.results),
  };
}

function isDefault(arm: Arm): boolean {
  return arm.name === 'safenote';
}

/** What is worth comparing: everything with plain, and safenote with the baselines and its own variants. */
function pairs(arms: readonly Arm[]): [string, string][] {
  const names = arms.map((a) => a.name);
  const found: [string, string][] = [];
  if (names.includes('plain')) for (const name of names) if (name !== 'plain') found.push(['plain', name]);
  if (names.includes('safenote')) {
    for (const arm of arms) if (arm.name !== 'safenote' && arm.name !== 'plain') found.push([arm.name, 'safenote']);
  }
  return found;
}

function fails(j: Judgement): boolean | undefined {
  if (j.function.status === 'fail' || j.security.status === 'fail') return true;
  return j.function.status === 'unavailable' && j.security.status === 'unavailable' ? undefined : false;
}

/** Share of samples that fail. */
function failing(results: readonly SampleResult[], of: Of): number | undefined {
  const known = results.map((r) => fails(of(r))).filter((f) => f !== undefined);
  return known.length === 0 ? undefined : known.filter(Boolean).length / known.length;
}

function repeatRow(arm: string, tasks: readonly TaskFacts[], results: ReadonlyMap<string, readonly SampleResult[]>, bootstrap: BootstrapOptions): RepeatRow {
  const families = [...Map.groupBy(tasks.filter((t) => t.group !== undefined), (t) => t.group ?? '').values()];
  const first = families.flatMap(([t]) => failing(results.get(t?.id ?? '') ?? [], FIRST) ?? []);
  const mistaken = families.filter(([t]) => (failing(results.get(t?.id ?? '') ?? [], FIRST) ?? 0) > 0);
  const later = (of: Of) =>
    mistaken.flatMap((family) => {
      const shares = family.slice(1).flatMap((t) => failing(results.get(t.id) ?? [], of) ?? []);
      return shares.length > 0 ? [shares.reduce((a, b) => a + b, 0) / shares.length] : [];
    });
  return { arm, families: mistaken.length, firstTask: bootstrapMean(first, bootstrap), firstAnswer: bootstrapMean(later(FIRST), bootstrap), shown: bootstrapMean(later(SHOWN), bootstrap) };
}

function costRow(arm: string, results: readonly SampleResult[], lessons: readonly Lesson[], price: Price | undefined): CostRow {
  const byPurpose: Record<string, { requests: number; prompt: number; completion: number }> = {};
  for (const usage of [...results.map((r) => r.usage), ...lessons.map((l) => l.usage)]) {
    for (const [purpose, part] of Object.entries(usage.byPurpose)) {
      if (!part) continue;
      const sum = (byPurpose[purpose] ??= { requests: 0, prompt: 0, completion: 0 });
      sum.requests += part.requests;
      sum.prompt += part.prompt;
      sum.completion += part.completion;
    }
  }
  const n = Math.max(1, results.length);
  const all = Object.values(byPurpose);
  const total = (of: (p: (typeof all)[number]) => number) => all.reduce((sum, p) => sum + of(p), 0);
  const ms = (of: (r: SampleResult) => number) => results.reduce((sum, r) => sum + of(r), 0) / n;
  const prompt = total((p) => p.prompt) / n;
  const completion = total((p) => p.completion) / n;
  return {
    arm, samples: results.length, prompt, completion, requests: total((p) => p.requests) / n,
    retrieveMs: ms((r) => r.ms.retrieve), generateMs: ms((r) => r.ms.generate), verifyMs: ms((r) => r.ms.verify),
    ...(price ? { money: (prompt * price.prompt + completion * price.completion) / 1_000_000 } : {}),
    byPurpose,
  };
}

function hitRow(arm: string, results: readonly SampleResult[], tasks: readonly TaskFacts[]): HitRow {
  const cweOf = new Map(tasks.map((t) => [t.id, t.cwe]));
  const count = (of: (r: SampleResult) => boolean) => results.filter(of).length;
  const own = (r: SampleResult) => cweOf.get(r.task);
  return {
    arm,
    samples: results.length,
    withCwe: count((r) => own(r) !== undefined),
    knowledge: count((r) => r.hits.knowledge.length > 0),
    knowledgeRight: count((r) => own(r) !== undefined && r.hits.knowledge.includes(own(r) ?? '')),
    securityNotes: count((r) => r.hits.securityNotes.length > 0),
    securityRight: count((r) => own(r) !== undefined && r.hits.securityNotes.some((n) => n.cwe === own(r))),
    functionNotes: count((r) => r.hits.functionNotes.length > 0),
  };
}

function agreement(arm: string, facet: 'security' | 'function', results: readonly SampleResult[]): AgreementRow[] {
  const row = { arm, facet, bothPass: 0, bothFail: 0, missed: 0, falseAlarm: 0, unknown: 0 };
  for (const { tool, shown } of results) {
    const check = tool?.shown[facet] ?? 'unavailable';
    const judge = shown[facet].status;
    if (check === 'unavailable' || judge === 'unavailable') row.unknown++;
    else if (check === judge) row[check === 'pass' ? 'bothPass' : 'bothFail']++;
    else row[check === 'pass' ? 'missed' : 'falseAlarm']++;
  }
  return results.length > row.unknown ? [row] : [];
}

function reasons(results: readonly SampleResult[]): { reason: string; samples: number }[] {
  const counted = new Map<string, number>();
  for (const r of results) {
    const said = r.status !== 'judged' ? [r.reason ?? r.status] : [r.shown.function, r.shown.security].flatMap((s) => (s.status === 'unavailable' && s.reason ? [s.reason] : []));
    for (const reason of new Set(said)) counted.set(reason, (counted.get(reason) ?? 0) + 1);
  }
  return [...counted].map(([reason, samples]) => ({ reason, samples })).sort((a, b) => b.samples - a.samples).slice(0, 20);
}
