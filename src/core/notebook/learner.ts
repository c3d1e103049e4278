import type { LearnedNote } from '../completion/types.ts';
import { isCancelled, isExpected, messageOf } from '../errors.ts';
import type { Guideline } from '../knowledge/knowledge.ts';
import type { LanguageModel, Purpose } from '../llm/model.ts';
import type { Logger } from '../log.ts';
import { describeFindings } from '../prompting/render.ts';
import { fence, fillTemplate, type Prompts, type TemplateValues } from '../prompting/template.ts';
import type { Embedder } from '../retrieval/embedder.ts';
import type { Finding } from '../verification/finding.ts';
import { absorb, firstWords, hasRoom, mayMerge, sameCode } from './merging.ts';
import { mergeText } from './note-indexer.ts';
import type { NoteIndex } from './note-index.ts';
import type { Note, NoteOrigin, StoredNote } from './note.ts';
import type { NoteStore } from './store.ts';

/** A completion that a check or a test rejected, as a note needs it. */
interface Failure {
  readonly language: string;
  readonly task: string;
  /** C_err: the completed function with the imports it uses, as the model wrote it. */
  readonly code: string;
  /** Name of the model that failed. */
  readonly modelName: string;
  readonly origin: NoteOrigin;
  /** Where it happened, as a note keeps it; absent where it belongs to no file of the workspace. */
  readonly place?: { readonly file: string; readonly line: number };
}

/** A completion that the workspace's tests rejected. */
export interface FunctionFailure extends Failure {
  /** D: what the tests reported, cut to what matters. */
  readonly diagnosis: string;
  /** Definitions of the workspace's own APIs that the code depends on, ready for a prompt; may be empty. */
  readonly definitions: string;
}

/** A completion that an analyzer rejected. */
export interface SecurityFailure extends Failure {
  /** The document with the completion in it, which the findings' places refer to. */
  readonly scanned: string;
  /** At least one. */
  readonly findings: readonly Finding[];
  /** Definitions of the workspace's own APIs that the code depends on, ready for a prompt. */
  readonly definitions?: string;
  /** Sliced secure code of a matching sample: makes the guidance a correction guide (offline construction). */
  readonly secureSlice?: string;
  /** Work that was interrupted is done again: a failure that a note counts already is not counted twice. */
  readonly resumed?: boolean;
}

export interface LearnerOptions {
  readonly store: NoteStore;
  readonly index?: NoteIndex;
  readonly embedder?: Embedder;
  /** Brings the index up to these notes: a failure may follow on another before anything was retrieved. */
  readonly syncIndex?: (notes: readonly StoredNote[]) => Promise<unknown>;
  readonly prompts: () => Promise<Prompts>;
  readonly guideline: (cwe: string) => Promise<Guideline | undefined>;
  /** τ_sim, cosine in [0, 1]. */
  readonly mergeSimilarity: () => number;
  /** A new id made of `[a-z0-9-]`, beginning with the given words. */
  readonly newId: (words: string) => string;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Turns failures into notes (paper §3.3; DESIGN §4.8). One failure at a time, so that equal ones merge. */
export class Learner {
  private queue: Promise<unknown> = Promise.resolve();
  private readonly o: LearnerOptions;

  constructor(options: LearnerOptions) {
    this.o = options;
  }

  /**
   * Writes or updates one note per weakness found. The note exists before the model is asked for its guidance; where
   * that fails it stays without, and the next failure of the kind asks again.
   */
  async learnSecurity(failure: SecurityFailure, model: LanguageModel | undefined, signal: AbortSignal): Promise<LearnedNote[]> {
    const learned: LearnedNote[] = [];
    for (const findings of byWeakness(failure.findings)) {
      learned.push(await this.learn(await this.securityNote(failure, findings), () => this.securityGuidance(failure, findings), model, signal, failure.resumed));
    }
    return learned;
  }

  /** Writes or updates the function note of one failure, as `learnSecurity` does. */
  async learnFunction(failure: FunctionFailure, model: LanguageModel | undefined, signal: AbortSignal): Promise<LearnedNote[]> {
    const candidate = this.candidate(failure, { kind: 'function', words: 'tests', title: firstWords(failure.task), diagnosis: failure.diagnosis });
    const guidance = (): Guidance => ({
      purpose: 'repair-suggestion',
      values: { language: failure.language, task: fence(failure.task, 'text'), code: fence(failure.code, failure.language), diagnosis: fence(failure.diagnosis, 'text'), definitions: failure.definitions },
    });
    return [await this.learn(candidate, () => Promise.resolve(guidance()), model, signal)];
  }

