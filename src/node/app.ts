import { createHash, randomBytes } from 'node:crypto';
import { ActivityRecorder } from '../core/activity/recorder.ts';
import { countersOf } from '../core/activity/totals.ts';
import { worthFactor } from '../core/activity/worth.ts';
import { CompletionEngine, type EngineOptions } from '../core/completion/engine.ts';
import { messageOf } from '../core/errors.ts';
import { KnowledgeRetriever, type SampleVectors } from '../core/knowledge/knowledge-retriever.ts';
import type { KnowledgeBase } from '../core/knowledge/knowledge.ts';
import type { LanguageModel } from '../core/llm/model.ts';
import type { Logger } from '../core/log.ts';
import { FalseAlarms } from '../core/notebook/false-alarm.ts';
import { Learner } from '../core/notebook/learner.ts';
import { NoteEditing } from '../core/notebook/note-editing.ts';
import { Notebook } from '../core/notebook/notebook.ts';
import type { Settings } from '../core/settings.ts';
import type { TestConsent } from '../core/verification/test-runner.ts';
import { Fixer } from '../core/verification/fixer.ts';
import { FunctionCheck } from '../core/verification/function-check.ts';
import { Marks } from '../core/verification/marks.ts';
import type { ScanEvent } from '../core/verification/scans.ts';
import type { Turn } from '../core/verification/turn.ts';
import { Verifier } from '../core/verification/verifier.ts';
import { FileActivityJournal } from './activity/file-journal.ts';
import { RuleAnalyzers } from './activity/rule-analyzers.ts';
import { AnalysisWorker } from './analysis/client.ts';
import { BuiltinAnalyzer } from './analyzers/builtin.ts';
import { CodeqlAnalyzer } from './analyzers/codeql/codeql-analyzer.ts';
import { SemgrepAnalyzer } from './analyzers/semgrep/semgrep-analyzer.ts';
import { Assets } from './assets.ts';
import { type DoctorReport, doctor } from './doctor.ts';
import { WorkerEmbedder } from './embedding/worker-embedder.ts';
import { WorkspaceShelf } from './knowledge/shelf.ts';
import { ShelfVectors } from './knowledge/shelf-vectors.ts';
import { VectraNoteIndex } from './index/vectra-note-index.ts';
import { Approvals } from './notes/approvals.ts';
import { FileMarkStore, nameInside } from './notes/file-mark-store.ts';
import { NoteAuthors } from './notes/authors.ts';
import { NoteConflicts } from './notes/conflicts.ts';
import { FileNoteStore } from './notes/file-note-store.ts';
import { WorkspaceGit } from './notes/git.ts';
import { NoteSharing } from './notes/sharing.ts';
import { detectEdgeInputs } from './runners/edge-inputs/detect.ts';
import { KeptConsent } from './runners/kept-consent.ts';
import { WorkspaceTests } from './runners/workspace-tests.ts';
import { Sandbox } from './sandbox/box.ts';
import { FolderFiles } from './workspace-files.ts';
import { type UserFolders, userFolders } from './user-folders.ts';

export interface AppOptions {
  /** Folder of the bundles and of what was packed beside them. */
  readonly assetsRoot: string;
  readonly workspaceFolder: string;
  readonly settings: () => Settings;
  /** False: the notebook is read, no process is started, nothing of the workspace is run. */
  readonly trusted: () => boolean;
  /** Throws `ModelError` `model-missing` with the way to get one. */
  readonly model: () => Promise<LanguageModel>;
  readonly log: Logger;
  /** Keep Semgrep running between checks; one-shot where false. */
  readonly semgrepWarm: boolean;
  /** Notes and shelf count as approved, for this process only. */
  readonly trustNotes?: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Asks about the workspace's tests; where absent the answer is no. Answers are kept per workspace, outside of it. */
  readonly testConsent?: TestConsent;
  /** Told when an analyzer begins with a text, and when it has answered. */
  readonly onScan?: (event: ScanEvent) => void;
  /** One Semgrep and one CodeQL at a time, also where there are several workspace folders. */
  readonly turns?: Turns;
  /** Marks of false positives count also where nobody approved them here: a job that runs on a reviewed repository. */
  readonly trustMarks?: boolean;
  /** Run tests without a sandbox also where there is one. */
  readonly testsWithoutSandbox?: boolean;
  /** Instead of the user's own: an evaluation keeps what it learns to itself. */
  readonly userFolders?: UserFolders;
  /** Weaknesses that the knowledge base must not know, so that an evaluation can tell seen from unseen ones. */
  readonly withoutCwes?: ReadonlySet<string>;
  /** Makes a note's id; random where absent. */
  readonly newNoteId?: (words: string) => string;
}

