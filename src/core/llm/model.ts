import { ExpectedError } from '../errors.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What a call is for; shown in progress and in the log, and part of a recording. */
export type Purpose = 'completion' | 'draft' | 'retry' | 'security-warning' | 'correction-guide' | 'repair-suggestion' | 'verified-fix' | 'description';

export interface GenerateRequest {
  readonly purpose: Purpose;
  readonly messages: readonly ChatMessage[];
  /** Left out where undefined; adapters drop it, once and remembered, where a server refuses it. */
  readonly temperature?: number;
  readonly maxTokens?: number;
}

export interface GenerateOptions {
  readonly signal: AbortSignal;
  /** Called with each piece of the streamed text. */
  readonly onText?: (piece: string) => void;
}

export interface GenerateReply {
  readonly text: string;
  /** The model's name as the server gave it, else as asked for. */
  readonly model: string;
  /** As the server counted them, else an estimate of 4 characters a token. */
  readonly tokens: TokenCount;
}

export interface TokenCount {
  readonly prompt: number;
  readonly completion: number;
}

/** Port: a chat model. `generate` throws `ModelError` for everything a user can act on, `AbortError` on cancel. */
export interface LanguageModel {
  /** The model's name, as written into notes. */
  readonly name: string;
  /** Where it is, for people: `api.example.com`, `editor`, `replay`. */
  readonly origin: string;
  generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply>;
}

export type ModelErrorCode =
  | 'model-missing' | 'model-key' | 'model-unknown' | 'model-rate-limit' | 'model-refused' | 'model-timeout'
  | 'model-cut' | 'model-empty' | 'model-no-code' | 'model-changed-code' | 'model-too-long' | 'model-consent'
  | 'model-server' | 'model-blocked';

/** An expected failure of a language model: nothing was inserted. */
export class ModelError extends ExpectedError {
  declare readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(code, message, hint, options);
    this.name = 'ModelError';
  }
}

/** Rough size of a text in tokens; code and English average near 4 characters a token. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4);
}