  /** A retry passed: what worked is kept as the secure example of the notes that its failure made. */
  async addSecureExample(noteIds: readonly string[], code: string): Promise<void> {
    for (const id of noteIds) {
      await this.alone(() =>
        this.o.store.modify(id, (note) => (note.secureExample === undefined ? { ...note, secureExample: code, updated: this.timestamp() } : note)),
      ).catch((error: unknown) => this.o.log.warn(`The secure example of note ${id} was not stored.`, messageOf(error)));
    }
  }

  /** Merges the notes that were stored without an embedder, now that there is one. Returns how many went into others. */
  async mergePending(): Promise<number> {
    const { notes } = await this.o.store.load();
    await this.o.syncIndex?.(notes);
    let merged = 0;
    for (const { note } of notes.filter((n) => n.note.mergePending && !n.quarantined)) {
      await this.alone(async () => {
        const target = await this.nearest(note, note.id);
        if (target === undefined) {
          await this.o.store.modify(note.id, ({ mergePending: _, ...rest }) => rest);
          return;
        }
        await this.o.store.modify(target, (current) => absorb(current, note, this.timestamp()));
        await this.o.store.remove(note.id);
        merged++;
      });
    }
    return merged;
  }

  private async learn(candidate: Note, guidance: () => Promise<Guidance>, model: LanguageModel | undefined, signal: AbortSignal, resumed = false): Promise<LearnedNote> {
    const { stored, action } = await this.alone(() => this.record(candidate, resumed));
    if (!stored.guidance && model) await this.writeGuidance(stored, guidance, model, signal);
    return { id: stored.id, kind: stored.kind, action };
  }

  private async securityNote(failure: SecurityFailure, findings: readonly Finding[]): Promise<Note> {
    const first = findings[0];
    if (!first) throw new Error('A security failure has at least one finding.');
    const cwe = first.cwe[0];
    const note = this.candidate(failure, { kind: 'security', words: `${cwe ?? 'rule'} ${first.ruleFamily}`, title: await this.title(first, failure.task), diagnosis: describeFindings(findings, failure.scanned) });
    return { ...note, ...(cwe ? { cwe } : {}), rule: first.ruleId, ruleFamily: first.ruleFamily, ...(failure.secureSlice ? { secureExample: failure.secureSlice } : {}) };
  }

  /** A new note of a failure, as it is where none like it is there. */
  private candidate(failure: Failure, o: { kind: Note['kind']; words: string; title: string; diagnosis: string }): Note {
    const now = this.timestamp();
    return {
      id: this.o.newId(o.words),
      kind: o.kind,
      title: o.title,
      language: failure.language,
      frequency: 1,
      origin: failure.origin,
      model: failure.modelName,
      created: now,
      updated: now,
      status: 'active',
      ...(failure.place ?? {}),
      tasks: [failure.task],
      erroneousCode: failure.code,
      diagnosis: o.diagnosis,
      guidance: '',
    };
  }

  private async record(candidate: Note, resumed: boolean): Promise<{ stored: Note; action: 'created' | 'merged' }> {
    const counted = resumed ? await this.countedIn(candidate) : undefined;
    if (counted) return { stored: counted, action: 'merged' };
    const { id: target, compared } = await this.findTwin(candidate);
    if (target !== undefined) {
      const stored = await this.o.store.modify(target, (note) => absorb(note, candidate, candidate.created));
      return { stored: stored.note, action: 'merged' };
    }
    const stored = await this.o.store.create(compared ? candidate : { ...candidate, mergePending: true });
    return { stored: stored.note, action: 'created' };
  }

  /** The note that has this failure's task among its own. */
  private async countedIn(note: Note): Promise<Note | undefined> {
    const { notes } = await this.o.store.load();
    const task = note.tasks[0] ?? '';
    return notes.find((n) => !n.quarantined && mayMerge(n.note, note) && n.note.tasks.some((t) => sameCode(t, task)))?.note;
  }

