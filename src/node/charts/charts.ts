import { createRequire } from 'node:module';
import path from 'node:path';
import { type ChartLook, DARK_LOOK, type HeatMapData, heatMapOption, heatMapSize, LIGHT_LOOK } from '../../core/charts/heat-map.ts';
import { type BarsData, barsOption, barsSize, type LinesData, LINES_SIZE, linesOption } from '../../core/charts/report-charts.ts';
import type * as Render from './render.ts';

/**
 * Draws charts for files: reports that are pages by themselves. The chart library is 600 KB and lies in a bundle of its own
 * (`dist/charts.js`), which is loaded at the first drawing; neither the extension's main bundle nor the command line carry it.
 */
export class Charts {
  private readonly assetsRoot: string;
  private loaded: typeof Render | undefined;

  constructor(assetsRoot: string) {
    this.assetsRoot = assetsRoot;
  }

  /** A heat map as SVG. */
  heatMapSvg(data: HeatMapData, look: ChartLook): string {
    return this.svg(heatMapOption(data, look), heatMapSize(data));
  }

  /**
   * A heat map for a page: two pictures, of which `FIGURE_STYLE` (core) shows the one that fits the reader's theme. It is hidden from
   * screen readers, so put the same numbers into a table beside it.
   */
  heatMapFigure(data: HeatMapData): string {
    return this.figure((look) => heatMapOption(data, look), heatMapSize(data));
  }

  /** Bars with intervals, for a page. */
  barsFigure(data: BarsData): string {
    return this.figure((look) => barsOption(data, look), barsSize(data));
  }

  /** Lines with intervals, for a page. */
  linesFigure(data: LinesData): string {
    return this.figure((look) => linesOption(data, look), LINES_SIZE);
  }

  private figure(option: (look: ChartLook) => Record<string, unknown>, size: { readonly width: number; readonly height: number }): string {
    return `<div class="chart" aria-hidden="true"><div class="light">${this.svg(option(LIGHT_LOOK), size)}</div><div class="dark">${this.svg(option(DARK_LOOK), size)}</div></div>`;
  }

  private svg(option: Record<string, unknown>, size: { readonly width: number; readonly height: number }): string {
    this.loaded ??= createRequire(path.join(this.assetsRoot, 'charts.js'))('./charts.js') as typeof Render;
    return this.loaded.renderSvg(option, size);
  }
}
