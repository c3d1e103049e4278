import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { normalizeCwe } from '../cwe.ts';
import { isKnownLanguage } from '../language.ts';
import { firstFence, splitSections, trimBlank } from '../markdown-sections.ts';
import type { Guideline, Sample } from './knowledge.ts';

/** A knowledge file that cannot be used; `message` names the file and what to change. */
export class KnowledgeError extends Error {}

const Words = z.array(z.string().min(1)).default([]);
const GuidelineFront = z.object({
  cwe: z.string(),
  title: z.string().min(1),
  detectable: z.boolean().default(true),
  apis: z.record(z.string(), Words).default({}),
  keywords: Words,
});
const SampleFront = z.object({
  language: z.string(),
  apis: Words,
  causes: Words,
});

interface Section {
  readonly title: string;
  /** Source text between this heading and the next. */
  readonly body: string;
  readonly items: readonly string[];
  readonly code: string | undefined;
}

/** Reads one guideline file. Throws `KnowledgeError`. */
export function parseGuideline(text: string, path: string): Guideline {
  const { front, sections } = split(text, path);
  const data = check(GuidelineFront, front, path);
  const cwe = normalizeCwe(data.cwe);
  if (!cwe) throw new KnowledgeError(`${path}: "cwe" must look like CWE-89, not "${data.cwe}".`);
  const list = (title: string) => {
    const items = need(sections, title, path).items;
    if (items.length === 0) throw new KnowledgeError(`${path}: "## ${title}" must be a list with at least one item.`);
    return items;
  };
  return { ...data, cwe, causes: list('Causes'), practices: list('Practices'), pitfalls: list('Pitfalls') };
}

/** Reads one sample file; `path` ends in `CWE-NNN/<language>-<slug>.md`, which makes its id. Throws `KnowledgeError`. */
export function parseSample(text: string, path: string): Sample {
  const place = /(CWE-\d+)[\\/]([a-z]+)-([a-z0-9-]+)\.md$/.exec(path);
  const cwe = place?.[1] && normalizeCwe(place[1]);
  if (!place || !cwe) throw new KnowledgeError(`${path}: a sample lies in CWE-NNN/ and is named <language>-<slug>.md.`);
  const { front, sections } = split(text, path);
  const data = check(SampleFront, front, path);
  if (!isKnownLanguage(data.language) || data.language !== place[2]) {
    throw new KnowledgeError(`${path}: "language" is "${data.language}", the file's name says "${place[2]}"; both must name a language that SafeNote knows.`);
  }
  const code = (title: string) => {
    const block = need(sections, title, path).code;
    if (!block?.trim()) throw new KnowledgeError(`${path}: "## ${title}" must hold one fenced code block.`);
    return block;
  };
  const secure = code('Secure');
  return {
    id: `${cwe}/${data.language}-${place[3]}`,
    cwe,
    language: data.language,
    description: need(sections, 'Description', path).body.trim().replace(/\s+/g, ' '),
    apis: data.apis,
    causes: data.causes,
    vulnerable: code('Vulnerable'),
    secure,
    slice: sections.find((s) => s.title === 'Slice')?.code ?? secure,
  };
}

function check<T extends z.ZodType>(schema: T, value: unknown, path: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new KnowledgeError(`${path}: front matter "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'not valid'}.`);
}

function need(sections: readonly Section[], title: string, path: string): Section {
  const section = sections.find((s) => s.title === title);
  if (!section) throw new KnowledgeError(`${path}: section "## ${title}" is missing.`);
  return section;
}

function split(text: string, path: string): { front: unknown; sections: Section[] } {
  const match = /^---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(text);
  if (!match) throw new KnowledgeError(`${path}: the file must begin with front matter between two lines "---".`);
  let front: unknown;
  try {
    front = parseYaml(match[1] ?? '');
  } catch (error) {
    throw new KnowledgeError(`${path}: front matter is not valid YAML: ${(error as Error).message}`);
  }
  const body = text.slice(match[0].length).replace(/\r\n/g, '\n');
  const sections = splitSections(body)
    .slice(1)
    .map(({ title, lines }) => ({ title: title.trim(), body: trimBlank(lines).join('\n'), items: listItems(lines), code: firstFence(lines)?.content }));
  return { front, sections };
}

/** The items of a list, each on one line however it was wrapped. */
function listItems(lines: readonly string[]): string[] {
  const items: string[] = [];
  let open = false;
  for (const line of lines) {
    const start = /^(?:[-*+]|\d+[.)])[ \t]+(.*)$/.exec(line)?.[1];
    if (start !== undefined) items.push(start);
    else if (open && line.trim()) items.push(`${items.pop() ?? ''} ${line.trim()}`);
    open = start !== undefined || (open && line.trim() !== '');
  }
  return items.map((item) => item.replace(/\s+/g, ' ').trim());
}
