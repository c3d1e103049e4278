/** Entry of `dist/dashboard.js`: the dashboard's page. */
import { buckets, completionFits, count, type Filter, firstDay, heatMap, type HeatMetric, noteFits, overTime, periodsIn, type Range, sumsOf, time, tokens, verdicts } from '../charts.ts';
import type { DashboardData, FromPage, NoteRow, ToPage } from '../protocol.ts';
import { announce, h } from './dom.ts';
import { Figure } from './figure.ts';
import { completionsList, notesList } from './lists.ts';
import { onThemeChange, palette } from './theme.ts';

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void; getState(): unknown; setState(state: unknown): void };

const api = acquireVsCodeApi();
const problem = (text: string) => api.postMessage({ type: 'problem', text: text.slice(0, 2000) });
window.addEventListener('error', (event) => problem(event.error instanceof Error ? (event.error.stack ?? event.message) : event.message));
window.addEventListener('unhandledrejection', (event) => problem(String(event.reason)));
document.addEventListener('securitypolicyviolation', (event) => problem(`Policy: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));

const RANGES: readonly (readonly [Range, string])[] = [['30', 'Last 30 days'], ['90', 'Last 90 days'], ['365', 'Last year'], ['all', 'All time']];
const METRICS: readonly (readonly [HeatMetric, string])[] = [['found', 'Found'], ['prevented', 'Prevented'], ['notes', 'Notes']];
const TABS = [
  { id: 'all', name: 'All', fits: () => true },
  { id: 'useful', name: 'Most useful', fits: (n: NoteRow) => n.standing === 'helps' },
  { id: 'failing', name: 'Failing', fits: (n: NoteRow) => n.standing === 'fails' || n.standing === 'mixed' || n.standing === 'wrong' },
  { id: 'retire', name: 'To retire', fits: (n: NoteRow) => n.retire !== undefined },
] as const;
type Tab = (typeof TABS)[number]['id'];

interface State {
  range: Range;
  metric?: HeatMetric;
  allRows: boolean;
  tab: Tab;
  filter?: Filter;
}
const state: State = { range: '30', allRows: false, tab: 'all', ...(api.getState() as Partial<State> | undefined) };
let data: DashboardData | undefined;

const main = document.getElementById('dashboard') ?? document.body;
const actions = { open: (note: string) => api.postMessage({ type: 'open', note }), mute: (note: string) => api.postMessage({ type: 'mute', note }), wrong: (note: string) => api.postMessage({ type: 'wrong', note }) };

function keep(change: Partial<State>): void {
  Object.assign(state, change);
  api.setState(state);
}

/** A mark was chosen: the lists show what is behind it. */
function follow(filter: Filter): void {
  keep({ filter, tab: 'all' });
  drawLists();
  const heading = document.getElementById('lists-heading');
  heading?.scrollIntoView({ block: 'start' });
  heading?.focus();
}

const figures = {
  overTime: new Figure('Findings and prevented failures', follow),
  heatMap: new Figure('Weaknesses by language', follow),
  verdicts: new Figure('Verdicts', follow),
  tokens: new Figure('Tokens', follow),
  time: new Figure('Time per completion', follow),
};
const header = h('header');
const tiles = h('dl', { class: 'tiles' });
const empty = h('section', { class: 'card empty' });
const side = h('div', { class: 'side' }, figures.verdicts.element, figures.tokens.element, figures.time.element);
const grid = h('div', { class: 'grid' }, figures.overTime.element, figures.heatMap.element, side);
const lists = h('section', { 'aria-labelledby': 'lists-heading' });

function select<T extends string>(label: string, options: readonly (readonly [T, string])[], value: T, onChange: (value: T) => void): HTMLElement {
  const element = h('select', { onchange: () => onChange(element.value as T) }, options.map(([id, name]) => h('option', { value: id, selected: id === value }, name)));
  return h('label', { class: 'choice' }, h('span', {}, label), element);
}

function drawHeader(now: DashboardData): void {
  header.replaceChildren(
    h('h1', {}, 'SafeNote Dashboard'),
    h('div', { class: 'tools' },
      now.folders.length > 1 && select('Folder', now.folders.map((f) => [f.id, f.name] as const), now.folder, (id) => {
        keep({});
        delete state.filter;
        api.postMessage({ type: 'folder', id });
      }),
      select('Time', RANGES, state.range, (range) => {
        keep({ range });
        delete state.filter;
        draw();
      })),
  );
}

function drawTiles(now: DashboardData): void {
  const sums = sumsOf(periodsIn(now, state.range));
  const share = (n: number, of: number) => (of === 0 ? '' : `${Math.round((100 * n) / of)} %`);
  const usable = now.notes.filter((n) => n.state === 'active').length;
  const retire = now.notes.filter((n) => n.retire !== undefined).length;
  const tile = (name: string, value: number, beside: string, words = '') => h('div', { class: 'tile', title: words }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value.toLocaleString('en', { notation: value >= 100_000 ? 'compact' : 'standard' })), beside !== '' && h('span', { class: 'beside' }, beside)));
  tiles.replaceChildren(
    tile('Completions', sums.completions, sums.completions > 0 ? `${share(sums.accepted, sums.completions)} accepted` : ''),
    tile('Prevented', sums.prevented, sums.prevented + sums.failed > 0 ? `of ${sums.prevented + sums.failed} with a note` : '', 'The note was in the prompt, a check that has its rule judged the answer, and it did not fire.'),
    tile('Caught', sums.caught, sums.found > 0 ? `of ${count(sums.found, 'finding')}` : '', 'The first answer failed the check; what was shown did not.'),
    tile('Shown failing', sums.found - sums.caught, sums.found > sums.caught ? 'marked' : '', 'No attempt was without the finding: it was shown and marked.'),
    tile('Tokens', sums.sent + sums.received, sums.completions > 0 ? `${Math.round((sums.sent + sums.received) / sums.completions).toLocaleString('en')} each` : ''),
    tile('Notes', now.notes.length, [usable < now.notes.length ? `${usable.toLocaleString('en')} in use` : '', retire > 0 ? `${retire} to retire` : ''].filter(Boolean).join(', ')),
  );
}

function drawCharts(now: DashboardData): void {
  const look = palette();
  const list = buckets(now, state.range);
  const periods = periodsIn(now, state.range);
  const from = firstDay(now, state.range);
  const some = periods.some((p) => p.completions > 0);
  for (const figure of [figures.overTime, figures.verdicts, figures.tokens, figures.time]) figure.element.hidden = !some;
  side.hidden = !some;
  if (some) {
    figures.overTime.draw(overTime(list, look));
    figures.verdicts.draw(verdicts(periods, from, look));
    figures.tokens.draw(tokens(list, look));
    figures.time.draw(time(list, look));
  }
  const found = periods.some((p) => p.cells.some((c) => c.found > 0));
  const metric = state.metric ?? (found ? 'found' : 'notes');
  const map = heatMap(periods, now.notes, now.titles, metric, from, state.allRows, look);
  figures.heatMap.element.hidden = map.marks.length === 0;
  grid.classList.toggle('low', !some || !map.tall);
  figures.heatMap.tools.replaceChildren(
    select('Show', METRICS, metric, (value) => {
      keep({ metric: value });
      draw();
    }),
    ...(map.more > 0 || state.allRows
      ? [h('button', { class: 'quiet', onclick: () => { keep({ allRows: !state.allRows }); draw(); } }, state.allRows ? 'Fewer' : `${count(map.more, 'more weakness', 'more weaknesses')}`)]
      : []),
  );
  if (map.marks.length > 0) figures.heatMap.draw(map);
}

function drawEmpty(now: DashboardData): void {
  const some = periodsIn(now, state.range).some((p) => p.completions > 0);
  empty.hidden = some;
  if (some) return;
  const ever = now.periods.some((p) => p.completions > 0);
  const text = ever
    ? 'Nothing was completed in this time. Choose a longer one above.'
    : now.notes.length === 0
      ? 'Nothing has happened here yet. Put the caret where code is missing and press Ctrl+Alt+S: what fails the check becomes a note, and this page shows whether the note helps.'
      : `There ${now.notes.length === 1 ? 'is one note' : `are ${now.notes.length.toLocaleString('en')} notes`}, and no completion yet that could have used ${now.notes.length === 1 ? 'it' : 'them'}. Press Ctrl+Alt+S where code is missing.`;
  empty.replaceChildren(h('p', {}, text), ...(ever ? [] : [h('button', { class: 'primary', onclick: () => api.postMessage({ type: 'complete' }) }, 'Secure Complete')]));
}

function drawLists(): void {
  if (!data) return;
  // A page that is empty says so once.
  lists.hidden = data.notes.length + data.completions.length === 0;
  const { filter } = state;
  const from = firstDay(data, state.range);
  const completions = data.completions.filter((c) => completionFits(c, filter ?? { label: '', from }));
  const behind = data.notes.filter((n) => !filter || noteFits(n, filter, completions));
  const tab = TABS.find((t) => t.id === state.tab) ?? TABS[0];
  const notes = behind.filter((n) => tab.fits(n));
  const heading = filter?.label ?? 'Notes by worth';
  const tabs = h('div', { class: 'tabs', role: 'group', 'aria-label': 'Which notes' }, TABS.map((t) => {
    const n = behind.filter((note) => t.fits(note)).length;
    return h('button', { 'aria-pressed': t.id === tab.id ? 'true' : 'false', 'data-tab': t.id, onclick: () => {
      keep({ tab: t.id });
      drawLists();
      lists.querySelector<HTMLElement>(`[data-tab="${t.id}"]`)?.focus();
    } }, `${t.name} ${n.toLocaleString('en')}`);
  }));
  const all = h('button', { onclick: () => {
    delete state.filter;
    keep({});
    drawLists();
    announce('All notes and completions');
    document.getElementById('lists-heading')?.focus();
  } }, 'Show all');
  lists.replaceChildren(
    h('div', { class: 'list-head' }, h('h2', { id: 'lists-heading', tabindex: -1 }, heading), ...(filter ? [all] : [])),
    filter ? h('p', { class: 'faint' }, `${count(behind.length, 'note')}, ${count(completions.length, 'completion')}`) : h('p', { class: 'faint' }, 'A note is worth what it prevents: “prevented” means that its rule was asked and did not fire with the note in the prompt, “failed” that it fired all the same. What never helps sinks in the ranking.'),
    tabs,
    notesList(notes, tab.id === 'retire', actions),
    h('h2', {}, 'Completions'),
    completionsList(completions, actions),
  );
  const charts = Object.values(figures).filter((f) => !f.element.hidden && f.isDrawn).length;
  api.postMessage({ type: 'drawn', charts, notes: notes.length, completions: completions.length, list: heading.slice(0, 400) });
}

function draw(): void {
  if (!data) return;
  drawHeader(data);
  drawTiles(data);
  drawEmpty(data);
  drawCharts(data);
  drawLists();
}

main.replaceChildren(header, tiles, empty, grid, lists, h('footer', {}, h('p', { class: 'faint' }, 'Counted on this machine, outside of the repository. There is no code, no task and no file name in it.')), h('div', { id: 'announcements', class: 'hidden', 'aria-live': 'polite' }));
main.classList.add('waiting');

window.addEventListener('message', (event: MessageEvent<ToPage>) => {
  if (event.data?.type !== 'data') return;
  const before = JSON.stringify(data);
  data = event.data.data;
  main.classList.remove('waiting');
  main.setAttribute('aria-busy', 'false');
  // Nothing moves under the reader's eyes when nothing has changed.
  if (JSON.stringify(data) === before) return;
  const { scrollY } = window;
  draw();
  window.scrollTo({ top: scrollY });
});
let timer: number | undefined;
onThemeChange(() => {
  clearTimeout(timer);
  timer = window.setTimeout(() => data && drawCharts(data), 50);
});
api.postMessage({ type: 'ready' });
