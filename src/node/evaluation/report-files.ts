import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { FIGURE_STYLE, type HeatMapData } from '../../core/charts/heat-map.ts';
import { type Block, blocksToHtml, blocksToMarkdown, type ReportHead, reportBlocks } from '../../core/evaluation/report.ts';
import type { Lesson } from '../../core/evaluation/results.ts';
import { type Row, summarize, type Summary } from '../../core/evaluation/summary.ts';
import type { Price } from '../../core/notebook/build-estimate.ts';
import { parseNote } from '../../core/notebook/note-markdown.ts';
import { Charts } from '../charts/charts.ts';
import { replaceFile } from '../notes/atomic-file.ts';
import { writeError } from '../notes/file-errors.ts';
import { benchFolder } from './evaluation.ts';
import { NotebookJournal } from './notebook-journal.ts';
import { type RunFile, RunFolder } from './run-folder.ts';

export interface Read {
  readonly run: RunFile;
  readonly summary: Summary;
  readonly notebook: HeatMapData;
  readonly notes: number;
}

/** A run's numbers, from its folder alone. */
export function readRun(folder: string, price?: Price): Read {
  const opened = RunFolder.open(folder);
  const { run } = opened;
  const groups = [...new Set(run.tasks.map((t) => t.group ?? ''))];
  const lessons = new Map<string, Lesson[]>();
  const texts: [string, string][] = [];
  const shown = run.arms.includes('safenote') ? 'safenote' : run.arms.find((arm) => arm.startsWith('safenote'));
  for (const arm of run.arms) {
    const own: Lesson[] = [];
    for (const group of groups) {
      const file = path.join(benchFolder(folder, arm, group), 'journal.jsonl');
      if (!existsSync(file)) continue;
      const journal = new NotebookJournal(file);
      own.push(...journal.lessons);
      if (arm === shown) texts.push(...Object.entries(journal.before()));
    }
    lessons.set(arm, own);
  }
  const results = opened.all().filter((r) => run.arms.includes(r.arm));
  const facts = run.tasks.map(({ cwe, group, ...t }) => ({ ...t, ...(cwe === undefined ? {} : { cwe }), ...(group === undefined ? {} : { group }) }));
  const summary = summarize({ tasks: facts, arms: run.arms, samples: run.samples, results, lessons, ...(price === undefined ? {} : { price }) });
  return { run, summary, ...notebookMap(texts) };
}

/** Paper, figures 9 and 10: where the notebook's notes are. */
function notebookMap(texts: readonly (readonly [string, string])[]): { notebook: HeatMapData; notes: number } {
  const cells = new Map<string, Map<string, number>>();
  const columns = new Set<string>();
  for (const [name, text] of texts) {
    const parsed = parseNote(text, name);
    if (!('note' in parsed) || !parsed.note) continue;
    const { note } = parsed;
    const row = note.kind === 'function' ? 'failed tests' : (note.cwe ?? 'no CWE');
    const counts = cells.get(row) ?? new Map<string, number>();
    cells.set(row, counts);
    columns.add(note.language);
    counts.set(note.language, (counts.get(note.language) ?? 0) + note.frequency);
  }
  const most = Math.max(1, ...[...cells.values()].flatMap((c) => [...c.values()]));
  const names = [...columns].sort();
  const rows = [...cells].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([name, counts]) => ({
    name,
    cells: names.map((language) => {
      const n = counts.get(language);
      return n === undefined ? undefined : { heat: n / most, label: String(n), words: `${n} failures` };
    }),
  }));
  return { notebook: { columns: names, rows }, notes: texts.length };
}

export function headOf(run: RunFile, currency: boolean): ReportHead {
  return {
    suite: run.suite.title, model: run.model.name, origin: run.model.origin, created: run.created, safenote: run.safenote, tasks: run.tasks.length, problems: run.problems, samples: run.samples,
    temperature: run.temperature, teacher: run.teacher, judge: run.words, unseen: run.unseen, settings: run.settings, notebook: run.notebook, currency,
  };
}

/** Writes `report.md`, `report.html` and `report.json` into the run's folder. */
export async function writeReport(folder: string, assetsRoot: string, price?: Price): Promise<{ markdown: string; html: string; json: string; read: Read; text: string }> {
  const read = readRun(folder, price);
  const title = `${read.run.suite.title}: ${read.run.model.name}`;
  const blocks = reportBlocks(headOf(read.run, price !== undefined), read.summary, { cells: read.notebook.rows.length, notes: read.notes });
  const withNotebook = blocks.flatMap((b): Block[] => (b.kind === 'chart' && b.chart === 'notebook' ? [b, notebookTable(read.notebook)] : [b]));
  const charts = new Charts(assetsRoot);
  const bars = (rows: readonly Row[]) => ({
    groups: rows[0]?.values.map((v) => v.title) ?? [],
    series: rows.map((r) => ({ name: r.arm, values: r.values.map((v) => v.value) })),
  });
  const sweep = new Set(read.summary.sweep.map((r) => r.arm));
  const first = read.summary.main.filter((r) => !sweep.has(r.arm));
  const shown = (first.length > 0 ? first : read.summary.main).map((r) => ({ ...r, values: r.values.filter((v) => /@1$|Rate/.test(v.title) || v.metric === 'secureGivenPass@1') }));
  const figures: Record<string, string> = {};
  if (shown[0] && shown[0].values.length > 0) figures['main'] = charts.barsFigure(bars(shown));
  if (read.summary.sweep.length > 1) {
    const ids = read.summary.metrics.filter((m) => ['securePass@1', 'secureRate', 'pass@1'].includes(m.id));
    figures['sweep'] = charts.linesFigure({ xName: 'notes per notebook (k)', xs: read.summary.sweep.map((r) => String(r.k)), series: ids.map((m) => ({ name: m.title, values: read.summary.sweep.map((r) => r.values.find((v) => v.metric === m.id)?.value) })) });
  }
  if (read.notes > 0 && read.notebook.rows.length > 0) figures['notebook'] = charts.heatMapFigure(read.notebook);
  const text = blocksToMarkdown(title, withNotebook);
  const files = [['report.md', text], ['report.html', blocksToHtml(title, withNotebook, { charts: figures, figureStyle: FIGURE_STYLE })], ['report.json', `${JSON.stringify({ run: read.run, summary: read.summary }, null, 2)}\n`]] as const;
  try {
    for (const [name, content] of files) await replaceFile(path.join(folder, name), content, { temporary: path.join(folder, `.${name}.${randomBytes(6).toString('hex')}.tmp`) });
  } catch (error) {
    throw writeError(error, 'The report');
  }
  return { markdown: path.join(folder, 'report.md'), html: path.join(folder, 'report.html'), json: path.join(folder, 'report.json'), read, text };
}

function notebookTable(map: HeatMapData): Block {
  return { kind: 'table', columns: ['', ...map.columns], rows: map.rows.map((r) => [r.name, ...r.cells.map((c) => c?.label ?? '–')]) };
}
