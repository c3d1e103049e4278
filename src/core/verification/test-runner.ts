import type { SourceDocument } from '../source.ts';

/** One test as a runner reported it. */
export interface TestCase {
  /** Unique within a run: file or suite, and name. */
  readonly id: string;
  readonly name: string;
  /** Absolute path of the test's file, where the runner says. */
  readonly file?: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** First line of what went wrong. */
  readonly message?: string;
  /** The runner's own account: assertion, values, traceback. */
  readonly details?: string;
}

/** What to run: one runner on the test files that can reach a document, best first. */
export interface TestPlan {
  /** `pytest`, `node:test` and so on. */
  readonly runner: string;
  /** Why this runner was chosen. */
  readonly because: string;
  /** Test files, or whatever the runner takes in their place, relative to the workspace. */
  readonly targets: readonly string[];
  /** The tests run outside of a sandbox, to which the user has agreed. */
  readonly unboxed?: boolean;
  /** What the workspace's other files are like, as a stamp: a run with the same stamp need not be repeated. */
  readonly state?: () => Promise<string>;
}

export type TestRun = { readonly status: 'ran'; readonly cases: readonly TestCase[]; readonly ms: number } | { readonly status: 'unavailable'; readonly reason: string; readonly ms: number };

export interface TestOptions {
  readonly signal: AbortSignal;
  /** The run is ended after this and is then `unavailable`, in milliseconds. */
  readonly budgetMs: number;
}

/** Port: runs the workspace's tests with one document's text in the place of its file. Never touches the user's files. */
export interface TestRunner {
  /** `unavailable` where there is nothing to run, nothing to run it with, or nowhere safe to run it. */
  plan(document: SourceDocument, names: readonly string[], signal: AbortSignal): Promise<TestPlan | { readonly unavailable: string }>;
  /** Rejects only when `signal` aborts. */
  run(plan: TestPlan, document: SourceDocument, options: TestOptions): Promise<TestRun>;
}

/** Port: asks the user for what no setting may decide. Each question is asked once, and its answer kept. */
export interface TestConsent {
  /** May this command, which may have come with the workspace, run the tests? Asked once for each text. */
  command(command: string): Promise<boolean>;
  /** There is no sandbox, for this reason: may tests run on a copy without one? Asked once for a workspace. */
  unboxed(reason: string): Promise<boolean>;
}
