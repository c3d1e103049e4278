import { notesByWorth } from '../../core/activity/report.ts';
import { countersOf, type NoteCounters, sumSince } from '../../core/activity/totals.ts';
import { describeWorth, retirementReason, standingOf, worthFactor } from '../../core/activity/worth.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import { type Output, printable } from '../output.ts';
import { type GlobalOptions, withSession } from '../session.ts';
import { wholeNumber } from './complete.ts';
import { noSuchNote, noteDiff } from './notebook-sharing.ts';

function row({ note, file, quarantined }: StoredNote) {
  const { id, kind, title, cwe, language, rule, frequency, origin, model, created, updated, status } = note;
  return { id, kind, title, cwe: cwe ?? null, language, rule: rule ?? null, frequency, origin, model, created, updated, status, quarantined, file };
}

/** `notebook list`: every note, newest first, and the files that could not be read. */
export function list(options: GlobalOptions): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const { notes, setAside } = await app.store.load();
    const rows = notes.map(row).sort((a, b) => b.updated.localeCompare(a.updated));
    const text = rows.length + setAside.length === 0 ? 'The notebook is empty.\n' : [
      ...rows.map((n) => `${n.id}  ${n.cwe ?? n.kind}  ×${n.frequency}${n.status === 'muted' ? '  muted' : ''}${n.quarantined ? '  quarantined' : ''}  ${printable(n.title)}`),
      ...setAside.map((s) => `set aside: ${s.file}: ${printable(s.reason)}`),
      '',
    ].join('\n');
    return { json: { notes: rows, setAside }, text, exitCode: 0 };
  });
}

/** `notebook show ID`: one note, whole. */
export function show(id: string, options: GlobalOptions & { readonly diff?: boolean }): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const stored = await app.store.get(id);
    if (!stored) throw noSuchNote(id);
    if (options.diff) {
      const diff = noteDiff(stored, app.store.approvedText(stored.note));
      return { json: { id, quarantined: stored.quarantined, diff }, text: diff, exitCode: 0 };
    }
    const { note } = stored;
    const counters = countersOf(app.journal.totals(), id);
    const retire = retirementReason(stored, counters);
    const part = (title: string, body: string | undefined) => (body ? `\n## ${title}\n${printable(body)}\n` : '');
    const text = `# ${printable(note.title)}\n${stored.file}\n${note.tasks.map((t, at) => part(note.tasks.length > 1 ? `Task ${at + 1}` : 'Task', t)).join('')}${part('Erroneous code', note.erroneousCode)}${part('Diagnosis', note.diagnosis)}${part('Secure example', note.secureExample)}${part('Guidance', note.guidance)}${part('Worth', [describeWorth(counters) || 'not looked up yet', retire && `proposed for retirement: ${retire}`].filter(Boolean).join('\n'))}${(note.merged ?? []).map((m) => part(`Merged: ${m.task}`, m.erroneousCode || '(its code is not kept)')).join('')}`;
    return { json: { ...note, quarantined: stored.quarantined, file: stored.file, worth: { ...worthJson(counters), ...(retire ? { retire } : {}) } }, text, exitCode: 0 };
  });
}

/** `notebook mute ID`: the note is kept and never used again, until `--undo`. */
export function mute(id: string, options: GlobalOptions & { readonly reason?: string; readonly undo?: boolean }): Promise<Output> {
  return withSession(options, async ({ app }) => {
    if (!(await app.store.get(id))) throw noSuchNote(id);
    const stored = await app.store.modify(id, ({ statusReason: _, ...note }) => ({
      ...note,
      status: options.undo ? 'active' : 'muted',
      updated: new Date().toISOString(),
      ...(options.reason && !options.undo ? { statusReason: options.reason } : {}),
    }));
    return { json: row(stored), text: `${id} is ${stored.note.status}.\n`, exitCode: 0 };
  });
}

export interface SplitOptions extends GlobalOptions {
  readonly task?: readonly string[];
}

