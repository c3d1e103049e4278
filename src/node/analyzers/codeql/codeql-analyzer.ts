import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ExpectedError, isExpected, messageOf } from '../../../core/errors.ts';
import { isSupported, type Language, languageOfPath } from '../../../core/language.ts';
import { type Logger, SILENT } from '../../../core/log.ts';
import type { SourceDocument } from '../../../core/source.ts';
import type { Analyzer, AnalyzerReport, Finding } from '../../../core/verification/finding.ts';
import { Turn } from '../../../core/verification/turn.ts';
import { MAX_SARIF_LENGTH, readSarif, type SarifRead } from '../../../core/verification/sarif-in.ts';
import { CodeqlServer } from './cli-server.ts';
import { codeql, type CodeqlCli, hasCodeql, locateCodeql } from './cli.ts';

export interface CodeqlAnalyzerOptions {
  readonly workspaceFolder: string;
  /** Path of CodeQL as the user set it; empty to look on PATH. */
  readonly setting: () => string;
  readonly mode: () => 'off' | 'onDemand' | 'afterAccept';
  /** False: no process is started. */
  readonly trusted: () => boolean;
  /** Where databases lie while they are needed: a folder of the user's, not of the workspace. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Keep CodeQL's own server running between commands; a process for each where false. */
  readonly warm?: boolean;
  readonly log?: Logger;
  /** Shared by analyzers that must not run beside each other. */
  readonly turn?: Turn;
}

/** CodeQL's name for a language, or why there is none. Autobuild would run the repository's own code: it is never used. */
const LANGUAGE: Readonly<Record<Language, { readonly name: string } | { readonly reason: string }>> = {
  python: { name: 'python' },
  javascript: { name: 'javascript' },
  typescript: { name: 'javascript' },
  c: { name: 'cpp' },
  cpp: { name: 'cpp' },
  java: { name: 'java' },
  go: { reason: 'CodeQL builds Go code to read it, and SafeNote does not run a build unasked' },
};
const CREATE_MS = 20 * 60_000;
const ANALYZE_MS = 40 * 60_000;
const MAX_FILES = 50_000;

interface Run {
  readonly read: SarifRead;
  /** Says whether CodeQL has read a file, by its path from the root. */
  readonly has: (relative: string) => boolean;
}

/**
 * Tier 2: the user's own CodeQL over the saved files of the workspace, by its command line. It takes minutes: it runs when it
 * is named, never while somebody types. One run at a time; a run serves every file until one of the language changes.
 */
export class CodeqlAnalyzer implements Analyzer {
  readonly name = 'codeql';
  private readonly o: CodeqlAnalyzerOptions;
  private readonly log: Logger;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly turn: Turn;
  private readonly last = new Map<string, { readonly state: string; readonly run: Run }>();
  private readonly disposing = new AbortController();
  private server: { readonly command: string; readonly of: CodeqlServer } | undefined;

  constructor(options: CodeqlAnalyzerOptions) {
    this.o = options;
    this.log = options.log ?? SILENT;
    this.turn = options.turn ?? new Turn();
  }

  async analyze(document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    const started = performance.now();
    let version: string | null = null;
    const report = (findings: readonly Finding[], reason?: string): AnalyzerReport => ({ name: this.name, version, ms: performance.now() - started, findings, status: reason === undefined ? 'ran' : 'unavailable', ...(reason === undefined ? {} : { reason }) });
    try {
      signal.throwIfAborted();
      if (this.o.mode() === 'off') return report([], 'it is switched off (safenote.analyzers.codeql.mode)');
      if (!this.o.trusted()) return report([], 'the workspace is not trusted, so CodeQL is not started');
      const language = isSupported(document.language) ? LANGUAGE[document.language] : { reason: `CodeQL is not asked about ${document.language}` };
      if ('reason' in language) return report([], language.reason);
      const root = await realpath(this.o.workspaceFolder);
      const file = await realpath(document.path).catch(() => undefined);
      const relative = file === undefined ? '' : path.relative(root, file);
      if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return report([], 'CodeQL reads the files of the workspace, and this is none of them');
      if ((await readFile(path.join(root, relative), 'utf8')) !== document.text) return report([], 'the text is not saved; CodeQL reads files');
      const both = AbortSignal.any([signal, this.disposing.signal]);
      const { read, has } = await this.enqueue(async () => {
        both.throwIfAborted();
        const cli = await locateCodeql({ setting: this.o.setting(), env: this.o.env, ...(this.o.warm ? { server: (command: string) => this.serverOf(command) } : {}) }, both);
        version = cli.version;
        if (!cli.languages.includes(language.name)) throw new ExpectedError('codeql-language', `This CodeQL has no support for ${language.name}.`, 'Get the CodeQL bundle, which has all languages.');
        return this.runOn(root, language.name, cli, both);
      });
      const name = relative.split(path.sep).join('/');
      const results = read.files.filter((f) => f.path === name || path.resolve(root, f.path) === file).flatMap((f) => f.findings);
      const findings = results.filter((f) => f.security).map(({ security: _, snippet: _snippet, tool: _tool, ...finding }): Finding => ({ ...finding, analyzer: 'codeql' }));
      if (read.problems.length > 0) return report(findings, read.problems.join('; '));
      return report(findings, has(name) ? undefined : 'CodeQL did not read this file');
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (this.disposing.signal.aborted) return report([], 'it was stopped');
      return report([], isExpected(error) ? `${error.message} ${error.hint}` : messageOf(error));
    }
  }

