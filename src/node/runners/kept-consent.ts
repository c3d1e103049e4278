import { createHash } from 'node:crypto';
import type { TestConsent } from '../../core/verification/test-runner.ts';
import type { Approvals } from '../notes/approvals.ts';

/**
 * Asks each question once and keeps the answer, yes or no, in the user's own folder: a clone cannot agree for the user.
 * Where nobody can be asked the answer is no, and is not kept.
 */
export class KeptConsent implements TestConsent {
  private readonly answers: Approvals;
  private readonly ask: TestConsent | undefined;
  private readonly asking = new Map<string, Promise<boolean>>();

  constructor(options: { answers: Approvals; ask?: TestConsent | undefined }) {
    this.answers = options.answers;
    this.ask = options.ask;
  }

  command(command: string): Promise<boolean> {
    return this.once(`command ${command}`, this.ask && (() => this.ask?.command(command) ?? Promise.resolve(false)));
  }

  unboxed(reason: string): Promise<boolean> {
    return this.once('unboxed', this.ask && (() => this.ask?.unboxed(reason) ?? Promise.resolve(false)));
  }

  /** Whether the user has said yes or no already; `undefined` where it would be asked. */
  answered(question: { readonly command: string } | 'unboxed'): boolean | undefined {
    return this.known(question === 'unboxed' ? 'unboxed' : `command ${question.command}`);
  }

  /** Keeps an answer that was given outside of a run. */
  async keep(question: { readonly command: string } | 'unboxed', yes: boolean): Promise<void> {
    await this.forget(question);
    await this.answers.add([hashOf(question === 'unboxed' ? 'unboxed' : `command ${question.command}`, yes)]);
  }

  /** Takes an answer back, so that the question is asked again. */
  async forget(question: { readonly command: string } | 'unboxed'): Promise<void> {
    const text = question === 'unboxed' ? 'unboxed' : `command ${question.command}`;
    await this.answers.remove([hashOf(text, true), hashOf(text, false)]);
  }

  private known(question: string): boolean | undefined {
    const kept = this.answers.hashes();
    return kept.has(hashOf(question, true)) ? true : kept.has(hashOf(question, false)) ? false : undefined;
  }

  private once(question: string, ask: (() => Promise<boolean>) | undefined): Promise<boolean> {
    const known = this.known(question);
    if (known !== undefined || !ask) return Promise.resolve(known ?? false);
    // Two completions at the same time ask one question.
    const open = this.asking.get(question);
    if (open) return open;
    const answer = ask()
      .then(async (yes) => {
        await this.answers.add([hashOf(question, yes)]);
        return yes;
      })
      .finally(() => this.asking.delete(question));
    this.asking.set(question, answer);
    return answer;
  }
}

function hashOf(question: string, yes: boolean): string {
  return createHash('sha256').update(`${yes ? 'yes' : 'no'} ${question}`).digest('hex');
}