/** For what is still to be written when everything else has ended, in milliseconds. */
const LAST_WORDS_MS = 2_000;

/** Who waits for whom among several apps. */
export interface Turns {
  readonly semgrep: Turn;
  readonly codeql: Turn;
}

/** Core and ports put together for one workspace folder, for the editor and the command line alike. Starts nothing. */
export class App {
  readonly assets: Assets;
  readonly userFolders: UserFolders;
  readonly store: FileNoteStore;
  readonly parser: AnalysisWorker;
  readonly embedder: WorkerEmbedder;
  readonly index: VectraNoteIndex;
  readonly builtin: BuiltinAnalyzer;
  readonly semgrep: SemgrepAnalyzer;
  readonly codeql: CodeqlAnalyzer;
  readonly marks: Marks;
  readonly falseAlarms: FalseAlarms;
  readonly verifier: Verifier;
  readonly sandbox: Sandbox;
  readonly testConsent: KeptConsent;
  readonly workspaceTests: WorkspaceTests;
  readonly tests: FunctionCheck;
  readonly notebook: Notebook;
  /** What SafeNote did in this workspace and what became of each note: read it here … */
  readonly journal: FileActivityJournal;
  /** … and write it here. */
  readonly activity: ActivityRecorder;
  readonly learner: Learner;
  readonly noteEditing: NoteEditing;
  readonly engine: CompletionEngine;
  readonly fixer: Fixer;
  readonly workspaceFolder: string;
  readonly shelf: WorkspaceShelf;
  readonly git: WorkspaceGit;
  readonly sharing: NoteSharing;
  readonly conflicts: NoteConflicts;
  readonly authors: NoteAuthors;
  readonly shelfVectors: ShelfVectors;
  private readonly options: AppOptions;
  private readonly engineParts: EngineOptions;
  private knowledgeKnown: { readonly key: string; readonly retriever: Promise<KnowledgeRetriever> } | undefined;
  private readonly ended = new AbortController();

