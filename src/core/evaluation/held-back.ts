import type { LearnedNote } from '../completion/types.ts';
import type { Learner } from '../notebook/learner.ts';

export type Learning = Pick<Learner, 'learnSecurity' | 'learnFunction' | 'addSecureExample'>;

/**
 * A learner that waits until it is told to learn: all samples of a task are judged with the notebook as it was before, and
 * what they teach is written afterwards, in an order that does not depend on which model answer came first.
 */
export class HeldBack implements Learning {
  private readonly learner: Learning;
  private open: (() => void) | undefined;
  private refuse: ((reason: unknown) => void) | undefined;
  private readonly opened: Promise<void>;

  constructor(learner: Learning) {
    this.learner = learner;
    this.opened = new Promise((resolve, reject) => {
      this.open = resolve;
      this.refuse = reject;
    });
    // Nobody may be waiting.
    this.opened.catch(() => undefined);
  }

  letGo(): void {
    this.open?.();
  }

  /** Nothing will be learned: the run has ended. */
  drop(): void {
    this.refuse?.(new DOMException('The run has ended.', 'AbortError'));
  }

  async learnSecurity(...args: Parameters<Learner['learnSecurity']>): Promise<LearnedNote[]> {
    await this.wait(args[2]);
    return this.learner.learnSecurity(...args);
  }

  async learnFunction(...args: Parameters<Learner['learnFunction']>): Promise<LearnedNote[]> {
    await this.wait(args[2]);
    return this.learner.learnFunction(...args);
  }

  async addSecureExample(...args: Parameters<Learner['addSecureExample']>): Promise<void> {
    await this.opened;
    return this.learner.addSecureExample(...args);
  }

  private async wait(signal: AbortSignal): Promise<void> {
    await this.opened;
    signal.throwIfAborted();
  }
}
