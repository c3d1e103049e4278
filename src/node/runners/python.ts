import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { isCancelled } from '../../core/errors.ts';
import { run } from '../process/run.ts';
import { onPath, realPath } from '../sandbox/box.ts';
import { reaching, type Reaching } from './reach.ts';
import { readJunit, readUnittest } from './reports.ts';
import type { Detected, Project } from './runner.ts';

const About = z.tuple([z.string(), z.string(), z.string(), z.string(), z.array(z.string())]);
const ASK = `import sys, json, sysconfig, importlib.util as u; print(json.dumps([sys.executable, sys.base_prefix, sys.prefix, sysconfig.get_path('purelib'), [n for n in ('pytest', 'hypothesis') if u.find_spec(n)]]))`;

/** Runs the named files with unittest and writes one entry a test. */
const UNITTEST = `
import importlib, json, os, sys, traceback, unittest
out, files = sys.argv[1], sys.argv[2:]
rows = []
class Result(unittest.TestResult):
    def add(self, test, status, error=None, text=''):
        row = {'id': test.id(), 'name': test.id(), 'status': status}
        if error:
            row['message'] = '%s: %s' % (error[0].__name__, error[1]); row['details'] = self._exc_info_to_string(error, test)
        rows.append(row)
    def addSuccess(self, test): self.add(test, 'passed')
    def addFailure(self, test, error): self.add(test, 'failed', error)
    def addError(self, test, error): self.add(test, 'failed', error)
    def addSkip(self, test, reason): self.add(test, 'skipped')
    def addExpectedFailure(self, test, error): self.add(test, 'passed')
    def addUnexpectedSuccess(self, test): self.add(test, 'failed')
    def addSubTest(self, test, sub, error):
        if error: self.add(sub, 'failed', error)
sys.path.insert(0, os.getcwd())
suite = unittest.TestSuite()
for name in files:
    folder = os.path.abspath(os.path.dirname(name))
    if folder not in sys.path: sys.path.insert(1, folder)
    module = name[:-3].replace('/', '.')
    try:
        suite.addTest(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module)))
    except BaseException as error:
        rows.append({'id': module, 'name': module, 'status': 'failed', 'message': '%s: %s' % (type(error).__name__, error), 'details': traceback.format_exc()})
suite.run(Result())
json.dump(rows, open(out, 'w'))
`;

/** A Python with what is known of it. */
export interface Interpreter {
  readonly executable: string;
  /** Where it comes from, in words. */
  readonly where: string;
  /** Folders that it reads. */
  readonly tools: readonly string[];
  /** Of `pytest` and `hypothesis` those that it has. */
  readonly packages: readonly string[];
}

const asked = new Map<string, { readonly stamp: string; readonly about: z.infer<typeof About> }>();

/**
 * The environment nearest to the project (`.venv` as poetry, uv and pipenv make it inside a workspace, or any folder with a
 * `pyvenv.cfg`), the active one, or the Python on PATH. Asked once, and again when its packages change.
 */
export async function findPython({ root, workspace, env }: Pick<Project, 'root' | 'workspace' | 'env'>, signal: AbortSignal): Promise<Interpreter | { unavailable: string }> {
  const inside = environmentAbove(root, workspace);
  const active = env['VIRTUAL_ENV'] && path.join(env['VIRTUAL_ENV'], 'bin', 'python');
  const python = inside ?? (active && existsSync(active) ? active : undefined) ?? (await onPath('python3', env)) ?? (await onPath('python', env));
  if (!python) return { unavailable: 'there is no Python on PATH and no virtual environment in the workspace' };
  const known = asked.get(python);
  let about = known?.about;
  if (!known || known.stamp !== stampOf(python, known.about)) {
    const told = await run(python, ['-I', '-c', ASK], { cwd: root, env, timeoutMs: 10_000, signal });
    if (told.code !== 0) return { unavailable: `${python} does not run: ${told.stderr.trim().split('\n').at(-1) ?? ''}` };
    about = About.parse(JSON.parse(told.stdout));
    asked.set(python, { stamp: stampOf(python, about), about });
  }
  const [executable, base, prefix, , packages] = about as z.infer<typeof About>;
  return {
    executable, packages,
    where: inside ? `the environment ${path.relative(workspace, prefix) || prefix}` : `Python at ${prefix}`,
    tools: [...new Set([base, prefix, realPath(base), path.dirname(path.dirname(realPath(executable)))])],
  };
}

function stampOf(python: string, about: z.infer<typeof About>): string {
  return [python, about[0], about[3]].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0).join(' ');
}

function environmentAbove(root: string, workspace: string): string | undefined {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const others = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory() && existsSync(path.join(folder, e.name, 'pyvenv.cfg'))).map((e) => e.name);
    const found = [...new Set(['.venv', 'venv', 'env', ...others])].map((name) => path.join(folder, name, 'bin', 'python')).find((file) => existsSync(file));
    if (found || folder === workspace || folder === path.dirname(folder)) return found;
  }
}

