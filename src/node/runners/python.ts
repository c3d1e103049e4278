import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { run } from '../process/run.ts';
import { onPath, realPath } from '../sandbox/box.ts';
import { filesOf, reaching } from './reach.ts';
import { readJunit, readUnittest } from './reports.ts';
import type { Detected, Project } from './runner.ts';

const About = z.tuple([z.string(), z.string(), z.string(), z.boolean()]);
const ASK = `import sys, json, importlib.util as u; print(json.dumps([sys.executable, sys.base_prefix, sys.prefix, u.find_spec('pytest') is not None]))`;

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

/** pytest where the project speaks of it and the environment has it, else unittest. */
export async function detectPython(project: Project, signal: AbortSignal): Promise<Detected> {
  const { root, env, document, names } = project;
  const inside = ['.venv', 'venv', 'env'].map((name) => path.join(root, name, 'bin', 'python')).find((file) => existsSync(file));
  const active = env['VIRTUAL_ENV'] && path.join(env['VIRTUAL_ENV'], 'bin', 'python');
  const python = inside ?? (active && existsSync(active) ? active : undefined) ?? (await onPath('python3', env)) ?? (await onPath('python', env));
  if (!python) return { unavailable: 'there is no Python on PATH and no virtual environment in the workspace' };
  const told = await run(python, ['-I', '-c', ASK], { cwd: root, env, timeoutMs: 10_000, signal });
  if (told.code !== 0) return { unavailable: `${python} does not run: ${told.stderr.trim().split('\n').at(-1) ?? ''}` };
  const [executable, base, prefix, hasPytest] = About.parse(JSON.parse(told.stdout));

  const tests = await filesOf(root, (file) => /(?:^|\/)(?:test_[^/]*|[^/]*_test|tests)\.py$/.test(file));
  if (tests.length === 0) return { unavailable: 'the workspace has no Python tests' };
  const targets = await reaching(root, tests, document.path, names);
  if (targets.length === 0) return { unavailable: 'no test imports or names this code' };
  const speaks = await speaksOfPytest(root, targets);
  const where = inside ? `the environment ${path.relative(root, prefix)}` : `Python at ${prefix}`;
  const tools = [...new Set([base, prefix, realPath(base), path.dirname(path.dirname(realPath(executable)))])];
  const environment = { PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0', PYTHONIOENCODING: 'utf-8' };
  if (hasPytest) {
    return {
      runner: 'pytest', because: `${speaks ?? `pytest is installed`}; ${where}`, targets, tools, environment, read: readJunit, report: '/tmp/report.xml',
      command: (files) => [executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-o', 'junit_family=xunit1', '--junitxml=/tmp/report.xml', '--', ...files],
    };
  }
  if (speaks) return { unavailable: `${speaks}, but pytest is not installed in ${where}` };
  return {
    runner: 'unittest', because: `the tests do not ask for pytest and it is not installed; ${where}`, targets, tools, environment, read: readUnittest, report: '/tmp/report.json',
    command: (files) => [executable, '-c', UNITTEST, '/tmp/report.json', ...files],
  };
}

async function speaksOfPytest(root: string, targets: readonly string[]): Promise<string | undefined> {
  if (existsSync(path.join(root, 'pytest.ini'))) return 'pytest.ini is there';
  for (const file of ['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements.txt', 'requirements-dev.txt', ...targets]) {
    const text = await readFile(path.join(root, file), 'utf8').catch(() => '');
    if (/\bpytest\b/.test(text)) return `${file} names pytest`;
  }
  return undefined;
}
