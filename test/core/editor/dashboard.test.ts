import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ActivityEvent } from '../../../src/core/activity/event.ts';
import { addEvent, noTotals } from '../../../src/core/activity/totals.ts';
import { LIGHT_LOOK } from '../../../src/core/charts/heat-map.ts';
import { buckets, completionFits, firstDay, heatMap, mix, noteFits, overTime, type Palette, parseColour, periodsIn, type Range, readableOn, sumsOf, time, tokens, verdicts } from '../../../src/vscode/dashboard/charts.ts';
import { dashboardData } from '../../../src/vscode/dashboard/data.ts';
import { dashboardPage, dashboardPolicy } from '../../../src/vscode/dashboard/page.ts';
import { aNote } from '../doubles.ts';

const LOOK: Palette = { ...LIGHT_LOOK, background: '#ffffff', good: '#00aa00', bad: '#aa0000', caught: '#aaaa00', unknown: '#888888', sent: '#0000aa', received: '#aa00aa', grid: '#dddddd', edge: '', focus: '#000000' };
const NOW = new Date('2026-11-28T12:00:00Z');
const RANGES: readonly Range[] = ['30', '90', '365', 'all'];

function completion(id: string, at: string, o: { cwe?: string; language?: string; failed?: boolean; caught?: boolean; note?: string; result?: 'prevented' | 'failed' } = {}): ActivityEvent {
  const finding = { rule: 'r', family: 'f', cwe: o.cwe ? [o.cwe] : [], analyzer: 'builtin' };
  const bad = { security: 'fail' as const, function: 'unavailable' as const, findings: [finding] };
  const good = { security: 'pass' as const, function: 'unavailable' as const, findings: [] };
  const attempts = o.failed ? [bad, bad] : o.caught ? [bad, good] : [good];
  return {
    type: 'completion', id, at, language: o.language ?? 'python', model: 'm', mode: 'safenote', knowledge: [], attempts, shown: attempts.length - 1, analyzers: [{ name: 'builtin', ran: true, ms: 5, findings: 0 }], learned: [],
    notes: o.note ? [{ id: o.note, kind: 'security', cwe: 'CWE-89', shown: true, ...(o.result ? { result: o.result } : {}) }] : [], tokens: { prompt: 100, completion: 10 }, timings: { retrieveMs: 1, generateMs: 500, verifyMs: 50, totalMs: 600 },
  };
}

function made(events: readonly ActivityEvent[], notes = [aNote({ id: 'sql' })], now = NOW) {
  const totals = noTotals();
  for (const event of events) addEvent(totals, event);
  return { folders: [], folder: '', ...dashboardData({ notes: notes.map((note) => ({ note, file: '', quarantined: false })), totals, events, titleOf: (cwe) => (cwe === 'CWE-89' ? 'SQL injection' : ''), now }) };
}

describe("the dashboard's page", () => {
  it('allows its own script and its own style sheet by number, and nothing else', () => {
    const policy = dashboardPolicy('abc');
    assert.match(policy, /^default-src 'none'; script-src 'nonce-abc'; style-src 'nonce-abc';/);
    assert.doesNotMatch(policy, /unsafe|\*|data:|https?:|self/);
  });
  it('holds no inline script and no inline style', () => {
    const page = dashboardPage({ nonce: 'abc', script: 'https://own.example/a?b="><script>', style: 's.css' });
    assert.deepEqual([...page.matchAll(/<script[^>]*>([^<]*)<\/script>/g)].map((m) => m[1]), ['']);
    assert.doesNotMatch(page, /<style|style=|\son\w+=/);
    assert.equal(page.match(/<script/g)?.length, 1);
  });
});

describe("the dashboard's time axis", () => {
  it('has every day of a month, with and without something', () => {
    const list = buckets(made([completion('a', '2026-11-28T01:00:00Z')]), '30');
    assert.equal(list.length, 30);
    assert.deepEqual([list[0]?.from, list.at(-1)?.from, list.at(-1)?.to], ['2026-10-30', '2026-11-28', '2026-11-29']);
    assert.deepEqual([list.at(-1)?.sums.completions, list[0]?.sums.completions], [1, 0]);
  });
  it('has at least a week, and weeks or months for longer times', () => {
    assert.equal(buckets(made([completion('a', '2026-11-28T01:00:00Z')]), 'all').length, 7);
    assert.equal(buckets(made([]), '90').length, 13);
    assert.equal(buckets(made([]), '365').length, 13);
  });
  it('loses nothing, whatever the clock said, and never grows beyond what can be seen', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: Date.UTC(2040, 0, 1) }), { maxLength: 20 }), fc.constantFrom(...RANGES), (times, range) => {
        const data = made(times.map((t, n) => completion(`${n}`, new Date(t).toISOString())));
        const list = buckets(data, range);
        assert.ok(list.length >= 6 && list.length <= 61, `${list.length}`);
        assert.equal(list.reduce((sum, b) => sum + b.sums.completions, 0), sumsOf(periodsIn(data, range)).completions);
        for (const [n, b] of list.entries()) assert.ok(b.from < b.to && (n === 0 || list[n - 1]?.to === b.from));
      }),
    ));
});

