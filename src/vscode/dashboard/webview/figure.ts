import { BarChart, HeatmapChart } from 'echarts/charts';
import { GridComponent, VisualMapComponent } from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Drawing, Filter, Mark, Table } from '../charts.ts';
import { announce, h } from './dom.ts';

use([BarChart, HeatmapChart, GridComponent, VisualMapComponent, SVGRenderer]);

// The chart library writes style attributes, which the page's policy forbids; set as properties they are no text that could come from
// elsewhere, and are allowed.
const setAttribute = SVGElement.prototype.setAttribute;
SVGElement.prototype.setAttribute = function (this: SVGElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

let next = 1;

/** A chart with its legend and its table. Every mark can be reached by the arrow keys and leads to what is behind it. */
export class Figure {
  readonly element: HTMLElement;
  private readonly title: string;
  private readonly onMark: (filter: Filter) => void;
  private readonly box = h('div', { class: 'chart-box' });
  private readonly chartElement: HTMLElement;
  private readonly tip = h('div', { class: 'tip', 'aria-hidden': 'true', hidden: true });
  private readonly legend = h('ul', { class: 'legend' });
  private readonly summary: HTMLElement;
  private readonly tableBox = h('div', { class: 'table-scroll' });
  private readonly details = h('details', { class: 'as-table' }, h('summary', {}, 'As a table'), this.tableBox);
  readonly tools = h('div', { class: 'tools' });
  private chart: EChartsType | undefined;
  private drawing: Drawing | undefined;
  private at = -1;
  private marked: Mark | undefined;
  private width = 0;

  constructor(title: string, onMark: (filter: Filter) => void) {
    this.title = title;
    this.onMark = onMark;
    const id = `figure-${next++}`;
    this.summary = h('p', { class: 'summary', id: `${id}-summary` });
    this.chartElement = h('div', {
      class: 'chart', tabindex: 0, role: 'application', 'aria-roledescription': 'chart', 'aria-label': title, 'aria-describedby': `${id}-summary ${id}-keys`,
      onkeydown: (event) => this.key(event as KeyboardEvent),
      onblur: () => this.leave(),
      onfocus: () => this.at >= 0 && this.move(this.at),
    });
    this.box.append(this.chartElement, this.tip);
    this.element = h('figure', { class: 'card', 'aria-labelledby': `${id}-title` },
      h('div', { class: 'card-head' }, h('h2', { id: `${id}-title` }, title), this.tools),
      this.summary, this.legend, this.box,
      h('p', { class: 'hidden', id: `${id}-keys` }, 'Arrow keys move between the marks, Enter shows the notes and completions behind one.'),
      this.details);
    new ResizeObserver(() => this.resize()).observe(this.box);
  }

  draw(drawing: Drawing): void {
    this.drawing = drawing;
    this.summary.textContent = drawing.summary;
    this.legend.replaceChildren(...drawing.legend.map(({ name, colour }) => {
      const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.style.backgroundColor = colour;
      return h('li', {}, swatch, name);
    }));
    this.tableBox.replaceChildren(table(drawing.table, this.title));
    this.leave();
    this.at = Math.min(this.at, drawing.marks.length - 1);
    const nothing = drawing.marks.length === 0;
    this.legend.hidden = nothing;
    this.details.hidden = nothing;
    if (nothing) {
      this.chart?.dispose();
      this.chart = undefined;
      this.chartElement.hidden = true;
      return;
    }
    this.chartElement.hidden = false;
    const width = this.wide(drawing);
    this.width = width;
    this.chartElement.style.width = `${width}px`;
    this.chartElement.style.height = `${drawing.height}px`;
    if (!this.chart) {
      this.chart = init(this.chartElement, null, { renderer: 'svg', width, height: drawing.height });
      this.chart.on('click', (p) => this.activate(this.markOf(p.seriesIndex, p.dataIndex)));
      this.chart.on('mouseover', (p) => {
        const mark = this.markOf(p.seriesIndex, p.dataIndex);
        const inner = p.event as unknown as { offsetX: number; offsetY: number } | undefined;
        if (mark && inner) this.showTip(mark, inner.offsetX, inner.offsetY);
      });
      this.chart.on('mouseout', () => (this.tip.hidden = true));
      // Its own role and label tell more than the picture's parts.
      this.chartElement.querySelector('svg')?.setAttribute('aria-hidden', 'true');
    } else this.chart.resize({ width, height: drawing.height });
    this.chart.setOption(drawing.option, true);
  }

  get isDrawn(): boolean {
    return (this.chartElement.querySelector('svg')?.querySelectorAll('path').length ?? 0) > 0;
  }

  private wide(drawing: Drawing): number {
    return Math.max(drawing.minWidth, Math.min(drawing.maxWidth ?? Infinity, Math.floor(this.box.clientWidth)));
  }

  private resize(): void {
    const { drawing } = this;
    if (!drawing || !this.chart) return;
    const width = this.wide(drawing);
    if (width === this.width) return;
    this.width = width;
    this.chartElement.style.width = `${width}px`;
    this.chart.resize({ width, height: drawing.height });
  }

  private markOf(series: number | undefined, index: number): Mark | undefined {
    return this.drawing?.marks.find((m) => m.series === series && m.index === index);
  }

  private activate(mark: Mark | undefined): void {
    if (mark) this.onMark(mark.filter);
  }

  private key(event: KeyboardEvent): void {
    const marks = this.drawing?.marks ?? [];
    if (marks.length === 0) return;
    const now = marks[this.at];
    const to = (n: number) => {
      event.preventDefault();
      this.move(n);
    };
    switch (event.key) {
      case 'ArrowRight':
        return to(now ? nearest(marks, now, 1, 0) : 0);
      case 'ArrowLeft':
        return to(now ? nearest(marks, now, -1, 0) : marks.length - 1);
      case 'ArrowDown':
        return to(now ? nearest(marks, now, 0, 1) : 0);
      case 'ArrowUp':
        return to(now ? nearest(marks, now, 0, -1) : marks.length - 1);
      case 'Home':
        return to(0);
      case 'End':
        return to(marks.length - 1);
      case 'Escape':
        return this.leave();
      case 'Enter':
      case ' ':
        event.preventDefault();
        return this.activate(now ?? marks[0]);
    }
  }

  private move(n: number): void {
    const mark = this.drawing?.marks[n];
    if (!mark || !this.chart) return;
    this.leave();
    this.at = n;
    this.marked = mark;
    this.chart.dispatchAction({ type: 'highlight', seriesIndex: mark.series, dataIndex: mark.index });
    announce(`${mark.words}. ${n + 1} of ${this.drawing?.marks.length ?? 0}`);
    const [x, y] = this.middle(mark);
    this.showTip(mark, x, y);
    // A large chart scrolls in its box.
    const left = x - this.box.clientWidth / 2;
    if (x < this.box.scrollLeft || x > this.box.scrollLeft + this.box.clientWidth) this.box.scrollLeft = Math.max(0, left);
  }

  private middle(mark: Mark): [number, number] {
    const series = ((this.drawing?.option['series'] as { type: string; data: unknown[] }[] | undefined) ?? [])[mark.series];
    const value = series?.type === 'heatmap' ? [mark.x, mark.y] : [mark.index, 0];
    const point = this.chart?.convertToPixel({ seriesIndex: mark.series }, value) as number[] | undefined;
    const x = point?.[0];
    const y = point?.[1];
    return [Number.isFinite(x) ? (x ?? 0) : this.width / 2, series?.type === 'heatmap' && Number.isFinite(y) ? (y ?? 0) : 16];
  }

  private leave(): void {
    this.tip.hidden = true;
    if (this.marked) this.chart?.dispatchAction({ type: 'downplay', seriesIndex: this.marked.series, dataIndex: this.marked.index });
    this.marked = undefined;
  }

  private showTip(mark: Mark, x: number, y: number): void {
    this.tip.textContent = mark.words;
    this.tip.hidden = false;
    const seen = this.box.scrollLeft;
    const room = seen + this.box.clientWidth;
    const width = Math.min(this.tip.offsetWidth, this.box.clientWidth);
    this.tip.style.left = `${Math.max(seen, Math.min(x + 12, room - width))}px`;
    this.tip.style.top = `${y + 14}px`;
  }
}

/** The mark that lies next in a direction; the same one at the edge. */
function nearest(marks: readonly Mark[], from: Mark, dx: number, dy: number): number {
  let best = marks.indexOf(from);
  let distance = Infinity;
  marks.forEach((mark, n) => {
    const along = (mark.x - from.x) * dx + (mark.y - from.y) * dy;
    const aside = Math.abs((mark.x - from.x) * dy) + Math.abs((mark.y - from.y) * dx);
    const far = along + aside * 3;
    if (along > 0 && far < distance) {
      distance = far;
      best = n;
    }
  });
  return best;
}

export function table({ head, rows }: Table, caption: string): HTMLElement {
  return h('table', {}, h('caption', { class: 'hidden' }, caption), h('thead', {}, h('tr', {}, head.map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((cell, n) => (n === 0 ? h('th', { scope: 'row' }, cell) : h('td', {}, cell)))))));
}
