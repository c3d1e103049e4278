import { fence } from '../prompting/template.ts';
import type { Sample } from './knowledge.ts';

/** What a sample's file says; the file's place says the rest. */
export type SampleContent = Omit<Sample, 'id' | 'slice'> & { readonly slice?: string };

/** The Markdown file of a sample, as `parseSample` reads it. */
export function formatSample(sample: SampleContent): string {
  const list = (items: readonly string[]) => `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
  const section = (title: string, body: string) => `## ${title}\n${body}\n`;
  const slice = sample.slice !== undefined && sample.slice !== sample.secure ? [section('Slice', fence(sample.slice, sample.language))] : [];
  return [
    `---\nlanguage: ${sample.language}\napis: ${list(sample.apis)}\ncauses: ${list(sample.causes)}\n---\n`,
    section('Description', descriptionLine(sample.description)),
    section('Vulnerable', fence(sample.vulnerable, sample.language)),
    section('Secure', fence(sample.secure, sample.language)),
    ...slice,
  ].join('\n');
}

/** One line that Markdown reads as a paragraph, so that no description can begin a section, a fence or a list. */
export function descriptionLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line === '' || /^[\p{L}(]/u.test(line) ? line : `Task: ${line}`;
}

/** The folder of a CWE in a knowledge base: `CWE-089`. */
export function cweFolder(cwe: string): string {
  return `CWE-${cwe.replace(/\D/g, '').padStart(3, '0')}`;
}
