/** What is known of a request before the answer: the evidence that retrieval works with. */
export interface RetrievalQuery {
  readonly language: string;
  /** The task in words; may be empty. */
  readonly task: string;
  /** Draft or context: the imports in use, the enclosing function, what stands before the caret. */
  readonly code: string;
  /** The code is a whole piece (a draft, a function that is there) and not what leads up to a caret. */
  readonly whole?: boolean;
  /** APIs in reach: called and imported names, as written. */
  readonly apis: readonly string[];
  /** The workspace's own modules and what is imported from them: these tell most. */
  readonly ownApis: readonly string[];
  /** Names of functions and types that these modules define, exactly as written. */
  readonly ownNames?: readonly string[];
  /** CWEs that the in-process rules see in the code, where it is a whole piece; empty without one. */
  readonly draftCwes: readonly string[];
}

/** Unit vectors of a query, where there is an embedder. */
export interface QueryVectors {
  readonly code?: Float32Array;
  readonly task?: Float32Array;
}

/** TypeScript and JavaScript are one family, C++ and C another. */
export function languageFamily(language: string): string {
  return language === 'typescript' ? 'javascript' : language === 'cpp' ? 'c' : language;
}

/** Languages whose code is close enough that a note or sample of one helps in the other. */
export function sameFamily(a: string, b: string): boolean {
  return languageFamily(a) === languageFamily(b);
}