/** `notebook split ID [--task N…]`: what a merge brought together is taken apart again. */
export function split(id: string, options: SplitOptions): Promise<Output> {
  const tasks = options.task?.map((n) => wholeNumber('--task', n, 1, 100_000) - 1);
  return withSession(options, async ({ app }) => {
    if (!(await app.store.get(id))) throw noSuchNote(id);
    const { rest, parts } = await app.noteEditing.split(id, tasks);
    const text = `${id} keeps ${rest.note.tasks.length === 1 ? 'one task' : `${rest.note.tasks.length} tasks`} (×${rest.note.frequency}).\n${parts.map((p) => `${p.note.id}  ×${p.note.frequency}  ${printable(p.note.title)}\n`).join('')}`;
    return { json: { note: row(rest), parts: parts.map(row) }, text, exitCode: 0 };
  });
}

function worthJson(counters: NoteCounters) {
  return { ...counters, factor: Math.round(worthFactor(counters) * 1000) / 1000, standing: standingOf(counters) };
}

/** `notebook stats`: counts by kind, CWE, language and model; each note's worth; what was done so far, in all and by day. */
export function stats(options: GlobalOptions): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const { notes, setAside } = await app.store.load();
    const totals = app.journal.totals();
    const count = (key: (n: StoredNote) => string) => Object.fromEntries([...Map.groupBy(notes, key)].map(([name, list]) => [name, list.length] as const).sort((a, b) => b[1] - a[1]));
    const json = {
      notes: notes.length,
      failures: notes.reduce((sum, n) => sum + n.note.frequency, 0),
      muted: notes.filter((n) => n.note.status === 'muted').length,
      quarantined: notes.filter((n) => n.quarantined).length,
      setAside: setAside.length,
      byKind: count((n) => n.note.kind),
      byCwe: count((n) => n.note.cwe ?? 'none'),
      byLanguage: count((n) => n.note.language),
      byModel: count((n) => n.note.model),
      // Notes that were never looked up have nothing to tell.
      worth: notesByWorth(notes, totals)
        .filter(({ counters }) => counters.retrieved + counters.wrong > 0)
        .map(({ stored: { note }, counters, retire }) => ({ id: note.id, title: note.title, cwe: note.cwe ?? null, language: note.language, ...worthJson(counters), ...(retire ? { retire } : {}) })),
      activity: sumSince(totals),
      history: Object.entries(totals.days).sort(([a], [b]) => (a < b ? -1 : 1)).map(([date, sums]) => ({ date, ...sums })),
    };
    const sums = json.activity;
    const text = [
      `${json.notes} notes of ${json.failures} failures (${json.muted} muted, ${json.quarantined} quarantined, ${json.setAside} unreadable)`,
      ...Object.entries(json.byCwe).map(([cwe, n]) => `  ${cwe}: ${n}`),
      `${sums.completions} completions: ${sums.pass} checked, ${sums.fail} failing, ${sums.unavailable} not checked; ${sums.accepted} accepted; ${sums.promptTokens} tokens sent, ${sums.completionTokens} received`,
      ...json.worth.map((n) => `  ${n.id}: ${describeWorth(n)}${n.retire ? ` (proposed for retirement: ${n.retire})` : ''}`),
      '',
    ].join('\n');
    return { json, text, exitCode: 0 };
  });
}

/** `notebook check`: are all notes readable, and does the index know them? Brings the index up to date. */
export function check(options: GlobalOptions): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const { notes, setAside } = await app.store.load();
    let index: { status: 'ok' | 'repaired' | 'unavailable'; notes: number; reason?: string };
    try {
      const before = await app.index.known();
      await app.notebook.indexer?.sync(notes);
      await app.notebook.indexer?.idle();
      await app.learner.mergePending();
      const after = await app.index.known();
      const same = before.size === after.size && [...after].every(([id, hash]) => before.get(id) === hash);
      index = { status: same ? 'ok' : 'repaired', notes: after.size };
    } catch (error) {
      index = { status: 'unavailable', notes: 0, reason: (error as Error).message };
    }
    const json = { notes: notes.length, quarantined: notes.filter((n) => n.quarantined).length, setAside, index };
    const text = `${notes.length} notes are readable, ${setAside.length} ${setAside.length === 1 ? 'file is' : 'files are'} not.\n${setAside.map((s) => `  ${s.file}: ${printable(s.reason)}\n`).join('')}index: ${index.status}${index.reason ? ` (${index.reason})` : `, ${index.notes} notes`}\n`;
    return { json, text, exitCode: setAside.length > 0 ? 1 : 0 };
  });
}
