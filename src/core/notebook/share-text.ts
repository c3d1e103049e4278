import { visibleLine } from '../visible-text.ts';
import type { StoredNote } from './note.ts';
import type { SetAsideFile } from './store.ts';

/** What sharing would make visible, and what stands in its way. */
export interface SharePlan {
  /** The notes are offered to Git already. */
  readonly shared: boolean;
  readonly repository: boolean;
  readonly notes: readonly StoredNote[];
  /** Ids of notes that hold what looks like a secret; it is taken out first. */
  readonly secrets: readonly string[];
  /** Files that are no notes. They would be visible too. */
  readonly setAside: readonly SetAsideFile[];
  /** Of those, files that hold what looks like a secret and cannot be mended by SafeNote. */
  readonly blocked: readonly SetAsideFile[];
  /** A rule outside `.safenote` that keeps Git from seeing the notes all the same. */
  readonly ignoredBy?: string;
  readonly mergeDriver: boolean;
}

/** What everybody with access to the repository will see, in sentences, one a line. */
export function describePlan(plan: SharePlan, root: string): string[] {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  const relative = (file: string) => (file.startsWith(root) ? file.slice(root.length + 1) : file);
  return [
    `${count(plan.notes.length, 'note becomes', 'notes become')} visible to everybody who can read this repository: the code that failed, the tasks in words, diagnoses, guidance, the model's name, dates and how often.`,
    'Counters of worth, approvals, the index and your keys stay on this machine. Nothing is committed or pushed: Git is only allowed to see the files.',
    ...(plan.secrets.length > 0 ? [`Secrets are taken out of ${count(plan.secrets.length, 'note', 'notes')} first: ${plan.secrets.slice(0, 5).join(', ')}${plan.secrets.length > 5 ? ', …' : ''}.`] : []),
    ...(plan.setAside.length > 0 ? [`${count(plan.setAside.length, 'file that is no note becomes', 'files that are no notes become')} visible too: ${plan.setAside.slice(0, 5).map(({ file }) => relative(file)).join(', ')}.`] : []),
    ...(plan.blocked.length > 0 ? [`${count(plan.blocked.length, 'of these files holds', 'of these files hold')} what looks like a secret: ${plan.blocked.map(({ file }) => relative(file)).join(', ')}. Correct or delete it first.`] : []),
    ...(plan.repository ? [] : ['There is no Git repository here yet (or no Git on this machine); the notes are shared once there is one.']),
    ...(plan.ignoredBy ? [`Git would still ignore them, by the rule ${visibleLine(plan.ignoredBy)}. Take it out, or add "!.safenote/" after it.`] : []),
    'On the machines of others these notes are quarantined until somebody there has approved them. You can stop sharing at any time.',
  ].map((sentence) => sentence.trim());
}

/** The plan as a page, with every file. */
export function planPage(plan: SharePlan, root: string): string {
  const relative = (file: string) => (file.startsWith(root) ? file.slice(root.length + 1).replaceAll('\\', '/') : file);
  const secrets = new Set(plan.secrets);
  return [
    '# Share Notebook',
    ...describePlan(plan, root).map((sentence) => `- ${sentence}`).join('\n').split('\n\n'),
    '## Files',
    ['```text', ...plan.notes.map(({ note, file }) => `${visibleLine(relative(file))}${secrets.has(note.id) ? '   (a secret in it is taken out)' : ''}`), ...plan.setAside.map(({ file, reason }) => `${visibleLine(relative(file))}   (no note: ${visibleLine(reason)})`), '```'].join('\n'),
    '',
  ].join('\n\n');
}
