import { type SourceDocument, type TextEdit } from '../source.ts';
import { pieces } from '../prompting/code-text.ts';
import { enclosingFunction, type FunctionOutline, type SyntaxOutline, type SyntaxParser } from '../syntax/outline.ts';
import { withEdits } from './differential.ts';
import { failureKey } from './test-failure.ts';
import type { TestOptions, TestPlan, TestRun, TestRunner } from './test-runner.ts';
import type { FunctionVerdict } from './verdict.ts';

export interface FunctionCheckOptions {
  readonly signal: AbortSignal;
  /** For everything together, in milliseconds. */
  readonly budgetMs: number;
}

/** Runs of unchanged texts that are kept. */
const CACHE_SIZE = 32;
/** What edge inputs get at least, in milliseconds. */
const EDGE_MS = 15_000;
/** What a repetition or a baseline gets at least, in milliseconds. */
const LEAST_MS = 2_000;

/** Inputs that nobody thought of, tried on the changed functions where the user wants it. */
export interface EdgeInputs {
  readonly runner: TestRunner;
  readonly enabled: () => boolean;
}

/**
 * Judges a change by the workspace's own tests. A test counts against the change when it fails with it, fails again, and
 * did not fail in the same way without it. A function that was still empty is compared with one that throws, so that the tests
 * that reach it failed in another way.
 */
export class FunctionCheck {
  private readonly runner: TestRunner;
  private readonly parser: SyntaxParser;
  private readonly edge: EdgeInputs | undefined;
  private readonly baselines = new Map<string, Promise<TestRun>>();

  constructor(runner: TestRunner, parser: SyntaxParser, edge?: EdgeInputs) {
    this.runner = runner;
    this.parser = parser;
    this.edge = edge;
  }

  /** The verdict about edits. Rejects only when `signal` aborts. */
  async checkEdits(document: SourceDocument, edits: readonly TextEdit[], options: FunctionCheckOptions): Promise<FunctionVerdict> {
    return this.withEdgeInputs(options, (runner, left) => this.judge(runner, document, edits, left));
  }

  /**
   * The tests' verdict, and where they do not fail and edge inputs are wanted, what these say: a failure counts like that of a
   * test, while their passing proves nothing by itself.
   */
  private async withEdgeInputs(options: FunctionCheckOptions, judge: (runner: TestRunner, options: FunctionCheckOptions) => Promise<FunctionVerdict>): Promise<FunctionVerdict> {
    const started = performance.now();
    const tested = await judge(this.runner, options);
    if (tested.status === 'fail' || !this.edge?.enabled()) return tested;
    const tried = await judge(this.edge.runner, { ...options, budgetMs: Math.max(EDGE_MS, options.budgetMs - (performance.now() - started)) });
    if (tried.status === 'fail') return tried;
    const remark = tried.status === 'pass' ? 'edge inputs found nothing' : `edge inputs not tried: ${tried.reason ?? ''}`;
    return { ...tested, reason: [tested.reason, remark].filter(Boolean).join('; ') };
  }

  private async judge(runner: TestRunner, document: SourceDocument, edits: readonly TextEdit[], options: FunctionCheckOptions): Promise<FunctionVerdict> {
    const after = withEdits(document, edits);
    const plan = await this.plan(runner, after, edits, options.signal);
    if ('unavailable' in plan) return { status: 'unavailable', reason: plan.unavailable };
    const ends = performance.now() + options.budgetMs;
    const rest = (): TestOptions => ({ signal: options.signal, budgetMs: Math.max(LEAST_MS, ends - performance.now()) });

    const now = await runner.run(plan, after, rest());
    if (now.status === 'unavailable') return { status: 'unavailable', reason: now.reason, ...how(plan) };
    const failed = now.cases.filter((c) => c.status === 'failed');
    const passed = now.cases.filter((c) => c.status === 'passed').length;
    const ran = { ...how(plan), tests: now.cases.length, cases: now.cases };
    if (failed.length === 0) return passed > 0 ? { status: 'pass', ...ran } : { status: 'unavailable', reason: `${plan.runner} ran no test that reaches this code`, ...ran };

    const before = await this.baseline(runner, plan, await this.withoutChange(document, edits, options.signal), rest());
    if (before.status === 'unavailable') return { status: 'unavailable', reason: `${failed.length} failed, but how they did without the completion could not be seen: ${before.reason}`, ...ran };
    const known = new Map(before.cases.filter((c) => c.status === 'failed').map((c) => [c.id, failureKey(c)]));
    const own = failed.filter((c) => known.get(c.id) !== failureKey(c));
    const old = failed.length - own.length;
    if (own.length === 0) {
      return passed > 0
        ? { status: 'pass', reason: `${count(old)} failed before too`, ...ran }
        : { status: 'unavailable', reason: `the tests that reach this code fail without it too, in the same way (${old === 1 ? known.keys().next().value ?? '' : `${old} of them`})`, ...ran };
    }
    const again = await runner.run(plan, after, rest());
    if (again.status === 'unavailable') return { status: 'unavailable', reason: `${count(own.length)} failed, and the repetition did not run: ${again.reason}`, ...ran };
    const stillFailing = new Set(again.cases.filter((c) => c.status === 'failed').map((c) => c.id));
    const sure = own.filter((c) => stillFailing.has(c.id));
    if (sure.length === 0) return { status: 'unavailable', reason: `flaky: ${own[0]?.name ?? 'a test'} failed and then passed`, ...ran };
    const first = sure[0];
    const passedBefore = new Set(before.cases.filter((c) => c.status === 'passed').map((c) => c.id));
    return {
      status: 'fail',
      reason: `${first?.name ?? ''}: ${first?.message?.split('\n')[0] ?? 'failed'}${sure.length > 1 ? ` (and ${sure.length - 1} more)` : ''}`,
      failures: sure,
      broken: sure.filter((c) => passedBefore.has(c.id)).length,
      ...ran,
    };
  }

