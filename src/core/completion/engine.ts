import { isCancelled, messageOf } from '../errors.ts';
import type { KnowledgeRetriever } from '../knowledge/knowledge-retriever.ts';
import { estimateTokens, type ChatMessage, type LanguageModel, ModelError, type Purpose } from '../llm/model.ts';
import type { Logger } from '../log.ts';
import type { Learner } from '../notebook/learner.ts';
import type { Notebook } from '../notebook/notebook.ts';
import type { StoredNote } from '../notebook/note.ts';
import { extractCode } from '../prompting/extract-code.ts';
import { documentWithMarker } from '../prompting/marker.ts';
import { type Placement, placeReply } from '../prompting/place-reply.ts';
import { describeFindings, renderAll, renderKnowledge, renderNote } from '../prompting/render.ts';
import { fence, fillTemplate, type Prompts } from '../prompting/template.ts';
import { withinBudget } from '../retrieval/budget.ts';
import type { RetrievalQuery } from '../retrieval/query.ts';
import { type Settings, settingsForModel } from '../settings.ts';
import { LineIndex, type SourceDocument, type TextEdit } from '../source.ts';
import type { SyntaxOutline, SyntaxParser } from '../syntax/outline.ts';
import { withEdits } from '../verification/differential.ts';
import type { FunctionCheck } from '../verification/function-check.ts';
import { describeFailures } from '../verification/test-failure.ts';
import type { TestCase } from '../verification/test-runner.ts';
import type { FunctionVerdict, SecurityVerdict, Verdict } from '../verification/verdict.ts';
import type { Verifier } from '../verification/verifier.ts';
import { completedCode, type RequestContext, requestContext } from './context.ts';
import { renderDefinitions } from './definitions.ts';
import { fileLabel, type OwnModule, type WorkspaceFiles, ownModules, renderOutlines } from './outlines.ts';
import type { Attempt, CompletionOutcome, CompletionRequest, LearnedNote, Phase, Retrieved, RetrievedContext, Tried } from './types.ts';

export interface EngineOptions {
  readonly parser: SyntaxParser;
  readonly verifier: Verifier;
  /** The workspace's own tests; they run only where a request asks for them. */
  readonly tests?: FunctionCheck;
  readonly notebook: Notebook;
  readonly learner: Pick<Learner, 'learnSecurity' | 'learnFunction' | 'addSecureExample'>;
  readonly knowledge: () => Promise<KnowledgeRetriever>;
  readonly files: WorkspaceFiles;
  readonly prompts: () => Promise<Prompts>;
  /** The model in use. Throws `ModelError` `model-missing` with the way to get one. */
  readonly model: () => Promise<LanguageModel>;
  readonly settings: () => Settings;
  /** A document's path inside the workspace folder, with `/` between its parts; `undefined` for what lies elsewhere. */
  readonly pathInWorkspace?: (path: string) => string | undefined;
  readonly log: Logger;
  /** Milliseconds, monotonic. */
  readonly clock: () => number;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onPhase?: (phase: Phase, detail?: string) => void;
  /** Judge every attempt by the workspace's tests too, before it is shown. */
  readonly tests?: boolean;
  /** For the tests of one attempt, repetitions and baseline included, in milliseconds. */
  readonly testBudgetMs?: number;
}

/** What the tests said of an answer that was shown before they ran. */
export interface Tested {
  readonly verdict: FunctionVerdict;
  /** The note of a failure; resolves also where none could be written. */
  readonly learned: Promise<readonly LearnedNote[]>;
}

/** What would be sent, without sending it. */
export interface Preview {
  readonly messages: readonly ChatMessage[];
  readonly context: RetrievedContext;
  /** Estimate. */
  readonly tokens: number;
  readonly remarks: readonly string[];
}

export interface RetrieveQuery {
  readonly language: string;
  readonly task?: string;
  readonly code?: string;
  readonly path?: string;
  /** Entries per list, before the gate. */
  readonly limit?: number;
}

