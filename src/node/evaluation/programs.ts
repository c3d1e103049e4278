import type { Said } from '../../core/evaluation/suite.ts';
import { linkCache } from '../runners/go-cache.ts';
import { byExitCode, type Execution } from './execution.ts';
import type { Tool, Toolbox } from './toolbox.ts';

/** Folder names in the box. The workspace's own tests may be called `tests`, so the judge's are not. */
export const WORKSPACE = 'workspace';
export const JUDGE = 'judge';

/**
 * Runs a judge's test program from the root of the workspace; exit code 0 says pass. The language is told by the file:
 * `.py` (the workspace is on the path), `.mjs`, `.js`, `.c` (compiled with the sanitizers; it includes what it tests),
 * `_test.go` (put beside the package that the comment `// package: DIR` names, else at the root), `.sh`.
 */
export async function runTestProgram(file: string, files: Readonly<Record<string, string>>, o: { execution: Execution; toolbox: Toolbox; signal: AbortSignal; timeMs?: number }): Promise<Said> {
  const test = `../${JUDGE}/${file}`;
  const text = files[`${JUDGE}/${file}`] ?? '';
  const common = { cwd: WORKSPACE, signal: o.signal, ...(o.timeMs === undefined ? {} : { timeMs: o.timeMs }) };
  const with_ = async (tool: Tool, script: string, env: Readonly<Record<string, string>> = {}, sanitized = false): Promise<Said> => {
    if ('unavailable' in tool) return { status: 'unavailable', reason: tool.unavailable };
    return byExitCode(await o.execution.run({ ...common, files, script, args: [tool.program, test], tools: tool.tools, env, sanitized }));
  };
  if (file.endsWith('.py')) return with_(await o.toolbox.python(), 'exec "$1" -B "$2"', { PYTHONPATH: '.', PYTHONHASHSEED: '0' });
  if (/\.[cm]?js$/.test(file)) return with_(await o.toolbox.node(), 'exec "$1" "$2"', { NO_COLOR: '1' });
  if (file.endsWith('.c')) {
    // A program that does not compile fails; a compiler that cannot work is found out by the first control.
    return with_(await o.toolbox.compiler('gcc'), '"$1" -std=gnu11 -g -w -fsanitize=address,undefined -fno-sanitize-recover=undefined -I. "$2" -o /tmp/test -lm && exec /tmp/test', { ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1' }, true);
  }
  if (file.endsWith('_test.go')) {
    const go = await o.toolbox.go();
    if ('unavailable' in go) return { status: 'unavailable', reason: go.unavailable };
    const folder = /^\/\/ package: (\S+)$/m.exec(text)?.[1] ?? '.';
    const script = `${linkCache('$3')}; exec "$1" test -count=1 "./$4"`;
    const result = await o.execution.run({ ...common, files: { ...files, [`${WORKSPACE}/${folder}/judge_${file}`]: text }, script, args: [go.program, test, go.cache ?? '', folder], tools: go.tools, env: go.environment ?? {}, timeMs: o.timeMs ?? 90_000 });
    return byExitCode(result);
  }
  if (file.endsWith('.sh')) return with_({ program: '/bin/sh', tools: [] }, 'exec "$1" "$2"');
  return { status: 'unavailable', reason: `there is no way to run ${file}: a test is a .py, .mjs, .js, .c, _test.go or .sh file` };
}