  /** Why no test would be run on a document; `undefined` where some would. */
  async unavailable(document: SourceDocument, signal: AbortSignal): Promise<string | undefined> {
    const plan = await this.plan(this.runner, document, [], signal);
    return 'unavailable' in plan ? plan.unavailable : undefined;
  }

  /** The verdict about a document as it is: every failing test counts. */
  async checkDocument(document: SourceDocument, options: FunctionCheckOptions): Promise<FunctionVerdict> {
    return this.withEdgeInputs(options, (runner, left) => this.judgeDocument(runner, document, left));
  }

  private async judgeDocument(runner: TestRunner, document: SourceDocument, options: FunctionCheckOptions): Promise<FunctionVerdict> {
    const plan = await this.plan(runner, document, [], options.signal);
    if ('unavailable' in plan) return { status: 'unavailable', reason: plan.unavailable };
    const run = await runner.run(plan, document, { signal: options.signal, budgetMs: options.budgetMs });
    if (run.status === 'unavailable') return { status: 'unavailable', reason: run.reason, ...how(plan) };
    const failures = run.cases.filter((c) => c.status === 'failed');
    const ran = { ...how(plan), tests: run.cases.length, cases: run.cases };
    if (failures.length > 0) return { status: 'fail', reason: failures.map((f) => `${f.name}: ${f.message?.split('\n')[0] ?? 'failed'}`).slice(0, 3).join('; '), failures, broken: 0, ...ran };
    return run.cases.some((c) => c.status === 'passed') ? { status: 'pass', ...ran } : { status: 'unavailable', reason: `${plan.runner} ran no test that reaches this code`, ...ran };
  }

  private async plan(runner: TestRunner, after: SourceDocument, edits: readonly TextEdit[], signal: AbortSignal): Promise<TestPlan | { unavailable: string }> {
    const outline = await this.parser.outline(after, signal);
    return runner.plan(after, touchedNames(edits, outline), signal);
  }

  /**
   * The text that the change is compared with: without it, and where the function was still empty with a statement that
   * fails in its place. Else a test that reads `0 != 1200` would say the same of nothing written and of the wrong thing.
   */
  private async withoutChange(document: SourceDocument, edits: readonly TextEdit[], signal: AbortSignal): Promise<SourceDocument> {
    const [main] = edits;
    const fail = UNWRITTEN[document.language];
    if (!main || !fail) return document;
    const outline = await this.parser.outline(document, signal);
    const around = enclosingFunction(outline, main.start);
    if (!around || !isEmpty(document, around)) return document;
    const marked = { ...document, text: document.text.slice(0, main.start) + fail + document.text.slice(main.start) };
    // Where a statement does not fit, every test would fail in a new way.
    return (await this.parser.outline(marked, signal)).errors.length > outline.errors.length ? document : marked;
  }

  /** The same tests without the change; remembered, because it does not change between attempts. */
  private async baseline(runner: TestRunner, plan: TestPlan, document: SourceDocument, options: TestOptions): Promise<TestRun> {
    const key = [plan.runner, ...plan.targets, document.path, document.text, (await plan.state?.()) ?? ''].join('\u0000');
    const known = this.baselines.get(key);
    if (known) return known;
    const run = runner.run(plan, document, options);
    this.baselines.set(key, run);
    for (const oldest of this.baselines.keys()) {
      if (this.baselines.size <= CACHE_SIZE) break;
      this.baselines.delete(oldest);
    }
    try {
      const result = await run;
      if (result.status === 'unavailable') this.baselines.delete(key);
      return result;
    } catch (error) {
      this.baselines.delete(key);
      throw error;
    }
  }
}

/** A statement that fails as nothing else does. In C there is none that needs no header. */
const UNWRITTEN: Readonly<Record<string, string>> = {
  python: 'raise NotImplementedError("safenote: not written yet")',
  javascript: 'throw new Error("safenote: not written yet");',
  typescript: 'throw new Error("safenote: not written yet");',
  java: 'throw new UnsupportedOperationException("safenote: not written yet");',
  go: 'panic("safenote: not written yet")',
};

/** Whether a function holds nothing but comments, documentation and what stands for nothing. */
function isEmpty({ text, language }: SourceDocument, { body }: FunctionOutline): boolean {
  const inside = text.slice(body.start, body.end);
  let code = '';
  for (const piece of pieces(inside, language)) if (piece.kind === 'code' || piece.kind === 'string') code += inside.slice(piece.start, piece.end);
  return /^[\s{};]*(?:pass|\.\.\.)?[\s{};]*$/.test(code);
}

/** Names of the functions that the edits lie in; of all where there are no edits. */
function touchedNames(edits: readonly TextEdit[], outline: SyntaxOutline): string[] {
  const named = outline.functions.filter((f) => f.name);
  const main = edits[0];
  if (!main) return named.map((f) => f.name);
  const end = main.start + main.text.length;
  const touched = named.filter((f) => f.range.start <= end && f.range.end >= main.start);
  return touched.map((f) => f.name.split('.').at(-1) ?? f.name);
}

function how(plan: TestPlan): Pick<FunctionVerdict, 'runner' | 'unboxed'> {
  return { runner: plan.runner, ...(plan.unboxed ? { unboxed: true } : {}) };
}

function count(tests: number): string {
  return tests === 1 ? '1 test' : `${tests} tests`;
}
