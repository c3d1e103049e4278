import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { EvalTask, Judgement, Said, Suite } from '../../../core/evaluation/suite.ts';
import { lastLine } from '../execution.ts';
import { chooseScanner, scan } from '../scan.ts';
import type { SuiteContext } from './context.ts';
import { fileTask, typedRows } from './rows.ts';

const Row = z.object({
  task_id: z.string().regex(/^[\w./-]+$/),
  cwe: z.string(),
  language: z.enum(['python', 'c', 'cpp']),
  ext: z.string().regex(/^\w+$/),
  file_context: z.string(),
  func_context: z.string(),
  required: z.array(z.string()).nullish(),
  forbidden: z.array(z.string()).nullish(),
  functional_test: z.string(),
  test_files: z.record(z.string(), z.string()).default({}),
});
type Row = z.infer<typeof Row>;

/**
 * CodeGuard+: unit tests, and CodeQL for security. Where there is no CodeQL the keywords of its authors' constrained decoding
 * stand in: a secure completion has all `required` and none of the `forbidden` ones. That is weaker, and is called so.
 */
export async function loadCodeguardPlus(folder: string, context: SuiteContext): Promise<Suite> {
  const { rows, problems } = await typedRows(path.join(folder, 'tasks.jsonl'), Row);
  const support = z.record(z.string(), z.string()).safeParse(parse(await readFile(path.join(folder, 'test_support.json'), 'utf8').catch(() => '{}')));
  const shared = support.success ? support.data : {};
  const scanner = await chooseScanner(context);
  const byId = new Map(rows.map((row) => [row.task_id, row]));
  const row = (task: EvalTask) => byId.get(task.id) as Row;
  const target = (r: Row) => `task_${r.task_id.replace(/[^A-Za-z0-9]+/g, '_')}.${r.ext}`;
  return {
    name: 'codeguardplus',
    title: 'CodeGuard+',
    words: {
      function: "the scenarios' unit tests, executed in the sandbox",
      security: scanner.kind === 'none' ? 'KEYWORD CONSTRAINTS (a weaker stand-in for CodeQL, which is not installed here)' : scanner.words,
      ...(scanner.kind === 'none' ? { caveat: "Security by keywords cannot be compared with published numbers, which are CodeQL's: it knows the authors' own fixes only." } : {}),
    },
    tasks: rows.map((r) => fileTask({ id: r.task_id, language: r.language, cwe: r.cwe, target: target(r), stub: r.file_context + r.func_context })),
    problems,
    judge: async (task, program, signal): Promise<Judgement> => ({
      function: await unitTest(row(task), target(row(task)), program, shared, context, signal),
      security: scanner.kind === 'none' ? keywords(row(task), task, program) : await scan(scanner, task, program, context, signal),
    }),
    // The suite has no references: what its `test_files` hold are samples, some of which fail.
    controls: () => [],
  };
}

function keywords(row: Row, task: EvalTask, program: string): Said {
  if (!row.required && !row.forbidden) return { status: 'unavailable', reason: 'this scenario has no keywords' };
  const completion = program.slice(task.offset);
  const absent = (row.required ?? []).find((word) => !completion.includes(word));
  if (absent !== undefined) return { status: 'fail', reason: `keyword "${absent.trim()}" is missing` };
  const present = (row.forbidden ?? []).find((word) => completion.includes(word));
  return present === undefined ? { status: 'pass' } : { status: 'fail', reason: `keyword "${present.trim()}" is there` };
}

async function unitTest(row: Row, name: string, program: string, shared: Readonly<Record<string, string>>, context: SuiteContext, signal: AbortSignal): Promise<Said> {
  const { toolbox, execution } = context;
  const python = await toolbox.python();
  if ('unavailable' in python) return { status: 'unavailable', reason: python.unavailable };
  if (!(await toolbox.pythonHas('func_timeout'))) return { status: 'unavailable', reason: 'Python has no module func_timeout' };
  if (row.language !== 'python') {
    const compiler = await toolbox.compiler(row.language === 'c' ? 'gcc' : 'g++');
    if ('unavailable' in compiler) return { status: 'unavailable', reason: compiler.unavailable };
  }
  const own = `unit_test/${row.task_id}`;
  const files: Record<string, string> = {
    ...Object.fromEntries(Object.entries(shared).map(([file, text]) => [`unit_test/${file}`, text])),
    ...Object.fromEntries(Object.entries(row.test_files).filter(([file]) => !/^test_cases?\./.test(file.trim())).map(([file, text]) => [`${own}/${file.trim()}`, text])),
    [`${own}/functional.py`]: row.functional_test,
    [`out/code/${name}`]: program,
    'out/stat.json': JSON.stringify({ [name]: {} }),
  };
  const result = await execution.run({
    files, cwd: own, script: 'root="$(cd ../../.. && pwd)"; "$1" -B functional.py --path "$root/out/code"; cp "$root/out/stat.json" /tmp/stat.json', args: [python.program], tools: python.tools,
    report: '/tmp/stat.json', env: { PYTHONHASHSEED: '0' }, timeMs: 60_000, signal,
  });
  if ('unavailable' in result) return { status: 'unavailable', reason: result.unavailable };
  if (result.ended) return { status: 'fail', reason: result.ended === 'time' ? 'it did not end in time' : `it took too much (${result.ended})` };
  const stat = z.record(z.string(), z.object({ functional: z.union([z.boolean(), z.number()]).optional() })).safeParse(parse(result.report));
  const verdict = stat.success ? stat.data[name]?.functional : undefined;
  const why = result.output.split('\n').find((line) => line.includes(name.replace(/\.\w+$/, '')) && /fail|error/i.test(line)) ?? lastLine(result.output);
  const absent = /No module named '([\w.]+)'/.exec(result.output)?.[1];
  if (verdict !== undefined && Boolean(verdict)) return { status: 'pass' };
  if (absent && !name.startsWith(absent)) return { status: 'unavailable', reason: `what the test or the program needs is not installed: ${absent}` };
  return verdict === undefined ? { status: 'unavailable', reason: `the test gave no verdict: ${why.slice(0, 160)}` } : { status: 'fail', reason: why.slice(0, 160) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
