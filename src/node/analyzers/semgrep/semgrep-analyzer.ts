import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isExpected, messageOf } from '../../../core/errors.ts';
import { extensionFor, isSupported } from '../../../core/language.ts';
import { type Logger, SILENT } from '../../../core/log.ts';
import { LineIndex, type SourceDocument } from '../../../core/source.ts';
import type { Analyzer, AnalyzerReport, Finding } from '../../../core/verification/finding.ts';
import { Turn } from '../../../core/verification/turn.ts';
import { readMetadata, type RulesMetadata } from '../metadata.ts';
import { type Canary, isCodeCanary, isTextCanary, newCanary } from './canary.ts';
import type { SemgrepLaunch } from './launch.ts';
import { type Located, locateSemgrep } from './locate.ts';
import { LspSession, SessionFailed, withDeadline } from './lsp-session.ts';
import { scanOnce } from './one-shot.ts';
import type { SemgrepMatch } from './output.ts';
import { PreparedText } from './prepared-text.ts';
import { Scratch } from './scratch.ts';
import { findRuleFiles, NO_WORKSPACE_RULES, readWorkspaceRules, type WorkspaceRules } from './workspace-rules.ts';

export interface SemgrepAnalyzerOptions {
  /** The build's output folder: `rules/semgrep.yml`, `rules/metadata.json`. */
  readonly assetsRoot: string;
  readonly workspaceFolder: string;
  /** Path of Semgrep as the user set it; empty to look for one. */
  readonly setting: () => string;
  /** False: no process is started. */
  readonly trusted: () => boolean;
  /** Where SafeNote installs its own copy. */
  readonly managedFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Keeps a server running between texts; a process for each text where false. */
  readonly warm: boolean;
  readonly log?: Logger;
  /** Shared by analyzers that must not run beside each other. */
  readonly turn?: Turn;
  /** Rule files of the workspace; found by their usual names where absent. */
  readonly ruleFiles?: () => Promise<readonly string[]>;
  /** The server is ended when nothing was asked for so long, in milliseconds. Default 10 minutes. */
  readonly idleMs?: number;
  /** A text that takes longer is given up, in milliseconds. Default 10,000. */
  readonly scanTimeoutMs?: number;
}

/** What Semgrep is doing, for people. */
export interface SemgrepStatus {
  readonly state: 'not started' | 'warm' | 'one process per text' | 'missing';
  readonly version: string | null;
  readonly path: string | null;
  /** Texts that the running server has scanned. */
  readonly scans: number;
  /** How often a server had to be replaced because it failed. */
  readonly failures: number;
  /** Why it is missing or slower than it could be. */
  readonly reason?: string;
  readonly hint?: string;
  /** Where it was looked for. */
  readonly tried: readonly string[];
  readonly brokenRules: readonly string[];
}

const IDLE_MS = 10 * 60_000;
const SCAN_TIMEOUT_MS = 10_000;
/** A server grows with every text it has seen. */
const MAX_SCANS = 1000;
const MAX_MEMORY_MB = 300;
const MEMORY_EVERY = 50;
/** After so many failures in a row no server is tried for a while; each text then gets a process of its own. */
const MAX_FAILURES = 3;
const COOL_DOWN_MS = 5 * 60_000;
/** A search that found nothing is repeated after this: the user may just have installed it. */
const LOOK_AGAIN_MS = 10_000;
/** How long the list of the workspace's rule files is believed. */
const RULE_FILES_MS = 2000;
const MAX_TEXT = 2_000_000;

interface Rules {
  /** Changes when any rule changes. */
  readonly key: string;
  readonly metadata: RulesMetadata;
  readonly workspace: WorkspaceRules;
}

/**
 * Tier 1: Semgrep with SafeNote's rules and those of a trusted workspace, offline. One text at a time. What it cannot vouch
 * for is `unavailable` with the reason; findings that it has are given all the same.
 */
