import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExpectedError } from '../../core/errors.ts';
import { isSupported } from '../../core/language.ts';
import type { LanguageModel } from '../../core/llm/model.ts';
import { heatMap, heatMapChart, type HeatMap, reportHtml, reportMarkdown } from '../../core/notebook/build-report.ts';
import { type BuildEstimate, type BuildReport, type BuildRun, type BuildTask, OfflineBuild } from '../../core/notebook/offline-build.ts';
import type { App } from '../app.ts';
import { Charts } from '../charts/charts.ts';
import { replaceFile } from '../notes/atomic-file.ts';
import { writeError } from '../notes/file-errors.ts';
import { FolderLock } from '../notes/folder-lock.ts';
import { FileBuildJournal } from './build-journal.ts';

export interface BuildChoice {
  /** Only tasks of these CWEs and languages. */
  readonly cwes?: readonly string[];
  readonly languages?: readonly string[];
  /** At most so many tasks, spread over weaknesses and languages. */
  readonly limit?: number;
}

export interface BuildOutcome extends BuildReport {
  readonly map: HeatMap;
  /** Absolute paths of the report. */
  readonly markdown: string;
  readonly html: string;
}

/** One offline construction of a workspace's notebook for one model: what it would do, and doing it. */
export class NotebookBuild {
  readonly tasks: readonly BuildTask[];
  readonly model: LanguageModel;
  private readonly app: App;
  private readonly journal: FileBuildJournal;
  private readonly build: OfflineBuild;

  private constructor(app: App, model: LanguageModel, tasks: readonly BuildTask[], journal: FileBuildJournal) {
    this.app = app;
    this.model = model;
    this.tasks = tasks;
    this.journal = journal;
    this.build = new OfflineBuild({
      attempt: (request, with_, signal) => app.engine.attempt(request, with_, signal),
      preview: (request, signal) => app.engine.preview(request, { signal }),
      learner: app.learner,
      knowledge: () => app.knowledge(),
      journal,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    });
  }

  /** Throws `ExpectedError` `nothing-to-build` when no task fits the choice. */
  static async prepare(app: App, model: LanguageModel, choice: BuildChoice): Promise<NotebookBuild> {
    const library = await app.assets.knowledge();
    const all = new Map([...app.shelf.usable().samples, ...library.samples].map((s) => [s.id, s]));
    const fits = [...all.values()].filter((s) => s.description && isSupported(s.language) && (!choice.cwes?.length || choice.cwes.includes(s.cwe)) && (!choice.languages?.length || choice.languages.includes(s.language)));
    const chosen = spread(fits.map((sample) => ({ sample, key: `${sample.id}#${hash(sample.description)}` })), choice.limit ?? Number.POSITIVE_INFINITY);
    if (chosen.length === 0) throw new ExpectedError('nothing-to-build', 'No task of the knowledge base fits this choice.', 'Choose other weaknesses or languages; "knowledge list --all" shows what there is.');
    return new NotebookBuild(app, model, chosen, new FileBuildJournal(app.userFolders.build(app.workspaceFolder, `${model.origin} ${model.name}`)));
  }

  estimate(signal: AbortSignal): Promise<BuildEstimate> {
    return this.build.estimate(this.tasks, signal);
  }

  /** Forgets what earlier builds of this model did here. */
  restart(): void {
    this.journal.clear();
  }

  /** Does what is left and writes the report. One build of a model at a time, over all windows. */
  async run(run: BuildRun): Promise<BuildOutcome> {
    await mkdir(path.dirname(this.journal.file), { recursive: true, mode: 0o700 });
    const lock = new FolderLock({ folder: `${this.journal.file}.lock`, what: 'This build' });
    try {
      return await lock.run(async () => {
        const report = await this.build.run(this.tasks, this.model, run);
        await this.app.index.flush();
        return { ...report, ...(await this.report(report)) };
      });
    } finally {
      this.journal.close();
    }
  }

  private async report(report: BuildReport): Promise<{ map: HeatMap; markdown: string; html: string }> {
    const knowledge = await this.app.knowledge();
    const map = heatMap(report.results, (cwe) => knowledge.guideline(cwe)?.title ?? '');
    const head = { model: this.model.name, when: new Date().toISOString(), analyzers: this.app.verifier.analyzerNames.join(' and ') };
    const stem = path.join(path.dirname(this.journal.file), `${path.basename(this.journal.file, '.jsonl')}-report`);
    const figure = map.rows.length > 0 ? new Charts(this.app.assets.root).heatMapFigure(heatMapChart(map)) : '';
    try {
      for (const [extension, text] of [['md', reportMarkdown(report, map, head)], ['html', reportHtml(report, map, head, figure)]] as const) {
        await replaceFile(`${stem}.${extension}`, text, { temporary: `${stem}.${randomBytes(6).toString('hex')}.tmp` });
      }
    } catch (error) {
      throw writeError(error, 'The report');
    }
    return { map, markdown: `${stem}.md`, html: `${stem}.html` };
  }
}

/** At most `limit` tasks, one of each weakness and language before a second of any; the same ones each time. */
function spread(tasks: readonly BuildTask[], limit: number): BuildTask[] {
  const groups = [...Map.groupBy(tasks.toSorted((a, b) => (a.key < b.key ? -1 : 1)), ({ sample }) => `${sample.cwe} ${sample.language}`).values()];
  const chosen: BuildTask[] = [];
  for (let round = 0; chosen.length < Math.min(limit, tasks.length); round++) {
    for (const group of groups) if (group[round] && chosen.length < limit) chosen.push(group[round] as BuildTask);
  }
  return chosen;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
