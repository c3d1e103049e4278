import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Said } from '../../core/evaluation/suite.ts';
import type { BoxResult, Sandbox } from '../sandbox/box.ts';

const MB = 1024 * 1024;

export interface ExecutionRequest {
  /** Relative path → text; the folder in which the command runs has nothing else. */
  readonly files: Readonly<Record<string, string>>;
  /** Relative path → absolute path of what is only linked, such as `node_modules`. It must be among `tools`. */
  readonly links?: Readonly<Record<string, string>>;
  /** A shell script; `$1`… are `args`. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Relative to the folder. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly tools: readonly string[];
  /** A report that the command writes; absolute, below /tmp. */
  readonly report?: string;
  readonly timeMs?: number;
  /** The program is built with a sanitizer. */
  readonly sanitized?: boolean;
  readonly signal: AbortSignal;
}

/** Runs programs that a model wrote, with a suite's tests around them: in the sandbox or not at all. */
export class Execution {
  private readonly box: Sandbox;

  constructor(box: Sandbox) {
    this.box = box;
  }

  /** Rejects only on abort; `unavailable` where nothing could be run. */
  async run(request: ExecutionRequest): Promise<BoxResult | { readonly unavailable: string }> {
    const state = await this.box.state();
    if (!state.available) return { unavailable: state.reason };
    const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-eval-')));
    const timeMs = request.timeMs ?? 30_000;
    try {
      for (const [name, text] of Object.entries(request.files)) {
        const file = path.join(folder, name);
        if (path.relative(folder, file).startsWith('..')) return { unavailable: `the file name ${name} leads out of the task's folder` };
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
      for (const [name, target] of Object.entries(request.links ?? {})) await symlink(target, path.join(folder, name));
      return await this.box.run({
        workspace: folder,
        files: new Map(),
        cwd: path.join(folder, request.cwd ?? '.'),
        command: ['/bin/sh', '-c', request.script, 'sh', ...(request.args ?? [])],
        env: { LANG: 'C.UTF-8', PATH: '/usr/local/bin:/usr/bin:/bin', ...request.env },
        tools: request.tools,
        workspaceAs: 'copy',
        ...(request.report === undefined ? {} : { report: [request.report] }),
        limits: { timeMs, memoryBytes: 2048 * MB, ...(request.sanitized ? { mappedBytes: 2 ** 45 } : {}), processes: 400, writableBytes: 512 * MB },
        signal: request.signal,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** What a test program says by its exit code: 0 it passes, 77 it cannot tell here, anything else it fails. */
export function byExitCode(result: BoxResult | { readonly unavailable: string }): Said {
  if ('unavailable' in result) return { status: 'unavailable', reason: result.unavailable };
  if (result.ended === 'time') return { status: 'fail', reason: 'it did not end in time' };
  if (result.ended) return { status: 'fail', reason: result.ended === 'memory' ? 'it took too much memory' : 'it started too many processes' };
  if (result.code === 0) return { status: 'pass' };
  if (result.code === 77) return { status: 'unavailable', reason: lastLine(result.output) || 'the test cannot tell here' };
  return { status: 'fail', reason: lastLine(result.output) || `exit code ${result.code ?? 'none'}` };
}

/** The line of an output that says most: the error where one is named, else the last. */
export function lastLine(output: string): string {
  const lines = output.trim().split('\n').map((line) => line.trim()).filter(Boolean);
  return (lines.findLast((line) => /^(?:\w+\.)*\w*(?:Error|Exception)\b.*:|\berror: |^\S+: .*(?:failed|ERROR)/.test(line)) ?? lines.at(-1) ?? '').slice(0, 200);
}
