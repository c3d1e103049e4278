import type { CompletionRecord } from '../../core/activity/recorder.ts';
import type { CompletionOutcome, LearnedNote } from '../../core/completion/types.ts';
import type { TextEdit } from '../../core/source.ts';
import type { FunctionVerdict, Verdict } from '../../core/verification/verdict.ts';
import type { EditorSource } from '../common/documents.ts';
import { consumed, type GhostText } from './ghost-text.ts';

export type SessionState = 'shown' | 'partly' | 'accepted' | 'gone';

/** One completion that was made for one text and one caret: what is shown, how it was judged, what became of it. */
export class CompletionSession {
  private static next = 1;
  readonly id = CompletionSession.next++;
  /** URI of the document. */
  readonly uri: string;
  /** The document's own text when the completion was asked for. */
  readonly before: string;
  readonly caret: number;
  readonly read: EditorSource;
  readonly outcome: CompletionOutcome;
  readonly ghost: GhostText;
  /** Tells the activity journal what became of it. */
  readonly record: CompletionRecord;
  state: SessionState = 'shown';
  /** Characters of the insertion that are in the document. */
  taken = 0;
  /** The present verdict: that at the deadline, then the settled one. */
  verdict: Verdict;
  /** What the tests said after it was shown; part of `verdict` too. */
  tested: FunctionVerdict | undefined;
  /** The tests run on it now. */
  testing = false;
  /** Notes that these tests wrote. */
  learnedLater: Promise<readonly LearnedNote[]> = Promise.resolve([]);
  /** What came of a second attempt that was made after it was shown and is not offered. */
  readonly later: string[] = [];
  /** A checked retry is being made for it. */
  retrying = false;

  constructor(o: { uri: string; before: string; caret: number; read: EditorSource; outcome: CompletionOutcome; ghost: GhostText; record: CompletionRecord }) {
    this.uri = o.uri;
    this.before = o.before;
    this.caret = o.caret;
    this.read = o.read;
    this.outcome = o.outcome;
    this.ghost = o.ghost;
    this.record = o.record;
    this.verdict = o.outcome.verdict;
  }

  /** What is left to insert at a caret of a text; `undefined` where this completion does not fit there (any more). */
  remaining(text: string, caret: number): { start: number; end: number; insertText: string } | undefined {
    const state = consumed(this.before, this.ghost, text);
    if (state.kind !== 'prefix') return undefined;
    const { start, end, insertText } = this.ghost;
    if (caret !== start + state.count) return undefined;
    return { start: caret, end: caret + (end - start), insertText: insertText.slice(state.count) };
  }
}

const KEPT = 50;

/** The completions of this window, latest first when looked up; the oldest are forgotten. */
export class Sessions {
  private readonly list: CompletionSession[] = [];
  /** The last one whose text was given to the editor. */
  current: CompletionSession | undefined;

  add(session: CompletionSession): void {
    this.list.push(session);
    if (this.list.length > KEPT) this.list.shift();
  }

  byId(id: number): CompletionSession | undefined {
    return this.list.find((session) => session.id === id);
  }

  get last(): CompletionSession | undefined {
    return this.list.at(-1);
  }

  /** The latest completion that can go on at a place of a document; its text is read only where there is a candidate. */
  find(uri: string, read: () => string, caret: number): { session: CompletionSession; rest: { start: number; end: number; insertText: string } } | undefined {
    let text: string | undefined;
    for (let at = this.list.length - 1; at >= 0; at--) {
      const session = this.list[at];
      if (!session || session.uri !== uri || session.state === 'gone') continue;
      const rest = session.remaining((text ??= read()), caret);
      if (rest) return { session, rest };
    }
    return undefined;
  }

  /** Answers that were not taken are asked for anew, for instance with another model. */
  forgetUnused(): void {
    for (const session of this.list) if (session.state === 'shown') session.state = 'gone';
  }
}

/** A completion in the document's own offsets: edits of cells above (of a notebook) move to the start of the cell. */
export function ownEdits(edits: readonly TextEdit[], shift: number): TextEdit[] {
  return edits.map((edit) => ({ ...edit, start: Math.max(0, edit.start - shift), end: Math.max(0, edit.end - shift) }));
}
