import { visibleMarks } from '../../visible-text.ts';
import { isUsable, type StoredNote } from '../note.ts';

/** Between these lines stands what SafeNote writes; everything else in the file is the team's. */
const BEGIN = '<!-- safenote:begin (written by SafeNote; changes between these lines are lost) -->';
const END = '<!-- safenote:end -->';
const MAX_ENTRY = 700;

export interface RulesSection {
  readonly text: string;
  /** Notes that are in it. */
  readonly taken: number;
  /** Notes that would have been in it, had there been room. */
  readonly left: number;
}

/**
 * Rules for other agents out of the most frequent notes, as Markdown of at most `maxCharacters`. Only what may reach a prompt
 * here goes into those of others: active notes, approved, with guidance.
 */
export function rulesSection(notes: readonly StoredNote[], titleOf: (cwe: string) => string, maxCharacters: number): RulesSection {
  const usable = notes
    .filter((stored) => isUsable(stored) && stored.note.guidance.trim() !== '')
    .sort((a, b) => Number(b.note.pinned ?? false) - Number(a.note.pinned ?? false) || b.note.frequency - a.note.frequency || a.note.id.localeCompare(b.note.id));
  const head = '## Mistakes that were made in this code base\n\nEach was caught by a check or a test. Before you write code like it, read what to do instead.';
  let room = maxCharacters - head.length - BEGIN.length - END.length - 8;
  const groups = new Map<string, string[]>();
  let taken = 0;
  for (const { note } of usable) {
    const title = note.cwe === undefined ? '' : oneLine(titleOf(note.cwe));
    const group = note.kind === 'function' ? 'Code that failed its tests' : note.cwe === undefined ? 'Rules of this code base' : `${note.cwe}${title ? `: ${title}` : ''}`;
    const entry = entryOf(note.title, note.language, note.frequency, note.guidance);
    const size = entry.length + 1 + (groups.has(group) ? 0 : group.length + 8);
    if (size > room) continue;
    room -= size;
    taken++;
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  const body = [...groups].map(([group, entries]) => `### ${group}\n\n${entries.join('\n')}`);
  return { text: [BEGIN, head, ...(body.length > 0 ? body : ['There are none yet.']), END].join('\n\n'), taken, left: usable.length - taken };
}

/** Puts the section into a file that may be there already: in the place of an earlier one, else at its end. */
export function intoRulesFile(existing: string | undefined, section: string): string {
  const text = existing ?? '';
  const begin = text.indexOf(BEGIN);
  const end = begin === -1 ? -1 : text.indexOf(END, begin);
  if (end !== -1) return `${text.slice(0, begin)}${section}${text.slice(end + END.length)}`;
  return text.trim() === '' ? `${section}\n` : `${text.trimEnd()}\n\n${section}\n`;
}

/** One list item: nothing in it can begin a heading, a fence or a comment. */
function entryOf(title: string, language: string, frequency: number, guidance: string): string {
  const words = oneLine(guidance);
  const clipped = words.length > MAX_ENTRY ? `${words.slice(0, MAX_ENTRY - 1)}…` : words;
  return `- **${oneLine(title).replaceAll('*', '\\*').slice(0, 160)}** (${oneLine(language).slice(0, 20)}${frequency > 1 ? `, seen ${frequency} times` : ''}): ${clipped}`;
}

function oneLine(text: string): string {
  const single = text.replace(/^[ \t]*[-*+][ \t]+/gm, '').replace(/\s+/g, ' ').trim();
  return visibleMarks(single).replaceAll('<!--', '&lt;!--').replaceAll('-->', '--&gt;').replace(/`{3,}/g, "'''");
}
