import type { NoteKind } from '../../core/notebook/note.ts';

/** The part of the editor's memory that is used here. */
interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

/** Which notes of one notebook the user has had in view, remembered for the workspace. */
export class SeenNotes {
  private readonly memory: Memory;
  private readonly key: string;
  private seen: Set<string>;

  constructor(memory: Memory, kind: NoteKind) {
    this.memory = memory;
    this.key = `seenNotes.${kind}`;
    const kept = memory.get(this.key);
    this.seen = new Set(typeof kept === 'string' ? kept.split(' ') : []);
  }

  /** Those of some notes (by a key that is unique in the workspace) that were never in view. */
  unseen(keys: readonly string[]): Set<string> {
    return new Set(keys.filter((key) => !this.seen.has(short(key))));
  }

  /** Everything that is there now has been seen; what is gone is forgotten. */
  async markSeen(keys: readonly string[]): Promise<void> {
    const now = new Set(keys.map(short));
    if (now.size === this.seen.size && [...now].every((key) => this.seen.has(key))) return;
    this.seen = now;
    await this.memory.update(this.key, [...now].join(' '));
  }
}

/** Thousands of ids are kept: a hash of each will do, since one mistaken for another costs a mark only. */
function short(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}
