import * as z from 'zod';
import { fenced, firstFence, readProse, splitSections, trimBlank, writeProse } from '../markdown-sections.ts';
import { frontMatterLine, readFrontMatter } from './note-front-matter.ts';
import { IsoDate, ORIGINS, Text } from './note-keys.ts';
import type { MergedFailure } from './note.ts';

/*
 * A failure that was merged into a note, as a section of its file; one section for each. A SafeNote that does not know it
 * keeps it as it keeps any section.
 *
 *     ## Merged failure
 *
 *     ```yaml
 *     frequency: 1
 *     origin: completion
 *     …
 *     ```
 *
 *     ### Task                text
 *     ### Erroneous code      one code fence; absent when it is not kept
 *     ### Diagnosis           text
 *     ### Secure example, ### Guidance     only where they differ from the note's
 */

export const MERGED_SECTION = 'Merged failure';
const DEPTH = 3;

/** The body of the section. */
export function writeMerged(failure: MergedFailure, tag: string): string {
  const keys = [
    ...(failure.title === undefined ? [] : [frontMatterLine('title', failure.title)]),
    ...(failure.rule === undefined ? [] : [frontMatterLine('rule', failure.rule)]),
    frontMatterLine('frequency', failure.frequency),
    frontMatterLine('origin', failure.origin),
    frontMatterLine('model', failure.model),
    frontMatterLine('created', failure.created),
    ...(failure.file === undefined ? [] : [frontMatterLine('file', failure.file)]),
    ...(failure.line === undefined ? [] : [frontMatterLine('line', failure.line)]),
  ];
  const prose = (text: string) => writeProse(text, DEPTH);
  const parts = [
    ['Task', prose(failure.task)],
    ...(failure.erroneousCode === '' ? [] : [['Erroneous code', fenced(failure.erroneousCode, tag)]]),
    ...(failure.diagnosis === '' ? [] : [['Diagnosis', prose(failure.diagnosis)]]),
    ...(failure.secureExample === undefined ? [] : [['Secure example', fenced(failure.secureExample, tag)]]),
    ...(failure.guidance === undefined ? [] : [['Guidance', prose(failure.guidance)]]),
  ];
  return [fenced(keys.join('\n'), 'yaml'), ...parts.map(([title, body]) => `### ${title}\n\n${body}`)].join('\n\n');
}

const Keys = z.object({
  title: Text.optional(),
  rule: Text.optional(),
  frequency: z.number().int().min(1).default(1),
  origin: z.enum(ORIGINS).default('user'),
  model: Text.default(''),
  created: IsoDate,
  file: Text.optional(),
  line: z.number().int().min(1).optional(),
});

/** Reads the section's lines, or says what is wrong with it. */
export function readMerged(lines: readonly string[]): MergedFailure | { readonly problem: string } {
  const [head, ...parts] = splitSections(lines.join('\n'), DEPTH);
  const yaml = firstFence(trimBlank(head?.lines ?? []));
  if (!yaml) return { problem: 'it must begin with a fence of "key: value" lines' };
  const front = readFrontMatter(yaml.content);
  if (front.problem !== undefined) return { problem: front.problem };
  const keys = Keys.safeParse(front.values);
  if (!keys.success) return { problem: `"${String(keys.error.issues[0]?.path[0] ?? '')}" ${keys.error.issues[0]?.message ?? 'is not valid'}` };
  const part = (title: string) => parts.find((p) => p.title.toLowerCase() === title)?.lines;
  const code = (title: string) => {
    const found = part(title);
    return found && (firstFence(trimBlank(found))?.content ?? trimBlank(found).join('\n'));
  };
  const task = part('task');
  if (!task) return { problem: 'it names no task; add "### Task"' };
  const secureExample = code('secure example');
  const guidance = part('guidance');
  const { title, rule, file, line, ...known } = keys.data;
  return {
    task: readProse(task),
    erroneousCode: code('erroneous code') ?? '',
    diagnosis: readProse(part('diagnosis') ?? []),
    ...known,
    ...(title !== undefined && { title }),
    ...(rule !== undefined && { rule }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
    ...(secureExample !== undefined && { secureExample }),
    ...(guidance && { guidance: readProse(guidance) }),
  };
}