export class SemgrepAnalyzer implements Analyzer {
  readonly name = 'semgrep';
  private readonly o: SemgrepAnalyzerOptions;
  private readonly log: Logger;
  private readonly canary: Canary = newCanary();
  private queue: Promise<unknown> = Promise.resolve();
  private readonly turn: Turn;
  private located: { readonly key: string; readonly at: number; readonly result: Promise<Located> } | undefined;
  private lastLocated: Located | undefined;
  private metadata: Promise<RulesMetadata> | undefined;
  private rulesRead: { readonly at: number; readonly stamp: string; readonly rules: Promise<Rules> } | undefined;
  private workspace: WorkspaceRules = NO_WORKSPACE_RULES;
  private session: { readonly session: LspSession; readonly key: string } | undefined;
  private idle: NodeJS.Timeout | undefined;
  private failures = 0;
  private failedInARow = 0;
  private coolDownUntil = 0;
  private lastFailure: string | undefined;
  private readonly refused = new Map<string, readonly string[]>();
  private readonly disposing = new AbortController();

  constructor(options: SemgrepAnalyzerOptions) {
    this.o = options;
    this.log = options.log ?? SILENT;
    this.turn = options.turn ?? new Turn();
  }

  /** Starts the server in the background, so that the first text does not wait for it. */
  warmUp(): void {
    if (!this.o.warm || !this.o.trusted() || this.disposing.signal.aborted) return;
    const signal = this.disposing.signal;
    void this.enqueue(async () => {
      const { launch } = await this.locate(signal);
      if (launch) await this.warmSession(launch, await this.rules(), signal);
    }).catch((error: unknown) => this.log.debug(`Semgrep could not be warmed up: ${messageOf(error)}`));
  }

  /** Forgets where Semgrep was found and ends the server: after an installation, or when a setting changed. */
  async relocate(): Promise<void> {
    this.located = undefined;
    this.coolDownUntil = 0;
    this.failedInARow = 0;
    await this.endSession();
  }

  async analyze(document: SourceDocument, signal: AbortSignal): Promise<AnalyzerReport> {
    const started = performance.now();
    let version: string | null = null;
    const report = (findings: readonly Finding[], reason?: string): AnalyzerReport => ({
      name: this.name, version, ms: performance.now() - started, findings, status: reason === undefined ? 'ran' : 'unavailable', ...(reason === undefined ? {} : { reason }),
    });
    try {
      signal.throwIfAborted();
      if (this.disposing.signal.aborted) return report([], 'it was stopped');
      if (!this.o.trusted()) return report([], 'the workspace is not trusted, so Semgrep is not started');
      if (document.text.length > MAX_TEXT) return report([], `the text has more than ${MAX_TEXT} characters`);
      const rules = await this.rules();
      if (!hasRules(rules, document.language)) return report([], `no Semgrep rules for ${document.language}`);
      const located = await this.locate(signal);
      if (!located.launch) return report([], `${located.reason}. ${located.hint}`);
      version = located.launch.version;
      const { launch } = located;
      const { matches, problems } = await this.scan(document, launch, rules, signal);
      return report(this.findings(matches, document, rules), problems.length > 0 ? problems.join('; ') : undefined);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (this.disposing.signal.aborted) return report([], 'it was stopped');
      return report([], isExpected(error) ? `${error.message} ${error.hint}` : messageOf(error));
    }
  }

  status(): SemgrepStatus {
    const located = this.lastLocated;
    const launch = located?.launch;
    const warm = this.session?.session.alive ?? false;
    const state = warm ? 'warm' : located && !launch ? 'missing' : launch && (!this.o.warm || Date.now() < this.coolDownUntil) ? 'one process per text' : 'not started';
    return {
      state,
      version: launch?.version ?? null,
      path: launch?.shown ?? null,
      scans: this.session?.session.scans ?? 0,
      failures: this.failures,
      ...(located && !located.launch ? { reason: located.reason, hint: located.hint } : this.lastFailure === undefined ? {} : { reason: this.lastFailure }),
      tried: located?.tried ?? [],
      brokenRules: [...this.workspace.broken, ...[...this.refused.values()].flat()],
    };
  }

