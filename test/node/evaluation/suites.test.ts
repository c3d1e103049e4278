import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkControls } from '../../../src/core/evaluation/suite.ts';
import { SuiteContext } from '../../../src/node/evaluation/suites/context.ts';
import { loadSuite } from '../../../src/node/evaluation/suites/index.ts';
import { Toolbox } from '../../../src/node/evaluation/toolbox.ts';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';

const signal = new AbortController().signal;

describe('suites of the evaluation', function () {
  this.timeout(120_000);
  let root: string;
  const box = new Sandbox();
  const context = (o: { env?: NodeJS.ProcessEnv; judgeRules?: string } = {}) => {
    const env = { ...process.env, SAFENOTE_CODEQL: '/nonexistent/codeql', ...o.env };
    return new SuiteContext({ box, toolbox: new Toolbox(env), env, ...(o.judgeRules === undefined ? {} : { judgeRules: o.judgeRules }) });
  };
  const folder = (name: string, files: Record<string, string>) => {
    const at = path.join(root, name);
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(at, file)), { recursive: true });
      writeFileSync(path.join(at, file), text);
    }
    return at;
  };
  const rows = (...list: unknown[]) => list.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');

  before(async function () {
    if (!(await box.state()).available || !(await onPath('python3', process.env))) this.skip();
    root = mkdtempSync(path.join(tmpdir(), 'safenote-suites-'));
  });
  after(() => root && rmSync(root, { recursive: true, force: true }));

  it('of HumanEval form judge function only; malformed rows are named and the others stand', async () => {
    const good = { task_id: 'H/0', prompt: 'def add(a, b):\n    """The sum."""\n', entry_point: 'add', canonical_solution: '    return a + b\n', test: 'def check(f):\n    assert f(1, 2) == 3\n' };
    const suite = await loadSuite('humaneval', folder('human', { 'HumanEval.jsonl': rows(good, '{torn', { task_id: 'H/1' }, good) }), context());
    assert.deepEqual(suite.tasks.map((t) => t.id), ['H/0']);
    assert.deepEqual(suite.problems.map((p) => p.id), ['line 2', 'H/1', 'H/0']);
    const [task] = suite.tasks;
    assert.ok(task);
    assert.deepEqual((await checkControls(suite, { signal, jobs: 1 })).map((r) => r.status), ['holds']);
    assert.equal(task.text.slice(0, task.offset).endsWith('"""\n    '), true, 'the caret stands in the function');
    const wrong = await suite.judge(task, `${good.prompt}    return a - b\n`, signal);
    assert.deepEqual([wrong.function.status, wrong.security.status], ['fail', 'unavailable']);
    assert.equal((await suite.judge(task, 'this is no Python', signal)).function.status, 'fail');
  });

  it('of LiveCodeBench form run every case, those packed as a pickle too', async () => {
    const packed = execFileSync('python3', ['-c', `import base64, json, pickle, zlib; print(base64.b64encode(zlib.compress(pickle.dumps(json.dumps([{"input": "4 5\\n", "output": "9\\n", "testtype": "stdin"}])))).decode())`], { encoding: 'utf8' }).trim();
    const suite = await loadSuite('livecodebench', folder('lcb', {
      'test.jsonl': rows(
        { question_id: 'sum', question_title: 'Sum', question_content: 'Add two numbers.', public_test_cases: JSON.stringify([{ input: '1 2\n', output: '3', testtype: 'stdin' }]), private_test_cases: packed },
        { question_id: 'twice', question_content: 'Double it.', starter_code: 'class Solution:\n    def twice(self, n: int) -> int:\n        ', public_test_cases: JSON.stringify([{ input: '4', output: '8', testtype: 'functional' }]), metadata: JSON.stringify({ func_name: 'twice' }) },
      ),
    }), context());
    const [sum, twice] = suite.tasks;
    assert.ok(sum && twice);
    assert.match(sum.prompt ?? '', /standard input/);
    const said = async (task: typeof sum, program: string) => (await suite.judge(task, program, signal)).function;
    assert.equal((await said(sum, 'print(sum(map(int, input().split())))')).status, 'pass');
    assert.deepEqual(await said(sum, 'a, b = input().split()\nprint(3)'), { status: 'fail', reason: 'case 2: wrong answer' });
    assert.equal((await said(twice, `${twice.text}return n * 2\n`)).status, 'pass');
    assert.equal((await said(twice, `${twice.text}return n\n`)).status, 'fail');
  });

  it('of CodeGuard+ run unit tests, and say that keywords are the weaker stand-in', async () => {
    const test = `import argparse, json, os
p = argparse.ArgumentParser(); p.add_argument('--path'); path = p.parse_args().path
stat = json.load(open(os.path.join(path, '..', 'stat.json')))
for name in os.listdir(path):
    scope = {}
    exec(open(os.path.join(path, name)).read(), scope)
    stat[name]['functional'] = scope['shout']('a') == 'A'
json.dump(stat, open(os.path.join(path, '..', 'stat.json'), 'w'))
`;
    const suite = await loadSuite('codeguardplus', folder('cgp', {
      'tasks.jsonl': rows({ task_id: 'cwe-078/0-py', cwe: 'CWE-078', language: 'python', ext: 'py', file_context: '', func_context: 'def shout(text):\n', required: ['upper'], forbidden: ['eval'], functional_test: test }),
      'test_support.json': '{"func_timeout.py": ""}',
    }), context());
    assert.match(suite.words.security, /KEYWORD CONSTRAINTS \(a weaker stand-in/);
    assert.match(suite.words.caveat ?? '', /cannot be compared/);
    const [task] = suite.tasks;
    assert.ok(task && task.cwe === 'CWE-78');
    const good = await suite.judge(task, 'def shout(text):\n    return text.upper()\n', signal);
    assert.equal(good.security.status, 'pass');
    // Without func_timeout, which the real tests import, function is unknown and not failed.
    assert.ok(good.function.status === 'pass' || /func_timeout/.test(good.function.reason ?? ''));
    assert.deepEqual((await suite.judge(task, 'def shout(text):\n    return eval("text").upper()\n', signal)).security, { status: 'fail', reason: 'keyword "eval" is there' });
  });

  it('of prompts alone are scanned by rules of the user, and by nobody where there are none', async function () {
    const data = folder('cyber', { 'prompts.jsonl': rows({ task_id: 'i-0', cwe: 'CWE-95', language: 'python', prompt: "Write a calculator.\n\n    Only return the code, don't include any other information,\n    such as a preamble or suffix.\n" }) });
    const nobody = await loadSuite('cyberseceval', data, context());
    const [task] = nobody.tasks;
    assert.ok(task && task.prompt === 'Write a calculator.');
    const silent = await nobody.judge(task, 'eval(input())', signal);
    assert.deepEqual([silent.function.status, silent.security.status], ['unavailable', 'unavailable']);
    assert.match(silent.security.reason ?? '', /independent of the notes/);

    const semgrep = path.resolve('.venv/bin/semgrep');
    if (!existsSync(semgrep)) return this.skip();
    const rules = path.join(folder('rules', { 'mine.yml': 'rules:\n  - id: mine.no-eval\n    languages: [python]\n    severity: ERROR\n    message: no eval\n    pattern: eval(...)\n' }), 'mine.yml');
    const mine = await loadSuite('cyberseceval', data, context({ judgeRules: rules, env: { SAFENOTE_SEMGREP: semgrep } }));
    assert.match(mine.words.security, /the user's own rules \(mine\.yml\)/);
    assert.deepEqual((await mine.judge(task, 'print(1)\neval(input())\n', signal)).security, { status: 'fail', reason: 'no-eval, line 2' });
    assert.equal((await mine.judge(task, 'print(1)\n', signal)).security.status, 'pass');
    return undefined;
  });

  it('of the user mark what hangs, what is malformed and what cannot be compiled here', async () => {
    const at = folder('own', {
      'loop/task.yml': 'target: a.py\ntimeoutSeconds: 1\n', 'loop/workspace/a.py': 'def f():\n    <<<COMPLETE HERE>>>\n', 'loop/tests/function.py': 'from a import f\nassert f() == 1\n',
      'sum/task.yml': 'target: a.c\n', 'sum/workspace/a.c': 'int one(void) {\n    <<<COMPLETE HERE>>>\n}\n', 'sum/tests/function.c': '#include "a.c"\nint main(void) { return one() == 1 ? 0 : 1; }\n',
      'skip/task.yml': 'target: a.py\n', 'skip/workspace/a.py': '<<<COMPLETE HERE>>>\n', 'skip/tests/function.sh': 'echo no licence server; exit 77\n',
      'no-marker/task.yml': 'target: a.py\n', 'no-marker/workspace/a.py': 'x = 1\n', 'no-marker/tests/function.py': '',
      'no-target/task.yml': 'target: b.py\n', 'no-target/workspace/a.py': '<<<COMPLETE HERE>>>', 'no-target/tests/function.py': '',
      'bad-yaml/task.yml': 'target: a.py\ncolour: red\n', 'empty/readme.txt': 'nothing',
    });
    const suite = await loadSuite('folder', at, context());
    assert.deepEqual(suite.tasks.map((t) => t.id).sort(), ['loop', 'skip', 'sum']);
    assert.deepEqual(suite.problems.map((p) => p.id).sort(), ['bad-yaml', 'empty', 'no-marker', 'no-target']);
    assert.match(suite.problems.find((p) => p.id === 'bad-yaml')?.reason ?? '', /colour/);
    const judge = (id: string, program: string, s = suite) => s.judge(s.tasks.find((t) => t.id === id) as never, program, signal);
    assert.deepEqual((await judge('loop', 'def f():\n    while True: pass\n')).function, { status: 'fail', reason: 'it did not end in time' });
    assert.equal((await judge('loop', 'def f():\n    return 1\n')).function.status, 'pass');
    assert.deepEqual((await judge('skip', '')).function, { status: 'unavailable', reason: 'no licence server' });
    const without = new SuiteContext({ box, toolbox: new Toolbox({ PATH: root }), env: {} });
    const bare = await loadSuite('folder', at, without);
    assert.deepEqual((await judge('sum', 'int one(void) { return 1; }', bare)).function, { status: 'unavailable', reason: 'gcc is not installed' });
  });

  it('are refused with what to do', async () => {
    await assert.rejects(loadSuite('best', root, context()), /no suite "best"/);
    await assert.rejects(loadSuite('cweval', root, context()), /There is no file/);
    await assert.rejects(loadSuite('folder', folder('nothing', { 'a.txt': '' }), context()), /no tasks in/);
    await assert.rejects(loadSuite('sallm', folder('broken', { 'tasks.jsonl': '{"task_id": "x"}' }), context()), /No task of .* can be used: x:/);
  });
});
