import type { Interval } from './bootstrap.ts';
import type { Row, Summary } from './summary.ts';

/** What a report says about its run. */
export interface ReportHead {
  readonly suite: string;
  readonly model: string;
  readonly origin: string;
  readonly created: string;
  readonly safenote: string;
  readonly tasks: number;
  readonly problems: readonly { readonly id: string; readonly reason: string }[];
  readonly samples: number;
  readonly temperature: number;
  readonly teacher: string;
  readonly judge: { readonly function: string; readonly security: string; readonly caveat?: string | undefined };
  readonly unseen: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly notebook?: string | undefined;
  readonly currency: boolean;
}

/** A report's parts, which Markdown and HTML write each in its way. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[]; readonly bold?: readonly (readonly [number, number])[] }
  /** A picture; the table beside it says the same. */
  | { readonly kind: 'chart'; readonly chart: 'main' | 'sweep' | 'notebook' };

export function percent(value: Interval | undefined): string {
  return value ? `${(value.mean * 100).toFixed(1)} (${(value.low * 100).toFixed(0)}–${(value.high * 100).toFixed(0)})` : '–';
}

function points(value: Interval): string {
  const sign = (n: number) => `${n >= 0 ? '+' : '−'}${Math.abs(n * 100).toFixed(1)}`;
  return `${sign(value.mean)} (${sign(value.low)} to ${sign(value.high)})`;
}

function metricTable(rows: readonly Row[]): Block[] {
  const columns = rows[0]?.values.map((v) => v.title) ?? [];
  if (columns.length === 0) return [{ kind: 'text', text: 'Nothing could be judged.' }];
  const bold: [number, number][] = columns.flatMap((_, c) => {
    const best = Math.max(...rows.map((r) => r.values[c]?.value?.mean ?? -1));
    const winners = rows.flatMap((r, i) => (r.values[c]?.value?.mean === best ? [[i, c + 1] as [number, number]] : []));
    // Where all are equal there is no best.
    return winners.length < rows.length ? winners : [];
  });
  return [{ kind: 'table', columns: ['', ...columns], rows: rows.map((r) => [r.arm, ...r.values.map((v) => percent(v.value))]), bold }];
}