  /** Ends the server with all that it started. */
  async dispose(): Promise<void> {
    this.disposing.abort(new DOMException('Semgrep was stopped.', 'AbortError'));
    await this.endSession();
    await this.queue.catch(() => {});
    await this.endSession();
  }

  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    const inTurn = () => this.turn.run(work);
    const done = this.queue.then(inTurn, inTurn);
    this.queue = done.catch(() => {});
    return done;
  }

  /** Waits for its turn; an aborted request gives its place up, or lets the running scan end unheard. */
  private async scan(document: SourceDocument, launch: SemgrepLaunch, rules: Rules, signal: AbortSignal): Promise<{ matches: readonly SemgrepMatch[]; problems: readonly string[] }> {
    const answer = this.enqueue(async () => {
      signal.throwIfAborted();
      this.disposing.signal.throwIfAborted();
      return this.scanNow(document, launch, rules, AbortSignal.any([signal, this.disposing.signal]));
    });
    return abortable(answer, signal);
  }

  private async scanNow(document: SourceDocument, launch: SemgrepLaunch, rules: Rules, signal: AbortSignal) {
    if (this.o.warm) {
      try {
        const session = await this.warmSession(launch, rules, this.disposing.signal);
        if (session) {
          const prepared = new PreparedText(document.text, document.language, this.canary.token);
          const answer = await session.scan(prepared.content, fileExtension(document), this.o.scanTimeoutMs ?? SCAN_TIMEOUT_MS);
          this.failedInARow = 0;
          await this.afterScan(session);
          return answer;
        }
      } catch (error) {
        if (!(error instanceof SessionFailed) || signal.aborted) throw error;
        this.onFailure(error);
      }
    }
    return this.scanInProcess(document, launch, rules, signal);
  }

  /** The running server, or a new one; none while servers fail. */
  private async warmSession(launch: SemgrepLaunch, rules: Rules, signal: AbortSignal): Promise<LspSession | undefined> {
    if (Date.now() < this.coolDownUntil) return undefined;
    const key = `${launch.command}\u0000${rules.key}`;
    if (this.session && (this.session.key !== key || !this.session.session.alive)) await this.endSession();
    if (!this.session) {
      const started = performance.now();
      // Read once, at the start: the file need not outlive it.
      const own = await this.writeWorkspaceRules(rules);
      try {
        const session = await LspSession.start({ launch, configs: [...this.ownConfigs(), ...own.configs], canary: this.canary, log: this.log }, signal);
        this.session = { session, key };
        this.log.debug(`Semgrep's server is ready after ${Math.round(performance.now() - started)} ms.`);
      } finally {
        await own.remove();
      }
      void this.nameRefusedRules(launch, rules).catch((error: unknown) => this.log.debug(`The workspace's rules were not tried: ${messageOf(error)}`));
    }
    this.touch();
    return this.session.session;
  }

  private async scanInProcess(document: SourceDocument, launch: SemgrepLaunch, rules: Rules, signal: AbortSignal) {
    const own = await this.writeWorkspaceRules(rules);
    const scratch = await Scratch.create();
    try {
      const canaryFile = await scratch.writeConfig('canary.json', this.canary.rules);
      const prepared = new PreparedText(document.text, document.language, this.canary.token);
      const file = await scratch.write(prepared.content, fileExtension(document));
      const output = await scanOnce(launch, { configs: [...this.ownConfigs(), ...own.configs, canaryFile], targets: [file], cwd: scratch.folder, signal, timeoutMs: 3 * (this.o.scanTimeoutMs ?? SCAN_TIMEOUT_MS) });
      const rulesRefused = output.problems.filter((p) => p.ruleId !== undefined && rules.workspace.rules.has(p.ruleId));
      if (rulesRefused.length > 0) this.nameRefused(rules, rulesRefused);
      const problems = output.problems.filter((p) => !rulesRefused.includes(p)).map((p) => `${p.type}: ${p.message.replaceAll(file, path.basename(document.path)).replace(/\s+/g, ' ').slice(0, 200)}`);
      if (!output.matches.some((m) => isTextCanary(m.ruleId))) problems.push('Semgrep did not read the text');
      return { matches: output.matches, problems };
    } finally {
      await Promise.all([scratch.remove(), own.remove()]);
    }
  }

  private ownConfigs(): string[] {
    return [path.join(this.o.assetsRoot, 'rules', 'semgrep.yml')];
  }

  private async writeWorkspaceRules(rules: Rules): Promise<{ configs: string[]; remove(): Promise<void> }> {
    if (rules.workspace.config === undefined) return { configs: [], remove: async () => {} };
    const scratch = await Scratch.create();
    return { configs: [await scratch.writeConfig('workspace.json', rules.workspace.config)], remove: () => scratch.remove() };
  }

  private async afterScan(session: LspSession): Promise<void> {
    this.touch();
    const memory = session.scans % MEMORY_EVERY === 0 ? await session.memoryMb() : undefined;
    if (session.scans >= MAX_SCANS || (memory ?? 0) > MAX_MEMORY_MB) {
      this.log.debug(`Semgrep's server is replaced after ${session.scans} texts${memory === undefined ? '' : ` (${memory} MB)`}.`);
      // Ready again before it is needed, and not on the way of the text that was just scanned.
      void this.endSession().then(() => this.warmUp());
    }
  }

  private onFailure(error: SessionFailed): void {
    this.failures++;
    this.failedInARow++;
    this.lastFailure = error.message;
    this.log.warn(`${error.message}. This text gets a process of its own.`);
    if (this.failedInARow >= MAX_FAILURES) {
      this.coolDownUntil = Date.now() + COOL_DOWN_MS;
      this.failedInARow = 0;
      this.log.warn(`Semgrep's server failed ${MAX_FAILURES} times in a row; for ${COOL_DOWN_MS / 60_000} minutes each text gets a process of its own.`);
    }
  }

  private touch(): void {
    clearTimeout(this.idle);
    this.session?.session.unref();
    this.idle = setTimeout(() => {
      this.log.debug("Semgrep's server was not needed for a while and is ended.");
      void this.endSession();
    }, this.o.idleMs ?? IDLE_MS);
    this.idle.unref();
  }

  private async endSession(): Promise<void> {
    clearTimeout(this.idle);
    const { session } = this;
    this.session = undefined;
    await session?.session.end();
  }

  private locate(signal: AbortSignal): Promise<Located> {
    const key = JSON.stringify([this.o.setting(), this.o.trusted(), this.o.env['PATH']]);
    const missing = this.lastLocated !== undefined && this.lastLocated.launch === undefined;
    if (!this.located || this.located.key !== key || (missing && Date.now() - this.located.at > LOOK_AGAIN_MS)) {
      const result = locateSemgrep({
        setting: this.o.setting(), workspaceFolder: this.o.workspaceFolder, trusted: this.o.trusted(), managedFolder: this.o.managedFolder, env: this.o.env, log: this.log, signal: this.disposing.signal,
      });
      this.located = { key, at: Date.now(), result };
      result.then(
        (found) => (this.lastLocated = found),
        () => (this.located = undefined),
      );
    }
    return abortable(this.located.result, signal);
  }

  private async rules(): Promise<Rules> {
    const now = Date.now();
    if (this.rulesRead && now - this.rulesRead.at < RULE_FILES_MS) return this.rulesRead.rules;
    const files = await (this.o.ruleFiles?.() ?? findRuleFiles(this.o.workspaceFolder));
    const stamps = await Promise.all(files.map(async (file) => `${file}:${(await stat(file).catch(() => undefined))?.mtimeMs ?? 0}`));
    const stamp = stamps.join('\n');
    if (this.rulesRead?.stamp === stamp) {
      this.rulesRead = { ...this.rulesRead, at: now };
      return this.rulesRead.rules;
    }
    const rules = (async (): Promise<Rules> => {
      this.metadata ??= readMetadata(this.o.assetsRoot);
      this.metadata.catch(() => (this.metadata = undefined));
      const [metadata, workspace] = await Promise.all([this.metadata, readWorkspaceRules(files, this.o.workspaceFolder)]);
      this.workspace = workspace;
      for (const line of workspace.broken) this.log.warn(`A Semgrep rule of the workspace cannot be used: ${line}`);
      return { key: createHash('sha256').update(workspace.config ?? '').digest('hex'), metadata, workspace };
    })();
    this.rulesRead = { at: now, stamp, rules };
    rules.catch(() => (this.rulesRead = undefined));
    return rules;
  }

  /** The server is silent about rules that it cannot use; one run without a text names them. */
  private async nameRefusedRules(launch: SemgrepLaunch, rules: Rules): Promise<void> {
    if (rules.workspace.config === undefined || this.refused.has(rules.key)) return;
    const scratch = await Scratch.create();
    try {
      const config = await scratch.writeConfig('workspace.json', rules.workspace.config);
      const { problems } = await scanOnce(launch, { configs: [config], targets: [scratch.folder], cwd: scratch.folder, signal: this.disposing.signal });
      this.nameRefused(rules, problems);
    } finally {
      await scratch.remove();
    }
  }

  private nameRefused(rules: Rules, problems: readonly { ruleId?: string; message: string }[]): void {
    const lines = problems.map(({ ruleId, message }) => `${rules.workspace.rules.get(ruleId ?? '')?.id ?? 'a rule'}: ${message.replace(/safenote-workspace\.\d+/g, 'it').replace(/\s+/g, ' ').slice(0, 300)}`);
    if (!this.refused.has(rules.key)) for (const line of lines) this.log.warn(`Semgrep cannot use a rule of the workspace: ${line}`);
    this.refused.clear();
    this.refused.set(rules.key, lines);
  }

  private findings(matches: readonly SemgrepMatch[], document: SourceDocument, rules: Rules): Finding[] {
    const prepared = new PreparedText(document.text, document.language, this.canary.token);
    const lines = new LineIndex(document.text);
    const relative = this.o.workspaceFolder && path.isAbsolute(document.path) ? path.relative(this.o.workspaceFolder, document.path).split(path.sep).join('/') : document.path;
    const seen = new Set<string>();
    const findings: Finding[] = [];
    for (const match of matches) {
      if (isTextCanary(match.ruleId) || isCodeCanary(match.ruleId)) continue;
      const rule = ruleOf(match.ruleId, rules);
      if (rule.appliesTo && !rule.appliesTo(relative)) continue;
      const range = prepared.toRange(match);
      const key = JSON.stringify([rule.id, range]);
      if (seen.has(key)) continue;
      seen.add(key);
      findings.push({
        ...range,
        ruleId: rule.id,
        ruleFamily: rule.family,
        cwe: rule.cwe,
        severity: rule.severity,
        // What a metavariable stands for is known to Semgrep only.
        message: (/\$[A-Z]/.test(rule.message) ? match.message : rule.message).replace(/\s+/g, ' ').trim() || match.message,
        analyzer: this.name,
        ...(match.trace ? { trace: match.trace.map((step) => prepared.toRange(step)) } : {}),
        ...(match.fix === undefined ? {} : { fix: { ...lines.toOffsets(range), text: document.text.includes('\r\n') ? match.fix.replace(/\r?\n/g, '\r\n') : match.fix } }),
      });
    }
    return findings.sort((a, b) => a.startLine - b.startLine || a.startColumn - b.startColumn || (a.ruleId < b.ruleId ? -1 : 1));
  }
}

