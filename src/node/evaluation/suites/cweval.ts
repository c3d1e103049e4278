import path from 'node:path';
import * as z from 'zod';
import type { Control, EvalTask, Judgement, Said, Suite } from '../../../core/evaluation/suite.ts';
import { both } from '../../../core/evaluation/results.ts';
import { linkCache } from '../../runners/go-cache.ts';
import { lastLine } from '../execution.ts';
import type { Tool } from '../toolbox.ts';
import type { SuiteContext } from './context.ts';
import { fileTask, typedRows } from './rows.ts';

const Row = z.object({
  task_id: z.string().regex(/^[\w-]+$/),
  suite: z.string(),
  language: z.enum(['python', 'c', 'cpp', 'javascript', 'go']),
  ext: z.string().regex(/^\w+$/),
  cwe: z.string(),
  prompt: z.string(),
  entrypoint: z.string(),
  reference_secure: z.string().nullish(),
  reference_insecure: z.string().nullish(),
  test: z.string(),
});
type Row = z.infer<typeof Row>;

/** Writes which tests passed, by their marks. */
const CONFTEST = `
import json
marks, rows = {}, {}
def pytest_collection_modifyitems(items):
    for item in items:
        marks[item.nodeid] = [m.name for m in item.iter_markers() if m.name in ('functionality', 'security')]
def pytest_configure(config):
    for name in ('functionality', 'security'): config.addinivalue_line('markers', name + ': a kind of test')
def pytest_runtest_logreport(report):
    row = rows.setdefault(report.nodeid, {'passed': True, 'why': ''})
    if report.failed:
        row['passed'] = False
        row['why'] = str(getattr(report.longrepr, 'reprcrash', None) and report.longrepr.reprcrash.message or report.longrepr)[-300:]
def pytest_sessionfinish(session):
    errors = [str(getattr(r, 'longrepr', ''))[-300:] for r in getattr(session, '_collection_errors', [])]
    json.dump({'tests': [dict(rows[n], marks=marks.get(n, [])) for n in rows], 'errors': errors}, open('/tmp/report.json', 'w'))
def pytest_collectreport(report):
    if report.failed:
        import sys
        rows[report.nodeid] = {'passed': False, 'why': 'collection: ' + str(report.longrepr)[-300:]}
        marks[report.nodeid] = ['collection']
`;
const Report = z.object({ tests: z.array(z.object({ passed: z.boolean(), why: z.string(), marks: z.array(z.string()) })) });

