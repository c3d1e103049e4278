import { ExpectedError } from '../errors.ts';
import type { LanguageModel } from '../llm/model.ts';
import type { BuildEstimate } from './offline-build.ts';

/** Price of a million tokens, in whatever currency. */
export interface Price {
  readonly prompt: number;
  readonly completion: number;
}

/** Reads `IN,OUT`. Throws `ExpectedError` `bad-option`. */
export function parsePrice(text: string): Price {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [prompt, completion] = numbers;
  if (numbers.length !== 2 || prompt === undefined || completion === undefined || !(prompt >= 0) || !(completion >= 0) || !Number.isFinite(prompt + completion)) {
    throw new ExpectedError('bad-option', `"${text.slice(0, 40)}" is no price.`, 'Write two numbers: the price of a million prompt tokens and of a million completion tokens, such as 0.15,0.60.');
  }
  return { prompt, completion };
}

/** What a build will ask for, in words. */
export function describeEstimate(e: BuildEstimate, model: Pick<LanguageModel, 'name' | 'origin'>, price?: Price): string {
  const open = e.tasks - e.done;
  if (open === 0) return `All ${e.tasks} tasks are done for ${model.name}.`;
  const range = ([from, to]: readonly [number, number], round: (n: number) => string) => (round(from) === round(to) ? round(from) : `${round(from)} to ${round(to)}`);
  const thousands = (n: number) => (n < 1000 ? `${n}` : `${Math.round(n / 1000)}k`);
  const cost = (at: 0 | 1) => price && (e.promptTokens[at] * price.prompt + e.completionTokens[at] * price.completion) / 1_000_000;
  const costs = [cost(0), cost(1)] as const;
  return [
    `${open} tasks for ${model.name} at ${model.origin}${e.done > 0 ? ` (${e.done} of ${e.tasks} are done already)` : ''}:`,
    `${range(e.requests, String)} requests, about ${range(e.promptTokens, thousands)} prompt and ${range(e.completionTokens, thousands)} completion tokens`,
    costs[0] === undefined || costs[1] === undefined ? '(no price given).' : `and a cost of ${range([costs[0], costs[1]], (n) => n.toFixed(2))}.`,
    'The more the model fails, the more correction guides are asked for.',
  ].join(' ');
}