  /** An existing note that this one belongs to. `compared` is false where no embedder could say. */
  private async findTwin(note: Note): Promise<{ id: string | undefined; compared: boolean }> {
    const { notes } = await this.o.store.load();
    const twin = notes.find((n) => !n.quarantined && mayMerge(n.note, note) && (sameCode(n.note.erroneousCode, note.erroneousCode) || n.note.merged?.some((m) => sameCode(m.erroneousCode, note.erroneousCode))) && hasRoom(n.note, note));
    if (twin) return { id: twin.note.id, compared: true };
    if (!this.o.index || !this.o.embedder) return { id: undefined, compared: false };
    try {
      await this.o.syncIndex?.(notes);
      return { id: await this.nearest(note), compared: true };
    } catch (error) {
      this.o.log.warn('A new note was not compared with the others.', isExpected(error) ? error.message : error);
      return { id: undefined, compared: false };
    }
  }

  private async nearest(note: Note, except?: string): Promise<string | undefined> {
    const { index, embedder, store } = this.o;
    if (!index || !embedder) return undefined;
    const [vector] = await embedder.embed([mergeText(note.erroneousCode, note.tasks[0] ?? '')]);
    if (!vector) return undefined;
    for (const hit of await index.nearest(note.kind, 'merge', vector, 20)) {
      if (hit.score <= this.o.mergeSimilarity()) return undefined;
      if (hit.noteId === except) continue;
      const other = await store.get(hit.noteId);
      if (other && !other.quarantined && mayMerge(other.note, note) && hasRoom(other.note, note)) return hit.noteId;
    }
    return undefined;
  }

  private async writeGuidance(note: Note, guidanceFor: () => Promise<Guidance>, model: LanguageModel, signal: AbortSignal): Promise<void> {
    try {
      const { purpose, values } = await guidanceFor();
      const messages = fillTemplate(await this.o.prompts(), purpose, values);
      const reply = await model.generate({ purpose, messages, temperature: 0.2 }, { signal });
      const guidance = tidyGuidance(reply.text);
      if (guidance) await this.alone(() => this.o.store.modify(note.id, (current) => (current.guidance ? current : { ...current, guidance, updated: this.timestamp() })));
    } catch (error) {
      if (isCancelled(error) || signal.aborted) return;
      this.o.log.warn(`The model wrote no guidance for note ${note.id}; it is kept without.`, messageOf(error));
    }
  }

  private async securityGuidance(failure: SecurityFailure, findings: readonly Finding[]): Promise<Guidance> {
    return {
      purpose: failure.secureSlice ? 'correction-guide' : 'security-warning',
      values: {
        language: failure.language,
        weakness: await this.weakness(findings),
        task: fence(failure.task, 'text'),
        code: fence(failure.code, failure.language),
        diagnosis: describeFindings(findings, failure.scanned),
        definitions: failure.definitions ?? '',
        secure: failure.secureSlice ? fence(failure.secureSlice, failure.language) : '',
      },
    };
  }

  private async weakness(findings: readonly Finding[]): Promise<string> {
    const cwe = findings[0]?.cwe[0];
    const title = cwe && (await this.o.guideline(cwe))?.title;
    return cwe ? `${cwe}${title ? ` (${title})` : ''}` : `rule ${findings[0]?.ruleId ?? ''}`;
  }

  private async title(finding: Finding, task: string): Promise<string> {
    const cwe = finding.cwe[0];
    const weakness = (cwe && (await this.o.guideline(cwe))?.title) ?? finding.ruleFamily.replace(/[-.]/g, ' ');
    return `${weakness}: ${firstWords(task)}`;
  }

  private timestamp(): string {
    return this.o.now().toISOString();
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

/** A template and what fills it. */
interface Guidance {
  readonly purpose: Purpose;
  readonly values: TemplateValues;
}

/** Findings grouped by what one note is about: CWE and rule family; where a rule names no CWE, the rule. */
function byWeakness(findings: readonly Finding[]): Finding[][] {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = finding.cwe[0] ? `${finding.cwe[0]} ${finding.ruleFamily}` : finding.ruleId;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()];
}

/** A model's guidance without the fence or the thinking that some put around it, at most 2,000 characters. */
export function tidyGuidance(text: string): string {
  const plain = text
    .replace(/^\s*<think(?:ing)?>[\s\S]*?<\/think(?:ing)?>/i, '')
    .trim()
    .replace(/^```\w*\n([\s\S]*?)\n```$/, '$1')
    .trim();
  return plain.length > 2000 ? `${plain.slice(0, 1999).trimEnd()}…` : plain;
}