/** Tokens of the document that a prompt may take; the settings' budget is for the reference material alone. */
const DOCUMENT_TOKENS = 6000;
/** Tokens of the outlines of imported workspace modules. */
const OUTLINE_TOKENS = 1200;
/** Tokens of the definitions that failing code calls. */
const DEFINITION_TOKENS = 1500;
/** For the tests of one attempt where nothing else is said, in milliseconds. */
const TEST_BUDGET_MS = 60_000;
/** Knowledge entries in a prompt. */
const KNOWLEDGE_ENTRIES = 2;
/** A second entry far behind the first is noise, and noise costs function (paper, Figure 3). */
const WORTH_BESIDE_THE_FIRST = 0.4;
/** Entries per list that retrieval looks at. */
const LIST_LENGTH = 5;

interface Prepared {
  readonly request: CompletionRequest;
  readonly outline: SyntaxOutline;
  /** The workspace's own modules that the document imports. */
  readonly own: readonly OwnModule[];
  /** Outlines of imported workspace modules, ready for a prompt. */
  readonly outlines: string;
  readonly context: RequestContext;
  /** What went into the prompt, … */
  readonly retrieved: RetrievedContext;
  /** … and everything that was looked at for it. */
  readonly looked: RetrievedContext;
  readonly messages: ChatMessage[];
  readonly remarks: readonly string[];
  readonly retrieveMs: number;
}

interface Answer {
  readonly placement: Placement;
  readonly model: string;
  readonly tokens: { prompt: number; completion: number };
  readonly ms: number;
}

/** The completion use case (paper, Algorithm 1, plus one verified retry; DESIGN §4). */
export class CompletionEngine {
  private readonly o: EngineOptions;

  constructor(options: EngineOptions) {
    this.o = options;
  }

  /** Retrieves, generates, checks, retries once when the check fails, and learns. Throws `ExpectedError` or `AbortError`. */
  async complete(request: CompletionRequest, options: RunOptions): Promise<CompletionOutcome> {
    const started = this.o.clock();
    const { signal } = options;
    // Checks that are still running when the answer is shown go on after the request's own signal has served.
    const checks = linkedController(signal);
    const model = await this.o.model();
    options.onPhase?.('retrieving');
    let prepared = await this.prepare(request, model, signal);
    if (request.mode !== 'plain' && this.wantsDraft(prepared)) {
      options.onPhase?.('drafting');
      prepared = await this.withDraft(prepared, model, signal);
    }

    options.onPhase?.('generating', model.name);
    const answer = await this.ask(prepared, prepared.messages, 'completion', model, signal);
    options.onPhase?.('checking');
    const tests = testsOf(options);
    const first = await this.check(prepared, answer.placement, tests, checks.controller.signal);
    const outcome = {
      request,
      model: answer.model,
      context: prepared.retrieved,
      looked: prepared.looked,
      timings: { retrieveMs: prepared.retrieveMs, generateMs: answer.ms, verifyMs: first.ms, totalMs: 0 },
      tokens: answer.tokens,
      remarks: prepared.remarks,
    };
    const finish = (o: Omit<CompletionOutcome, 'timings' | 'request' | 'model' | 'context' | 'looked' | 'tokens' | 'remarks'> & Partial<CompletionOutcome>): CompletionOutcome => {
      checks.unlink();
      const timings = o.timings ?? outcome.timings;
      return { ...outcome, ...o, timings: { ...timings, totalMs: this.o.clock() - started } };
    };

    if (!fails(first.attempt.verdict)) {
      const learned = first.settled.then((late) => (fails(late) ? this.learn(prepared, answer, late, model, checks.controller.signal) : []));
      return finish({ ...first.attempt, messages: prepared.messages, attempts: 1, history: [first.attempt], settled: first.settled, learned: quiet(learned, this.o.log) });
    }

    const learning = quiet(this.learn(prepared, answer, first.attempt.verdict, model, new AbortController().signal), this.o.log);
    if (request.mode !== 'safenote' || this.o.settings()['verify.retryBudgetMs'] === 0) {
      return finish({ ...first.attempt, messages: prepared.messages, attempts: 1, history: [first.attempt], settled: first.settled, learned: learning });
    }
    options.onPhase?.('retrying', whatFailed(first.attempt.verdict));
    const retried = await this.retryOnce(prepared, first.attempt, model, tests, signal, checks.controller.signal);
    if ('failed' in retried) {
      return finish({ ...first.attempt, messages: prepared.messages, attempts: 2, history: [first.attempt], settled: first.settled, learned: learning, remarks: [...prepared.remarks, `The retry gave no answer: ${retried.failed}`] });
    }
    const shown = safer(first.attempt, retried.attempt);
    const worked = retried.settled.then(async (verdict) => {
      const notes = await learning;
      if (fails(verdict)) return mergeLearned(notes, await this.learn(prepared, retried.answer, verdict, model, new AbortController().signal));
      await this.keepWhatWorked(prepared, retried.attempt, verdict, notes);
      return notes;
    });
    return finish({
      ...shown,
      messages: shown === retried.attempt ? retried.messages : prepared.messages,
      attempts: 2,
      history: [first.attempt, retried.attempt],
      remarks: [...prepared.remarks, ...notOffered(first.attempt, retried.attempt)],
      settled: shown === retried.attempt ? retried.settled : first.settled,
      learned: quiet(worked, this.o.log),
      tokens: { prompt: answer.tokens.prompt + retried.answer.tokens.prompt, completion: answer.tokens.completion + retried.answer.tokens.completion },
      timings: { ...outcome.timings, generateMs: answer.ms + retried.answer.ms, verifyMs: first.ms + retried.ms },
    });
  }

