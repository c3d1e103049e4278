import { createRequire } from 'node:module';
import path from 'node:path';
import { type ChartLook, DARK_LOOK, type HeatMapData, heatMapOption, heatMapSize, LIGHT_LOOK } from '../../core/charts/heat-map.ts';
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
    this.loaded ??= createRequire(path.join(this.assetsRoot, 'charts.js'))('./charts.js') as typeof Render;
    return this.loaded.renderSvg(heatMapOption(data, look), heatMapSize(data));
  }

  /**
   * A heat map for a page: two pictures, of which `FIGURE_STYLE` (core) shows the one that fits the reader's theme. It is hidden from
   * screen readers, so put the same numbers into a table beside it.
   */
  heatMapFigure(data: HeatMapData): string {
    return `<div class="chart" aria-hidden="true"><div class="light">${this.heatMapSvg(data, LIGHT_LOOK)}</div><div class="dark">${this.heatMapSvg(data, DARK_LOOK)}</div></div>`;
  }
}
