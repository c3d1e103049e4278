import type { CompletionOutcome } from '../../core/completion/types.ts';
import type { Verdict } from '../../core/verification/verdict.ts';
import { escapeInline } from '../common/escape-markdown.ts';
import { leftOutLines, verdictLines } from './verdict-text.ts';

/** What became of one request for a completion. */
export interface Decision {
  readonly at: Date;
  /** File name and place, for people. */
  readonly where: string;
  readonly trigger: 'command' | 'invoked' | 'automatic';
  readonly result: 'shown' | 'nothing' | 'cancelled' | 'failed';
  /** Why, in a sentence. */
  readonly reason: string;
  /** The completion, where one was made: its verdict goes on changing until the last check has answered. */
  readonly completion?: { readonly outcome: CompletionOutcome; readonly verdict: Verdict; readonly state: string };
}

const KEPT = 50;

/** The last decisions, for "Why No Suggestion?". */
export class Decisions {
  private readonly list: Decision[] = [];

  add(decision: Omit<Decision, 'at'>): void {
    this.list.push({ at: new Date(), ...decision });
    if (this.list.length > KEPT) this.list.shift();
  }

  /** Latest first. */
  get latest(): readonly Decision[] {
    return [...this.list].reverse();
  }

  /** The decisions as a Markdown page: all of them in a table, then what is known of each that has a completion. */
  toMarkdown(trigger: string): string {
    const all = this.latest;
    const rows = all.map((d, n) => `| ${n + 1} | ${timeOf(d)} | ${cell(d.where)} | ${d.trigger} | ${d.result} | ${cell(d.reason)} |`);
    const last = all.find((d) => d.result !== 'shown');
    return [
      '# Why no suggestion?',
      '',
      last ? `The last request without a suggestion: **${cell(last.where)}**: ${cell(last.reason).replace(/\.$/, '')}.` : 'Every request so far has shown a suggestion.',
      '',
      `SafeNote answers the editor's own triggers according to \`safenote.completion.trigger\` (now \`${trigger}\`); *SafeNote: Secure Complete* (Ctrl+Alt+S) always asks.`,
      '',
      `The last ${rows.length === 1 ? 'request' : `${rows.length} requests`}, latest first:`,
      '',
      '| # | Time | Where | Trigger | Result | Why |',
      '| --- | --- | --- | --- | --- | --- |',
      ...(rows.length > 0 ? rows : ['| | | | | | SafeNote has not been asked in this window yet. |']),
      '',
      ...all.flatMap((d, n) => (d.completion ? provenance(n + 1, d, d.completion) : [])),
    ].join('\n');
  }
}

/** What shaped a completion and what each check said of it. Notes and rules are strangers' text: all of it is escaped. */
function provenance(n: number, d: Decision, { outcome, verdict, state }: NonNullable<Decision['completion']>): string[] {
  const fate = { shown: 'shown, not taken over (yet)', partly: 'accepted in part', accepted: 'accepted', gone: 'shown, not taken over' }[state];
  return [
    `## ${n}. ${cell(d.where)}, ${timeOf(d)}`,
    '',
    ...[...(fate ? [{ label: 'Became of it', text: fate }] : []), ...verdictLines(outcome, verdict), ...leftOutLines(outcome)].map(({ label, text }) => `- **${escapeInline(label)}:** ${escapeInline(text)}`),
    `- **Sent:** ${outcome.messages.length} messages; *SafeNote: Show Prompt* shows them word by word where the completion stands.`,
    '',
  ];
}

function timeOf(d: Decision): string {
  return d.at.toLocaleTimeString();
}

function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
}
