import type { ChartLook } from './heat-map.ts';

/** A measured value with its interval, in [0, 1]; absent where nothing could be judged. */
export interface ChartValue {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface BarsData {
  /** Names of the groups, e.g. measures. */
  readonly groups: readonly string[];
  /** One bar in each group, e.g. a mode. */
  readonly series: readonly { readonly name: string; readonly values: readonly (ChartValue | undefined)[] }[];
}

export interface LinesData {
  readonly xName: string;
  readonly xs: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly (ChartValue | undefined)[] }[];
}

/** Told apart also without colour vision (Okabe and Ito), dark enough on white and bright enough on black. */
const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b58900', '#56b4e9', '#7a6fd0', '#8c564b', '#6b7280', '#2f9e44', '#e8590c', '#1098ad'];

export function barsSize(data: BarsData): { width: number; height: number } {
  return { width: Math.max(420, Math.min(1080, 90 + data.groups.length * (30 + 26 * data.series.length))), height: 320 + 20 * legendLines(data) };
}

/** Bars with their intervals as whiskers, in percent. */
export function barsOption(data: BarsData, look: ChartLook): Record<string, unknown> {
  const count = data.series.length;
  return {
    ...frame(look, 44 + 20 * legendLines(data)),
    xAxis: { ...axis(look), type: 'category', data: [...data.groups], axisLabel: { color: look.text, interval: 0 } },
    series: data.series.flatMap(({ name, values }, n) => [
      { type: 'bar', name, data: values.map((v) => (v ? percent(v.mean) : null)), itemStyle: { color: SERIES[n % SERIES.length] }, barGap: '10%', barCategoryGap: '24%', label: { show: count * data.groups.length <= 24, position: 'insideBottom', color: '#ffffff', fontSize: 10, formatter: (p: { value: number | null }) => (p.value === null ? '' : p.value.toFixed(0)) } },
      whiskers(name, values, look, (api, at) => {
        // Where this series' bar stands in its group: bars share 76 % of the band, a tenth of a bar between two.
        const band = api.size([1, 0])[0] ?? 0;
        const bar = (band * 0.76) / (count + 0.1 * (count - 1));
        return at - (band * 0.76) / 2 + bar / 2 + n * bar * 1.1;
      }),
    ]),
  };
}

export const LINES_SIZE = { width: 640, height: 340 };

export function linesOption(data: LinesData, look: ChartLook): Record<string, unknown> {
  return {
    ...frame(look, 76),
    xAxis: { ...axis(look), type: 'category', data: [...data.xs], name: data.xName, nameLocation: 'middle', nameGap: 28, nameTextStyle: { color: look.faintText }, axisLabel: { color: look.text } },
    series: data.series.flatMap(({ name, values }, n) => [
      { type: 'line', name, data: values.map((v) => (v ? percent(v.mean) : null)), symbolSize: 8, lineStyle: { color: SERIES[n % SERIES.length], width: 2 }, itemStyle: { color: SERIES[n % SERIES.length] } },
      whiskers(name, values, look, (_, at) => at + (n - (data.series.length - 1) / 2) * 3),
    ]),
  };
}

interface CustomApi {
  value(dimension: number): number;
  coord(point: readonly [number, number]): [number, number];
  size(data: readonly [number, number]): number[];
}

function whiskers(name: string, values: readonly (ChartValue | undefined)[], look: ChartLook, x: (api: CustomApi, at: number) => number): Record<string, unknown> {
  return {
    type: 'custom',
    name,
    silent: true,
    z: 5,
    data: values.flatMap((v, i) => (v ? [[i, percent(v.low), percent(v.high)]] : [])),
    renderItem: (_: unknown, api: CustomApi) => {
      const low = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)]);
      const at = x(api, low[0]);
      const style = { stroke: look.faintText, lineWidth: 1.4, fill: 'none' };
      const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style });
      return { type: 'group', children: [line(at, low[1], at, high[1]), line(at - 4, low[1], at + 4, low[1]), line(at - 4, high[1], at + 4, high[1])] };
    },
  };
}

/** Lines that the names of the series take, at the width of the picture. */
function legendLines(data: BarsData): number {
  const letters = data.series.reduce((sum, s) => sum + s.name.length * 7 + 46, 0);
  return Math.ceil(letters / (Math.max(420, Math.min(1080, 90 + data.groups.length * (30 + 26 * data.series.length))) - 60));
}

function frame(look: ChartLook, bottom: number): Record<string, unknown> {
  return {
    animation: false,
    textStyle: { fontFamily: look.font },
    // The library guesses how wide a text is; the gap makes up for what it guesses too little.
    legend: { bottom: 0, left: 46, right: 12, textStyle: { color: look.text, fontSize: 11 }, itemWidth: 14, itemHeight: 10, itemGap: 28 },
    grid: { left: 46, right: 12, top: 16, bottom, outerBoundsMode: 'none' },
    yAxis: { ...axis(look), type: 'value', min: 0, max: 100, axisLabel: { color: look.faintText, formatter: '{value} %' }, splitLine: { lineStyle: { color: look.faintText, opacity: 0.25 } } },
  };
}

function axis(look: ChartLook): Record<string, unknown> {
  return { axisLine: { lineStyle: { color: look.faintText } }, axisTick: { show: false } };
}

function percent(share: number): number {
  return Math.round(share * 1000) / 10;
}
