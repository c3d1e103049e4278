import * as z from 'zod';
import type { AnswerStore, Recorded } from '../../core/evaluation/recording.ts';
import type { ModelErrorCode, Purpose } from '../../core/llm/model.ts';
import { LineFile } from './line-file.ts';

const Answer = z.union([
  z.object({ key: z.string(), reply: z.object({ text: z.string(), model: z.string(), tokens: z.object({ prompt: z.number(), completion: z.number() }) }) }),
  z.object({ key: z.string(), error: z.object({ code: z.string(), message: z.string(), hint: z.string() }), passing: z.boolean() }),
]);

/** A run's recorded answers: `answers.jsonl`. Of several lines for one request the last counts. */
export class AnswerFile implements AnswerStore {
  private readonly lines: LineFile;
  private readonly known = new Map<string, Recorded>();

  constructor(file: string) {
    this.lines = new LineFile(file, 'The recording');
    for (const value of this.lines.read()) {
      const parsed = Answer.safeParse(value);
      if (!parsed.success) continue;
      const { data } = parsed;
      this.known.set(data.key, 'reply' in data ? { reply: data.reply } : { error: { ...data.error, code: data.error.code as ModelErrorCode }, passing: data.passing });
    }
  }

  get size(): number {
    return this.known.size;
  }

  get(key: string): Recorded | undefined {
    return this.known.get(key);
  }

  keep(key: string, recorded: Recorded, about: { readonly purpose: Purpose; readonly sample: number }): Promise<void> {
    this.known.set(key, recorded);
    try {
      this.lines.add({ key, ...about, ...recorded });
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  ensureWritable(): void {
    this.lines.flush();
  }

  close(): void {
    this.lines.close();
  }
}