/** Everything a report says, in order. */
export function reportBlocks(head: ReportHead, s: Summary, notebook: { readonly cells: number; readonly notes: number }): Block[] {
  const blocks: Block[] = [];
  // Arms of a sweep have a section of their own; everywhere else they would bury the others.
  const inSweep = new Set(s.sweep.map((r) => r.arm));
  const shown = <T extends { readonly arm: string }>(rows: readonly T[]): readonly T[] => {
    const others = rows.filter((r) => !inSweep.has(r.arm));
    return others.length > 0 ? others : rows;
  };
  const differences = s.differences.filter((d) => !inSweep.has(d.from) && !inSweep.has(d.to));
  const heading = (text: string) => blocks.push({ kind: 'heading', text });
  const text = (t: string) => blocks.push({ kind: 'text', text: t });
  const list = (items: readonly string[]) => items.length > 0 && blocks.push({ kind: 'list', items });
  const table = (columns: readonly string[], rows: readonly (readonly string[])[]) => blocks.push({ kind: 'table', columns, rows });

  list([
    `Model: ${head.model} at ${head.origin}, temperature ${head.temperature}, ${head.samples} ${head.samples === 1 ? 'sample' : 'samples'} a task`,
    `Suite: ${head.suite}, ${head.tasks} tasks${head.problems.length > 0 ? `; ${head.problems.length} could not be read and are left out` : ''}`,
    `Function is judged by ${head.judge.function}.`,
    `Security is judged by ${head.judge.security}.`,
    `Notes are written from what this says: ${head.teacher}. The judge is independent of it: it never writes a note, and its word never reaches a prompt.`,
    ...(head.judge.caveat ? [head.judge.caveat] : []),
    ...(head.unseen.length > 0 ? [`Unseen weaknesses (taken out of the knowledge base): ${head.unseen.join(', ')}`] : []),
    ...(head.notebook ? [`The run began with the notebook of ${head.notebook}.`] : ['The run began with an empty notebook; notes were learned on earlier tasks of the declared order, never on the task being judged.']),
    ...(Object.keys(head.settings).length > 0 ? [`Settings: ${JSON.stringify(head.settings)}`] : []),
    `SafeNote ${head.safenote}, run of ${head.created.slice(0, 16).replace('T', ' ')} UTC`,
  ]);
  text('Numbers are percentages: the mean over tasks and, in brackets, the 95 % interval of a bootstrap over tasks (seeded). An answer that gives no program fails in every column; what the judge could not judge is left out and counted below.');

  heading('Main table');
  blocks.push(...metricTable(shown(s.main)));
  blocks.push({ kind: 'chart', chart: 'main' });
  if (differences.length > 0) {
    heading('Differences between modes');
    text('Paired over the tasks that both have judged, in percentage points. Where the interval contains zero, the run does not tell the two apart.');
    table(['from', 'to', 'measure', 'difference', 'tasks', 'told apart'], differences.map((d) => [d.from, d.to, d.title, points(d.value), String(d.value.tasks), d.clear ? 'yes' : 'no']));
  }
  if (s.firstAnswers.some((r, i) => JSON.stringify(r.values) !== JSON.stringify(s.main[i]?.values))) {
    heading('First answers');
    text("Before SafeNote's own retry: what prompts and notes do by themselves, and what compares with the paper, which has no retry.");
    blocks.push(...metricTable(shown(s.firstAnswers)));
  }
  if (s.repeat.length > 0) {
    heading('Repeated mistakes');
    text('The first task of a family meets a notebook that knows nothing of it. Where a model failed there, how often does it fail in the later tasks of the family?');
    table(['', 'first tasks failing', 'families with a mistake', 'repeated, first answer', 'repeated, as shown'], s.repeat.map((r) => [r.arm, percent(r.firstTask), String(r.families), percent(r.firstAnswer), percent(r.shown)]));
  }
  if (s.unseen.length > 0) {
    heading('Seen and unseen weaknesses');
    text('Seen: the knowledge base has the CWE.');
    blocks.push(...metricTable(shown(s.seen)));
    text('Unseen: it was taken out.');
    blocks.push(...metricTable(shown(s.unseen)));
  }
  if (s.ablation.length > 1) {
    heading('Ablation of the notebooks');
    blocks.push(...metricTable(s.ablation));
  }
  if (s.sweep.length > 1) {
    heading('Notes in the prompt (k)');
    blocks.push(...metricTable(s.sweep), { kind: 'chart', chart: 'sweep' });
  }
  const single = s.metrics.find((m) => m.id === 'securePass@1') ?? s.metrics[0];
  for (const [title, groups] of [['By weakness', s.byCwe], ['By language', s.byLanguage]] as const) {
    if (groups.length < 2 || !single) continue;
    heading(`${title}: ${single.title}`);
    table(['', 'tasks', ...shown(s.main).map((r) => r.arm)], groups.map((g) => [g.name, String(g.tasks), ...shown(g.rows).map((r) => percent(r.values.find((v) => v.metric === single.id)?.value))]));
  }
  if (notebook.notes > 0) {
    heading('The notebook');
    text(`${notebook.notes} notes at the end of the run, by weakness and language.`);
    blocks.push({ kind: 'chart', chart: 'notebook' });
  }
  if (s.hits.some((h) => h.knowledge + h.securityNotes + h.functionNotes > 0)) {
    heading('What was retrieved');
    table(['', 'prompts with knowledge', 'of the task\'s CWE', 'with security notes', 'of the task\'s CWE', 'with function notes'], s.hits.map((h) => [h.arm, share(h.knowledge, h.samples), share(h.knowledgeRight, h.withCwe), share(h.securityNotes, h.samples), share(h.securityRight, h.withCwe), share(h.functionNotes, h.samples)]));
  }
  heading('Cost of a task');
  text('Per sample, with drafts, retries and the writing of notes; recorded answers count like new ones. Generation takes no time in a replay.');
  table(['', 'requests', 'prompt tokens', 'completion tokens', 'retrieving', 'generating', 'checking', ...(head.currency ? ['money'] : [])], s.cost.map((c) => [c.arm, c.requests.toFixed(2), c.prompt.toFixed(0), c.completion.toFixed(0), ms(c.retrieveMs), ms(c.generateMs), ms(c.verifyMs), ...(head.currency ? [(c.money ?? 0).toPrecision(3)] : [])]));
  const purposes = [...new Set(s.cost.flatMap((c) => Object.keys(c.byPurpose)))];
  if (purposes.length > 1) table(['tokens by purpose', ...purposes], s.cost.map((c) => [c.arm, ...purposes.map((p) => { const part = c.byPurpose[p]; return part ? `${part.requests} requests, ${part.prompt + part.completion}` : '–'; })]));
  if (s.agreement.length > 0) {
    heading("SafeNote's own check beside the judge");
    text('The check that shows verdicts and writes notes, compared with the judge. It is no part of the results above. "Missed": it passes what the judge fails.');
    table(['', 'what', 'both pass', 'both fail', 'missed', 'false alarm', 'one has no verdict'], s.agreement.map((a) => [a.arm, a.facet, String(a.bothPass), String(a.bothFail), String(a.missed), String(a.falseAlarm), String(a.unknown)]));
  }
  heading('What was judged');
  table(['', 'judged', 'no program', 'no answer', 'not run yet', 'function unknown', 'security unknown'], s.counts.map((c) => [c.arm, String(c.judged), String(c.noProgram), String(c.errors), String(c.open), String(c.functionUnknown), String(c.securityUnknown)]));
  if (s.reasons.length > 0) {
    text('Why a sample has no program or no verdict, with the number of samples:');
    list(s.reasons.map((r) => `${r.samples} × ${r.reason}`));
  }
  if (head.problems.length > 0) {
    text('Tasks that could not be read:');
    list(head.problems.slice(0, 40).map((p) => `${p.id}: ${p.reason}`));
  }
  return blocks;
}

