import assert from 'node:assert/strict';
import path from 'node:path';
import { LIGHT_LOOK, type HeatMapData } from '../../../src/core/charts/heat-map.ts';
import { Charts } from '../../../src/node/charts/charts.ts';

const charts = new Charts(path.resolve(import.meta.dirname, '../../../dist'));
const DATA: HeatMapData = {
  columns: ['python', 'c'],
  rows: [
    { name: 'CWE-89 SQL <injection> & "more"', cells: [{ heat: 1, label: '3/3', words: '3 of 3 failed' }, undefined] },
    { name: 'CWE-787 Out-of-bounds write', cells: [undefined, { heat: 0, label: '0/{2}', words: '0 of 2 failed' }] },
  ],
};

describe('charts for files', () => {
  it('draws a heat map whose squares have their colour and say their numbers', () => {
    const svg = charts.heatMapSvg(DATA, LIGHT_LOOK);
    assert.match(svg, /^<svg [^>]*xmlns=/);
    assert.ok(svg.includes('>3/3</text>') && svg.includes('>0/{2}</text>'), 'labels as they are');
    assert.ok(svg.includes('python') && svg.includes('CWE-787 Out-of-bounds write'));
    const rgb = (hex: string) => `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(',')})`;
    const fills = [...svg.matchAll(/fill="([^"]+)"/g)].map((m) => m[1] ?? '');
    for (const colour of [LIGHT_LOOK.hot, LIGHT_LOOK.cold]) assert.ok(fills.includes(colour) || fills.includes(rgb(colour)), `${colour} in ${fills.join(' ')}`);
  });

  it('gives a page both themes, and names of others cannot leave their text', () => {
    const figure = charts.heatMapFigure(DATA);
    assert.equal(figure.match(/<svg /g)?.length, 2);
    assert.ok(!figure.includes('<injection>'));
    assert.doesNotMatch(figure, /<script|\bon\w+=/i);
  });
});