  /** A checked retry after the shown answer turned out to fail (late analyzer, or on the user's wish). */
  async retry(outcome: CompletionOutcome, verdict: Verdict, options: RunOptions): Promise<CompletionOutcome> {
    const started = this.o.clock();
    const model = await this.o.model();
    const checks = linkedController(options.signal);
    const prepared = await this.prepare(outcome.request, model, options.signal);
    const failed: Attempt = { edit: outcome.edit, importEdits: outcome.importEdits, verdict };
    options.onPhase?.('retrying', whatFailed(verdict));
    const retried = await this.retryOnce(prepared, failed, model, testsOf(options), options.signal, checks.controller.signal);
    checks.unlink();
    if ('failed' in retried) throw new ModelError('model-server', `The retry gave no answer: ${retried.failed}`, 'Try again, or change the code by hand.');
    const shown = safer(failed, retried.attempt);
    const learned = Promise.all([outcome.learned, retried.settled]).then(async ([notes, late]) => {
      if (!fails(late)) await this.keepWhatWorked(prepared, retried.attempt, late, notes);
      return notes;
    });
    return {
      ...outcome,
      ...shown,
      model: retried.answer.model,
      context: prepared.retrieved,
      looked: prepared.looked,
      messages: retried.messages,
      attempts: outcome.attempts + 1,
      history: [...outcome.history.map((attempt) => (attempt.edit === outcome.edit ? failed : attempt)), retried.attempt],
      remarks: [...outcome.remarks, ...notOffered(failed, retried.attempt)],
      settled: shown === retried.attempt ? retried.settled : Promise.resolve(verdict),
      learned: quiet(learned, this.o.log),
      tokens: retried.answer.tokens,
      timings: { retrieveMs: prepared.retrieveMs, generateMs: retried.answer.ms, verifyMs: retried.ms, totalMs: this.o.clock() - started },
    };
  }

  /** Runs the workspace's tests on an answer that was shown without them. What fails becomes a function note. Changes nothing. */
  async test(outcome: CompletionOutcome, options: RunOptions): Promise<Tested> {
    const { request, edit, importEdits } = outcome;
    const { signal } = options;
    options.onPhase?.('testing');
    const verdict = this.o.tests ? await this.o.tests.checkEdits(request.document, [edit, ...importEdits], { signal, budgetMs: options.testBudgetMs ?? TEST_BUDGET_MS }) : NOT_TESTED;
    if (verdict.status !== 'fail') return { verdict, learned: Promise.resolve([]) };
    const write = async () => {
      const model = await this.o.model().catch(() => undefined);
      const read = await this.read(request, signal);
      return this.learn({ request, ...read }, { placement: { edit, importEdits }, model: outcome.model }, { security: { ...outcome.verdict.security, findings: [] }, function: verdict }, model, signal);
    };
    return { verdict, learned: quiet(write(), this.o.log) };
  }