  constructor(options: AppOptions) {
    this.options = options;
    const { assetsRoot, workspaceFolder, settings, log, env } = options;
    this.workspaceFolder = workspaceFolder;
    this.assets = new Assets(assetsRoot);
    this.userFolders = options.userFolders ?? userFolders(env);
    const approvals = new Approvals({ file: this.userFolders.approvals(workspaceFolder), workspaceFolder });
    const trustAll = options.trustNotes ?? false;
    this.store = new FileNoteStore({ workspaceFolder, approvals, trustAll, lastGood: this.userFolders.lastGood(workspaceFolder), log });
    this.shelf = new WorkspaceShelf({ workspaceFolder, approvals, trustAll });
    this.git = new WorkspaceGit({ workspaceFolder, trusted: options.trusted, env });
    this.sharing = new NoteSharing({ workspaceFolder, store: this.store, git: this.git, driverFolder: this.userFolders.mergeDriver, runtime: process.execPath, assetsRoot });
    this.authors = new NoteAuthors({ store: this.store, git: this.git });
    this.conflicts = new NoteConflicts({ store: this.store, git: this.git });
    this.parser = new AnalysisWorker({ assetsRoot, log });
    this.embedder = new WorkerEmbedder({
      assetsRoot,
      modelId: settings()['embedding.model'],
      modelsFolder: this.userFolders.models,
      // The editor's host keeps its memory small; the command line ends soon, and an untrusted workspace gets no process.
      isolation: () => (options.semgrepWarm && options.trusted() ? 'process' : 'thread'),
      log,
    });
    this.shelfVectors = new ShelfVectors({ file: this.userFolders.knowledgeVectors(workspaceFolder, this.embedder.modelId), embedder: this.embedder });
    this.index = new VectraNoteIndex({ folder: this.userFolders.index(workspaceFolder, this.embedder.modelId), embedder: this.embedder, log });
    this.builtin = new BuiltinAnalyzer({ worker: this.parser, assetsRoot });
    this.semgrep = new SemgrepAnalyzer({
      assetsRoot,
      workspaceFolder,
      setting: () => settings()['analyzers.semgrep.path'] || env['SAFENOTE_SEMGREP'] || '',
      trusted: options.trusted,
      managedFolder: this.userFolders.semgrep,
      env,
      warm: options.semgrepWarm,
      ...(options.turns ? { turn: options.turns.semgrep } : {}),
      log,
    });
    this.codeql = new CodeqlAnalyzer({
      workspaceFolder,
      setting: () => settings()['analyzers.codeql.path'] || env['SAFENOTE_CODEQL'] || '',
      mode: () => settings()['analyzers.codeql.mode'],
      trusted: options.trusted,
      folder: this.userFolders.codeql,
      warm: options.semgrepWarm,
      ...(options.turns ? { turn: options.turns.codeql } : {}),
      env,
      log,
    });
    this.marks = new Marks({ store: new FileMarkStore({ workspaceFolder, approvals }), relative: (file) => nameInside(workspaceFolder, file), now: () => new Date(), ...(options.trustMarks ? { trustAll: () => true } : {}) });
    this.verifier = new Verifier(this.parser, [this.builtin, this.semgrep], [this.codeql], { marks: this.marks, ...(options.onScan ? { onScan: options.onScan } : {}) });
    this.sandbox = new Sandbox(env);
    const answers = new Approvals({ file: this.userFolders.testConsents(workspaceFolder), workspaceFolder, head: 'Answers about running tests' });
    this.testConsent = new KeptConsent({ answers, ask: options.testConsent });
    this.workspaceTests = new WorkspaceTests({
      workspaceFolder, sandbox: this.sandbox, trusted: options.trusted, consent: this.testConsent, command: () => settings()['tests.command'],
      withoutSandbox: options.testsWithoutSandbox ?? false, env, log,
    });
    const edgeInputs = new WorkspaceTests({
      workspaceFolder, sandbox: this.sandbox, trusted: options.trusted, consent: this.testConsent, withoutSandbox: options.testsWithoutSandbox ?? false, env, log,
      detector: (project, signal) => detectEdgeInputs(project, this.parser, signal),
    });
    this.tests = new FunctionCheck(this.workspaceTests, this.parser, { runner: edgeInputs, enabled: () => settings()['tests.edgeInputs'] });
    const prompts = () => this.assets.prompts();
    const knowledge = () => this.knowledge();
    this.journal = new FileActivityJournal({ file: this.userFolders.activity(workspaceFolder), log });
    const rules = new RuleAnalyzers(assetsRoot);
    this.activity = new ActivityRecorder({ journal: this.journal, analyzersOf: (note) => rules.of(note), newId: () => randomBytes(6).toString('hex'), now: () => new Date(), log });
    this.falseAlarms = new FalseAlarms({ store: this.store, activity: this.activity });
    const worth = () => {
      const totals = this.journal.totals();
      return (noteId: string) => worthFactor(countersOf(totals, noteId));
    };
    this.notebook = new Notebook({ store: this.store, index: this.index, embedder: this.embedder, hash: sha256, worth, log });
    const newId = options.newNoteId ?? ((words: string) => `${words.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 48)}-${randomBytes(4).toString('hex')}`);
    this.noteEditing = new NoteEditing({ store: this.store, newId, now: () => new Date() });
    this.learner = new Learner({
      store: this.store,
      index: this.index,
      embedder: this.embedder,
      syncIndex: async (notes) => this.notebook.indexer?.sync(notes),
      prompts,
      guideline: async (cwe) => (await knowledge()).guideline(cwe),
      mergeSimilarity: () => settings()['merge.similarity'],
      newId,
      now: () => new Date(),
      log,
    });
    const shared = { parser: this.parser, verifier: this.verifier, knowledge, prompts, model: options.model };
    const files = new FolderFiles(workspaceFolder);
    this.engineParts = { ...shared, files, tests: this.tests, notebook: this.notebook, learner: this.learner, settings, pathInWorkspace: (file) => files.relative(file), log, clock: () => performance.now() };
    this.engine = new CompletionEngine(this.engineParts);
    this.fixer = new Fixer({ ...shared, store: this.store, tests: { check: this.tests, allowed: () => this.mayTest } });
  }