/** What is known of a rule by the id that Semgrep gives it, which may have the path of its file before it. */
function ruleOf(reported: string, rules: Rules): { id: string; family: string; cwe: readonly string[]; severity: Finding['severity']; message: string; appliesTo?: (path: string) => boolean } {
  const own = /(?:^|\.)(safenote\.[a-z]+\..+)$/.exec(reported)?.[1];
  const metadata = own === undefined ? undefined : rules.metadata[own];
  if (own !== undefined && metadata) return { id: own, ...metadata };
  const workspace = rules.workspace.rules.get(/safenote-workspace\.\d+$/.exec(reported)?.[0] ?? '');
  if (workspace) return { id: workspace.id, family: workspace.family, cwe: workspace.cwe, severity: workspace.severity, message: workspace.message, appliesTo: workspace.appliesTo.bind(workspace) };
  return { id: reported, family: reported, cwe: [], severity: 'warning', message: '' };
}

function hasRules(rules: Rules, language: string): boolean {
  const any = [language, 'regex', 'generic', 'none'];
  for (const rule of rules.workspace.rules.values()) if (rule.languages.some((l) => any.includes(l))) return true;
  return Object.values(rules.metadata).some((m) => m.engines.includes('semgrep') && (m.languages ?? [m.language]).includes(language));
}

/** Semgrep knows languages by extension only. */
function fileExtension(document: SourceDocument): string {
  const own = extensionFor(document.language, document.path);
  if (own === 'tsx' || own === 'jsx') return own;
  if (isSupported(document.language)) return extensionFor(document.language);
  const extension = path.extname(document.path).slice(1).toLowerCase();
  return /^[a-z0-9]{1,10}$/.test(extension) ? extension : 'txt';
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return withDeadline(promise, 2 ** 31 - 1, signal, () => new Error('unreachable'));
}