  /** One answer of `model`, checked to the end; no retry and no note: offline construction judges the model itself. */
  async attempt(request: CompletionRequest, model: LanguageModel, signal: AbortSignal): Promise<Tried> {
    const prepared = await this.prepare(request, model, signal);
    const answer = await this.ask(prepared, prepared.messages, 'completion', model, signal);
    const { settled } = await this.check(prepared, answer.placement, undefined, signal);
    const { security } = await settled;
    const edits = [answer.placement.edit, ...answer.placement.importEdits];
    const after = withEdits(request.document, edits);
    const outline = await this.o.parser.outline(after, signal);
    return { verdict: security, model: answer.model, tokens: answer.tokens, code: completedCode(request.document, edits, outline), scanned: after.text };
  }

  /** What would be sent for a request; needs no model. */
  async preview(request: CompletionRequest, options: { signal: AbortSignal }): Promise<Preview> {
    const model = await this.o.model().catch(() => undefined);
    const prepared = await this.prepare(request, model, options.signal);
    return {
      messages: prepared.messages,
      context: prepared.retrieved,
      tokens: prepared.messages.reduce((sum, m) => sum + estimateTokens(m.content), 0),
      remarks: prepared.remarks,
    };
  }

  /** Both levels of knowledge and both notebooks for a query, as retrieval sees it, before the gate. */
  async retrieve(query: RetrieveQuery, signal: AbortSignal): Promise<RetrievedContext> {
    const document = { path: query.path ?? `query.${query.language}`, language: query.language, text: query.code ?? '' };
    const outline = await this.o.parser.outline(document, signal);
    const { query: built } = requestContext(document, document.text.length, outline, query.task ?? '');
    const limit = query.limit ?? LIST_LENGTH;
    const seen = document.text.trim() ? (await this.o.verifier.verifyDocument(document, { signal, analyzers: ['builtin'] })).findings : [];
    const whole = { ...built, code: document.text, whole: true, draftCwes: seen.flatMap((f) => f.cwe) };
    return this.search(whole, { model: '', notes: { security: limit, function: limit }, knowledge: limit }, signal);
  }

  private async prepare(request: CompletionRequest, model: LanguageModel | undefined, signal: AbortSignal): Promise<Prepared> {
    const started = this.o.clock();
    const { outline, own, context } = await this.read(request, signal);
    const retrieved = request.mode === 'plain' ? NOTHING : await this.find(request, context.query, model?.name ?? '', signal);
    const outlines = renderOutlines(own, OUTLINE_TOKENS);
    const { messages, context: used } = await this.compose(request, outline, outlines, retrieved, model?.name ?? '');
    return { request, outline, own, outlines, context, retrieved: used, looked: retrieved, messages, remarks: retrieved.remarks, retrieveMs: this.o.clock() - started };
  }

  /** What a request says by itself. */
  private async read(request: CompletionRequest, signal: AbortSignal): Promise<Pick<Prepared, 'outline' | 'own' | 'context'>> {
    const { document } = request;
    const outline = await this.o.parser.outline(document, signal);
    const own = this.o.settings()['context.outlines'] ? await ownModules(document, outline, this.o.files, this.o.parser, signal) : [];
    const context = requestContext(document, request.offset, outline, request.task, own);
    return { outline, own, context };
  }

  private find(request: CompletionRequest, query: RetrievalQuery, modelName: string, signal: AbortSignal): Promise<RetrievedContext> {
    const own = settingsForModel(this.o.settings(), modelName);
    const k = request.k ?? own.k;
    const on = request.mode === 'safenote' && k > 0;
    const limit = (notebook: boolean) => (on && notebook ? Math.max(LIST_LENGTH, k) : 0);
    return this.search(query, { model: modelName, notes: { security: limit(own.securityNotebook), function: limit(own.functionNotebook) }, knowledge: LIST_LENGTH, ...(request.withoutSample === undefined ? {} : { withoutSample: request.withoutSample }) }, signal);
  }

