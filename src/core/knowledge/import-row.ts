import * as z from 'zod';
import { normalizeCwe } from '../cwe.ts';
import { canonicalLanguage, isKnownLanguage, LANGUAGES } from '../language.ts';
import { redactSecrets } from '../notebook/redact.ts';
import type { SampleContent } from './format.ts';

/** Longest description, and longest side of a pair, in UTF-16 units: longer ones are data, not a task or a function. */
export const MAX_DESCRIPTION = 8_000;
export const MAX_CODE = 400_000;

const Row = z.object({
  id: z.string().optional(),
  cwe: z.string(),
  language: z.string(),
  func_name: z.string().nullish(),
  description: z.string().nullish(),
  vulnerable: z.string().min(1),
  secure: z.string().min(1),
});

/** A row of an import file that can become a sample. */
export interface ImportedRow {
  /** Where it came from, made of `[a-z0-9-]`, at most 40 characters; not unique. */
  readonly words: string;
  readonly content: SampleContent;
}

/** Reads one line of an import file. `problem` says in one sentence why the row cannot be used. */
export function readImportRow(line: string): ImportedRow | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'it is not JSON' };
  }
  const parsed = Row.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { problem: `"${issue?.path.join('.') || 'the row'}": ${issue?.message ?? 'not valid'}` };
  }
  const row = parsed.data;
  const cwe = normalizeCwe(row.cwe);
  if (!cwe || !/^CWE-[1-9]\d{0,3}$/.test(cwe)) return { problem: `"cwe" is ${named(row.cwe)}; it must be a CWE id such as CWE-89` };
  const language = canonicalLanguage(row.language);
  if (!isKnownLanguage(language)) return { problem: `"language" is ${named(row.language)}; SafeNote has ${LANGUAGES.join(', ')}, and takes ruby, php, csharp, rust, kotlin and some others as text` };
  const description = (row.description ?? '').replace(/\s+/g, ' ').trim();
  if (description.length > MAX_DESCRIPTION) return { problem: `"description" has ${description.length} characters; a task has at most ${MAX_DESCRIPTION}` };
  for (const side of ['vulnerable', 'secure'] as const) {
    if (row[side].length > MAX_CODE) return { problem: `"${side}" has ${row[side].length} characters; a function has at most ${MAX_CODE}` };
    if (!row[side].trim()) return { problem: `"${side}" is empty` };
  }
  const vulnerable = redactSecrets(tidyCode(row.vulnerable));
  const secure = redactSecrets(tidyCode(row.secure));
  if (vulnerable === secure) return { problem: 'both sides are the same, but for white space' };
  return {
    words: (row.id ?? row.func_name ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 40).replace(/^-+|-+$/g, '') || 'imported',
    content: { cwe, language, description: redactSecrets(description), apis: [], causes: [], vulnerable, secure },
  };
}

function named(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}

/** Line ends `\n`, the indentation that all lines share taken away, no control characters that a file could not hold. */
function tidyCode(code: string): string {
  // eslint-disable-next-line no-control-regex
  const lines = code.replace(/\r\n?/g, '\n').replace(/[\u0000\f\v]/g, ' ').replace(/^(?:[ \t]*\n)+|\s+$/g, '').split('\n');
  const indents = lines.filter((line) => line.trim()).map((line) => /^[ \t]*/.exec(line)?.[0] ?? '');
  let shared = indents[0] ?? '';
  for (const indent of indents) while (!indent.startsWith(shared)) shared = shared.slice(0, -1);
  return lines.map((line) => (line.startsWith(shared) ? line.slice(shared.length) : line.trimStart())).join('\n');
}