/** Cells that stand right-aligned below each other. */
const NUMBER = /^[−+–\d]/;

function share(n: number, of: number): string {
  return of === 0 ? '–' : `${n} of ${of}`;
}

function ms(n: number): string {
  return n >= 1000 ? `${(n / 1000).toFixed(1)} s` : `${n.toFixed(0)} ms`;
}

export function blocksToMarkdown(title: string, blocks: readonly Block[]): string {
  const cell = (t: string) => t.replace(/\|/g, '\\|').replace(/\s+/g, ' ');
  const parts = blocks.map((b) => {
    switch (b.kind) {
      case 'heading':
        return `## ${b.text}`;
      case 'text':
        return b.text;
      case 'list':
        return b.items.map((i) => `- ${i.replace(/\s+/g, ' ')}`).join('\n');
      case 'table':
        return [`| ${b.columns.map(cell).join(' | ')} |`, `|${b.columns.map(() => ' --- ').join('|')}|`, ...b.rows.map((r, i) => `| ${r.map((c, j) => (isBold(b.bold, i, j) ? `**${cell(c)}**` : cell(c))).join(' | ')} |`)].join('\n');
      case 'chart':
        return '';
    }
  });
  return `# ${title}\n\n${parts.filter(Boolean).join('\n\n')}\n`;
}

function isBold(bold: readonly (readonly [number, number])[] | undefined, row: number, column: number): boolean {
  return bold?.some(([r, c]) => r === row && c === column) ?? false;
}

/** One page without a script. `charts` has a figure for each chart block. */
export function blocksToHtml(title: string, blocks: readonly Block[], o: { readonly charts: Readonly<Record<string, string>>; readonly figureStyle: string }): string {
  const parts = blocks.map((b) => {
    switch (b.kind) {
      case 'heading':
        return `<h2>${escape(b.text)}</h2>`;
      case 'text':
        return `<p>${escape(b.text)}</p>`;
      case 'list':
        return `<ul>${b.items.map((i) => `<li>${escape(i)}</li>`).join('')}</ul>`;
      case 'table':
        return `<div class="wide"><table><thead><tr>${b.columns.map((c, j) => `<th scope="col"${j > 0 && b.rows.every((r) => NUMBER.test(r[j] ?? '')) ? ' class="number"' : ''}>${escape(c)}</th>`).join('')}</tr></thead><tbody>${b.rows
          .map((r, i) => `<tr>${r.map((c, j) => (j === 0 ? `<th scope="row">${escape(c)}</th>` : `<td${NUMBER.test(c) ? ' class="number"' : ''}>${isBold(b.bold, i, j) ? `<strong>${escape(c)}</strong>` : escape(c)}</td>`)).join('')}</tr>`)
          .join('')}</tbody></table></div>`;
      case 'chart':
        return o.charts[b.chart] ?? '';
    }
  });
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escape(title)}</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --faint: #59636e; --line: #d1d9e0; --back: #ffffff; --head: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --faint: #9198a1; --line: #3d444d; --back: #0d1117; --head: #151b23; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
p, li { max-width: 60rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
thead th { background: var(--head); color: var(--faint); font-weight: 600; }
tbody th { font-weight: 600; }
td.number, th.number { text-align: right; }
.chart { margin: 1rem 0; }
${o.figureStyle}
</style></head><body>
<h1>${escape(title)}</h1>
${parts.filter(Boolean).join('\n')}
</body></html>
`;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