  private async search(query: RetrievalQuery, o: { model: string; notes: { security: number; function: number }; knowledge: number; withoutSample?: string }, signal: AbortSignal): Promise<RetrievedContext> {
    const [{ vectors, remarks }, knowledge] = await Promise.all([this.o.notebook.embedQuery(query, signal), this.o.knowledge()]);
    signal.throwIfAborted();
    const minSimilarity = this.o.settings()['retrieval.minSimilarity'];
    const notes = await this.o.notebook.retrieve(query, vectors, { model: o.model, limit: o.notes, minSimilarity });
    return {
      knowledge: knowledge.retrieve(query, vectors, { limit: o.knowledge, minSimilarity, ...(o.withoutSample === undefined ? {} : { without: o.withoutSample }) }),
      securityNotes: notes.security,
      functionNotes: notes.function,
      remarks: [...remarks, ...notes.remarks],
    };
  }

  /** C_total = K_sec ⊕ R_sec ⊕ R_func within the token budget (paper eq. 3): only what passes the gate, k notes each. */
  private async compose(request: CompletionRequest, outline: SyntaxOutline, outlines: string, retrieved: RetrievedContext, modelName: string): Promise<{ messages: ChatMessage[]; context: RetrievedContext }> {
    const settings = this.o.settings();
    const k = request.k ?? settingsForModel(settings, modelName).k;
    const passing = <T>(list: readonly Retrieved<T>[], limit: number) => list.filter((entry) => entry.passesGate).slice(0, limit);
    // Notes come first for the budget: a failure of one's own tells more than general knowledge.
    const notes = [...passing(retrieved.securityNotes, k), ...passing(retrieved.functionNotes, k)];
    const keptNotes = withinBudget(notes, (n) => renderNote(n.item), settings['retrieval.tokenBudget']);
    const left = settings['retrieval.tokenBudget'] - keptNotes.reduce((sum, n) => sum + estimateTokens(renderNote(n.item)), 0);
    const relevant = passing(retrieved.knowledge, KNOWLEDGE_ENTRIES);
    const worth = relevant.filter((entry) => entry.score >= WORTH_BESIDE_THE_FIRST * (relevant[0]?.score ?? 0));
    const knowledge = withinBudget(worth, (entry) => renderKnowledge(entry.item), left);
    const kept = (list: readonly Retrieved<StoredNote>[]) => list.filter((entry) => keptNotes.includes(entry));
    const used: RetrievedContext = { knowledge, securityNotes: kept(retrieved.securityNotes), functionNotes: kept(retrieved.functionNotes), remarks: retrieved.remarks };

    const { document, offset } = request;
    const code = documentWithMarker(document, { start: offset, end: offset }, DOCUMENT_TOKENS, outline.imports.map((i) => i.range));
    const messages = fillTemplate(await this.o.prompts(), request.mode === 'plain' ? 'plain-code-generation' : 'secure-code-generation', {
      language: document.language,
      path: fileLabel(document.path),
      knowledge: renderAll(used.knowledge, renderKnowledge),
      securityNotes: renderAll(used.securityNotes, renderNote),
      functionNotes: renderAll(used.functionNotes, renderNote),
      outlines,
      code: fence(code, document.language),
      // What the document itself says stands in the code; only what the user typed is told apart.
      task: request.task?.trim() ?? '',
    });
    return { messages, context: used };
  }

  /**
   * `auto` drafts only where the context leaves the gate undecided: something was found, nothing of it passed, and it came
   * close. A draft costs a second request.
   */
  private wantsDraft(prepared: Prepared): boolean {
    const mode = this.o.settings()['retrieval.draft'];
    return mode === 'always' || (mode === 'auto' && prepared.context.task === '' && prepared.context.query.apis.length === 0);
  }

