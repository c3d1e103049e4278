import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { GenerateReply } from '../../core/llm/model.ts';
import type { BuildJournal, TaskResult } from '../../core/notebook/offline-build.ts';
import { writeError } from '../notes/file-errors.ts';

const Reply = z.object({ text: z.string(), model: z.string(), tokens: z.object({ prompt: z.number(), completion: z.number() }) });
const Result = z.object({
  key: z.string(), cwe: z.string(), language: z.string(), status: z.enum(['pass', 'fail', 'unavailable', 'error']), reason: z.string().optional(), found: z.array(z.string()),
  notes: z.array(z.object({ id: z.string(), kind: z.enum(['security', 'function']), action: z.enum(['created', 'merged']) })),
});
const Line = z.union([z.object({ reply: Reply, key: z.string() }), z.object({ result: Result }), z.object({ learning: z.string() })]);

/**
 * A build's journal as a file of lines, in the user's own folder: what a clone brings along must not count as the model's
 * answer. A line is on the disk before the build goes on; a torn last line counts as none.
 */
export class FileBuildJournal implements BuildJournal {
  readonly file: string;
  private readonly replies = new Map<string, GenerateReply>();
  private readonly results = new Map<string, TaskResult>();
  private readonly begun = new Set<string>();
  private handle: number | undefined;

  constructor(file: string) {
    this.file = file;
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      // The first build of this model.
    }
    for (const line of text.split('\n')) this.take(line);
  }

  /** Forgets everything, so that the next build begins anew. */
  clear(): void {
    this.close();
    rmSync(this.file, { force: true });
    for (const known of [this.replies, this.results, this.begun]) known.clear();
  }

  reply(key: string): GenerateReply | undefined {
    return this.replies.get(key);
  }
  result(key: string): TaskResult | undefined {
    return this.results.get(key);
  }
  learning(key: string): boolean {
    return this.begun.has(key);
  }
  keepReply(key: string, reply: GenerateReply): Promise<void> {
    this.replies.set(key, reply);
    return this.append({ reply, key });
  }
  keepResult(result: TaskResult): Promise<void> {
    this.results.set(result.key, result);
    return this.append({ result });
  }
  keepLearning(key: string): Promise<void> {
    this.begun.add(key);
    return this.append({ learning: key });
  }

  close(): void {
    if (this.handle !== undefined) closeSync(this.handle);
    this.handle = undefined;
  }

  private append(line: unknown): Promise<void> {
    try {
      if (this.handle === undefined) {
        mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
        this.handle = openSync(this.file, 'a', 0o600);
        // After a torn line.
        writeSync(this.handle, '\n');
      }
      writeSync(this.handle, `${JSON.stringify(line)}\n`);
      fsyncSync(this.handle);
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(writeError(error, 'The journal of the build') as Error);
    }
  }

  private take(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return;
    }
    const parsed = Line.safeParse(value);
    if (!parsed.success) return;
    const { data } = parsed;
    if ('result' in data) {
      const { reason, ...rest } = data.result;
      this.results.set(data.result.key, { ...rest, ...(reason === undefined ? {} : { reason }) });
    } else if ('reply' in data) this.replies.set(data.key, data.reply);
    else this.begun.add(data.learning);
  }
}
