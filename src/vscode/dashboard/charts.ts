import { type ChartLook, heatMapOption, type HeatMapData, heatMapSize } from '../../core/charts/heat-map.ts';
import type { CompletionRow, DashboardData, NoteRow, PeriodRow } from './protocol.ts';

/* The dashboard's charts as data: option objects for the chart library, and for each mark its words and what lies behind it. */

/** What the lists below the charts show. */
export interface Filter {
  /** What is shown, in words. */
  readonly label: string;
  /** `null`: weaknesses that name no CWE. */
  readonly cwe?: string | null;
  readonly language?: string;
  readonly verdict?: CompletionRow['verdict'];
  readonly what?: 'found' | 'caught' | 'shown' | 'prevented';
  /** From this day on, and before that one. */
  readonly from?: string;
  readonly to?: string;
}

/** One bar, segment or square. */
export interface Mark {
  readonly series: number;
  readonly index: number;
  /** Where it is, for the arrow keys. */
  readonly x: number;
  readonly y: number;
  readonly words: string;
  readonly filter: Filter;
}

/** The same numbers as a table. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Drawing {
  readonly option: Record<string, unknown>;
  readonly height: number;
  /** Where the chart wants more room than there is, it scrolls. */
  readonly minWidth: number;
  readonly maxWidth?: number;
  readonly marks: readonly Mark[];
  readonly legend: readonly { readonly name: string; readonly colour: string }[];
  readonly table: Table;
  /** All of it in a sentence. */
  readonly summary: string;
}

export interface Palette extends ChartLook {
  readonly background: string;
  readonly good: string;
  readonly bad: string;
  readonly caught: string;
  readonly unknown: string;
  readonly sent: string;
  readonly received: string;
  readonly grid: string;
  /** The edge of a mark in a high-contrast theme, else empty. */
  readonly edge: string;
  readonly focus: string;
}

export type Range = '30' | '90' | '365' | 'all';

type Sums = Omit<PeriodRow, 'date' | 'cells'> & { found: number; caught: number; prevented: number; failed: number };
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Bucket {
  /** First day, and the day after the last. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly words: string;
  readonly sums: Sums;
}

const DAY = 86_400_000;
const MOST_BUCKETS = 60;
/** Rows of the heat map before the user asks for more. */
const MOST_ROWS = 15;
/** From so many rows on it is as high as what stands beside it. */
const TALL_ROWS = 8;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const dayOf = (date: string) => (date.length === 7 ? `${date}-01` : date);
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const plusDays = (date: string, days: number) => iso(Date.parse(date) + days * DAY);
const nextMonth = (date: string) => {
  const d = new Date(date);
  return iso(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 1));
};

export function shortDay(date: string): string {
  return `${Number(date.slice(8, 10))} ${MONTHS[Number(date.slice(5, 7)) - 1] ?? ''}`;
}

/** First day of a range; of everything, the first day that has something. */
export function firstDay(data: Pick<DashboardData, 'periods' | 'today'>, range: Range): string {
  if (range !== 'all') return plusDays(data.today, 1 - Number(range));
  const first = data.periods[0];
  return first && dayOf(first.date) < data.today ? dayOf(first.date) : data.today;
}

export function periodsIn(data: Pick<DashboardData, 'periods' | 'today'>, range: Range): PeriodRow[] {
  const from = firstDay(data, range);
  return data.periods.filter((p) => dayOf(p.date) >= from);
}

