import path from 'node:path';
import { findPython, PYTHON_ENVIRONMENT } from '../python.ts';
import type { Detected, Project } from '../runner.ts';
import { readEdgeInputs } from './report.ts';

/** argv: where the report goes, where the current call is written, the module's file, names of functions. */
const SCRIPT = `
import ast, importlib, json, linecache, os, signal, sys, traceback, typing
out, current, file, names = sys.argv[1], sys.argv[2], sys.argv[3], set(sys.argv[4:])
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
IMPURE = {'open', 'print', 'input', 'exec', 'eval', 'os', 'sys', 'subprocess', 'random', 'time', 'socket', 'shutil', 'requests', 'urllib', 'datetime', 'logging', 'threading', 'asyncio', 'tempfile', 'globals', 'setattr', '__import__'}
rows = []
class TooLong(BaseException): pass
def pure(node):
    for n in ast.walk(node):
        if isinstance(n, (ast.Global, ast.Nonlocal, ast.Await, ast.AsyncFunctionDef)): return False
        if isinstance(n, ast.Name) and n.id in IMPURE: return False
    return True
def deliberate(tb):
    last = traceback.extract_tb(tb)[-1]
    return (last.line or linecache.getline(last.filename, last.lineno)).strip().startswith(('raise', 'assert'))
def alarm(*_): raise TooLong()
signal.signal(signal.SIGALRM, alarm)
tree = ast.parse(open(file, encoding='utf-8').read())
wanted = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name in names]
module = None
for node in wanted[:5]:
    a = node.args
    params = a.posonlyargs + a.args + a.kwonlyargs
    why = ('its parameters have no types' if not params or any(p.annotation is None for p in params) else 'it takes any number of arguments' if a.vararg or a.kwarg
        else 'it is decorated' if node.decorator_list else 'it is asynchronous' if isinstance(node, ast.AsyncFunctionDef) else None if pure(node) else 'it does more than compute')
    if why:
        rows.append({'name': node.name, 'status': 'skipped', 'message': why}); continue
    if module is None:
        sys.path[:0] = [os.getcwd(), os.path.dirname(os.path.abspath(file))]
        parts = os.path.relpath(file)[:-3].replace(os.sep, '/').split('/')
        if parts[0] == 'src': sys.path.insert(0, os.path.join(os.getcwd(), 'src')); parts = parts[1:]
        module = importlib.import_module('.'.join(parts[:-1] if parts[-1] == '__init__' else parts))
    function = getattr(module, node.name)
    try:
        hints = typing.get_type_hints(function)
        strategies = {p.arg: st.from_type(hints[p.arg]) for p in params}
        for s in strategies.values(): s.validate()
    except Exception as error:
        rows.append({'name': node.name, 'status': 'skipped', 'message': 'its types cannot be made: %s' % str(error).split(chr(10))[0]}); continue
    seen = {}
    def call(**kwargs):
        shown = ', '.join('%s=%r' % item for item in kwargs.items())[:400]
        with open(current, 'w') as f: f.write(json.dumps({'name': node.name, 'input': shown}) + chr(10))
        signal.setitimer(signal.ITIMER_REAL, 2)
        try:
            function(*[kwargs[p.arg] for p in a.posonlyargs], **{k: v for k, v in kwargs.items() if k not in {p.arg for p in a.posonlyargs}})
        except TooLong:
            seen.update(message='%s(%s) did not end within 2 s' % (node.name, shown), details='', hang=True); raise
        except Exception as error:
            if deliberate(error.__traceback__): return
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != '<string>']
            seen.update(message='%s(%s) raised %s: %s' % (node.name, shown, type(error).__name__, error), details=''.join(traceback.format_list(frames)) + '%s: %s' % (type(error).__name__, error)); raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    phases = [Phase.explicit, Phase.generate, Phase.shrink]
    tried = settings(max_examples=200, deadline=None, database=None, derandomize=True, report_multiple_bugs=False, suppress_health_check=list(HealthCheck), phases=phases)(given(**strategies)(call))
    status = 'passed'
    try: tried()
    except BaseException as error:
        if not seen: seen.update(message='no inputs could be made: %s' % error)
        status = 'failed' if seen.get('details') is not None else 'skipped'
    row = {'name': node.name, 'status': status}
    if status != 'passed': row.update(message=seen['message'], details=seen.get('details') or '')
    rows.append(row)
with open(out, 'w') as f: f.write(json.dumps(rows) + chr(10))
`;

export async function detectEdgePython(project: Project, signal: AbortSignal): Promise<Detected> {
  const python = await findPython(project, signal);
  if ('unavailable' in python) return python;
  if (!python.packages.includes('hypothesis')) return { unavailable: `hypothesis is not installed in ${python.where}; with it (pip install hypothesis) edge inputs can be tried` };
  const { root, document, names } = project;
  return {
    runner: 'hypothesis', because: `hypothesis is installed in ${python.where}`, targets: names, tools: python.tools, read: readEdgeInputs, byExitCode: true,
    start: (functions, at) => ({
      command: [python.executable, '-c', SCRIPT, `${at.tmp}/edge.json`, `${at.tmp}/edge-call.json`, path.join(at.root, path.relative(root, document.path)), ...functions],
      environment: PYTHON_ENVIRONMENT, report: [`${at.tmp}/edge.json`, `${at.tmp}/edge-call.json`],
    }),
  };
}