export const PYTHON_ENVIRONMENT = { PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0', PYTHONIOENCODING: 'utf-8' };

/** pytest where the project speaks of it and the environment has it, else unittest. */
export async function detectPython(project: Project, signal: AbortSignal): Promise<Detected> {
  const { root, document, names, files: index } = project;
  const python = await findPython(project, signal);
  if ('unavailable' in python) return python;
  const { executable, where, tools } = python;

  const sources = (await index.list(root)).filter((file) => file.endsWith('.py'));
  const tests = sources.filter((file) => /(?:^|\/)(?:test_[^/]*|[^/]*_test|tests)\.py$/.test(file));
  if (tests.length === 0) return { unavailable: 'the workspace has no Python tests', elsewhere: true };
  const found = withCovering(await reaching(index, root, tests, document.path, names, sources), await covering(executable, root, document.path, signal), tests);
  const targets = found.files;
  if (targets.length === 0) return { unavailable: 'no test imports or names this code', elsewhere: true };
  const speaks = await speaksOfPytest(project, targets);
  const environment = PYTHON_ENVIRONMENT;
  if (python.packages.includes('pytest')) {
    return {
      runner: 'pytest', because: `${speaks ?? `pytest is installed`}; ${where}`, targets, first: await testsNaming(project, found.naming), tools, read: readJunit,
      start: (files, at) => ({
        command: [executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-o', 'junit_family=xunit1', `--junitxml=${at.tmp}/report.xml`, '--', ...files],
        environment, report: [`${at.tmp}/report.xml`],
      }),
    };
  }
  if (speaks) return { unavailable: `${speaks}, but pytest is not installed in ${where}` };
  return {
    runner: 'unittest', because: `the tests do not ask for pytest and it is not installed; ${where}`, targets, first: found.naming, tools, read: readUnittest,
    start: (files, at) => ({ command: [executable, '-c', UNITTEST, `${at.tmp}/report.json`, ...files], environment, report: [`${at.tmp}/report.json`] }),
  };
}

/** Tests by pytest's own name for them, of files and in them those that name the changed functions. */
async function testsNaming({ root, names, files: index }: Project, naming: readonly string[]): Promise<string[]> {
  const words = names.filter((name) => name.length > 1).map((name) => new RegExp(`(?<!\\w)${name.replace(/[^\w]/g, '.')}(?!\\w)`));
  const ids: string[] = [];
  for (const file of naming) {
    let holder = '';
    let current: string | undefined;
    const found = new Set<string>();
    for (const line of ((await index.facts(path.join(root, file)))?.text ?? '').split('\n')) {
      const at = /^(\s*)(?:async\s+)?(def|class)\s+(\w+)/.exec(line);
      if (at?.[2] === 'class' && at[1] === '') [holder, current] = [`${at[3] ?? ''}::`, undefined];
      else if (at?.[2] === 'def' && at[1] === '') holder = '';
      if (at?.[2] === 'def' && /^test/.test(at[3] ?? '') && (at[1] === '' || holder)) current = `${file}::${holder}${at[3] ?? ''}`;
      else if (/^\S/.test(line) && !/^[)\]}]/.test(line)) current = undefined;
      if (current && words.some((word) => word.test(line))) found.add(current);
    }
    ids.push(...(found.size > 0 ? found : [file]));
  }
  return ids;
}

const COVERING = `
import sqlite3, sys, json
db = sqlite3.connect('file:%s?mode=ro' % sys.argv[1], uri=True)
rows = set()
for table in ('line_bits', 'arc'):
    rows.update(r[0] for r in db.execute('select distinct c.context from context c join %s t on t.context_id = c.id join file f on f.id = t.file_id where f.path = ?' % table, (sys.argv[2],)))
print(json.dumps(sorted(r for r in rows if r)))
`;
const coverings = new Map<string, readonly string[]>();

/** Test files that a run with \`--cov-context=test\` saw in the changed file, as \`.coverage\` has them. */
async function covering(executable: string, root: string, changed: string, signal: AbortSignal): Promise<readonly string[]> {
  const data = path.join(root, '.coverage');
  const info = statSync(data, { throwIfNoEntry: false });
  if (!info) return [];
  const key = [data, info.mtimeMs, changed].join('\u0000');
  const known = coverings.get(key);
  if (known) return known;
  let files: string[] = [];
  try {
    // Without the environment's own start-up code: this reads a file and runs nothing of the workspace's.
    const told = await run(executable, ['-I', '-S', '-c', COVERING, data, changed], { cwd: '/', timeoutMs: 5_000, signal });
    const contexts = told.code === 0 ? z.array(z.string()).parse(JSON.parse(told.stdout)) : [];
    files = [...new Set(contexts.flatMap((c) => /^([^:|]+\.py)::/.exec(c)?.[1] ?? []))];
  } catch (error) {
    if (isCancelled(error) || signal.aborted) throw error;
  }
  coverings.set(key, files);
  return files;
}

/** What was seen running the changed file comes before what only looks like it. */
function withCovering(found: Reaching, covered: readonly string[], tests: readonly string[]): Reaching {
  const seen = covered.filter((file) => tests.includes(file));
  return seen.length === 0 ? found : { ...found, files: [...new Set([...found.files.filter((f) => seen.includes(f)), ...seen, ...found.files])].slice(0, 12) };
}

async function speaksOfPytest({ root, files: index }: Project, targets: readonly string[]): Promise<string | undefined> {
  if (existsSync(path.join(root, 'pytest.ini'))) return 'pytest.ini is there';
  for (const file of ['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements.txt', 'requirements-dev.txt', ...targets]) {
    if (/\bpytest\b/.test((await index.facts(path.join(root, file)))?.text ?? '')) return `${file} names pytest`;
  }
  return undefined;
}