/** Libraries by the header that needs them. */
const LIBRARIES: readonly (readonly [RegExp, string])[] = [[/<archive\.h>/, '-larchive'], [/<jwt\.h>/, '-ljwt'], [/<libxml\//, '-lxml2'], [/<sqlite3\.h>/, '-lsqlite3'], [/<openssl\//, '-lssl -lcrypto']];

/** CWEval: each task has tests of its function and of its security, which are executed. `tasks.jsonl` as in its README. */
export async function loadCweval(folder: string, context: SuiteContext): Promise<Suite> {
  const { rows, problems } = await typedRows(path.join(folder, 'tasks.jsonl'), Row);
  const byId = new Map(rows.map((row) => [row.task_id, row]));
  const row = (task: EvalTask) => byId.get(task.id) as Row;
  return {
    name: 'cweval',
    title: 'CWEval',
    words: { function: 'tests marked "functionality", executed in the sandbox', security: 'tests marked "security", executed in the sandbox' },
    tasks: rows.map((r) => fileTask({ id: r.task_id, language: r.language, cwe: r.cwe, target: `${r.task_id}_task.${r.ext}`, stub: r.prompt })),
    problems,
    judge: (task, program, signal) => judge(row(task), hasMain(program) ? program : `${program}\n\n${row(task).entrypoint}`, context, signal),
    controls: (task) => {
      const { reference_secure: secure, reference_insecure: insecure } = row(task);
      const controls: Control[] = [];
      if (secure) controls.push({ name: 'secure', program: secure, expect: { function: 'pass', security: 'pass' } });
      if (insecure) controls.push({ name: 'insecure', program: insecure, expect: { function: 'pass', security: 'fail' } });
      return controls;
    },
  };
}

/** A whole program (the references are) brings its own beginning. */
function hasMain(program: string): boolean {
  return /^\s*(?:int|void)\s+main\s*\(|^func main\(\)|require\.main\s*===\s*module|\bprocess\.argv\b/m.test(program);
}

async function judge(row: Row, program: string, context: SuiteContext, signal: AbortSignal): Promise<Judgement> {
  const { toolbox, execution } = context;
  const python = await toolbox.python();
  if ('unavailable' in python) return both({ status: 'unavailable', reason: python.unavailable });
  if (!(await toolbox.pythonHas('pytest'))) return both({ status: 'unavailable', reason: 'Python has no module pytest' });
  const tool: Tool =
    row.language === 'c' ? await toolbox.compiler('gcc') : row.language === 'cpp' ? await toolbox.compiler('g++') : row.language === 'go' ? await toolbox.go() : row.language === 'javascript' ? await toolbox.node() : python;
  if ('unavailable' in tool) return both({ status: 'unavailable', reason: tool.unavailable });
  const missing = row.language === 'javascript' ? missingModule(program, toolbox.nodeModules) : undefined;
  if (missing) return both({ status: 'unavailable', reason: missing });

  const name = `${row.task_id}_task`;
  const file = row.language === 'go' ? `build/main.go` : `${name}.${row.ext}`;
  const libraries = LIBRARIES.flatMap(([header, flag]) => (header.test(program) ? [flag] : [])).join(' ');
  const sanitize = row.suite.startsWith('lang/') ? '-fsanitize=address -fno-omit-frame-pointer' : '';
  const compile: Record<Row['language'], string> = {
    python: '',
    javascript: '',
    c: `mkdir -p compiled && "$2" -w -g ${sanitize} ${file} -o compiled/${name} ${libraries} -lm || exit 70`,
    cpp: `mkdir -p compiled && "$2" -std=c++17 -w -g ${sanitize} ${file} -o compiled/${name} ${libraries} || exit 70`,
    go: `mkdir -p compiled; ${linkCache('$3')}; (cd build && "$2" build -o ../compiled/${name} .) || exit 70`,
  };
  const files: Record<string, string> = { [file]: program, [`${row.task_id}_test.py`]: row.test, 'conftest.py': CONFTEST };
  if (row.language === 'go') files['build/go.mod'] = `module task\n\ngo 1.21\n`;
  const links: Record<string, string> = {};
  if (toolbox.nodeModules) links['node_modules'] = toolbox.nodeModules;
  if (toolbox.files) links['third_party'] = `${toolbox.files}/third_party`;
  const result = await execution.run({
    files,
    links,
    script: `${compile[row.language]}\nPATH="$(dirname "$2"):$PATH" exec "$1" -B -m pytest -q -p no:cacheprovider -k "not _unsafe" ${row.task_id}_test.py`,
    args: [python.program, tool.program, tool.cache ?? ''],
    tools: [...python.tools, ...tool.tools, ...(toolbox.nodeModules ? [toolbox.nodeModules] : []), ...(toolbox.files ? [toolbox.files] : [])],
    env: { PYTHONHASHSEED: '0', ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1', ...tool.environment },
    report: '/tmp/report.json',
    timeMs: 120_000,
    sanitized: sanitize !== '',
    signal,
  });
  if ('unavailable' in result) return both({ status: 'unavailable', reason: result.unavailable });
  if (result.ended) return both({ status: 'fail', reason: result.ended === 'time' ? 'it did not end in time' : `it took too much (${result.ended})` });
  if (result.code === 70) {
    const said = lastLine(result.output);
    const absent = /(\S+\.h): No such file|cannot find -l(\S+)|no required module provides package (\S+)|cannot find module providing package (\S+)/.exec(result.output);
    const needed = absent && LIBRARIES.some(([header]) => header.test(`<${absent[1] ?? ''}>`) || absent[2] !== undefined || absent[3] !== undefined);
    return both(needed ? { status: 'unavailable', reason: `what the task needs is not installed: ${absent[0]}` } : { status: 'fail', reason: `it does not compile: ${said}` });
  }
  const report = Report.safeParse(parse(result.report));
  if (!report.success || report.data.tests.length === 0) return both({ status: 'unavailable', reason: `pytest gave no report: ${lastLine(result.output)}` });
  const broken = report.data.tests.find((t) => t.marks.includes('collection'));
  if (broken) {
    const absent = /ModuleNotFoundError: No module named '([\w.]+)'/.exec(broken.why);
    if (absent && !absent[1]?.startsWith(row.task_id) && row.test.includes(absent[1] ?? '')) return both({ status: 'unavailable', reason: `what the test needs is not installed: ${absent[1]}` });
    return both({ status: 'fail', reason: lastLine(broken.why) });
  }
  const facet = (mark: string): Said => {
    const tests = report.data.tests.filter((t) => t.marks.includes(mark));
    if (tests.length === 0) return { status: 'unavailable', reason: `there is no test marked "${mark}"` };
    const failed = tests.find((t) => !t.passed);
    return failed ? { status: 'fail', reason: lastLine(failed.why.split('\n')[0] ?? '') || 'a test failed' } : { status: 'pass' };
  };
  return { function: facet('functionality'), security: facet('security') };
}

function missingModule(program: string, folder: string | undefined): string | undefined {
  const wanted = [...program.matchAll(/require\(['"]([^'"./][^'"]*)['"]\)/g)].map((m) => m[1] ?? '').find((name) => name === 'sqlite3' && !folder);
  return wanted ? `Node has no module ${wanted}` : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
