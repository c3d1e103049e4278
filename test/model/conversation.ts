import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

/** What a request to the replay model can be for; told from the first sentence of its prompt (prompts/*.md). */
export const KINDS = ['completion', 'retry', 'security-warning', 'correction-guide', 'repair-suggestion', 'verified-fix'] as const;
export type Kind = (typeof KINDS)[number];

const Answer = z.strictObject({
  kind: z.enum(KINDS),
  /** Given only where all of these stand in the prompt; the first answer that fits wins. */
  whenPromptHas: z.array(z.string().min(20)).nonempty().optional(),
  /** The code that goes at the marker, indented from zero. */
  code: z.string().min(1).optional(),
  /** Import lines that go before the code. */
  imports: z.string().min(1).optional(),
  /** The whole reply of a kind that answers in prose. */
  text: z.string().min(1).optional(),
  /** What SafeNote's own rules say of the code in its file, or the workspace's tests in a recording about function; a test holds it to that. */
  verdict: z.enum(['pass', 'fail']).optional(),
});
export type Answer = z.infer<typeof Answer>;

const Task = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Below `examples/`. */
  file: z.string().min(1),
  /** The code right before the caret: documentation and header of the function. */
  given: z.string().min(10),
  /** The task in words, for a request that puts it into an empty file: it then counts instead of `given`. */
  asked: z.string().min(10).optional(),
  /** What ends the function, where the language has such a thing. */
  closing: z.string().default(''),
  answers: z.array(Answer).nonempty(),
});
export type Task = z.infer<typeof Task>;

/** A recorded conversation: two similar tasks about the same mistake, and what the model says to each request. */
export const Conversation = z.strictObject({
  title: z.string().min(1),
  language: z.enum(['python', 'javascript', 'typescript', 'c', 'cpp', 'go', 'java']),
  /** A phrase of the warning that nothing else contains: it is in a later prompt only where the note was retrieved. */
  lesson: z.string().min(20),
  warning: z.string().min(40),
  tasks: z.array(Task).length(2),
});
export type Conversation = z.infer<typeof Conversation>;

/** Reads every recording of a folder. Throws, naming the file, for one that is not valid. */
export function loadConversations(folder: string): Conversation[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .sort()
    .map((name) => {
      const parsed = Conversation.safeParse(parse(readFileSync(path.join(folder, name), 'utf8')));
      if (!parsed.success) throw new Error(`${name}: ${z.prettifyError(parsed.error)}`);
      return parsed.data;
    });
}
