/** What became of one request for a completion. */
export interface Decision {
  readonly at: Date;
  /** File name and place, for people. */
  readonly where: string;
  readonly trigger: 'command' | 'invoked' | 'automatic';
  readonly result: 'shown' | 'nothing' | 'cancelled' | 'failed';
  /** Why, in a sentence. */
  readonly reason: string;
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

  /** The decisions as a Markdown page. */
  toMarkdown(trigger: string): string {
    const rows = this.latest.map((d) => `| ${d.at.toLocaleTimeString()} | ${cell(d.where)} | ${d.trigger} | ${d.result} | ${cell(d.reason)} |`);
    const last = this.latest.find((d) => d.result !== 'shown');
    return [
      '# Why no suggestion?',
      '',
      last ? `The last request without a suggestion: **${cell(last.where)}**: ${cell(last.reason).replace(/\.$/, '')}.` : 'Every request so far has shown a suggestion.',
      '',
      `SafeNote answers the editor's own triggers according to \`safenote.completion.trigger\` (now \`${trigger}\`); *SafeNote: Secure Complete* (Ctrl+Alt+S) always asks.`,
      '',
      `The last ${rows.length === 1 ? 'request' : `${rows.length} requests`}, latest first:`,
      '',
      '| Time | Where | Trigger | Result | Why |',
      '| --- | --- | --- | --- | --- |',
      ...(rows.length > 0 ? rows : ['| | | | | SafeNote has not been asked in this window yet. |']),
      '',
    ].join('\n');
  }
}

function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();
}
