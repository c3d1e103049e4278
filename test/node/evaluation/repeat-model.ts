import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MARKER } from '../../../src/core/prompting/marker.ts';
import { kindOf } from '../../model/replay.ts';
import type { Scripted, ScriptedRequest } from '../../model/scripted.ts';

export const REPEAT = path.join(import.meta.dirname, '../../../evaluation/repeat');

/**
 * A model that sees the file alone and writes what is obvious, also when it is asked again, unless a note of a failed test or
 * rule is in the prompt: then it writes the reference. So a mistake is repeated exactly where no note was retrieved.
 */
export function repeatAnswers(): (request: ScriptedRequest) => Scripted {
  const tasks = readdirSync(REPEAT, { withFileTypes: true }).filter((e) => e.isDirectory()).flatMap((family) =>
    readdirSync(path.join(REPEAT, family.name, 'tasks')).map((name) => {
      const folder = path.join(REPEAT, family.name, 'tasks', name);
      const extension = path.extname(readFileSync(path.join(folder, 'target'), 'utf8').trim());
      const code = (file: string) => readFileSync(path.join(folder, `${file}${extension}`), 'utf8');
      return { given: squeeze(code('prompt').split(MARKER)[0] ?? ''), language: extension.slice(1), code };
    }),
  );
  return ({ messages }) => {
    const kind = kindOf(messages);
    if (kind === 'security-warning' || kind === 'repair-suggestion') return 'Keep to the contract that the definition states.';
    const asked = messages.find((m) => m.content.includes('# The file to complete:'))?.content ?? '';
    const file = squeeze(asked.slice(asked.lastIndexOf('# The file to complete:')).split(MARKER)[0] ?? '');
    const task = tasks.find((t) => file.endsWith(t.given));
    if (!task) return { status: 404, code: 'replay-no-recording' };
    const noted = messages.some((m) => /^## A mistake /m.test(m.content));
    return `\`\`\`${task.language}\n${task.code(noted ? 'reference' : 'obvious').trim()}\n\`\`\``;
  };
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, '');
}
