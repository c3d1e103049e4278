import type { Sample, Guideline } from '../knowledge/knowledge.ts';
import type { ChatMessage, TokenCount } from '../llm/model.ts';
import type { NoteKind, StoredNote } from '../notebook/note.ts';
import type { SourceDocument, TextEdit } from '../source.ts';
import type { SecurityVerdict, Verdict } from '../verification/verdict.ts';

/** `plain`: the model alone. `rescue`: with the knowledge base. `safenote`: with knowledge and both notebooks. */
export type Mode = 'plain' | 'rescue' | 'safenote';
export const MODES: readonly Mode[] = ['plain', 'rescue', 'safenote'];

/** What a developer asks for. */
export interface CompletionRequest {
  readonly document: SourceDocument;
  /** Where the completion goes, UTF-16 offset into the document's text. */
  readonly offset: number;
  /** What the user typed; where absent, comment, docstring and signature speak. */
  readonly task?: string;
  readonly mode: Mode;
  /** Notes per notebook, 0 to 5; the model's own setting where absent. */
  readonly k?: number;
  /** Id of a sample that is not retrieved: the task was made from it, so it would give the answer away. */
  readonly withoutSample?: string;
}

/** Something that was retrieved, with why. */
export interface Retrieved<T> {
  readonly item: T;
  /** Fused score, comparable within one list only. */
  readonly score: number;
  /** Similar enough to be of use; what is not never reaches a prompt. */
  readonly passesGate: boolean;
}

export interface RetrievedKnowledge {
  readonly guideline: Guideline;
  readonly sample: Sample | undefined;
}

/** What was retrieved for a request: one knowledge entry per CWE; notes best first. */
export interface RetrievedContext {
  readonly knowledge: readonly Retrieved<RetrievedKnowledge>[];
  readonly securityNotes: readonly Retrieved<StoredNote>[];
  readonly functionNotes: readonly Retrieved<StoredNote>[];
  /** Things the user should know about this retrieval, e.g. that there was no embedder. */
  readonly remarks: readonly string[];
}

/** A note that this request wrote. */
export interface LearnedNote {
  readonly id: string;
  readonly kind: NoteKind;
  readonly action: 'created' | 'merged';
}

/** One answer and what every analyzer said of it in the end. */
export interface Tried {
  readonly verdict: SecurityVerdict;
  /** As the server named itself. */
  readonly model: string;
  readonly tokens: TokenCount;
  /** The completed function with its imports. */
  readonly code: string;
  /** The document with the answer in it, which the findings' places refer to. */
  readonly scanned: string;
}

export type Phase = 'retrieving' | 'drafting' | 'generating' | 'checking' | 'testing' | 'retrying' | 'learning';

/** One answer of the model, put in its place. */
export interface Attempt {
  /** The insertion, in the document's own line endings. May cover closing brackets right after the caret. */
  readonly edit: TextEdit;
  /** Import lines that the answer needs and the document lacks, as edits at the end of the imports. */
  readonly importEdits: readonly TextEdit[];
  readonly verdict: Verdict;
}

export interface Timings {
  readonly retrieveMs: number;
  readonly generateMs: number;
  readonly verifyMs: number;
  readonly totalMs: number;
}

/** The result of one request (DESIGN §4). */
export interface CompletionOutcome extends Attempt {
  readonly request: CompletionRequest;
  readonly model: string;
  /** What went into the prompt (of the first attempt). */
  readonly context: RetrievedContext;
  /** What was looked at for it; what passes the gate and is not in the context found no room, or better ones before it. */
  readonly looked: RetrievedContext;
  /** What was sent for the answer that is shown. */
  readonly messages: readonly ChatMessage[];
  /** 1, or 2 when the first answer failed before it was shown. */
  readonly attempts: number;
  /** Every attempt in order; the last is not always the one shown (the safer is). */
  readonly history: readonly Attempt[];
  readonly timings: Timings;
  readonly tokens: TokenCount;
  readonly remarks: readonly string[];
  /** The verdict once analyzers that missed the deadline have answered; resolves to `verdict` when none did. */
  readonly settled: Promise<Verdict>;
  /** Notes written from this request's failures; never delays the answer. Resolves also after a failure (logged). */
  readonly learned: Promise<readonly LearnedNote[]>;
}