  /** Ends a run with all that it started. */
  async dispose(): Promise<void> {
    this.disposing.abort(new DOMException('CodeQL was stopped.', 'AbortError'));
    await this.queue;
    await this.server?.of.dispose();
  }

  /** Whether there is one to ask; nothing is started. */
  get present(): boolean {
    return this.o.mode() !== 'off' && this.o.trusted() && hasCodeql({ setting: this.o.setting(), env: this.o.env });
  }

  private serverOf(command: string): CodeqlServer {
    if (this.server?.command !== command) {
      void this.server?.of.dispose();
      this.server = { command, of: new CodeqlServer(command, this.o.env) };
    }
    return this.server.of;
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(() => this.turn.run(work));
    this.queue = done.catch(() => undefined);
    return done;
  }

  private async runOn(root: string, language: string, cli: CodeqlCli, signal: AbortSignal): Promise<Run> {
    const state = `${cli.command} ${cli.version} ${await stateOf(root, language, signal)}`;
    const last = this.last.get(language);
    if (last?.state === state) return last.run;
    await mkdir(this.o.folder, { recursive: true });
    await this.removeLeft();
    const scratch = await mkdtemp(path.join(this.o.folder, `${process.pid}-`));
    try {
      const database = path.join(scratch, language);
      const output = path.join(scratch, 'results.sarif');
      const limits = [`--threads=${Math.max(1, os.availableParallelism() - 1)}`, `--ram=${Math.round(Math.min(4096, Math.max(1024, os.totalmem() / 2 ** 21)))}`];
      const options = { env: this.o.env, server: cli.server, signal };
      this.log.info(`CodeQL ${cli.version} reads the workspace's ${language} files.`);
      await codeql(cli.command, ['database', 'create', database, `--language=${language}`, `--source-root=${root}`, '--build-mode=none', '--overwrite', ...limits], { ...options, timeoutMs: CREATE_MS });
      // The suite of the bundle that is installed; nothing is downloaded.
      await codeql(cli.command, ['database', 'analyze', database, `codeql/${language}-queries:codeql-suites/${language}-security-extended.qls`, '--format=sarif-latest', `--output=${output}`, ...limits], { ...options, timeoutMs: ANALYZE_MS });
      const size = (await stat(output).catch(() => undefined))?.size;
      if (size === undefined) throw new ExpectedError('codeql-failed', 'CodeQL wrote no results.', 'Run it in a terminal to see more.');
      if (size > MAX_SARIF_LENGTH) throw new ExpectedError('codeql-failed', 'CodeQL wrote more results than can be read.', 'Check a smaller folder.');
      const read = readSarif(await readFile(output, 'utf8'));
      // Which files it has read stands in the archive of sources: names in a zip file are plain text.
      const archive = path.join(database, 'src.zip');
      const sources = existsSync(archive) ? await readFile(archive) : undefined;
      const names = sources && (await endOfZip(sources));
      const run = { read, has: (relative: string) => names?.includes(Buffer.from(`${path.basename(root)}/${relative}`)) ?? false };
      this.last.set(language, { state, run });
      return run;
    } finally {
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  /** Removes what a process that was killed has left. */
  private async removeLeft(): Promise<void> {
    for (const name of await readdir(this.o.folder)) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1]);
      if (Number.isInteger(pid) && !isAlive(pid)) await rm(path.join(this.o.folder, name), { recursive: true, force: true });
    }
  }
}

/** The directory of a zip file, copied so that the rest can be freed; its start stands in the record at the end. */
async function endOfZip(zip: Buffer): Promise<Buffer> {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const start = end >= 0 && end + 20 <= zip.length ? zip.readUInt32LE(end + 16) : 0;
  return Buffer.from(zip.subarray(start < zip.length ? start : 0));
}

/** Changes with any file of the language: paths, sizes and times. */
async function stateOf(root: string, language: string, signal: AbortSignal): Promise<string> {
  const parts: string[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== '.git' && entry.name !== 'node_modules') folders.push(place);
        continue;
      }
      const known = languageOfPath(entry.name);
      if (!entry.isFile() || !isSupported(known)) continue;
      const own = LANGUAGE[known];
      if (!('name' in own) || own.name !== language) continue;
      const { size, mtimeMs } = await stat(place);
      parts.push(`${place} ${size} ${mtimeMs}`);
      if (parts.length > MAX_FILES) throw new ExpectedError('codeql-large', `The workspace has more than ${MAX_FILES} files of this language.`, 'Open a smaller folder.');
    }
  }
  return parts.sort().join('\n');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
