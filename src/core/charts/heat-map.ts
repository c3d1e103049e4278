/**
 * A heat map as data, and as an option object for the chart library: one place for offline construction's report, the
 * evaluation's report and the dashboard, so that all of them look alike. Nothing of the library is loaded here:
 *
 * - a page or file gets its picture from `src/node/charts/charts.ts` (`heatMapFigure`, a self-contained SVG, light and dark);
 * - a webview passes `heatMapOption(…)` to the chart library that it has loaded itself, with its theme's colours.
 */

/** One square. A square that is absent was never tried, which is not the same as nothing found. */
export interface HeatCell {
  /** Its colour, from 0 (nothing) to 1 (all of it). */
  readonly heat: number;
  /** What stands in the square, e.g. `3/7`. */
  readonly label: string;
  /** The same in words, for the tooltip, e.g. `3 of 7 failed`. */
  readonly words: string;
}

export interface HeatMapData {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly (HeatCell | undefined)[] }[];
}

/** Colours as the chart library reads them (`#rrggbb`, `rgb(…)`); a webview takes them from the editor's theme. */
export interface ChartLook {
  readonly text: string;
  readonly faintText: string;
  /** A square of heat 0, and of heat 1. */
  readonly cold: string;
  readonly hot: string;
  /** Text on a cold and on a hot square. */
  readonly onCold: string;
  readonly onHot: string;
  readonly line: string;
  readonly font: string;
}

const FONT = 'system-ui, sans-serif';
export const LIGHT_LOOK: ChartLook = { text: '#1f2328', faintText: '#59636e', cold: '#f3f5f7', hot: '#b4232c', onCold: '#1f2328', onHot: '#ffffff', line: '#ffffff', font: FONT };
export const DARK_LOOK: ChartLook = { text: '#e6edf3', faintText: '#9198a1', cold: '#23282f', hot: '#e5534b', onCold: '#e6edf3', onHot: '#ffffff', line: '#0d1117', font: FONT };

/** Style of a page that holds a figure of `Charts.heatMapFigure`: a light and a dark picture. */
export const FIGURE_STYLE = `.chart { overflow-x: auto; }
.chart svg { display: block; }
.chart .dark { display: none; }
@media (prefers-color-scheme: dark) { .chart .dark { display: block; } .chart .light { display: none; } }`;

const ROW = 26;
const COLUMN = 76;
const TOP = 34;
const LABEL_LETTERS = 44;
const LETTER = 6.7;

/** How large a heat map wants to be, in pixels. */
export function heatMapSize(data: HeatMapData): { width: number; height: number } {
  return { width: Math.ceil(labelWidth(data) + COLUMN * data.columns.length + 8), height: TOP + ROW * data.rows.length + 8 };
}

/** The chart library's option object. Values are `[column, row, heat]`, rows counted from the top; a square's `name` is its words. */
export function heatMapOption(data: HeatMapData, look: ChartLook): Record<string, unknown> {
  const squares = data.rows.flatMap(({ cells }, row) =>
    cells.flatMap((cell, column) => {
      if (!cell) return [];
      const heat = Math.min(1, Math.max(0, cell.heat));
      return [{ value: [column, row, heat], name: cell.words, label: { formatter: literal(cell.label), color: heat > 0.65 ? look.onHot : look.onCold } }];
    }),
  );
  const axis = { type: 'category', axisLine: { show: false }, axisTick: { show: false }, splitArea: { show: false } };
  return {
    animation: false,
    textStyle: { fontFamily: look.font },
    grid: { left: labelWidth(data), right: 8, top: TOP, bottom: 8, outerBoundsMode: 'none' },
    xAxis: { ...axis, data: [...data.columns], position: 'top', axisLabel: { color: look.faintText, interval: 0 } },
    yAxis: { ...axis, data: data.rows.map((r) => r.name), inverse: true, axisLabel: { color: look.text, interval: 0, formatter: shortened } },
    visualMap: { show: false, min: 0, max: 1, dimension: 2, inRange: { color: [look.cold, look.hot] } },
    series: [{ type: 'heatmap', data: squares, label: { show: true }, itemStyle: { borderColor: look.line, borderWidth: 2 }, emphasis: { disabled: true } }],
  };
}

function labelWidth(data: HeatMapData): number {
  return Math.ceil(LETTER * Math.max(8, ...data.rows.map((r) => shortened(r.name).length))) + 16;
}

/** A row's name in its place; the whole of it belongs into a table beside the picture. */
function shortened(name: string): string {
  return name.length > LABEL_LETTERS ? `${name.slice(0, LABEL_LETTERS - 1).trimEnd()}…` : name;
}

/** A label's braces would be read as placeholders. */
function literal(text: string): () => string {
  return () => text;
}
