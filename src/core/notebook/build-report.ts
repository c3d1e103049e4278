import { FIGURE_STYLE, type HeatMapData } from '../charts/heat-map.ts';
import { type BuildReport, summaryOf, type TaskResult, whyStopped } from './offline-build.ts';

/** How often a model failed at the tasks of one weakness in one language. */
export interface Cell {
  readonly tasks: number;
  readonly failed: number;
}

export interface HeatMap {
  readonly languages: readonly string[];
  readonly rows: readonly { readonly cwe: string; readonly title: string; readonly cells: readonly (Cell | undefined)[]; readonly all: Cell }[];
}

/** Results by CWE and language, the weakness that failed most first. Tasks that could not be judged are left out. */
export function heatMap(results: readonly TaskResult[], titleOf: (cwe: string) => string): HeatMap {
  const judged = results.filter((r) => r.status === 'pass' || r.status === 'fail');
  const languages = [...new Set(judged.map((r) => r.language))].sort();
  const cell = (list: readonly TaskResult[]): Cell => ({ tasks: list.length, failed: list.filter((r) => r.status === 'fail').length });
  const rows = [...Map.groupBy(judged, (r) => r.cwe)].map(([cwe, list]) => ({
    cwe,
    title: titleOf(cwe),
    cells: languages.map((language) => {
      const own = list.filter((r) => r.language === language);
      return own.length > 0 ? cell(own) : undefined;
    }),
    all: cell(list),
  }));
  return { languages, rows: rows.sort((a, b) => b.all.failed - a.all.failed || b.all.tasks - a.all.tasks || Number(a.cwe.slice(4)) - Number(b.cwe.slice(4))) };
}

/** The map as a chart draws it, with a column for all languages together where there are several. */
export function heatMapChart(map: HeatMap): HeatMapData {
  const several = map.languages.length > 1;
  const cell = (c: Cell | undefined) => c && { heat: c.failed / c.tasks, label: `${c.failed}/${c.tasks}`, words: `${c.failed} of ${c.tasks} failed` };
  return {
    columns: [...map.languages, ...(several ? ['all'] : [])],
    rows: map.rows.map((row) => ({ name: `${row.cwe} ${row.title}`.trim(), cells: [...row.cells, ...(several ? [row.all] : [])].map(cell) })),
  };
}

export interface ReportHead {
  readonly model: string;
  /** ISO 8601, UTC. */
  readonly when: string;
  readonly analyzers: string;
}

/** The report of a build as Markdown. */
export function reportMarkdown(report: BuildReport, map: HeatMap, head: ReportHead): string {
  const text = (value: string) => value.replace(/[\\|`*_<>[\]]/g, '\\$&').replace(/\s+/g, ' ');
  const cell = (c: Cell | undefined) => (c ? `${c.failed}/${c.tasks}` : '');
  return [
    `# Offline construction: ${text(head.model)}`,
    `${head.when.slice(0, 16).replace('T', ' ')} UTC. ${summaryOf(report.results)}. Checked by ${text(head.analyzers)}.`,
    `This run: ${report.requests} requests, ${report.tokens.prompt} prompt and ${report.tokens.completion} completion tokens.`,
    ...(report.stopped ? [`**Not finished:** ${text(whyStopped(report.stopped))}`] : []),
    'Failed of tried, by the weakness that a task invites and by language:',
    [
      `| Weakness | ${[...map.languages, 'all'].join(' | ')} |`,
      `| --- |${' ---: |'.repeat(map.languages.length + 1)}`,
      ...map.rows.map((row) => `| ${row.cwe} ${text(row.title)} | ${[...row.cells.map(cell), cell(row.all)].join(' | ')} |`),
    ].join('\n'),
    ...unjudged(report.results).map((line) => `- ${text(line)}`),
    '',
  ].join('\n\n');
}

/**
 * The same as a page by itself. `figure` is the heat map as a picture (`Charts.heatMapFigure`); the table below it holds the
 * same numbers, for those who cannot see it and for copying.
 */
export function reportHtml(report: BuildReport, map: HeatMap, head: ReportHead, figure: string): string {
  const text = (value: string) => value.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const cell = (c: Cell | undefined) => `<td>${c ? `${c.failed}/${c.tasks}` : ''}</td>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Offline construction: ${text(head.model)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
table { border-collapse: collapse; margin-top: .5rem; }
th, td { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .2rem .6rem; text-align: right; font-variant-numeric: tabular-nums; }
th[scope=row] { text-align: left; font-weight: normal; }
${FIGURE_STYLE}
</style></head><body>
<h1>Offline construction: ${text(head.model)}</h1>
<p>${head.when.slice(0, 16).replace('T', ' ')} UTC. ${text(summaryOf(report.results))}. Checked by ${text(head.analyzers)}.</p>
<p>This run: ${report.requests} requests, ${report.tokens.prompt} prompt and ${report.tokens.completion} completion tokens.</p>
${report.stopped ? `<p><strong>Not finished:</strong> ${text(whyStopped(report.stopped))}</p>` : ''}
<h2>Failed of tried, by the weakness that a task invites and by language</h2>
${map.rows.length > 0 ? figure : '<p>No task was judged.</p>'}
<details><summary>The numbers as a table</summary>
<table>
<thead><tr><th scope="col">Weakness</th>${map.languages.map((l) => `<th scope="col">${text(l)}</th>`).join('')}<th scope="col">all</th></tr></thead>
<tbody>
${map.rows.map((row) => `<tr><th scope="row">${row.cwe} ${text(row.title)}</th>${[...row.cells, row.all].map(cell).join('')}</tr>`).join('\n')}
</tbody></table></details>
${unjudged(report.results).map((line) => `<p>${text(line)}</p>`).join('\n')}
</body></html>
`;
}

function unjudged(results: readonly TaskResult[]): string[] {
  return results.filter((r) => r.status === 'unavailable' || r.status === 'error').map((r) => `${r.key.split(' ')[0] ?? ''}: ${r.status === 'error' ? 'no usable answer' : 'not judged'}${r.reason ? ` (${r.reason})` : ''}`);
}