/** Days, weeks or months, whichever are few enough to see; those without anything count, too. What is dated beyond them (clocks jump) is in the first or last. */
export function buckets(data: Pick<DashboardData, 'periods' | 'today'>, range: Range): Bucket[] {
  const end = plusDays(data.today, 1);
  let from = firstDay(data, range);
  // A single day would be one lonely bar.
  if (from > plusDays(data.today, -6)) from = plusDays(data.today, -6);
  const days = (Date.parse(end) - Date.parse(from)) / DAY;
  const step = days <= 45 ? 'day' : days <= 200 ? 'week' : 'month';
  const starts: string[] = [];
  if (step === 'month') {
    const earliest = iso(Date.UTC(Number(end.slice(0, 4)), Number(end.slice(5, 7)) - MOST_BUCKETS, 1));
    for (let at = `${(from > earliest ? from : earliest).slice(0, 7)}-01`; at < end; at = nextMonth(at)) starts.push(at);
  } else {
    const length = step === 'day' ? 1 : 7;
    const count = Math.ceil(days / length);
    for (let n = count; n > 0; n--) starts.push(plusDays(end, -n * length));
  }
  const made = starts.map((start, n) => {
    const to = starts[n + 1] ?? end;
    const month = `${MONTHS[Number(start.slice(5, 7)) - 1] ?? ''} ${start.slice(0, 4)}`;
    const words = step === 'month' ? month : step === 'day' ? `${shortDay(start)} ${start.slice(0, 4)}` : `${shortDay(start)} to ${shortDay(plusDays(to, -1))}`;
    return { from: start, to, label: step === 'month' ? month : shortDay(start), words, sums: noSums() };
  });
  const first = made[0];
  const last = made.at(-1);
  for (const period of periodsIn(data, range)) {
    const day = dayOf(period.date);
    const bucket = made.find((b) => day >= b.from && day < b.to) ?? (first && day < first.from ? first : last);
    if (bucket) add(bucket.sums, period);
  }
  return made;
}

function noSums(): Mutable<Sums> {
  return { completions: 0, accepted: 0, pass: 0, fail: 0, unavailable: 0, sent: 0, received: 0, modelMs: 0, checkMs: 0, found: 0, caught: 0, prevented: 0, failed: 0 };
}

function add(sums: Mutable<Sums>, { cells, date: _date, ...rest }: PeriodRow): void {
  for (const key of Object.keys(rest) as (keyof typeof rest)[]) sums[key] += rest[key];
  for (const cell of cells) for (const key of ['found', 'caught', 'prevented', 'failed'] as const) sums[key] += cell[key];
}