  private async withDraft(prepared: Prepared, model: LanguageModel, signal: AbortSignal): Promise<Prepared> {
    const started = this.o.clock();
    try {
      const plain = await this.compose({ ...prepared.request, mode: 'plain' }, prepared.outline, prepared.outlines, NOTHING, model.name);
      const draft = await this.ask(prepared, plain.messages, 'draft', model, signal);
      const edits = [draft.placement.edit, ...draft.placement.importEdits];
      const { verdict } = await this.o.verifier.checkEdits(prepared.request.document, edits, { signal, deadlineMs: 0 });
      const after = withEdits(prepared.request.document, edits);
      const outline = await this.o.parser.outline(after, signal);
      const code = completedCode(prepared.request.document, edits, outline);
      const query: RetrievalQuery = {
        ...prepared.context.query,
        code,
        whole: true,
        apis: [...outline.calls.map((c) => c.name), ...prepared.context.query.apis],
        draftCwes: verdict.findings.flatMap((f) => f.cwe),
      };
      const retrieved = await this.find(prepared.request, query, model.name, signal);
      const composed = await this.compose(prepared.request, prepared.outline, prepared.outlines, retrieved, model.name);
      return { ...prepared, messages: composed.messages, retrieved: composed.context, looked: retrieved, retrieveMs: prepared.retrieveMs + (this.o.clock() - started) };
    } catch (error) {
      if (isCancelled(error) || signal.aborted) throw error;
      this.o.log.info('No draft could be made; retrieval goes on without one.', messageOf(error));
      return prepared;
    }
  }

  private async ask(prepared: Prepared, messages: readonly ChatMessage[], purpose: Purpose, model: LanguageModel, signal: AbortSignal): Promise<Answer> {
    const started = this.o.clock();
    const { document, offset } = prepared.request;
    const { temperature } = settingsForModel(this.o.settings(), model.name);
    const reply = await model.generate({ purpose, messages, temperature }, { signal });
    const placement = placeReply(document.text, offset, extractCode(reply.text, document.language), document.language, prepared.outline);
    return { placement, model: reply.model, tokens: reply.tokens, ms: this.o.clock() - started };
  }

  /** `tests`: how to run the workspace's; none are run where absent. */
  private async check(prepared: Prepared, placement: Placement, tests: TestsOf | undefined, signal: AbortSignal): Promise<{ attempt: Attempt; settled: Promise<Verdict>; ms: number }> {
    const started = this.o.clock();
    const edits = [placement.edit, ...placement.importEdits];
    const { document } = prepared.request;
    const [{ verdict, settled }, tested] = await Promise.all([
      this.o.verifier.checkEdits(document, edits, { signal, deadlineMs: this.o.settings()['verify.deadlineMs'] }),
      tests ? this.runTests(document, edits, tests, signal) : NOT_TESTED,
    ]);
    const whole = (security: SecurityVerdict): Verdict => ({ security, function: tested });
    return { attempt: { ...placement, verdict: whole(verdict) }, settled: settled.then(whole), ms: this.o.clock() - started };
  }

  private async runTests(document: SourceDocument, edits: readonly TextEdit[], tests: TestsOf, signal: AbortSignal): Promise<FunctionVerdict> {
    if (!this.o.tests) return NOT_TESTED;
    tests.onPhase?.('testing');
    const limit = tests.limit ? AbortSignal.any([signal, tests.limit]) : signal;
    try {
      return await this.o.tests.checkEdits(document, edits, { signal: limit, budgetMs: tests.budgetMs });
    } catch (error) {
      if (signal.aborted || !tests.limit?.aborted) throw error;
      return { status: 'unavailable', reason: 'the tests of the second attempt took longer than safenote.verify.retryBudgetMs leaves' };
    }
  }

  /** The second attempt; asking, checking and testing together take no longer than `safenote.verify.retryBudgetMs`. */
  private async retryOnce(
    prepared: Prepared,
    failed: Attempt,
    model: LanguageModel,
    tests: TestsOf | undefined,
    signal: AbortSignal,
    checks: AbortSignal,
  ): Promise<{ attempt: Attempt; answer: Answer; messages: ChatMessage[]; settled: Promise<Verdict>; ms: number } | { failed: string }> {
    const scanned = withEdits(prepared.request.document, [failed.edit, ...failed.importEdits]).text;
    const { findings } = failed.verdict.security;
    const followUp = fillTemplate(await this.o.prompts(), 'retry', {
      language: prepared.request.document.language,
      diagnosis: [describeFindings(findings, scanned), describeTests(failed.verdict)].filter(Boolean).join('\n\n'),
      guidance: await this.knownAbout(findings.flatMap((f) => f.cwe)),
      definitions: await this.definitions(prepared, [failed.edit, ...failed.importEdits], { failures: failed.verdict.function.failures ?? [], ownFile: false }, signal),
    });
    const messages: ChatMessage[] = [...prepared.messages, { role: 'assistant', content: fence(failed.edit.text.replace(/\r\n/g, '\n'), prepared.request.document.language) }, ...followUp];
    const budget = AbortSignal.timeout(Math.max(1, this.o.settings()['verify.retryBudgetMs']));
    try {
      const second = await this.ask(prepared, messages, 'retry', model, AbortSignal.any([signal, budget]));
      const { attempt, settled, ms } = await this.check(prepared, second.placement, tests && { ...tests, limit: budget }, checks);
      return { attempt, answer: second, messages, settled, ms };
    } catch (error) {
      if (signal.aborted) throw error;
      if (budget.aborted) return { failed: 'it took longer than safenote.verify.retryBudgetMs allows' };
      return { failed: messageOf(error) };
    }
  }

