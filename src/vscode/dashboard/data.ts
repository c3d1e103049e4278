import { notesByWorth, type PastCompletion, pastCompletions } from '../../core/activity/report.ts';
import type { ActivityEvent } from '../../core/activity/event.ts';
import { type ActivityTotals, readCellKey } from '../../core/activity/totals.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import type { CompletionRow, DashboardData } from './protocol.ts';

/** Completions that are listed one by one. */
const COMPLETIONS = 500;

export interface DashboardSource {
  readonly notes: readonly StoredNote[];
  readonly totals: ActivityTotals;
  readonly events: readonly ActivityEvent[];
  readonly titleOf: (cwe: string) => string;
  readonly now: Date;
}

/** Everything that the page shows of one notebook. */
export function dashboardData(source: DashboardSource): Omit<DashboardData, 'folders' | 'folder'> {
  const titles: Record<string, string> = {};
  const named = (cwe: string | undefined) => {
    if (cwe === undefined) return {};
    titles[cwe] ??= source.titleOf(cwe);
    return { cwe };
  };
  const byId = new Map(source.notes.map((n) => [n.note.id, n.note.title]));
  return {
    today: source.now.toISOString().slice(0, 10),
    notes: notesByWorth(source.notes, source.totals).map(({ stored, counters, standing, retire }) => {
      const { id, title, kind, cwe, language, frequency, status } = stored.note;
      return { id, title, kind, ...named(cwe), language, frequency, state: stored.quarantined ? 'quarantined' : status, standing, counters, ...(retire ? { retire } : {}) };
    }),
    periods: Object.entries(source.totals.days)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([date, d]) => ({
        date, completions: d.completions, accepted: d.accepted, pass: d.pass, fail: d.fail, unavailable: d.unavailable, sent: d.promptTokens, received: d.completionTokens, modelMs: d.modelMs, checkMs: d.checkMs,
        cells: Object.entries(d.cells).map(([key, cell]) => {
          const { cwe, language } = readCellKey(key);
          return { ...named(cwe), language, ...cell };
        }),
      })),
    completions: pastCompletions(source.events).slice(0, COMPLETIONS).map((past) => completionRow(past, byId, named)),
    titles,
  };
}

function completionRow({ event, accepted, tested }: PastCompletion, titles: ReadonlyMap<string, string>, named: (cwe: string | undefined) => { cwe?: string }): CompletionRow {
  const shown = event.attempts[event.shown];
  const found = new Map<string, CompletionRow['found'][number]>();
  for (const attempt of event.attempts) {
    for (const { rule, cwe } of attempt.findings) {
      found.set(rule, { rule, ...named(cwe[0]), shown: shown?.findings.some((f) => f.rule === rule) ?? false });
    }
  }
  const title = (id: string) => {
    const known = titles.get(id);
    return known === undefined ? {} : { title: known };
  };
  return {
    at: event.at,
    language: event.language,
    model: event.model,
    mode: event.mode,
    verdict: shown?.security ?? 'unavailable',
    tests: tested ?? shown?.function ?? 'unavailable',
    attempts: event.attempts.length,
    ...(accepted ? { accepted } : {}),
    found: [...found.values()],
    notes: event.notes.map(({ id, shown: used, result }) => ({ id, ...title(id), shown: used, ...(result ? { result } : {}) })),
    knowledge: event.knowledge.map(({ cwe, sample, shown: used }) => ({ cwe, ...(sample ? { sample } : {}), shown: used })),
    checks: event.analyzers.map(({ name, ran, ms, findings }) => ({ name, ran, ms, findings })),
    learned: event.learned.map(({ id, action }) => ({ id, action })),
    tokens: event.tokens,
    ms: { total: event.timings.totalMs, model: event.timings.generateMs, checks: event.timings.verifyMs, retrieval: event.timings.retrieveMs },
  };
}
