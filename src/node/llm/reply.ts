import * as z from 'zod';

/** One piece of an answer, streamed or whole, in SafeNote's words. */
export interface ReplyPiece {
  readonly text: string;
  /** The model wrote something that is not for the answer: reasoning, a tool call. */
  readonly aside: boolean;
  readonly refusal: string;
  readonly finish?: string;
  readonly model?: string;
  readonly usage?: { readonly prompt: number; readonly completion: number };
  /** An error that the server put into a 2xx body. */
  readonly error?: unknown;
}

const count = z.number().nonnegative().finite();
const Usage = z.object({ prompt_tokens: count, completion_tokens: count.nullish().transform((n) => n ?? 0) });
const Content = z.union([
  z.string(),
  // Some servers send a list of parts.
  z.array(z.object({ type: z.string().optional(), text: z.string().optional() }).catch({})).transform((parts) => parts.filter((p) => p.type === undefined || p.type === 'text').map((p) => p.text ?? '').join('')),
]);
const Said = z.object({
  content: Content.nullish().catch(undefined),
  refusal: z.string().nullish().catch(undefined),
  reasoning_content: z.string().nullish().catch(undefined),
  reasoning: z.string().nullish().catch(undefined),
  tool_calls: z.array(z.unknown()).nullish().catch(undefined),
});
const Choice = z.object({
  index: z.number().optional().catch(undefined),
  delta: Said.nullish().catch(undefined),
  message: Said.nullish().catch(undefined),
  text: z.string().nullish().catch(undefined),
  finish_reason: z.string().nullish().catch(undefined),
});
const Chunk = z.object({
  object: z.string().optional().catch(undefined),
  model: z.string().nullish().catch(undefined),
  choices: z.array(Choice.catch({})).nullish().catch(undefined),
  usage: Usage.nullish().catch(undefined),
  error: z.unknown().optional(),
});

/** Reads one event or a whole JSON reply; `undefined` for what is no part of the protocol. */
export function readPiece(value: unknown): ReplyPiece | undefined {
  const parsed = Chunk.safeParse(value);
  if (!parsed.success) return undefined;
  const chunk = parsed.data;
  if (chunk.error !== undefined && chunk.error !== null) return { text: '', aside: false, refusal: '', error: value };
  if (chunk.object === 'error') return { text: '', aside: false, refusal: '', error: value };
  if (!chunk.choices && !chunk.usage && !chunk.model) return undefined;
  const choice = chunk.choices?.find((c) => c.index === undefined || c.index === 0);
  const said = choice?.delta ?? choice?.message;
  return {
    text: said?.content ?? choice?.text ?? '',
    aside: Boolean(said?.reasoning_content || said?.reasoning || said?.tool_calls?.length),
    refusal: said?.refusal ?? '',
    ...(choice?.finish_reason ? { finish: choice.finish_reason } : {}),
    ...(chunk.model ? { model: chunk.model } : {}),
    ...(chunk.usage ? { usage: { prompt: chunk.usage.prompt_tokens, completion: chunk.usage.completion_tokens } } : {}),
  };
}
