import { readFileSync } from 'node:fs';
import path from 'node:path';
import { LineIndex } from '../../src/core/source.ts';
import type { Task } from './conversation.ts';

/** Where a task of the example workspace waits for its completion. */
export interface TaskPlace {
  readonly file: string;
  readonly text: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** Finds the blank line that follows the given code of a task. Throws where there is not exactly one. */
export function placeOfTask(task: Task, examples: string): TaskPlace {
  const file = path.join(examples, task.file);
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  const squeeze = (s: string): string => s.replace(/\s+/g, '');
  const found: number[] = [];
  for (let line = 0; line < lines.length; line++) {
    if (!/^\s+$/.test(lines[line] ?? '')) continue;
    if (squeeze(lines.slice(0, line).join('\n')).endsWith(squeeze(task.given))) found.push(line);
  }
  const line = found[0];
  if (line === undefined || found.length !== 1) throw new Error(`${task.name}: ${found.length} places for it in ${task.file}`);
  const column = (lines[line] ?? '').length + 1;
  return { file, text, offset: new LineIndex(text).offsetAt(line + 1, column), line: line + 1, column };
}
