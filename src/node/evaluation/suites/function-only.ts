import { readdir } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { EvalTask, Judgement, Said, Suite } from '../../../core/evaluation/suite.ts';
import { byExitCode } from '../execution.ts';
import type { SuiteContext } from './context.ts';
import { fileTask, typedRows } from './rows.ts';

const NO_SECURITY: Said = { status: 'unavailable', reason: 'the suite has no security tests' };

const HumanRow = z.object({ task_id: z.string(), prompt: z.string(), entry_point: z.string().regex(/^\w+$/), canonical_solution: z.string().nullish(), test: z.string() });

/** HumanEval's format: is nothing lost on ordinary tasks? The first `*.jsonl` of the folder. */
export async function loadHumanEval(folder: string, context: SuiteContext): Promise<Suite> {
  const { rows, problems } = await typedRows(await firstRowsFile(folder), HumanRow);
  const byId = new Map(rows.map((row) => [row.task_id, row]));
  const row = (task: EvalTask) => byId.get(task.id) as z.infer<typeof HumanRow>;
  return {
    name: 'humaneval',
    title: 'HumanEval format',
    words: { function: "each task's check(), executed in the sandbox", security: 'nobody: the suite is about function' },
    tasks: rows.map((r) => fileTask({ id: r.task_id, language: 'python', target: `${r.task_id.replace(/\W+/g, '_')}.py`, stub: r.prompt })),
    problems,
    judge: async (task, program, signal): Promise<Judgement> => {
      const python = await context.toolbox.python();
      if ('unavailable' in python) return { function: { status: 'unavailable', reason: python.unavailable }, security: NO_SECURITY };
      const { test, entry_point } = row(task);
      const result = await context.execution.run({ files: { 'program.py': `${program}\n\n${test}\n\ncheck(${entry_point})\n` }, script: 'exec "$1" -B program.py', args: [python.program], tools: python.tools, timeMs: 20_000, signal });
      return { function: byExitCode(result), security: NO_SECURITY };
    },
    controls: (task) => {
      const solution = row(task).canonical_solution;
      return solution ? [{ name: 'canonical', program: `${row(task).prompt}${solution}`, expect: { function: 'pass' } }] : [];
    },
  };
}

const Case = z.object({ input: z.string(), output: z.string(), testtype: z.enum(['stdin', 'functional']).default('stdin') });
const LcbRow = z.object({
  question_id: z.string(), question_title: z.string().default(''), question_content: z.string(), starter_code: z.string().default(''),
  public_test_cases: z.union([z.string(), z.array(Case)]), private_test_cases: z.union([z.string(), z.array(Case)]).default('[]'), metadata: z.union([z.string(), z.record(z.string(), z.unknown())]).default('{}'),
}).transform((r) => ({ ...r, task_id: r.question_id }));

/**
 * Runs every case in a process of its own. Private cases come as JSON, or as base64 of a zlib'ed pickle, which is read in the
 * sandbox and nowhere else: a pickle can run code.
 */
const LCB = `
import ast, base64, json, pickle, subprocess, sys, zlib
spec = json.load(open('spec.json'))
def cases(value):
    if isinstance(value, list): return value
    try: return json.loads(value)
    except ValueError: pass
    value = pickle.loads(zlib.decompress(base64.b64decode(value)))
    return json.loads(value) if isinstance(value, (str, bytes)) else value
DRIVER = '''
import json, sys
from typing import *
sys.path.insert(0, '.')
import program
args = [json.loads(line) for line in sys.stdin.read().split("\\\\n") if line.strip()]
owner = program.Solution() if hasattr(program, "Solution") else program
print(json.dumps(getattr(owner, sys.argv[1])(*args)))
'''
def same(a, b):
    a, b = [[l.rstrip() for l in t.strip().split('\\n')] for t in (a, b)]
    if a == b: return True
    if len(a) != len(b): return False
    for x, y in zip(a, b):
        xs, ys = x.split(), y.split()
        if len(xs) != len(ys): return False
        for p, q in zip(xs, ys):
            if p == q: continue
            try:
                if abs(float(p) - float(q)) > 1e-6 * max(1.0, abs(float(q))): return False
            except ValueError: return False
    return True
todo = cases(spec['public']) + cases(spec['private'])
if not todo: print('there are no test cases'); sys.exit(77)
for n, case in enumerate(todo):
    functional = case.get('testtype') == 'functional'
    command = [sys.executable, '-B', '-c', DRIVER, spec['function']] if functional else [sys.executable, '-B', 'program.py']
    try: done = subprocess.run(command, input=case['input'], capture_output=True, text=True, timeout=spec['seconds'])
    except subprocess.TimeoutExpired: print('case %d: it did not end in time' % (n + 1)); sys.exit(1)
    if done.returncode != 0: print('case %d: %s' % (n + 1, (done.stderr.strip().split('\\n') or [''])[-1])); sys.exit(1)
    if functional:
        try: good = json.loads(done.stdout.strip().split('\\n')[-1]) == json.loads(case['output'])
        except ValueError: good = same(done.stdout, case['output'])
    else: good = same(done.stdout, case['output'])
    if not good: print('case %d: wrong answer' % (n + 1)); sys.exit(1)
`;

/** LiveCodeBench's problem format: the first `*.jsonl` of the folder. */
export async function loadLiveCodeBench(folder: string, context: SuiteContext): Promise<Suite> {
  const { rows, problems } = await typedRows(await firstRowsFile(folder), LcbRow);
  const byId = new Map(rows.map((row) => [row.task_id, row]));
  const row = (task: EvalTask) => byId.get(task.id) as (typeof rows)[number];
  return {
    name: 'livecodebench',
    title: 'LiveCodeBench format',
    words: { function: 'every public and private test case, executed in the sandbox', security: 'nobody: the suite is about function' },
    tasks: rows.map((r) => fileTask({
      id: r.task_id, language: 'python', target: `${r.question_id.replace(/\W+/g, '_')}.py`, stub: r.starter_code,
      prompt: `${r.question_title}\n\n${r.question_content}${r.starter_code ? '' : '\n\nRead the input from standard input and write the answer to standard output.'}`.trim(),
    })),
    problems,
    judge: async (task, program, signal): Promise<Judgement> => {
      const python = await context.toolbox.python();
      if ('unavailable' in python) return { function: { status: 'unavailable', reason: python.unavailable }, security: NO_SECURITY };
      const r = row(task);
      const metadata = z.object({ func_name: z.string().optional() }).safeParse(typeof r.metadata === 'string' ? json(r.metadata) : r.metadata);
      const name = (metadata.success ? metadata.data.func_name : undefined) ?? /def (\w+)\(/.exec(r.starter_code)?.[1] ?? '';
      const spec = { public: r.public_test_cases, private: r.private_test_cases, function: name, seconds: 10 };
      const result = await context.execution.run({ files: { 'program.py': `${r.starter_code ? 'from typing import *\n' : ''}${program}`, 'judge.py': LCB, 'spec.json': JSON.stringify(spec) }, script: 'exec "$1" -B judge.py', args: [python.program], tools: python.tools, timeMs: 120_000, signal });
      return { function: byExitCode(result), security: NO_SECURITY };
    },
    controls: () => [],
  };
}

async function firstRowsFile(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort();
  return path.join(folder, names[0] ?? 'tasks.jsonl');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
