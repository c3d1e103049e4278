/** The knowledge base (paper §3.2, step 1): guidelines at CWE level, samples at code level. */

/** CWE level: what to know about one weakness in all languages. */
export interface Guideline {
  /** `CWE-89`. */
  readonly cwe: string;
  readonly title: string;
  /** False when neither syntax nor taint can see this weakness, so that no rule exists for it. */
  readonly detectable: boolean;
  /** Language → API names that make this weakness possible, as written in code: `cursor.execute`, `memcpy`. */
  readonly apis: Readonly<Record<string, readonly string[]>>;
  /** Words and phrases of a task that hint at it: `query`, `user supplied`. */
  readonly keywords: readonly string[];
  /** Why it happens, one cause each, in words. */
  readonly causes: readonly string[];
  /** What to do, one step each. */
  readonly practices: readonly string[];
  /** What to avoid, one thing each. */
  readonly pitfalls: readonly string[];
}

/** Code level: one task with a vulnerable and a secure solution. */
export interface Sample {
  /** `CWE-89/python-user-lookup`: folder and file name. */
  readonly id: string;
  readonly cwe: string;
  readonly language: string;
  /** The task as a developer would ask for it. */
  readonly description: string;
  /** APIs in reach of this task, as written in code. */
  readonly apis: readonly string[];
  /** Which causes the vulnerable side has, in words. */
  readonly causes: readonly string[];
  /** Complete: imports included, parses. */
  readonly vulnerable: string;
  readonly secure: string;
  /** Security-focused slice of the secure side; the whole secure side where there is none. */
  readonly slice: string;
}

export interface KnowledgeBase {
  readonly guidelines: readonly Guideline[];
  readonly samples: readonly Sample[];
}

export const EMPTY_KNOWLEDGE: KnowledgeBase = { guidelines: [], samples: [] };
