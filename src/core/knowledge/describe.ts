import type { LanguageModel } from '../llm/model.ts';
import { fence, fillTemplate, type Prompts } from '../prompting/template.ts';
import type { Sample } from './knowledge.ts';

/** So much of a function is shown to the model that describes it, in UTF-16 units. */
const SHOWN = 12_000;
const LONGEST = 600;

/**
 * The task that a sample solves, as a developer would ask for it (paper §3.2, step 1); empty where the model gave none.
 * Shown is the secure side, so that the description cannot ask for the weakness. Throws the errors of the model.
 */
export async function describeSample(prompts: Prompts, model: LanguageModel, sample: Pick<Sample, 'language' | 'secure'>, signal: AbortSignal): Promise<string> {
  const messages = fillTemplate(prompts, 'description', { language: sample.language, code: fence(sample.secure.slice(0, SHOWN), sample.language) });
  const reply = await model.generate({ purpose: 'description', messages, temperature: 0.2, maxTokens: 300 }, { signal });
  const text = reply.text.replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, '').replace(/```\w*/g, ' ').replace(/\s+/g, ' ').replace(/^["'\s]+|["'\s]+$/g, '');
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text;
}
