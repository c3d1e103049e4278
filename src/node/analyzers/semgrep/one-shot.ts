import { ExpectedError } from '../../../core/errors.ts';
import { run } from '../../process/run.ts';
import { type SemgrepLaunch, semgrepEnvironment } from './launch.ts';
import { parseSemgrepJson, type SemgrepOutput } from './output.ts';

export interface OneShotOptions {
  /** Rule files. */
  readonly configs: readonly string[];
  /** Files or folders to scan. */
  readonly targets: readonly string[];
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

/** Memory that a scan may take before Semgrep gives up on a file, in MB. */
export const MAX_MEMORY_MB = 2000;
/** Seconds that one rule may take on one file. */
export const RULE_TIMEOUT_S = 5;

/**
 * Runs Semgrep once, offline. Throws `ExpectedError` `semgrep-failed` when it gives no answer that can be trusted; rules that
 * do not work are in `problems`, and the others have run.
 */
export async function scanOnce(launch: SemgrepLaunch, options: OneShotOptions): Promise<SemgrepOutput> {
  const args = [
    'scan',
    '--experimental',
    ...options.configs.flatMap((config) => ['--config', config]),
    '--json',
    '--quiet',
    '--metrics=off',
    '--disable-version-check',
    '--disable-nosem',
    '--no-git-ignore',
    '--dataflow-traces',
    '--jobs=1',
    `--timeout=${RULE_TIMEOUT_S}`,
    `--max-memory=${MAX_MEMORY_MB}`,
    ...options.targets,
  ];
  const result = await run(launch.command, args, {
    cwd: options.cwd,
    env: semgrepEnvironment(),
    signal: options.signal,
    timeoutMs: options.timeoutMs ?? 60_000,
    maxOutputBytes: 64 * 1024 * 1024,
    ...(launch.argv0 === undefined ? {} : { argv0: launch.argv0 }),
  });
  const hint = 'Run "SafeNote: Doctor" (safenote doctor) to see which Semgrep is used; Install Semgrep gets one that fits.';
  if (result.timedOut) throw new ExpectedError('semgrep-failed', `Semgrep did not finish within ${(options.timeoutMs ?? 60_000) / 1000} s.`, hint);
  if (result.truncated) throw new ExpectedError('semgrep-failed', 'Semgrep wrote more than 64 MB.', 'Scan fewer files at once.');
  const output = parseSemgrepJson(result.stdout);
  if (typeof output === 'string') {
    const why = lastLine(result.stderr);
    throw new ExpectedError('semgrep-failed', `${output} (exit code ${result.code ?? result.signal}${why ? `: ${why}` : ''}).`, hint);
  }
  // 7: a configuration that is no YAML at all; then nothing has been scanned with any other rule either.
  if (result.code === null || result.code === 7) {
    throw new ExpectedError('semgrep-failed', `Semgrep could not use its rules: ${output.problems[0]?.message.replace(/\s+/g, ' ').trim() ?? lastLine(result.stderr)}`, hint);
  }
  return output;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
}
