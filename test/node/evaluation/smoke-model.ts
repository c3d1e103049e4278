import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { REMINDER } from '../../../src/core/evaluation/arm.ts';
import { MARKER } from '../../../src/core/prompting/marker.ts';
import type { Scripted, ScriptedRequest } from '../../model/scripted.ts';
import { kindOf } from '../../model/replay.ts';

export const SMOKE = path.join(import.meta.dirname, '../../../evaluation/smoke');

const Letters = z.array(z.enum(['s', 'i', 'b', 'g'])).length(2);
const Answers = z.record(z.string(), z.object({ plain: Letters, reminder: Letters, guided: Letters, noted: Letters.optional(), retry: Letters }));
type Situation = 'plain' | 'reminder' | 'guided' | 'noted' | 'retry';

const BROKEN: Readonly<Record<string, string>> = { py: 'raise NotImplementedError("later")', mjs: "throw new Error('later');", c: 'return 0;' };

/** The recorded answers of the smoke set, by what is asked. */
export function smokeAnswers(): (request: ScriptedRequest, before: number) => Scripted {
  const answers = Answers.parse(parse(readFileSync(path.join(SMOKE, 'answers.yml'), 'utf8')));
  const tasks = Object.keys(answers).map((id) => {
    const { target } = z.object({ target: z.string() }).parse(parse(readFileSync(path.join(SMOKE, id, 'task.yml'), 'utf8')));
    const extension = path.extname(target).slice(1);
    const given = readFileSync(path.join(SMOKE, id, 'workspace', target), 'utf8').split(MARKER)[0] ?? '';
    const code = (name: string) => readFileSync(path.join(SMOKE, id, `${name}.${extension}`), 'utf8');
    return { id, extension, given: squeeze(given), code };
  });
  return ({ messages }, before) => {
    const kind = kindOf(messages);
    const prompt = messages.map((m) => m.content).join('\n\n');
    if (kind === 'security-warning') return 'SECURITY WARNING: the input is used as code. Pass it as a value.';
    if (kind === 'repair-suggestion') return 'Read what the function promises and keep to it.';
    const asked = messages.find((m) => m.content.includes('# The file to complete:'))?.content ?? '';
    const file = squeeze(asked.slice(asked.lastIndexOf('# The file to complete:')).split(MARKER)[0] ?? '');
    const task = tasks.find((t) => file.endsWith(t.given));
    const of = task && answers[task.id];
    if (!task || !of) return { status: 404, code: 'replay-no-recording' };
    const situation: Situation = kind === 'retry' ? 'retry' : prompt.includes(REMINDER) ? 'reminder' : /^## A mistake /m.test(prompt) ? 'noted' : /secure as well/.test(messages[0]?.content ?? '') ? 'guided' : 'plain';
    const letter = (of[situation] ?? of.guided)[before % 2];
    if (letter === 'g') return 'I would rather not write this today.';
    const code = letter === 'b' ? (BROKEN[task.extension] ?? '') : task.code(letter === 's' ? 'secure' : 'insecure');
    return `\`\`\`${task.extension}\n${code.trim()}\n\`\`\``;
  };
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, '');
}
