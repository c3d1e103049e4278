import { count } from '../charts.ts';
import type { CompletionRow, NoteRow } from '../protocol.ts';
import { h } from './dom.ts';

/** Rows that are made at once; a notebook may have thousands of notes. */
const PAGE = 100;
const COMPLETIONS_PAGE = 25;

const STANDING: Readonly<Record<NoteRow['standing'], { readonly sign: string; readonly word: string }>> = {
  helps: { sign: '▲', word: 'helps' },
  mixed: { sign: '◆', word: 'mixed' },
  fails: { sign: '▼', word: 'fails' },
  wrong: { sign: '✕', word: 'wrong' },
  untried: { sign: '·', word: 'untried' },
};
const VERDICT: Readonly<Record<CompletionRow['verdict'], { readonly sign: string; readonly word: string }>> = {
  pass: { sign: '✓', word: 'checked' },
  fail: { sign: '✕', word: 'failing, marked' },
  unavailable: { sign: '?', word: 'not checked' },
};

export interface ListActions {
  readonly open: (note: string) => void;
  readonly mute: (note: string) => void;
  readonly wrong: (note: string) => void;
}

/** Notes, the most useful first. `retiring` shows why, and what can be done. */
export function notesList(notes: readonly NoteRow[], retiring: boolean, actions: ListActions): HTMLElement {
  if (notes.length === 0) return h('p', { class: 'faint' }, retiring ? 'No note is proposed for retirement.' : 'No notes here.');
  const numbers = ['Prevented', 'Failed', 'In prompts', 'Found'];
  const body = h('tbody');
  const element = h('div', { class: 'table-scroll' },
    h('table', { class: 'notes' },
      h('caption', { class: 'hidden' }, 'Notes by worth'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Worth'), h('th', { scope: 'col' }, 'Note'), h('th', { scope: 'col', class: 'wide-only' }, 'Weakness'), numbers.map((name) => h('th', { scope: 'col', class: 'number' }, name)), h('th', { scope: 'col', class: 'wide-only' }, 'Last in a prompt'), h('th', { scope: 'col' }, h('span', { class: 'hidden' }, 'Actions')))),
      body));
  const row = (note: NoteRow) => {
    const { sign, word } = STANDING[note.standing];
    const { prevented, failed, shown, retrieved, lastShown } = note.counters;
    const state = note.state === 'muted' ? 'muted' : note.state === 'quarantined' ? 'not approved' : '';
    return h('tr', {},
      h('td', { class: `standing ${note.standing}` }, h('span', { 'aria-hidden': 'true' }, sign), ` ${word}`),
      h('td', { class: 'title' },
        h('button', { class: 'link', title: note.title, onclick: () => actions.open(note.id) }, note.title),
        state !== '' && h('span', { class: 'state' }, ` ${state}`),
        note.retire !== undefined && h('div', { class: 'why' }, `Proposed for retirement: ${note.retire}.`)),
      h('td', { class: 'wide-only weakness' }, [note.cwe, note.language].filter(Boolean).join(' · ')),
      [prevented, failed, shown, retrieved].map((n) => h('td', { class: n === 0 ? 'number zero' : 'number' }, n.toLocaleString('en'))),
      h('td', { class: 'wide-only date' }, lastShown ? day(lastShown) : '–'),
      h('td', { class: 'actions' }, note.retire !== undefined && note.state === 'active' && h('button', { onclick: () => actions.mute(note.id), 'aria-label': `Mute ${note.title}` }, 'Mute…'),
        (note.retire !== undefined || note.standing === 'fails' || note.standing === 'mixed' || note.standing === 'wrong') && h('button', { class: 'quiet', onclick: () => actions.wrong(note.id), 'aria-label': note.standing === 'wrong' ? `Take back that ${note.title} is wrong` : `${note.title} is wrong` }, note.standing === 'wrong' ? 'Right after all' : 'Wrong…')));
  };
  return paged(element, body, notes, PAGE, row, 'note');
}

/** The last completions, each with what shaped it. */
export function completionsList(completions: readonly CompletionRow[], actions: ListActions): HTMLElement {
  if (completions.length === 0) return h('p', { class: 'faint' }, 'None of the completions that are remembered one by one (the last few hundred).');
  const list = h('ul', { class: 'completions' });
  return paged(h('div', {}, list), list, completions, COMPLETIONS_PAGE, (c) => completion(c, actions), 'completion');
}

function completion(c: CompletionRow, actions: ListActions): HTMLElement {
  const { sign, word } = VERDICT[c.verdict];
  const taken = c.accepted === 'whole' ? 'accepted' : c.accepted === 'part' ? 'accepted in part' : 'not accepted';
  const found = c.found.map((f) => `${f.cwe ?? f.rule}${f.shown ? '' : ' (caught)'}`);
  const details = h('details', {},
    h('summary', {},
      h('span', { class: 'date' }, moment(c.at)), ' ', h('span', { class: `verdict ${c.verdict}` }, h('span', { 'aria-hidden': 'true' }, sign), ` ${word}`), ' ',
      h('span', { class: 'faint' }, [c.language, c.attempts > 1 ? `${c.attempts} attempts` : '', taken, found.length > 0 ? `found ${found.join(', ')}` : ''].filter(Boolean).join(' · '))));
  // Hundreds of these stay shut.
  details.addEventListener('toggle', () => details.childElementCount === 1 && details.append(provenance(c, actions)));
  return h('li', {}, details);
}

function provenance(c: CompletionRow, actions: ListActions): HTMLElement {
  const result = { prevented: ': its failure stayed away', failed: ': its failure came all the same' };
  const line = (name: string, ...content: readonly (Node | string)[]) => [h('dt', {}, name), h('dd', {}, content.length > 0 ? content : ['none'])];
  const noteEntries = c.notes.map((n) =>
    h('div', {}, n.title === undefined ? `${n.id} (deleted)` : h('button', { class: 'link', onclick: () => actions.open(n.id) }, n.title), n.shown ? ` in the prompt${n.result ? result[n.result] : ', not judged'}` : ' found, not in the prompt'));
  return h('dl', { class: 'provenance' },
    line('Model', `${c.model}, mode ${c.mode}`),
    line('Notes', ...noteEntries),
    line('Knowledge', ...c.knowledge.map((k) => h('div', {}, `${k.cwe}${k.sample ? ` (${k.sample})` : ''}${k.shown ? ' in the prompt' : ' found, not in the prompt'}`))),
    line('Checks', ...c.checks.map((k) => h('div', {}, k.ran ? `${k.name}: ${count(k.findings, 'finding')} in the file, ${k.ms.toLocaleString('en')} ms` : `${k.name}: did not run`))),
    line('Found', ...c.found.map((f) => h('div', {}, `${[f.cwe, f.rule].filter(Boolean).join(' ')}: ${f.shown ? 'in what was shown, marked' : 'in an earlier attempt, not in what was shown'}`))),
    line('Tests', c.tests === 'unavailable' ? 'not run' : c.tests),
    line('Notes written', ...c.learned.map((l) => h('div', {}, h('button', { class: 'link', onclick: () => actions.open(l.id) }, l.id), ` ${l.action}`))),
    line('Cost', `${count(c.tokens.prompt, 'token')} sent, ${c.tokens.completion.toLocaleString('en')} received; ${c.ms.total.toLocaleString('en')} ms (retrieval ${c.ms.retrieval}, model ${c.ms.model}, checks ${c.ms.checks})`));
}

/** Adds rows page by page. */
function paged<T>(element: HTMLElement, body: HTMLElement, items: readonly T[], page: number, row: (item: T) => HTMLElement, what: string): HTMLElement {
  let shown = 0;
  const more = h('button', { class: 'more', onclick: () => add(true) });
  const add = (byUser: boolean) => {
    const rows = items.slice(shown, shown + page).map(row);
    body.append(...rows);
    shown += rows.length;
    more.textContent = `Show ${Math.min(page, items.length - shown)} more of ${count(items.length, what)}`;
    more.hidden = shown >= items.length;
    // The focus goes on with the first new row instead of getting lost with the button.
    if (byUser) rows[0]?.querySelector<HTMLElement>('button, summary')?.focus();
  };
  add(false);
  element.append(more);
  return element;
}

function day(at: string): string {
  return new Date(at).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

function moment(at: string): string {
  return new Date(at).toLocaleString('en', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hour12: false });
}
