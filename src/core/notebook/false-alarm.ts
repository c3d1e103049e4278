import type { ActivityRecorder } from '../activity/recorder.ts';
import type { Finding } from '../verification/finding.ts';
import type { Note } from './note.ts';
import type { NoteStore } from './store.ts';

/** What was done to notes, and the way to take it back. */
export interface Weakened {
  readonly notes: readonly string[];
  undo(): Promise<void>;
}

/**
 * Weakens the notes that a false alarm made: one seen several times counts one less, one that rests on this alone is told to be
 * wrong, so that it sinks in the ranking and is proposed for retirement. None is muted or deleted: that is the user's.
 */
export class FalseAlarms {
  private readonly o: { store: NoteStore; activity: Pick<ActivityRecorder, 'wrong'> };

  constructor(options: FalseAlarms['o']) {
    this.o = options;
  }

  /** `code`: the flagged lines. */
  async weaken(finding: Finding, code: string, language: string): Promise<Weakened> {
    const { notes } = await this.o.store.load();
    const wanted = essence(code);
    const made = notes.filter(({ note, quarantined }) => !quarantined && wanted !== '' && isAbout(note, finding, language) && holds(note, wanted));
    const undo: (() => Promise<unknown>)[] = [];
    for (const { note } of made) {
      const merged = note.merged?.find((m) => essence(m.erroneousCode).includes(wanted));
      const own = note.frequency - (note.merged ?? []).reduce((sum, m) => sum + m.frequency, 0);
      if (merged && merged.frequency > 1) {
        const by = (n: number) => this.o.store.modify(note.id, (now) => ({ ...now, frequency: now.frequency + n, merged: (now.merged ?? []).map((m) => (m.created === merged.created && m.task === merged.task ? { ...m, frequency: m.frequency + n } : m)) }));
        await by(-1);
        undo.push(() => by(1));
      } else if (!merged && own > 1) {
        const by = (n: number) => this.o.store.modify(note.id, (now) => ({ ...now, frequency: Math.max(1, now.frequency + n) }));
        await by(-1);
        undo.push(() => by(1));
      } else {
        await this.o.activity.wrong(note.id, { why: 'false-alarm' });
        undo.push(() => this.o.activity.wrong(note.id, { undone: true }));
      }
    }
    return {
      notes: made.map(({ note }) => note.title),
      undo: async () => {
        for (const one of undo) await one();
      },
    };
  }
}

function isAbout(note: Note, finding: Finding, language: string): boolean {
  if (note.kind !== 'security' || note.language !== language) return false;
  if (note.rule === finding.ruleId) return true;
  return note.cwe === undefined ? note.ruleFamily === finding.ruleFamily : finding.cwe.includes(note.cwe) && note.ruleFamily === finding.ruleFamily;
}

function holds(note: Note, wanted: string): boolean {
  return [note.erroneousCode, ...(note.merged ?? []).map((m) => m.erroneousCode)].some((code) => essence(code).includes(wanted));
}

function essence(code: string): string {
  return code.replace(/\s+/g, '');
}
