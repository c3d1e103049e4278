/** In-memory ports for tests of the core. Each keeps the contract of its interface. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ExpectedError } from '../../src/core/errors.ts';
import { KnowledgeRetriever } from '../../src/core/knowledge/knowledge-retriever.ts';
import type { KnowledgeBase } from '../../src/core/knowledge/knowledge.ts';
import type { GenerateOptions, GenerateReply, GenerateRequest, LanguageModel } from '../../src/core/llm/model.ts';
import { SILENT } from '../../src/core/log.ts';
import { Learner } from '../../src/core/notebook/learner.ts';
import type { IndexedNote, NoteIndex } from '../../src/core/notebook/note-index.ts';
import type { Note, StoredNote } from '../../src/core/notebook/note.ts';
import { Notebook } from '../../src/core/notebook/notebook.ts';
import type { NotebookSnapshot, NoteStore } from '../../src/core/notebook/store.ts';
import { CompletionEngine } from '../../src/core/completion/engine.ts';
import type { WorkspaceFiles } from '../../src/core/completion/outlines.ts';
import { cosine, type Embedder } from '../../src/core/retrieval/embedder.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../src/core/settings.ts';
import { LineIndex, type SourceDocument } from '../../src/core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline, type SyntaxParser } from '../../src/core/syntax/outline.ts';
import type { Analyzer, AnalyzerName, AnalyzerReport, Finding } from '../../src/core/verification/finding.ts';
import type { FunctionCheck } from '../../src/core/verification/function-check.ts';
import { Verifier } from '../../src/core/verification/verifier.ts';

export const PROMPTS = Object.fromEntries(
  readdirSync(path.join(import.meta.dirname, '../../prompts')).map((name) => [name.replace(/\.md$/, ''), readFileSync(path.join(import.meta.dirname, '../../prompts', name), 'utf8')]),
);

export function aNote(o: Partial<Note> = {}): Note {
  return {
    id: 'note-1', kind: 'security', title: 'SQL injection: find a user', cwe: 'CWE-89', language: 'python', rule: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', frequency: 1,
    origin: 'completion', model: 'test-model', created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', status: 'active', tasks: ['Find a user by name'],
    erroneousCode: 'def find(db, name):\n    db.execute("SELECT * FROM users WHERE name = \'" + name + "\'")', diagnosis: 'SQL is built from text.', guidance: 'Pass values as parameters of execute.', ...o,
  };
}

export class MemoryStore implements NoteStore {
  readonly folders = { security: '/notes/security', function: '/notes/function' };
  readonly notes = new Map<string, StoredNote>();
  constructor(notes: readonly (Note | StoredNote)[] = []) {
    for (const n of notes) {
      const stored = 'note' in n ? n : { note: n, file: `/notes/${n.id}.md`, quarantined: false };
      this.notes.set(stored.note.id, stored);
    }
  }
  load(): Promise<NotebookSnapshot> {
    return Promise.resolve({ notes: [...this.notes.values()], setAside: [] });
  }
  get(id: string) {
    return Promise.resolve(this.notes.get(id));
  }
  create(note: Note) {
    if (this.notes.has(note.id)) return Promise.reject(new Error('taken'));
    const stored = { note, file: `/notes/${note.id}.md`, quarantined: false };
    this.notes.set(note.id, stored);
    return Promise.resolve(stored);
  }
  modify(id: string, change: (current: Note) => Note) {
    const stored = this.notes.get(id);
    if (!stored) return Promise.reject(new ExpectedError('note-missing', 'gone', 'reload'));
    const next = { ...stored, note: change(stored.note) };
    this.notes.set(id, next);
    return Promise.resolve(next);
  }
  remove(id: string) {
    const stored = this.notes.get(id);
    this.notes.delete(id);
    return Promise.resolve({ id, file: stored?.file ?? '', content: '', approved: true });
  }
  restore(): Promise<StoredNote> {
    return Promise.reject(new Error('not used here'));
  }
  approve() {
    return Promise.resolve([]);
  }
  watch() {
    return () => undefined;
  }
}

export class MemoryIndex implements NoteIndex {
  readonly items = new Map<string, IndexedNote>();
  known() {
    return Promise.resolve(new Map([...this.items].map(([id, n]) => [id, n.contentHash])));
  }
  upsert(notes: readonly IndexedNote[]) {
    for (const n of notes) this.items.set(n.noteId, n);
    return Promise.resolve();
  }
  remove(ids: readonly string[]) {
    for (const id of ids) this.items.delete(id);
    return Promise.resolve();
  }
  nearest(kind: string, facet: 'code' | 'task' | 'merge', vector: Float32Array, limit: number) {
    const hits = [...this.items.values()].filter((n) => n.kind === kind).map((n) => ({ noteId: n.noteId, score: cosine(n.vectors[facet], vector) }));
    return Promise.resolve(hits.sort((a, b) => b.score - a.score).slice(0, limit));
  }
  flush() {
    return Promise.resolve();
  }
}

/** Embeds by counting words into 64 buckets: similar texts are near, which is all that tests of the core need. */
export class WordEmbedder implements Embedder {
  readonly modelId = 'words';
  readonly dimensions = 64;
  fails = false;
  embed(texts: readonly string[]) {
    if (this.fails) return Promise.reject(new ExpectedError('embedder-unavailable', 'no model', 'get one'));
    return Promise.resolve(
      texts.map((text) => {
        const v = new Float32Array(64);
        for (const word of text.toLowerCase().match(/\w+/g) ?? ['_']) v[[...word].reduce((h, c) => (h * 31 + c.charCodeAt(0)) >>> 0, 7) % 64]! += 1;
        const norm = Math.hypot(...v);
        return v.map((x) => x / norm);
      }),
    );
  }
}

