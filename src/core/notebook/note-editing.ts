import { ExpectedError } from '../errors.ts';
import { absorb, hasRoom, mayMerge, split } from './merging.ts';
import type { StoredNote } from './note.ts';
import type { NoteStore, RemovedNote } from './store.ts';

export interface NoteEditingOptions {
  readonly store: NoteStore;
  /** A new id made of `[a-z0-9-]`, beginning with the given words. */
  readonly newId: (words: string) => string;
  readonly now: () => Date;
}

/**
 * What a user does to notes as wholes: merge those that say the same, split what does not belong together. Each is written
 * so that an end in the middle leaves a failure twice in the notebook, never nowhere.
 */
export class NoteEditing {
  private readonly o: NoteEditingOptions;

  constructor(options: NoteEditingOptions) {
    this.o = options;
  }

  /**
   * Takes tasks out of a note, each into a note of its own. `tasks`: places in the note's list, from 0; without them all but
   * the first. The note keeps its id. Throws `note-missing`, `note-quarantined`, `no-such-task`, `nothing-to-split`, `note-changed`.
   */
  async split(id: string, tasks?: readonly number[]): Promise<{ readonly rest: StoredNote; readonly parts: readonly StoredNote[] }> {
    const { note } = await this.usable(id);
    const wrong = tasks?.find((at) => note.tasks[at] === undefined);
    if (wrong !== undefined) throw new ExpectedError('no-such-task', `Note "${id}" has no task ${wrong + 1}.`, `It has ${note.tasks.length} ${note.tasks.length === 1 ? 'task' : 'tasks'}; the first is 1.`);
    const words = `${note.kind === 'function' ? 'tests' : `${note.cwe ?? 'rule'} ${note.ruleFamily ?? note.rule ?? ''}`}`.trim();
    const made = split(note, { ...(tasks ? { tasks } : {}), newId: () => this.o.newId(words), now: this.o.now().toISOString() });
    if (!made) throw new ExpectedError('nothing-to-split', `Note "${id}" has one task: there is nothing to split.`, 'A note can be split once a merge gave it a second task.');
    const parts: StoredNote[] = [];
    const before = JSON.stringify(note);
    try {
      for (const part of made.parts) parts.push(await this.o.store.create(part));
      const rest = await this.o.store.modify(id, (current) => {
        if (JSON.stringify(current) !== before) throw new ExpectedError('note-changed', `Note "${id}" was changed while it was split; nothing was done.`, 'Look at it and split it again.');
        return made.rest;
      });
      return { rest, parts };
    } catch (error) {
      // The note still holds everything: the parts that were written already are taken back.
      for (const part of parts) await this.o.store.remove(part.note.id);
      throw error;
    }
  }

  /**
   * Merges notes into one by the user's will, however alike they are. Never across CWEs, rule families, languages or kinds.
   * Returns what was removed, enough to put it back. Throws `note-missing`, `note-quarantined`, `not-mergeable`, `note-full`.
   */
  async merge(into: string, others: readonly string[]): Promise<{ readonly note: StoredNote; readonly removed: readonly RemovedNote[] }> {
    let target = await this.usable(into);
    const sources = await Promise.all([...new Set(others)].filter((id) => id !== into).map((id) => this.usable(id)));
    if (sources.length === 0) throw new ExpectedError('nothing-to-merge', 'A note cannot be merged with itself.', 'Choose two notes or more.');
    for (const { note } of sources) {
      if (!mayMerge(target.note, note)) throw new ExpectedError('not-mergeable', `"${note.title}" is another mistake than "${target.note.title}".`, 'Only notes of the same weakness, rule family and language can be merged.');
    }
    const removed: RemovedNote[] = [];
    for (const { note } of sources) {
      target = await this.o.store.modify(into, (current) => {
        if (!hasRoom(current, note)) throw new ExpectedError('note-full', `Note "${into}" holds as much as a note can.`, 'Merge into another one.');
        return absorb(current, note, this.o.now().toISOString());
      });
      removed.push(await this.o.store.remove(note.id));
    }
    return { note: target, removed };
  }

  private async usable(id: string): Promise<StoredNote> {
    const stored = await this.o.store.get(id);
    if (!stored) throw new ExpectedError('note-missing', `There is no note "${id}".`, 'See "safenote notebook list".');
    if (stored.quarantined) throw new ExpectedError('note-quarantined', `Note "${id}" came from elsewhere and is not approved.`, 'Read it and approve it first.');
    return stored;
  }
}