  private async knownAbout(cwes: readonly string[]): Promise<string> {
    const knowledge = await this.o.knowledge();
    return [...new Set(cwes)]
      .slice(0, 2)
      .flatMap((cwe) => {
        const guideline = knowledge.guideline(cwe);
        return guideline ? [`${guideline.cwe}: ${guideline.title}\n${guideline.practices.slice(0, 4).map((p) => `- ${p}`).join('\n')}`] : [];
      })
      .join('\n\n');
  }

  private async learn(prepared: Pick<Prepared, 'request' | 'context'>, answer: Pick<Answer, 'placement' | 'model'>, { security, function: tested }: Verdict, model: LanguageModel | undefined, signal: AbortSignal): Promise<LearnedNote[]> {
    if (prepared.request.mode !== 'safenote') return [];
    const { document } = prepared.request;
    const edits = [answer.placement.edit, ...answer.placement.importEdits];
    const after = withEdits(document, edits);
    const outline = await this.o.parser.outline(after, signal);
    const failure = {
      language: document.language,
      task: prepared.context.task || `Complete ${fileLabel(document.path)}`,
      code: completedCode(document, edits, outline),
      modelName: answer.model,
      origin: 'completion',
      ...this.placeOf(document, answer.placement.edit.start),
    } as const;
    const learned: LearnedNote[] = [];
    if (security.findings.length > 0) {
      const definitions = await this.definitions(prepared, edits, { ownFile: true }, signal);
      learned.push(...(await this.o.learner.learnSecurity({ ...failure, scanned: after.text, findings: security.findings, definitions }, model, signal)));
    }
    if (tested.status === 'fail') {
      const definitions = await this.definitions(prepared, edits, { failures: tested.failures ?? [], ownFile: true }, signal);
      learned.push(...(await this.o.learner.learnFunction({ ...failure, diagnosis: describeFailures(tested.failures ?? []), definitions }, model, signal)));
    }
    return learned;
  }

  private placeOf(document: SourceDocument, offset: number): { place?: { file: string; line: number } } {
    const file = this.o.pathInWorkspace?.(document.path);
    return file === undefined ? {} : { place: { file, line: new LineIndex(document.text).placeAt(offset).line } };
  }

  /** The workspace's own definitions that the completed function depends on. */
  private async definitions(prepared: Pick<Prepared, 'request'>, edits: readonly TextEdit[], o: { failures?: readonly TestCase[]; ownFile: boolean }, signal: AbortSignal): Promise<string> {
    if (!this.o.settings()['context.outlines']) return '';
    const document = withEdits(prepared.request.document, edits);
    const outline = await this.o.parser.outline(document, signal);
    const [main] = edits;
    if (!main) return '';
    const start = main.start + edits.filter((e) => e !== main && e.start <= main.start).reduce((sum, e) => sum + e.text.length - (e.end - e.start), 0);
    const within = { start, end: start + main.text.length };
    // Asked anew: the completion may have brought imports of its own.
    const modules = await ownModules(document, outline, this.o.files, this.o.parser, signal);
    return renderDefinitions({ document, outline, within, modules, failures: o.failures ?? [], ownFile: o.ownFile }, this.o.files, this.o.parser, DEFINITION_TOKENS, signal);
  }

