import { existsSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import semver from 'semver';
import * as z from 'zod';
import { ExpectedError } from '../../../core/errors.ts';
import { run } from '../../process/run.ts';
import type { Answered, CodeqlServer } from './cli-server.ts';

/** Older ones have no `--build-mode`. */
export const OLDEST_CODEQL = '2.19.4';

const EXECUTABLES = process.platform === 'win32' ? ['codeql.exe', 'codeql.cmd'] : ['codeql'];
const GET_IT = 'SafeNote does not install CodeQL: its licence is for you to accept. Get the CodeQL bundle from github.com/github/codeql-action/releases, then name it in safenote.analyzers.codeql.path (SAFENOTE_CODEQL on the command line), or put it on PATH.';
const Version = z.object({ version: z.string() });
const Languages = z.record(z.string(), z.array(z.string()));

export interface CodeqlCli {
  readonly command: string;
  readonly version: string;
  /** Extractors that it has, by CodeQL's own names. */
  readonly languages: readonly string[];
  /** Runs its commands; where absent each is a process of its own. */
  readonly server: CodeqlServer | undefined;
}

/**
 * Finds CodeQL where the setting names it, else on PATH, and asks for its version and languages. Nothing of the workspace is
 * looked at. Throws `ExpectedError` where there is none that can be used.
 */
export async function locateCodeql(options: { readonly setting: string; readonly env: NodeJS.ProcessEnv; readonly server?: (command: string) => CodeqlServer }, signal: AbortSignal): Promise<CodeqlCli> {
  const named = options.setting.trim();
  const command = named === '' ? onPath(options.env) : expandHome(named, options.env);
  if (command === undefined) throw new ExpectedError('codeql-missing', 'CodeQL is not installed.', GET_IT);
  await usable(command);
  let server = options.server?.(command);
  const ask = () => answer(command, ['version', '--format=json'], Version, { env: options.env, server }, signal);
  const { version } = await ask().catch((error: unknown) => {
    if (!server || signal.aborted) throw error;
    // One without a server still runs each command by itself.
    server = undefined;
    return ask();
  });
  const known = semver.coerce(version);
  if (!known || semver.lt(known, OLDEST_CODEQL)) throw new ExpectedError('codeql-old', `${command} is CodeQL ${version.slice(0, 40)}; ${OLDEST_CODEQL} or newer is needed.`, 'Get a newer CodeQL bundle.');
  const languages = await answer(command, ['resolve', 'languages', '--format=json'], Languages, { env: options.env, server }, signal);
  return { command, version, languages: Object.keys(languages), server };
}

/** Whether there is a CodeQL to ask, as far as names of files tell; nothing is started. */
export function hasCodeql(options: { readonly setting: string; readonly env: NodeJS.ProcessEnv }): boolean {
  const named = options.setting.trim();
  return named === '' ? onPath(options.env) !== undefined : existsSync(expandHome(named, options.env));
}

/** Runs one command as CodeQL wants it: data on stdout, all that is for people on stderr. Any exit code but 0 is thrown. */
export async function codeql(command: string, args: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly server?: CodeqlServer | undefined; readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<Answered> {
  const whole = [...args, '-v', '--log-to-stderr'];
  const result: Answered = options.server ? await options.server.run(whole, options) : await run(command, whole, { env: options.env, timeoutMs: options.timeoutMs, signal: options.signal });
  if (result.timedOut) throw new ExpectedError('codeql-failed', `codeql ${args.slice(0, 2).join(' ')} took longer than ${options.timeoutMs / 60_000} minutes.`, 'Check a smaller folder.');
  if (result.code !== 0) throw failure(result, args);
  return result;
}

async function answer<T>(command: string, args: readonly string[], schema: z.ZodType<T>, by: { env: NodeJS.ProcessEnv; server: CodeqlServer | undefined }, signal: AbortSignal): Promise<T> {
  const { stdout } = await codeql(command, args, { ...by, timeoutMs: 60_000, signal });
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch {
    // What it is will be said below.
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new ExpectedError('codeql-missing', `${command} does not answer as CodeQL does.`, 'Name the program codeql of a CodeQL bundle in safenote.analyzers.codeql.path (or SAFENOTE_CODEQL).');
  return parsed.data;
}

/** What CodeQL's exit codes mean, and what can be done. */
function failure(result: Answered, args: readonly string[]): ExpectedError {
  const what = `codeql ${args.slice(0, 2).join(' ')}`;
  const said = /A fatal error occurred: ([\s\S]+)$/.exec(result.stderr)?.[1] ?? result.stderr.trim().split('\n').at(-1) ?? '';
  const [message, hint] =
    result.code === 3 ? ['its launcher failed', 'Unpack the CodeQL bundle again.']
    : result.code === 32 ? ['it saw no code of this language', 'Check that the workspace has such files and that no CodeQL configuration leaves them out.']
    : result.code === 33 ? ['a query took too long', 'Check a smaller folder.']
    : result.code === 98 ? ['it was cancelled', 'Run it again.']
    : result.code === 99 || result.code === 137 || result.signal === 'SIGKILL' ? ['it ran out of memory', 'Close other programs, or check a smaller folder.']
    : /could not (?:be )?(?:found|resolve)|not found in the (?:search path|registry)|cannot be found/i.test(said) ? ['its queries were not found', 'Use the CodeQL bundle, which has the standard queries; SafeNote downloads none.']
    : [`it ended with ${result.code ?? result.signal}`, 'Run the same command in a terminal to see more.'];
  const detail = said.trim().replace(/\s+/g, ' ').slice(0, 300);
  return new ExpectedError('codeql-failed', `${what}: ${message}${detail ? `: ${detail.replace(/\.$/, '')}` : ''}.`, hint);
}

async function usable(command: string): Promise<void> {
  const wrong = (what: string) => new ExpectedError('codeql-missing', `${command} ${what}.`, 'Correct safenote.analyzers.codeql.path (or SAFENOTE_CODEQL): it names the program codeql itself.');
  const kind = await stat(command).catch(() => undefined);
  if (!kind) throw wrong('does not exist');
  if (!kind.isFile()) throw wrong('is not a file');
  await access(command, constants.X_OK).catch(() => {
    throw wrong('is not executable');
  });
}

/** A relative entry of PATH would be looked up in whatever folder this process stands in, so it does not count. */
function onPath(env: NodeJS.ProcessEnv): string | undefined {
  return (env['PATH'] ?? env['Path'] ?? '')
    .split(path.delimiter)
    .filter((entry) => path.isAbsolute(entry))
    .flatMap((entry) => EXECUTABLES.map((name) => path.join(entry, name)))
    .find((place) => existsSync(place));
}

function expandHome(place: string, env: NodeJS.ProcessEnv): string {
  return /^~[\\/]/.test(place) ? path.join(env['HOME'] ?? env['USERPROFILE'] ?? os.homedir(), place.slice(2)) : place;
}
