import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import * as z from 'zod';
import { ExpectedError } from '../../core/errors.ts';
import type { RunLog } from '../../core/evaluation/experiment.ts';
import type { SampleResult } from '../../core/evaluation/results.ts';
import { replaceFile } from '../notes/atomic-file.ts';
import { AnswerFile } from './answer-file.ts';
import { LineFile } from './line-file.ts';

const Said = z.object({ status: z.enum(['pass', 'fail', 'unavailable']), reason: z.string().optional() });
const Judgement = z.object({ function: Said, security: Said });
const Tokens = z.object({ prompt: z.number(), completion: z.number() });
const Usage = z.object({ requests: z.number(), tokens: Tokens, byPurpose: z.record(z.string(), Tokens.extend({ requests: z.number() })) });
const ToolSaid = z.object({ security: Said.shape.status, function: Said.shape.status, found: z.array(z.string()) });
export const ResultSchema = z.object({
  arm: z.string(), task: z.string(), sample: z.number(), status: z.enum(['judged', 'no-program', 'error']), reason: z.string().optional(),
  shown: Judgement, first: Judgement, attempts: z.number(), tool: z.object({ first: ToolSaid, shown: ToolSaid }).optional(),
  hits: z.object({ knowledge: z.array(z.string()), securityNotes: z.array(z.object({ id: z.string(), cwe: z.string() })), functionNotes: z.array(z.string()) }),
  usage: Usage, ms: z.object({ retrieve: z.number(), generate: z.number(), verify: z.number() }),
});

/** What a run is: enough to read its results, and to see whether another run may go on with it. */
export const RunFile = z.object({
  version: z.literal(1),
  safenote: z.string(),
  created: z.string(),
  suite: z.object({ name: z.string(), title: z.string(), data: z.string() }),
  words: z.object({ function: z.string(), security: z.string(), caveat: z.string().optional() }),
  teacher: z.string(),
  model: z.object({ name: z.string(), origin: z.string() }),
  arms: z.array(z.string()),
  /** In the declared order. */
  tasks: z.array(z.object({ id: z.string(), cwe: z.string().optional(), language: z.string(), group: z.string().optional(), seen: z.boolean() })),
  problems: z.array(z.object({ id: z.string(), reason: z.string() })),
  samples: z.number(),
  temperature: z.number(),
  maxTokens: z.number(),
  unseen: z.array(z.string()),
  settings: z.record(z.string(), z.unknown()),
  /** Where the notebook came from that the run began with. */
  notebook: z.string().optional(),
});
export type RunFile = z.infer<typeof RunFile>;

/** A run's folder: `run.json`, `answers.jsonl`, `results.jsonl`, `programs/`, `notebooks/`, and the report. */
export class RunFolder implements RunLog {
  readonly folder: string;
  readonly run: RunFile;
  readonly answers: AnswerFile;
  private readonly results = new Map<string, SampleResult>();
  private readonly lines: LineFile;

  private constructor(folder: string, run: RunFile) {
    this.folder = folder;
    this.run = run;
    this.answers = new AnswerFile(path.join(folder, 'answers.jsonl'));
    this.lines = new LineFile(path.join(folder, 'results.jsonl'), 'A result');
    for (const value of this.lines.read()) {
      const parsed = ResultSchema.safeParse(value);
      if (parsed.success) this.take(parsed.data as SampleResult);
    }
  }

  /** Begins a run, or goes on with one (`resume`). Throws `ExpectedError` where the folder has another run. */
  static async begin(folder: string, run: RunFile, how: { resume: boolean }): Promise<RunFolder> {
    const file = path.join(folder, 'run.json');
    if (existsSync(file)) {
      if (!how.resume) throw new ExpectedError('run-exists', `${folder} has a run already.`, 'Go on with it with --resume, rerun it with --replay, or name another folder with --out.');
      const known = RunFolder.read(folder);
      // Read back like the other, so that only what differs differs.
      const wanted = RunFile.parse(JSON.parse(JSON.stringify(run)));
      const different = (Object.keys(run) as (keyof RunFile)[]).filter((key) => !['created', 'safenote', 'arms', 'suite', 'problems'].includes(key) && JSON.stringify(known[key]) !== JSON.stringify(wanted[key]));
      if (different.length > 0) throw new ExpectedError('run-differs', `The run in ${folder} was made with other options: ${different.join(', ')}.`, 'Repeat the options of that run, or name another folder with --out.');
      await RunFolder.write(folder, { ...run, arms: [...new Set([...known.arms, ...run.arms])], created: known.created });
      return new RunFolder(folder, RunFolder.read(folder));
    }
    await RunFolder.write(folder, run);
    return new RunFolder(folder, run);
  }

  /** Opens a run to read it. */
  static open(folder: string): RunFolder {
    return new RunFolder(folder, RunFolder.read(folder));
  }

  static read(folder: string): RunFile {
    let text: string;
    try {
      text = readFileSync(path.join(folder, 'run.json'), 'utf8');
    } catch {
      throw new ExpectedError('no-run', `There is no run in ${folder}.`, 'Name the folder that "safenote eval run --out DIR" wrote.');
    }
    try {
      return RunFile.parse(JSON.parse(text));
    } catch {
      throw new ExpectedError('bad-run', `${path.join(folder, 'run.json')} cannot be read.`, 'It was written by another version, or changed by hand. Begin a new run.');
    }
  }

  private static async write(folder: string, run: RunFile): Promise<void> {
    mkdirSync(folder, { recursive: true });
    await replaceFile(path.join(folder, 'run.json'), `${JSON.stringify(run, null, 2)}\n`, { temporary: path.join(folder, `.run.${randomBytes(6).toString('hex')}.tmp`) });
  }

  all(): SampleResult[] {
    return [...this.results.values()];
  }

  result(arm: string, task: string, sample: number): SampleResult | undefined {
    return this.results.get(`${arm}\n${task}\n${sample}`);
  }

  keep(result: SampleResult): Promise<void> {
    this.take(result);
    try {
      this.lines.add(result);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** A program that was judged, for whoever wants to look. It can be made again from the recording, so a failure is none. */
  async keepProgram(arm: string, task: string, name: string, text: string): Promise<void> {
    try {
      const folder = path.join(this.folder, 'programs', fileName(arm), fileName(task));
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, name), text);
    } catch {
      // See above.
    }
  }

  close(): void {
    this.lines.close();
    this.answers.close();
  }

  private take(result: SampleResult): void {
    this.results.set(`${result.arm}\n${result.task}\n${result.sample}`, result);
  }
}

export function fileName(text: string): string {
  return text.replace(/[^A-Za-z0-9._=-]+/g, '_').slice(0, 120);
}