describe("the dashboard's charts", () => {
  const events = [
    completion('a', '2026-11-27T10:00:00Z', { cwe: 'CWE-89', caught: true, note: 'sql', result: 'failed' }),
    completion('b', '2026-11-27T11:00:00Z', { cwe: 'CWE-79', failed: true, language: 'javascript' }),
    completion('c', '2026-11-28T10:00:00Z', { note: 'sql', result: 'prevented' }),
    completion('d', '2026-11-28T11:00:00Z'),
  ];
  const data = made(events);
  const list = buckets(data, '30');
  const from = firstDay(data, '30');
  const all = [overTime(list, LOOK), tokens(list, LOOK), time(list, LOOK), verdicts(periodsIn(data, '30'), from, LOOK), heatMap(periodsIn(data, '30'), data.notes, data.titles, 'found', from, false, LOOK)];

  it('have marks that lead to what is behind them', () => {
    const [caught, shown, prevented] = all[0]!.marks;
    assert.match(caught?.words ?? '', /27 Nov 2026: 1 finding caught by a retry/);
    const behind = (filter = caught!.filter) => data.completions.filter((c) => completionFits(c, filter)).length;
    assert.deepEqual([behind(caught!.filter), behind(shown!.filter), behind(prevented!.filter)], [1, 1, 1]);
    assert.ok(noteFits(data.notes[0]!, prevented!.filter, []));
    const square = all[4]!.marks.find((m) => m.words.startsWith('CWE-89 SQL injection in python'))!;
    assert.match(square.words, /found 1 \(1 caught by a retry\), prevented 1, came in spite of a note 1, 1 note/);
    assert.ok(noteFits(data.notes[0]!, square.filter, []));
    assert.ok(!noteFits(data.notes[0]!, { ...square.filter, language: 'go' }, []));
    assert.equal(data.completions.filter((c) => completionFits(c, all[3]!.marks.find((m) => m.words.startsWith('Failing'))!.filter)).length, 1);
  });
  it('name each of their marks for the chart library: series and index are there, and hold a value', () => {
    for (const { option, marks } of all) {
      const series = option['series'] as { data: unknown[] }[];
      for (const mark of marks) assert.ok(series[mark.series]?.data[mark.index] !== undefined && series[mark.series]?.data[mark.index] !== '-', mark.words);
    }
  });
  it('say the same in a table', () => {
    assert.deepEqual(all[0]!.table.rows, [['27 Nov 2026', '1', '1', '0'], ['28 Nov 2026', '0', '0', '1']]);
    assert.deepEqual(all[3]!.table.rows.map((r) => r.slice(0, 2)), [['Checked', '3'], ['Failing, marked', '1'], ['Not checked', '0']]);
    for (const { table } of all) for (const row of table.rows) assert.equal(row.length, table.head.length);
  });
  it('are empty, and whole, without anything to show', () => {
    const nothing = made([], []);
    const none = buckets(nothing, 'all');
    for (const drawing of [overTime(none, LOOK), tokens(none, LOOK), time(none, LOOK), verdicts([], '', LOOK), heatMap([], [], {}, 'found', '', false, LOOK)]) assert.deepEqual(drawing.marks, []);
  });
  it('show the most frequent weaknesses first, and the others when asked for', () => {
    const many = made(Array.from({ length: 40 }, (_, n) => completion(`${n}`, '2026-11-28T10:00:00Z', { cwe: `CWE-${100 + (n % 20)}`, caught: true })));
    const some = heatMap(periodsIn(many, '30'), many.notes, {}, 'found', from, false, LOOK);
    assert.deepEqual([some.marks.length, some.more], [15, 6]);
    assert.equal(heatMap(periodsIn(many, '30'), many.notes, {}, 'found', from, true, LOOK).more, 0);
  });
  it('hold 5,000 notes', () => {
    const notes = Array.from({ length: 5_000 }, (_, n) => aNote({ id: `n${n}`, cwe: `CWE-${n % 60}` }));
    const big = made(events, notes);
    assert.equal(big.notes.length, 5_000);
    assert.equal(heatMap([], big.notes, big.titles, 'notes', '', true, LOOK).marks.reduce((sum, m) => sum + Number(/(\d+) notes?$/.exec(m.words)?.[1]), 0), 5_000);
  });
  it('write numbers so that they can be read on their squares', () => {
    assert.deepEqual([readableOn('#ffffff'), readableOn('#000000'), readableOn('rgb(180, 35, 44)')], ['#000000', '#ffffff', '#ffffff']);
    assert.equal(mix('#000000', 'rgba(255, 255, 255, 0.5)', 1), 'rgb(128, 128, 128)');
    assert.deepEqual(parseColour('no colour'), [128, 128, 128, 1]);
    fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffff }), (n) => /^#(000000|ffffff)$/.test(readableOn(`#${n.toString(16).padStart(6, '0')}`))));
  });
});

describe("the dashboard's data", () => {
  it('tells of a completion what shaped it and what became of it', () => {
    const data = made([completion('a', '2026-11-27T10:00:00Z', { cwe: 'CWE-89', caught: true, note: 'sql', result: 'failed' }), { type: 'accepted', at: '2026-11-27T10:01:00Z', of: 'a', how: 'whole' }]);
    const [row] = data.completions;
    assert.equal(row?.accepted, 'whole');
    assert.deepEqual(row?.found, [{ rule: 'r', cwe: 'CWE-89', shown: false }]);
    assert.deepEqual(row?.notes, [{ id: 'sql', title: 'SQL injection: find a user', shown: true, result: 'failed' }]);
    assert.deepEqual([row?.verdict, row?.attempts, data.titles['CWE-89'], data.today], ['pass', 2, 'SQL injection', '2026-11-28']);
  });
  it('names a note that is gone by its id alone', () => assert.deepEqual(made([completion('a', '2026-11-27T10:00:00Z', { note: 'gone' })]).completions[0]?.notes, [{ id: 'gone', shown: true }]));
});