  /** Whether the workspace's tests may be run beside a check; whoever runs them may still be asked. */
  get mayTest(): boolean {
    return this.options.trusted() && this.options.settings()['tests.mode'] !== 'off';
  }

  /** The same engine with some of its parts exchanged. */
  engineWith(parts: Partial<EngineOptions>): CompletionEngine {
    return new CompletionEngine({ ...this.engineParts, ...parts });
  }

  /** Starts the workers and Semgrep in the background, so that the first request, in `language`, does not wait for them. */
  warmUp(language = 'python'): void {
    if (!this.options.trusted()) return;
    const quietly = (work: Promise<unknown>) => work.catch((error: unknown) => this.options.log.debug('Warming up:', messageOf(error)));
    void quietly(this.knowledge());
    void quietly(this.embedder.embed(['warm']));
    void quietly(this.parser.warmUp(language, new AbortController().signal));
    this.semgrep.warmUp();
  }

  /** The library and the workspace's own shelf, ready to be asked; made again when the shelf has changed. */
  knowledge(): Promise<KnowledgeRetriever> {
    const { key, ...own } = this.shelf.usable();
    if (this.knowledgeKnown?.key === key) return this.knowledgeKnown.retriever;
    const retriever = this.joined(own);
    this.knowledgeKnown = { key, retriever };
    retriever.catch(() => (this.knowledgeKnown = undefined));
    return retriever;
  }

  private async joined(own: KnowledgeBase): Promise<KnowledgeRetriever> {
    const library = await this.assets.knowledge();
    const packed = await this.assets.sampleVectors(this.embedder.modelId).catch((error: unknown) => {
      this.options.log.warn('The knowledge base is ranked by words only.', messageOf(error));
      return undefined;
    });
    // An id that the library has stays the library's: what everybody reviewed comes first.
    const taken = new Set([...library.guidelines.map((g) => g.cwe), ...library.samples.map((s) => s.id)]);
    const samples = own.samples.filter((s) => !taken.has(s.id));
    const known = <T extends { readonly cwe: string }>(list: readonly T[]) => list.filter((entry) => !this.options.withoutCwes?.has(entry.cwe));
    const base = { guidelines: known([...library.guidelines, ...own.guidelines.filter((g) => !taken.has(g.cwe))]), samples: known([...library.samples, ...samples]) };
    await this.shelfVectors.use(samples);
    if (samples.length > 0) {
      // One text at a time: a request's own text must not wait behind them.
      this.shelfVectors.complete(this.ended.signal, { batch: 1 }).catch((error: unknown) => this.options.log.debug("The shelf's vectors are not complete.", messageOf(error)));
    }
    const vectors: SampleVectors = { modelId: this.embedder.modelId, get: (id, facet) => packed?.get(id, facet) ?? this.shelfVectors.get(id, facet) };
    return new KnowledgeRetriever(base, packed || samples.length > 0 ? vectors : undefined);
  }

  /** What is there, what is degraded, what is missing and what to do about it. */
  doctor(signal: AbortSignal): Promise<DoctorReport> {
    return doctor(this, this.options, signal);
  }

  /** Writes what is still to be written and ends every worker and process. */
  async dispose(): Promise<void> {
    this.ended.abort(new DOMException('The app ends.', 'AbortError'));
    await this.index.flush().catch((error: unknown) => this.options.log.warn('The note index was not saved; it will be rebuilt.', messageOf(error)));
    await Promise.all([this.semgrep.dispose(), this.codeql.dispose(), this.embedder.dispose(), this.parser.dispose()]);
    // With the analyzers gone nothing is waited for; a window that closes must not hang on a full disk all the same.
    await Promise.race([this.activity.idle(), new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS).unref())]);
    this.store.dispose();
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