export function sumsOf(periods: readonly PeriodRow[]): Sums {
  const sums = noSums();
  for (const period of periods) add(sums, period);
  return sums;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** `CWE-89 SQL injection`. */
export function weaknessName(cwe: string | undefined, titles: DashboardData['titles']): string {
  return cwe === undefined ? 'No CWE' : [cwe, titles[cwe]].filter(Boolean).join(' ');
}

interface BarSeries {
  readonly name: string;
  readonly colour: string;
  readonly stack: string;
  readonly what?: Filter['what'];
  readonly value: (b: Bucket) => number;
  readonly words: (b: Bucket, value: number) => string;
}

function bars(list: readonly Bucket[], series: readonly BarSeries[], look: Palette, o: { height: number; format: (n: number) => string; unit: string; summary: string }): Drawing {
  const marks = series.flatMap((s, n) =>
    list.flatMap((b, index): Mark[] => {
      const value = s.value(b);
      return value > 0 ? [{ series: n, index, x: index, y: series.length - n, words: `${b.words}: ${s.words(b, value)}`, filter: { label: `${b.words}: ${s.words(b, value)}`, from: b.from, to: b.to, ...(s.what ? { what: s.what } : {}) } }] : [];
    }),
  );
  const axis = { axisLine: { lineStyle: { color: look.grid } }, axisTick: { show: false } };
  return {
    height: o.height,
    minWidth: 260,
    marks,
    legend: series.map(({ name, colour }) => ({ name, colour })),
    table: { head: ['Time', ...series.map((s) => s.name)], rows: list.filter((b) => series.some((s) => s.value(b) > 0)).map((b) => [b.words, ...series.map((s) => o.format(s.value(b)))]) },
    summary: o.summary,
    option: {
      animation: false,
      textStyle: { fontFamily: look.font },
      grid: { left: 8, right: 8, top: 12, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      xAxis: { type: 'category', data: list.map((b) => b.label), ...axis, axisLabel: { color: look.faintText, hideOverlap: true } },
      yAxis: { type: 'value', minInterval: 1, splitNumber: 4, axisLabel: { color: look.faintText, formatter: o.format }, splitLine: { lineStyle: { color: look.grid } } },
      series: series.map((s) => ({
        type: 'bar', name: s.name, stack: s.stack, barMaxWidth: 28, barMinWidth: 2, barCategoryGap: '25%', // Nothing is no bar: one of height 0 would still have an edge.
        data: list.map((b) => s.value(b) || '-'),
        itemStyle: { color: s.colour, ...(look.edge ? { borderColor: look.edge, borderWidth: 1 } : {}) },
        emphasis: { itemStyle: { color: s.colour, borderColor: look.focus, borderWidth: 2 } },
      })),
    },
  };
}

/** Findings and prevented failures over time. */
export function overTime(list: readonly Bucket[], look: Palette): Drawing {
  const sum = (value: (b: Bucket) => number) => list.reduce((total, b) => total + value(b), 0);
  const caught = (b: Bucket) => b.sums.caught;
  const shown = (b: Bucket) => Math.max(0, b.sums.found - b.sums.caught);
  const prevented = (b: Bucket) => b.sums.prevented;
  return bars(
    list,
    [
      { name: 'Found and caught by a retry', colour: look.caught, stack: 'found', what: 'caught', value: caught, words: (_b, n) => `${count(n, 'finding')} caught by a retry` },
      { name: 'Found and shown, marked', colour: look.bad, stack: 'found', what: 'shown', value: shown, words: (_b, n) => `${count(n, 'finding')} shown, marked as failing` },
      { name: 'Prevented with a note', colour: look.good, stack: 'prevented', what: 'prevented', value: prevented, words: (_b, n) => `${count(n, 'failure')} prevented with a note in the prompt` },
    ],
    look,
    { height: 210, format: (n) => n.toLocaleString('en'), unit: '', summary: `${count(sum(caught), 'finding')} caught by a retry, ${sum(shown).toLocaleString('en')} shown and marked, ${count(sum(prevented), 'failure')} prevented with a note.` },
  );
}

/** Tokens spent. */
export function tokens(list: readonly Bucket[], look: Palette): Drawing {
  const sum = (value: (b: Bucket) => number) => list.reduce((total, b) => total + value(b), 0);
  return bars(
    list,
    [
      { name: 'Sent', colour: look.sent, stack: 'tokens', value: (b) => b.sums.sent, words: (b, n) => `${count(n, 'token')} sent in ${count(b.sums.completions, 'completion')}` },
      { name: 'Received', colour: look.received, stack: 'tokens', value: (b) => b.sums.received, words: (b, n) => `${count(n, 'token')} received in ${count(b.sums.completions, 'completion')}` },
    ],
    look,
    { height: 120, format: short, unit: 'tokens', summary: `${count(sum((b) => b.sums.sent), 'token')} sent, ${sum((b) => b.sums.received).toLocaleString('en')} received.` },
  );
}

/** Time spent, per completion. */
export function time(list: readonly Bucket[], look: Palette): Drawing {
  const mean = (ms: (b: Bucket) => number) => (b: Bucket) => (b.sums.completions === 0 ? 0 : Math.round(ms(b) / b.sums.completions) / 1000);
  const [model, checks] = [mean((b) => b.sums.modelMs), mean((b) => b.sums.checkMs)];
  const all = list.reduce((total, b) => ({ n: total.n + b.sums.completions, model: total.model + b.sums.modelMs, checks: total.checks + b.sums.checkMs }), { n: 0, model: 0, checks: 0 });
  const per = (ms: number) => seconds(all.n === 0 ? 0 : ms / all.n / 1000);
  return bars(
    list,
    [
      { name: 'Model', colour: look.sent, stack: 'time', value: model, words: (b, n) => `${seconds(n)} for the model, mean of ${count(b.sums.completions, 'completion')}` },
      { name: 'Checks', colour: look.caught, stack: 'time', value: checks, words: (b, n) => `${seconds(n)} for checks, mean of ${count(b.sums.completions, 'completion')}` },
    ],
    look,
    { height: 120, format: seconds, unit: 's', summary: `A completion took ${per(all.model)} for the model and ${per(all.checks)} for checks on average.` },
  );
}

/** What the checks said of what was shown. */
export function verdicts(periods: readonly PeriodRow[], from: string, look: Palette): Drawing {
  const sums = sumsOf(periods);
  const all = [
    { verdict: 'pass' as const, name: 'Checked', colour: look.good, n: sums.pass },
    { verdict: 'fail' as const, name: 'Failing, marked', colour: look.bad, n: sums.fail },
    { verdict: 'unavailable' as const, name: 'Not checked', colour: look.unknown, n: sums.unavailable },
  ];
  const total = Math.max(1, sums.pass + sums.fail + sums.unavailable);
  const percent = (n: number) => `${Math.round((100 * n) / total)} %`;
  const words = (v: (typeof all)[number]) => `${v.name}: ${count(v.n, 'completion')}, ${percent(v.n)}`;
  return {
    height: 44,
    minWidth: 240,
    legend: all.map((v) => ({ name: `${v.name} ${v.n.toLocaleString('en')}`, colour: v.colour })),
    marks: all.flatMap((v, n): Mark[] => (v.n > 0 ? [{ series: n, index: 0, x: n, y: 0, words: words(v), filter: { label: words(v), verdict: v.verdict, from } }] : [])),
    table: { head: ['Verdict', 'Completions', 'Share'], rows: all.map((v) => [v.name, v.n.toLocaleString('en'), percent(v.n)]) },
    summary: `${all.map((v) => `${v.name} ${v.n.toLocaleString('en')}`).join(', ')}.`,
    option: {
      animation: false,
      textStyle: { fontFamily: look.font },
      grid: { left: 0, right: 0, top: 4, bottom: 4, outerBoundsMode: 'none' },
      xAxis: { type: 'value', max: total, show: false },
      yAxis: { type: 'category', data: [''], show: false },
      series: all.map((v) => ({
        type: 'bar', stack: 'verdict', name: v.name, data: [v.n], barWidth: 28, itemStyle: { color: v.colour, borderColor: look.edge || look.background, borderWidth: 1 },
        emphasis: { itemStyle: { color: v.colour, borderColor: look.focus, borderWidth: 2 } },
        label: { show: v.n / total > 0.12, formatter: () => percent(v.n), color: readableOn(v.colour) },
      })),
    },
  };
}

export type HeatMetric = 'found' | 'prevented' | 'notes';

/** Weaknesses by language. `all` false keeps to the most frequent rows. */
export function heatMap(periods: readonly PeriodRow[], notes: readonly NoteRow[], titles: DashboardData['titles'], metric: HeatMetric, from: string, all: boolean, look: Palette): Drawing & { readonly more: number; readonly tall: boolean } {
  const cells = new Map<string, Mutable<{ cwe: string | undefined; language: string; found: number; caught: number; prevented: number; failed: number; notes: number }>>();
  const cell = (cwe: string | undefined, language: string) => {
    const key = `${cwe ?? ''} ${language}`;
    const known = cells.get(key) ?? { cwe, language, found: 0, caught: 0, prevented: 0, failed: 0, notes: 0 };
    cells.set(key, known);
    return known;
  };
  for (const period of periods) {
    for (const c of period.cells) {
      const sum = cell(c.cwe, c.language);
      for (const key of ['found', 'caught', 'prevented', 'failed'] as const) sum[key] += c[key];
    }
  }
  for (const note of notes) if (note.kind === 'security') cell(note.cwe, note.language).notes++;
  const list = [...cells.values()];
  const total = (of: (c: (typeof list)[number]) => boolean) => list.filter(of).reduce((sum, c) => sum + c[metric], 0);
  const by = <K>(of: (c: (typeof list)[number]) => K) => [...new Set(list.map(of))].map((key) => ({ key, sum: total((c) => of(c) === key) }));
  const rows = by((c) => c.cwe).sort((a, b) => b.sum - a.sum || (a.key ?? 'z').localeCompare(b.key ?? 'z', 'en', { numeric: true }));
  const columns = by((c) => c.language).sort((a, b) => b.sum - a.sum || a.key.localeCompare(b.key));
  const shown = all ? rows : rows.slice(0, MOST_ROWS);
  const most = Math.max(1, ...list.map((c) => c[metric]));
  const at = (cwe: string | undefined, language: string) => list.find((c) => c.cwe === cwe && c.language === language);
  const wordsOf = (c: (typeof list)[number]) => {
    const inSpite = c.failed > 0 ? `, came in spite of a note ${c.failed}` : '';
    return `${weaknessName(c.cwe, titles)} in ${c.language}: found ${c.found}${c.caught > 0 ? ` (${c.caught} caught by a retry)` : ''}, prevented ${c.prevented}${inSpite}, ${count(c.notes, 'note')}`;
  };
  const data: HeatMapData = {
    columns: columns.map((c) => c.key),
    rows: shown.map((row) => ({
      name: weaknessName(row.key, titles),
      cells: columns.map(({ key: language }) => {
        const c = at(row.key, language);
        // The root makes small numbers visible beside a large one.
        return c && { heat: Math.sqrt(c[metric] / most), label: `${c[metric]}`, words: wordsOf(c) };
      }),
    })),
  };
  const marks: Mark[] = [];
  shown.forEach((row, y) =>
    columns.forEach(({ key: language }, x) => {
      const c = at(row.key, language);
      if (c) marks.push({ series: 0, index: marks.length, x, y, words: wordsOf(c), filter: { label: `${weaknessName(c.cwe, titles)} in ${language}`, cwe: c.cwe ?? null, language, from } });
    }),
  );
  const size = heatMapSize(data);
  // Red is for what went wrong.
  const hot = { found: look.bad, prevented: look.good, notes: look.sent }[metric];
  const option = heatMapOption(data, { ...look, hot });
  const series = (option['series'] as { data: { value: number[]; label: Record<string, unknown> }[] }[])[0];
  for (const square of series?.data ?? []) square.label['color'] = readableOn(mix(look.cold, hot, square.value[2] ?? 0));
  Object.assign(series ?? {}, { emphasis: { itemStyle: { borderColor: look.focus, borderWidth: 2 } }, itemStyle: { borderColor: look.edge || look.background, borderWidth: look.edge ? 1 : 2 } });
  const names = { found: 'found', prevented: 'prevented', notes: 'notes' };
  return {
    option,
    // Beside the other charts there is room for taller squares.
    height: size.height + (shown.length >= TALL_ROWS ? 10 * shown.length : 0),
    minWidth: size.width,
    maxWidth: Math.round(size.width * 1.5),
    tall: shown.length >= TALL_ROWS,
    marks,
    legend: [],
    more: rows.length - shown.length,
    table: { head: ['Weakness', 'Language', 'Found', 'Caught by a retry', 'Prevented', 'In spite of a note', 'Notes'], rows: shown.flatMap((row) => columns.flatMap(({ key }) => { const c = at(row.key, key); return c ? [[weaknessName(c.cwe, titles), c.language, ...[c.found, c.caught, c.prevented, c.failed, c.notes].map(String)]] : []; })) },
    summary: `${count(rows.length, 'weakness', 'weaknesses')} in ${count(columns.length, 'language')}; the number and colour of a square: ${names[metric]}.`,
  };
}

/** Whether a completion is behind a mark. */
export function completionFits(c: CompletionRow, filter: Filter): boolean {
  const day = c.at.slice(0, 10);
  if (filter.from !== undefined && day < filter.from) return false;
  if (filter.to !== undefined && day >= filter.to) return false;
  if (filter.verdict !== undefined && c.verdict !== filter.verdict) return false;
  if (filter.language !== undefined && c.language !== filter.language) return false;
  if (filter.cwe !== undefined) {
    const cwe = filter.cwe ?? undefined;
    if (!c.found.some((f) => f.cwe === cwe) && !c.knowledge.some((k) => k.shown && k.cwe === cwe)) return false;
  }
  switch (filter.what) {
    case 'found':
      return c.found.length > 0;
    case 'caught':
      return c.found.some((f) => !f.shown);
    case 'shown':
      return c.found.some((f) => f.shown);
    case 'prevented':
      return c.notes.some((n) => n.result === 'prevented');
    default:
      return true;
  }
}

/** Whether a note is behind a mark: by weakness and language, else because it had a part in what happened then. */
export function noteFits(note: NoteRow, filter: Filter, behind: readonly CompletionRow[]): boolean {
  if (filter.cwe !== undefined || filter.language !== undefined) {
    return (filter.cwe === undefined || (note.cwe ?? null) === filter.cwe) && (filter.language === undefined || note.language === filter.language);
  }
  if (filter.what === 'prevented') {
    const last = note.counters.lastPrevented?.slice(0, 10);
    const then = last !== undefined && (filter.from === undefined || last >= filter.from) && (filter.to === undefined || last < filter.to);
    return then || behind.some((c) => c.notes.some((n) => n.id === note.id && n.result === 'prevented'));
  }
  return behind.some((c) => c.learned.some((l) => l.id === note.id) || c.notes.some((n) => n.id === note.id && n.shown));
}

function short(n: number): string {
  if (n >= 1_000_000) return `${(n / 1_000_000).toLocaleString('en', { maximumFractionDigits: 1 })} M`;
  return n >= 10_000 ? `${Math.round(n / 1000).toLocaleString('en')} k` : n.toLocaleString('en', { maximumFractionDigits: 1 });
}

function seconds(n: number): string {
  return n > 0 && n < 1 ? `${Math.round(n * 1000)} ms` : `${n.toLocaleString('en', { maximumFractionDigits: 1 })} s`;
}

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)` and `rgba(…)` as numbers; grey where a colour is none of these. */
export function parseColour(text: string): [number, number, number, number] {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(text.trim())?.[1];
  if (hex && hex.length >= 6) return [parseInt(hex.slice(0, 2), 16), parseInt(hex.slice(2, 4), 16), parseInt(hex.slice(4, 6), 16), hex.length === 8 ? parseInt(hex.slice(6), 16) / 255 : 1];
  if (hex) return [...[...hex.slice(0, 3)].map((c) => parseInt(c + c, 16)), 1] as [number, number, number, number];
  const numbers = /^rgba?\(([^)]+)\)$/i.exec(text.trim())?.[1]?.split(/[\s,/]+/).map(Number);
  return numbers && numbers.length >= 3 && numbers.every(Number.isFinite) ? [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0, numbers[3] ?? 1] : [128, 128, 128, 1];
}

/** A colour on the way from one to another; what shines through `b` is `a`. */
export function mix(a: string, b: string, share: number): string {
  const [from, to] = [parseColour(a), parseColour(b)];
  const part = Math.min(1, Math.max(0, share)) * to[3];
  const channel = (n: 0 | 1 | 2) => Math.round(from[n] + (to[n] - from[n]) * part);
  return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
}

/** Black or white, whichever can be read better. */
export function readableOn(colour: string): string {
  const [r, g, b] = parseColour(colour).map((c) => {
    const s = c / 255;
    return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  return (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) ? '#000000' : '#ffffff';
}