/** Finds Python functions, imports and calls by their looks; a line with `@@` does not parse. */
export class LineParser implements SyntaxParser {
  outline(document: SourceDocument): Promise<SyntaxOutline> {
    const { text } = document;
    const functions = [...text.matchAll(/^( *)def (\w+)\(.*\):\n((?:\1 +.*\n?|\s*\n)*)/gm)].map((m) => {
      const header = m[0].indexOf('\n');
      return {
        name: m[2] ?? '', range: { start: m.index, end: m.index + m[0].length }, header: { start: m.index, end: m.index + header }, body: { start: m.index + header, end: m.index + m[0].length },
        documentation: /"""([\s\S]*?)"""/.exec(m[0])?.[1] ?? '',
      };
    });
    const imports = [...text.matchAll(/^import (\w+)$/gm)].map((m) => ({ range: { start: m.index, end: m.index + m[0].length }, module: m[1] ?? '', names: [m[1] ?? ''] }));
    const calls = [...text.matchAll(/([\w.]+)\(/g)].map((m) => ({ name: m[1] ?? '', range: { start: m.index, end: m.index + m[0].length } }));
    const at = text.indexOf('@@');
    return Promise.resolve({ ...EMPTY_OUTLINE, supported: true, functions, imports, calls, errors: at === -1 ? [] : [{ start: at, end: at + 2 }] });
  }
}

/** Flags every occurrence of a word. */
export class WordAnalyzer implements Analyzer {
  readonly name: AnalyzerName;
  delayMs = 0;
  unavailable: string | undefined;
  private readonly word: string;
  private readonly extra: Partial<Finding>;
  constructor(name: AnalyzerName, word: string, extra: Partial<Finding> = {}) {
    this.name = name;
    this.word = word;
    this.extra = extra;
  }
  async analyze(document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    signal.throwIfAborted();
    if (this.unavailable) return { name: this.name, version: null, status: 'unavailable', reason: this.unavailable, findings: [], ms: 0 };
    const lines = new LineIndex(document.text);
    const findings: Finding[] = [];
    for (let at = document.text.indexOf(this.word); at !== -1; at = document.text.indexOf(this.word, at + 1)) {
      findings.push({ ruleId: `${this.word}-rule`, ruleFamily: this.word, cwe: ['CWE-89'], severity: 'error', message: `${this.word} is dangerous`, analyzer: this.name, ...lines.toRange({ start: at, end: at + this.word.length }), ...this.extra });
    }
    return { name: this.name, version: '1', status: 'ran', findings, ms: 0 };
  }
}

/** Answers by a function of the request. */
export class ScriptedModel implements LanguageModel {
  readonly name = 'test-model';
  readonly origin = 'test';
  readonly requests: GenerateRequest[] = [];
  private readonly script: (request: GenerateRequest) => string | Error;
  constructor(script: (request: GenerateRequest) => string | Error) {
    this.script = script;
  }
  generate(request: GenerateRequest, options: GenerateOptions): Promise<GenerateReply> {
    options.signal.throwIfAborted();
    this.requests.push(request);
    const answer = this.script(request);
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve({ text: answer, model: this.name, tokens: { prompt: 10, completion: 5 } });
  }
}

export interface House {
  readonly engine: CompletionEngine;
  readonly store: MemoryStore;
  readonly learner: Learner;
  readonly verifier: Verifier;
  readonly model: ScriptedModel;
}

/** The whole core on in-memory ports. */
export function house(o: { script?: (request: GenerateRequest) => string | Error; analyzers?: Analyzer[]; notes?: (Note | StoredNote)[]; settings?: Partial<Settings>; base?: KnowledgeBase; embedder?: Embedder | null; tests?: FunctionCheck; files?: WorkspaceFiles } = {}): House {
  const parser = new LineParser();
  const verifier = new Verifier(parser, o.analyzers ?? [new WordAnalyzer('builtin', 'evil')]);
  const store = new MemoryStore(o.notes);
  const index = new MemoryIndex();
  const embedder = o.embedder === null ? undefined : (o.embedder ?? new WordEmbedder());
  const settings = { ...DEFAULT_SETTINGS, ...o.settings };
  const knowledge = new KnowledgeRetriever(o.base ?? { guidelines: [], samples: [] });
  let n = 0;
  const ports = embedder ? { index, embedder } : {};
  const learner = new Learner({ store, ...ports, prompts: () => Promise.resolve(PROMPTS), guideline: (cwe) => Promise.resolve(knowledge.guideline(cwe)), mergeSimilarity: () => settings['merge.similarity'], newId: () => `n${++n}`, now: () => new Date(0), log: SILENT });
  const notebook = new Notebook({ store, ...ports, hash: (text) => text, log: SILENT });
  const model = new ScriptedModel(o.script ?? (() => '```python\nreturn 1\n```'));
  const engine = new CompletionEngine({
    parser, verifier, ...(o.tests ? { tests: o.tests } : {}), notebook, learner, files: o.files ?? { resolveImport: () => Promise.resolve([]), besides: () => Promise.resolve([]), named: () => Promise.resolve(undefined) }, knowledge: () => Promise.resolve(knowledge), prompts: () => Promise.resolve(PROMPTS), model: () => Promise.resolve(model), settings: () => settings, pathInWorkspace: (file) => (file.startsWith('/w/') ? file.slice(3) : undefined), log: SILENT, clock: () => performance.now(),
  });
  return { engine, store, learner, verifier, model };
}
