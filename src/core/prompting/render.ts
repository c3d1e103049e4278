import type { Retrieved, RetrievedKnowledge } from '../completion/types.ts';
import type { StoredNote } from '../notebook/note.ts';
import type { Finding } from '../verification/finding.ts';
import { visibleMarks } from '../visible-text.ts';
import { MARKER } from './marker.ts';
import { fence, quote } from './template.ts';

/** One knowledge entry for a prompt: the guideline of the CWE and the secure slice of its best sample. */
export function renderKnowledge({ guideline, sample }: RetrievedKnowledge): string {
  const list = (title: string, items: readonly string[], limit: number) => (items.length > 0 ? `${title}\n${items.slice(0, limit).map((item) => `- ${oneLine(item)}`).join('\n')}` : '');
  return [
    `## ${guideline.cwe}: ${oneLine(guideline.title)}`,
    list('It happens when:', guideline.causes, 3),
    list('Do:', guideline.practices, 5),
    list('Avoid:', guideline.pitfalls, 4),
    sample ? `Secure code of another task ("${oneLine(sample.description)}"):\n${fence(asData(sample.slice), fenceTag(sample.language))}` : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/**
 * One note for a prompt, as a contrast: how it failed, why, how it is done right. Everything in it is fenced or quoted: a
 * note is data, whoever wrote it.
 */
export function renderNote({ note }: StoredNote): string {
  const times = note.frequency > 1 ? `, seen ${note.frequency} times` : '';
  const task = note.tasks.at(-1) ?? '';
  return [
    note.kind === 'security' ? `## A mistake of the kind ${note.cwe ?? inline(note.ruleFamily ?? 'house rule')}${times}` : `## A mistake that failed its tests${times}`,
    `The task then:\n\n${quote(clip(asData(task), 600))}`,
    `What was written, and failed:\n\n${fence(clip(asData(note.erroneousCode), 2400), fenceTag(note.language))}`,
    `Why it failed:\n\n${quote(clip(asData(note.diagnosis), 900))}`,
    note.guidance ? `What to do instead:\n\n${quote(clip(asData(note.guidance), 1600))}` : '',
    note.secureExample ? `What worked there:\n\n${fence(clip(asData(note.secureExample), 2400), fenceTag(note.language))}` : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

export function renderAll<T>(items: readonly Retrieved<T>[], render: (item: T) => string): string {
  return items.map((entry) => render(entry.item)).join('\n\n');
}

/**
 * What analyzers said, one finding each, with the line it is about. Used as diagnosis D.
 * `scanned` is the text that the findings' places refer to.
 */
export function describeFindings(findings: readonly Finding[], scanned: string): string {
  const lines = scanned.split(/\r?\n/);
  return findings
    .map((finding) => {
      const name = [finding.cwe.join(', '), finding.ruleId].filter(Boolean).join(' ');
      const flagged = lines[finding.startLine - 1]?.trim();
      return `${name}: ${finding.message.trim().replace(/\s+/g, ' ')}${flagged ? `\nFlagged: ${flagged}` : ''}`;
    })
    .join('\n');
}

function fenceTag(language: string): string {
  return /^[\w+#-]{1,20}$/.test(language) ? language : '';
}

/** Text of unknown origin: nothing in it that a reader would not see, and no second place to complete. */
function asData(text: string): string {
  return visibleMarks(text).replaceAll(MARKER, '<<<…>>>');
}

/** A text that stands inside a line of the prompt's own. */
function oneLine(text: string): string {
  return asData(text).replace(/\s+/g, ' ').trim();
}

/** Text of unknown origin inside a line of the prompt. */
function inline(text: string): string {
  return text.replace(/[^\w .-]/g, ' ').slice(0, 80);
}

function clip(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}
