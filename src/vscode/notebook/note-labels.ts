import * as vscode from 'vscode';
import { describeWorth, retirementReason } from '../../core/activity/worth.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import { visibleLine } from '../../core/visible-text.ts';
import { escapeMarkdown } from '../common/escape-markdown.ts';
import { type Age, type GroupBy, type NoteFilter, type SortBy, type State, stateOf } from './arrange.ts';
import type { GroupNode, NoteNode } from './notes-tree.ts';

const { t } = vscode.l10n;

/** How notes, groups and choices are called on the screen. */

export const STATE_ICONS: Readonly<Record<State, string>> = { active: 'note', muted: 'bell-slash', quarantined: 'lock' };

export function stateName(state: State | 'pinned'): string {
  return { active: t('in use'), muted: t('muted'), quarantined: t('not approved'), pinned: t('pinned') }[state];
}

export function groupingName(by: GroupBy, kind: 'security' | 'function'): string {
  return { cwe: t('by CWE'), file: kind === 'function' ? t('by module') : t('by file'), language: t('by language'), model: t('by model'), age: t('by age') }[by];
}

export function sortingName(by: SortBy): string {
  return { frequency: t('most seen first'), updated: t('newest first'), title: t('by title'), worth: t('most useful first') }[by];
}

function ageName(age: Age): string {
  return { today: t('Today'), week: t('This week'), month: t('This month'), year: t('This year'), older: t('Older') }[age];
}

/** A group's own name, whole: the title of a weakness says more than its number. */
export function groupName({ by, label, title }: GroupNode): string {
  if (by === 'age') return ageName(label as Age);
  if (label) return title ? `${label} ${title}` : label;
  return { cwe: t('Rules of the house (no CWE)'), file: t('No file known'), language: t('No language'), model: t('No model named'), age: '' }[by];
}

/**
 * How a note is called in a list: how often it was seen and its state come first, so that a narrow view shows them. Below a
 * heading that says the weakness its title need not say it again.
 */
export function labelOf(stored: StoredNote, heading = ''): string {
  const { title, frequency } = stored.note;
  const state = stateOf(stored);
  const rest = heading && title.startsWith(`${heading}: `) ? title.slice(heading.length + 2) : '';
  return [frequency > 1 ? `×${frequency}` : '', state === 'active' ? '' : stateName(state), visibleLine(rest || title)].filter(Boolean).join(' · ');
}

export function seenTimes(frequency: number): string {
  return frequency === 1 ? t('seen once') : t('seen {0} times', frequency);
}

/** What a screen reader says of a note. */
export function spokenNote({ stored, state }: NoteNode, isNew: boolean): string {
  const { note } = stored;
  return [note.title, isNew ? t('new') : '', note.cwe ?? '', note.language, seenTimes(note.frequency), state === 'active' ? '' : stateName(state), note.pinned ? t('pinned') : ''].filter(Boolean).join(', ');
}

/** A summary of a note. Its texts may be a stranger's: all of them are escaped, and nothing is trusted. */
export function noteTooltip(node: NoteNode, titleOf: (cwe: string) => string): vscode.MarkdownString {
  const { note } = node.stored;
  const clip = (text: string) => (text.length > 600 ? `${text.slice(0, 600)}…` : text);
  const weakness = note.cwe ? [note.cwe, titleOf(note.cwe)].filter(Boolean).join(' ') : '';
  const state = {
    active: node.stored.note.pinned ? t('Pinned: where it is relevant it comes before other notes.') : '',
    muted: note.statusReason ? t('Muted: {0}. It is kept and never used.', note.statusReason) : t('Muted. It is kept and never used.'),
    quarantined: t('Not approved: it came from elsewhere or was changed outside this editor. It is never used until you approve it.'),
  }[node.state];
  const facts = [
    note.updated.slice(0, 10) === '1970-01-01' ? seenTimes(note.frequency) : t('{0}, last on {1}', seenTimes(note.frequency), note.updated.slice(0, 10)),
    note.model ? t('model {0}', note.model) : '',
    note.file ? (note.line ? t('{0}, line {1}', note.file, note.line) : note.file) : '',
  ].filter(Boolean);
  const retire = node.counters && retirementReason(node.stored, node.counters);
  const parts = [
    `**${escapeMarkdown(note.title)}**`,
    escapeMarkdown(weakness),
    state ? `_${escapeMarkdown(state)}_` : '',
    ...paragraphs(clip(note.guidance || note.diagnosis)),
    facts.map(escapeMarkdown).join(' · '),
    escapeMarkdown(node.counters ? describeWorth(node.counters) : ''),
    retire ? `_${escapeMarkdown(t('Proposed for retirement: {0}.', retire))}_` : '',
  ];
  const markdown = new vscode.MarkdownString(parts.filter(Boolean).join('\n\n'), false);
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  return markdown;
}

function paragraphs(text: string): string[] {
  return text.split(/\n\s*\n/).map(escapeMarkdown);
}

/** A filter in words, for the line above the tree. */
export function filterWords(filter: NoteFilter): string {
  return [filter.text.trim() ? t('text "{0}"', filter.text.trim()) : '', ...filter.languages, ...filter.states.map(stateName), ...filter.models, ...filter.origins.map(originName)].filter(Boolean).join(', ');
}

export function originName(origin: string): string {
  const names: Readonly<Record<string, string>> = { completion: t('from completions'), offline: t('built offline'), guard: t('from the guard'), ci: t('from CI'), import: t('imported'), user: t('written by hand') };
  return names[origin] ?? origin;
}