  /** What passed is the secure example of a note only where the check that made the note has passed it. */
  private async keepWhatWorked(prepared: Prepared, attempt: Attempt, verdict: Verdict, notes: readonly LearnedNote[]): Promise<void> {
    const worked = notes.filter((note) => verdict[note.kind].status === 'pass');
    if (worked.length === 0) return;
    const edits = [attempt.edit, ...attempt.importEdits];
    const outline = await this.o.parser.outline(withEdits(prepared.request.document, edits), new AbortController().signal);
    await this.o.learner.addSecureExample(worked.map((n) => n.id), completedCode(prepared.request.document, edits, outline));
  }
}

/** How the tests of an attempt are run. */
interface TestsOf {
  readonly budgetMs: number;
  readonly onPhase?: RunOptions['onPhase'];
  /** Ends them before their budget is used up. */
  readonly limit?: AbortSignal;
}

function testsOf({ tests, testBudgetMs, onPhase }: RunOptions): TestsOf | undefined {
  return tests ? { budgetMs: testBudgetMs ?? TEST_BUDGET_MS, ...(onPhase ? { onPhase } : {}) } : undefined;
}

const NOT_TESTED: FunctionVerdict = { status: 'unavailable', reason: 'no tests were run' };

function fails(verdict: Verdict): boolean {
  return verdict.security.status === 'fail' || verdict.function.status === 'fail';
}

function whatFailed(verdict: Verdict): string | undefined {
  return verdict.security.findings[0]?.message ?? (verdict.function.status === 'fail' ? verdict.function.reason : undefined);
}

/** Failing tests for the retry, fenced: what a test prints is data. */
function describeTests({ function: tested }: Verdict): string {
  return tested.status === 'fail' ? `The workspace's own tests fail with it:\n\n${fence(describeFailures(tested.failures ?? []), 'text')}` : '';
}

/** A secure retry that fails tests which the first answer did not fail is not offered; the user learns both facts. */
function vetoed(first: Attempt, second: Attempt): string[] {
  if (second.verdict.function.status !== 'fail' || first.verdict.function.status === 'fail') return [];
  return [`A retry ${second.verdict.security.status === 'fail' ? 'failed the security check too' : 'had no security finding'} but failed a test (${second.verdict.function.reason ?? ''}), so it is not offered.`];
}

/** Why a second attempt that is better in one respect is not the one shown: both facts. */
function notOffered(first: Attempt, second: Attempt): string[] {
  const finding = second.verdict.security.findings[0];
  if (first.verdict.function.status !== 'fail' || first.verdict.security.status === 'fail' || second.verdict.function.status !== 'pass' || !finding) return vetoed(first, second);
  return [`A retry passed the tests but brought in a security finding (${finding.message}), so it is not offered.`];
}

const NOTHING: RetrievedContext = { knowledge: [], securityNotes: [], functionNotes: [], remarks: [] };

/** Of two attempts the one with the better verdict, security before function; of equals the later. Tests can veto. */
function safer(first: Attempt, second: Attempt): Attempt {
  if (vetoed(first, second).length > 0) return first;
  const order = { pass: 0, unavailable: 1, fail: 2 };
  const rank = ({ verdict }: Attempt) => order[verdict.security.status] * 1_000_000 + verdict.security.findings.length * 1000 + order[verdict.function.status] * 100 + Math.min(99, verdict.function.failures?.length ?? 0);
  return rank(second) <= rank(first) ? second : first;
}

function mergeLearned(a: readonly LearnedNote[], b: readonly LearnedNote[]): LearnedNote[] {
  return [...a, ...b.filter((note) => !a.some((other) => other.id === note.id))];
}

/** Learning must never fail a completion. */
function quiet(work: Promise<readonly LearnedNote[]>, log: Logger): Promise<readonly LearnedNote[]> {
  return work.catch((error: unknown) => {
    if (!isCancelled(error)) log.error('A note could not be written.', messageOf(error));
    return [];
  });
}

/** Aborts with `signal` until unlinked. */
function linkedController(signal: AbortSignal): { controller: AbortController; unlink: () => void } {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return { controller, unlink: () => signal.removeEventListener('abort', onAbort) };
}
