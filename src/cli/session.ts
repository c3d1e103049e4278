import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { ExpectedError } from '../core/errors.ts';
import type { LanguageModel } from '../core/llm/model.ts';
import type { Logger } from '../core/log.ts';
import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts';
import { App } from '../node/app.ts';
import { chooseEndpoint } from '../node/llm/endpoint.ts';
import { OpenAiModel } from '../node/llm/openai-model.ts';
import { useProxyOfEnvironment } from '../node/llm/proxy.ts';

/** Options that every verb has. */
export interface GlobalOptions {
  readonly json?: boolean;
  /** Marks of false positives count also where nobody approved them on this machine. */
  readonly trustMarks?: boolean;
  readonly workspace?: string;
  readonly verbose?: boolean;
  /** `--trust-notes` of the verbs that have it. */
  readonly trustNotes?: boolean;
}

/** Options of verbs that run the workspace's tests. */
export interface TestingOptions {
  readonly tests?: boolean;
  readonly testsCommand?: string;
  readonly edgeInputs?: boolean;
  /** False with `--no-sandbox`. */
  readonly sandbox?: boolean;
}

export interface Session {
  readonly app: App;
  readonly settings: Settings;
  readonly signal: AbortSignal;
  /** The model that the environment names. Throws `ModelError` `model-missing`. */
  readonly model: () => Promise<LanguageModel>;
}

/** stdout belongs to the result; what happens on the way goes to stderr. */
export function stderrLogger(verbose: boolean): Logger {
  const write = (level: string) => (message: string, ...details: unknown[]) => {
    const rest = details.map((d) => (d instanceof Error ? d.message : typeof d === 'string' ? d : JSON.stringify(d))).join(' ');
    process.stderr.write(`${level}: ${message}${rest ? ` ${rest}` : ''}\n`);
  };
  const silent = () => undefined;
  return { debug: verbose ? write('debug') : silent, info: verbose ? write('info') : silent, warn: write('warning'), error: write('error') };
}

/** Builds the app for the workspace that the options name, runs `work`, and ends everything again. */
export async function withSession<T>(options: GlobalOptions & TestingOptions & { readonly settings?: Partial<Settings> }, work: (session: Session) => Promise<T>): Promise<T> {
  const workspaceFolder = path.resolve(options.workspace ?? '.');
  if (!existsSync(workspaceFolder) || !statSync(workspaceFolder).isDirectory()) {
    throw new ExpectedError('no-workspace', `There is no folder ${workspaceFolder}.`, 'Name an existing folder with --workspace.');
  }
  const about = options.sandbox === false ? '--no-sandbox' : options.testsCommand !== undefined ? '--tests-command' : options.edgeInputs ? '--edge-inputs' : undefined;
  if (about && !options.tests) {
    throw new ExpectedError('no-tests', `${about} says how tests are run, and none are.`, 'Add --tests.');
  }
  const settings = { ...DEFAULT_SETTINGS, ...options.settings, ...(options.testsCommand === undefined ? {} : { 'tests.command': options.testsCommand }), ...(options.edgeInputs ? { 'tests.edgeInputs': true } : {}) };
  const controller = new AbortController();
  const onSignal = () => controller.abort(new DOMException('Cancelled by the user.', 'AbortError'));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const log = stderrLogger(options.verbose ?? false);
  const model = () => modelOfEnvironment(controller.signal, log);
  const app = new App({
    assetsRoot: __dirname,
    workspaceFolder,
    settings: () => settings,
    // Whoever runs the command in a folder has chosen to work in it.
    trusted: () => true,
    model,
    log,
    semgrepWarm: false,
    trustMarks: options.trustMarks ?? false,
    trustNotes: options.trustNotes ?? false,
    env: process.env,
    // The command is what the user has just typed; what no option says is refused with the option's name.
    testConsent: { command: () => Promise.resolve(true), unboxed: (reason) => Promise.reject(new ExpectedError('no-sandbox', reason, '--no-sandbox runs tests without one')) },
    testsWithoutSandbox: options.sandbox === false,
  });
  try {
    return await work({ app, settings, signal: controller.signal, model });
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await app.dispose();
  }
}

/** The model that the environment names. Throws `ModelError` `model-missing`. `patience`: the longest wait for a rate limit, in milliseconds. */
export async function modelOfEnvironment(signal: AbortSignal, log: Logger, patience?: number): Promise<LanguageModel> {
  useProxyOfEnvironment(process.env);
  const { endpoint, model: name, remarks } = await chooseEndpoint({ env: process.env, signal });
  for (const remark of remarks) log.warn(remark);
  return new OpenAiModel({ endpoint, model: name, log, ...(patience === undefined ? {} : { maxWaitMs: patience }) });
}

/** Runs work that needs no workspace and that Ctrl+C cancels. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = () => controller.abort(new DOMException('Cancelled by the user.', 'AbortError'));
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
