import { ExpectedError } from '../../core/errors.ts';

/** What was done to notes in this window and can be taken back, the latest first. */
export class NoteUndo {
  private readonly steps: { readonly id: number; readonly title: string; readonly undo: () => Promise<void> }[] = [];
  private last = 0;
  private readonly tell: (canUndo: boolean) => void;
  private readonly limit = 20;

  /** `tell` hears whether there is anything to take back. */
  constructor(tell: (canUndo: boolean) => void) {
    this.tell = tell;
  }

  /** Remembers a step. Returns its number, by which it can be taken back later, whatever came after it. */
  push(title: string, undo: () => Promise<void>): number {
    this.steps.push({ id: ++this.last, title, undo });
    if (this.steps.length > this.limit) this.steps.shift();
    this.tell(true);
    return this.last;
  }

  /** Takes a step back, the latest where none is named; gives its title. A step can be taken back once. */
  async undo(id?: number): Promise<string> {
    const at = id === undefined ? this.steps.length - 1 : this.steps.findIndex((step) => step.id === id);
    const step = this.steps[at];
    if (!step) throw new ExpectedError('nothing-to-undo', 'There is no change of a note to take back.', 'What was deleted, merged or split in this window can be taken back once.');
    await step.undo();
    this.steps.splice(this.steps.indexOf(step), 1);
    this.tell(this.steps.length > 0);
    return step.title;
  }
}
