import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { languageOfPath } from '../../../../src/core/language.ts';
import { Verifier } from '../../../../src/core/verification/verifier.ts';
import { CodeqlAnalyzer, type CodeqlAnalyzerOptions } from '../../../../src/node/analyzers/codeql/codeql-analyzer.ts';
import { LineParser, WordAnalyzer } from '../../../core/doubles.ts';
import { codeqlDouble, type DoubleBehaviour } from './contract-double.ts';

const never = new AbortController().signal;
const CODE = 'import os\nos.system(x)\n';
const SARIF = JSON.stringify({
  version: '2.1.0',
  runs: [{
    tool: { driver: { name: 'CodeQL' }, extensions: [{ name: 'codeql/python-queries', rules: [{ id: 'py/command-line-injection', properties: { tags: ['security', 'external/cwe/cwe-078'], 'security-severity': '9.8' } }] }] },
    results: [{ ruleId: 'py/command-line-injection', rule: { id: 'py/command-line-injection', index: 0, toolComponent: { index: 0 } }, message: { text: 'bad' }, locations: [{ physicalLocation: { artifactLocation: { uri: 'app/bad.py', uriBaseId: '%SRCROOT%' }, region: { startLine: 2, startColumn: 11, endColumn: 12 } } }] }],
  }],
});

describe('CodeQL, by the contract of its command line', () => {
  let folder: string;
  let workspace: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-codeql-'));
    workspace = path.join(folder, 'work');
    await mkdir(path.join(workspace, 'app'), { recursive: true });
    await writeFile(path.join(workspace, 'app/bad.py'), CODE);
    await writeFile(path.join(workspace, 'app/good.py'), 'x = 1\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const analyzers: CodeqlAnalyzer[] = [];
  afterEach(() => Promise.all(analyzers.splice(0).map((a) => a.dispose())));
  function analyzer(setting: string, options: Partial<CodeqlAnalyzerOptions> = {}): CodeqlAnalyzer {
    const made = new CodeqlAnalyzer({ workspaceFolder: workspace, setting: () => setting, mode: () => 'onDemand', trusted: () => true, folder: path.join(folder, 'databases'), env: { PATH: '' }, ...options });
    analyzers.push(made);
    return made;
  }
  const double = (behaviour: DoubleBehaviour = {}) => codeqlDouble(path.join(folder, 'bin'), { sarif: SARIF, ...behaviour });
  const asked = () => (existsSync(path.join(folder, 'bin/asked')) ? readFileSync(path.join(folder, 'bin/asked'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as string[]).slice(0, 2).join(' ')) : []);
  const of = (name: string, text = readFileSync(path.join(workspace, name), 'utf8')) => ({ path: path.join(workspace, name), language: languageOfPath(name), text });

  it('gives the findings of the file, with version, CWE and place', async () => {
    const report = await analyzer(await double()).analyze(of('app/bad.py'), never);
    assert.deepEqual({ ...report, ms: 0 }, {
      name: 'codeql', version: '2.23.9', status: 'ran', ms: 0,
      findings: [{ ruleId: 'py/command-line-injection', ruleFamily: 'command-line-injection', cwe: ['CWE-78'], severity: 'error', message: 'bad', analyzer: 'codeql', startLine: 2, startColumn: 11, endLine: 2, endColumn: 12 }],
    });
  });
  it('serves all files of a run, until one changes', async () => {
    const codeql = analyzer(await double());
    await codeql.analyze(of('app/bad.py'), never);
    assert.deepEqual((await codeql.analyze(of('app/good.py'), never)).findings, []);
    assert.equal(asked().filter((a) => a.startsWith('database analyze')).length, 1);
    await appendFile(path.join(workspace, 'app/good.py'), 'y = 2\n');
    await codeql.analyze(of('app/good.py'), never);
    assert.equal(asked().filter((a) => a.startsWith('database analyze')).length, 2);
  });
  it('finds it on PATH, not in a relative entry of it', async () => {
    const bin = path.dirname(await double());
    assert.equal((await analyzer('', { env: { PATH: `.${path.delimiter}${bin}` } }).analyze(of('app/bad.py'), never)).status, 'ran');
    assert.match((await analyzer('', { env: { PATH: path.relative(process.cwd(), bin) } }).analyze(of('app/bad.py'), never)).reason ?? '', /not installed/);
  });
  it('leaves no database behind, and removes that of a process that is gone', async () => {
    await mkdir(path.join(folder, 'databases/999999999-old'), { recursive: true });
    await analyzer(await double()).analyze(of('app/bad.py'), never);
    await analyzer(await double({ fails: { step: 'analyze', code: 2, stderr: 'x' } })).analyze(of('app/bad.py'), never);
    assert.deepEqual(await readdir(path.join(folder, 'databases')), []);
  });

  describe('is unavailable, and says what to do,', () => {
    const unavailable = async (setting: string, reason: RegExp, options: Partial<CodeqlAnalyzerOptions> = {}, document = of('app/bad.py')) => {
      const report = await analyzer(setting, options).analyze(document, never);
      assert.equal(report.status, 'unavailable');
      assert.match(report.reason ?? '', reason);
    };
    it('where there is none', () => unavailable('', /CodeQL is not installed\. .*SAFENOTE_CODEQL/));
    it('where the named one is not there', () => unavailable('/no/codeql', /does not exist\. Correct/));
    it('where the named one is something else', async () => unavailable(process.execPath, /\S/));
    it('where it is too old', async () => unavailable(await double({ version: '2.11.1' }), /2\.19\.4 or newer is needed/));
    it('where it lacks the language', async () => unavailable(await double({ languages: ['java'] }), /no support for python/));
    it('for Go, which would have to be built', async () => unavailable(await double(), /does not run a build/, {}, { path: path.join(workspace, 'a.go'), language: 'go', text: '' }));
    it('when it is switched off, or the workspace is not trusted, and starts nothing', async () => {
      const setting = await double();
      await unavailable(setting, /switched off/, { mode: () => 'off' });
      await unavailable(setting, /not trusted/, { trusted: () => false });
      assert.deepEqual(asked(), []);
    });
    it('for a text that is not saved, and a file elsewhere', async () => {
      await unavailable(await double(), /not saved/, {}, of('app/bad.py', 'changed'));
      await writeFile(path.join(folder, 'out.py'), 'x');
      await unavailable(await double(), /none of them/, {}, { path: path.join(folder, 'out.py'), language: 'python', text: 'x' });
    });
    for (const [code, reason] of [[32, /no code of this language/], [33, /query took too long/], [99, /out of memory/], [100, /ended with 100/]] as const) {
      it(`for exit code ${code}`, async () => unavailable(await double({ fails: { step: 'analyze', code, stderr: 'Progress.\nA fatal error occurred: it\nbroke\n' } }), reason));
    }
    it("with CodeQL's own words", async () => unavailable(await double({ fails: { step: 'create', code: 2, stderr: 'noise\nA fatal error occurred: The build mode\nnone is not supported.\n' } }), /database create: it ended with 2: The build mode none is not supported\. /));
    it('where the queries are missing', async () => unavailable(await double({ fails: { step: 'analyze', code: 2, stderr: "A fatal error occurred: 'codeql/python-queries' not found in the registry" } }), /Use the CodeQL bundle/));
    it('where results are missing, cut off, or say that something failed', async () => {
      await unavailable(await codeqlDouble(path.join(folder, 'bin')), /wrote no results/);
      await unavailable(await double({ sarif: SARIF.slice(0, 200) }), /cut off/);
      await unavailable(await double({ sarif: SARIF.replace('"results":', '"invocations":[{"executionSuccessful":false}],"results":') }), /did not run to its end/);
    });
    it('for a file that CodeQL has not read', async () => unavailable(await double({ extracted: ['app/good.py'] }), /did not read this file/));
  });

  for (const step of ['create', 'analyze'] as const) {
    it(`ends the whole process tree when ${step} is cancelled`, async () => {
      const controller = new AbortController();
      const running = analyzer(await double({ hangs: step })).analyze(of('app/bad.py'), controller.signal);
      const pids = path.join(folder, 'bin/pids');
      while (!existsSync(pids) || readFileSync(pids, 'utf8').split(' ').length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      for (const pid of readFileSync(pids, 'utf8').split(' ').map(Number)) {
        while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.deepEqual(await readdir(path.join(folder, 'databases')), []);
    });
  }

  describe('kept warm', () => {
    const warm = (setting: string) => analyzer(setting, { warm: true });
    const served = () => [...new Set(readFileSync(path.join(folder, 'bin/served'), 'utf8').trim().split('\n'))];

    it('answers every command of every run from one process, and says the same', async () => {
      const codeql = warm(await double());
      const report = await codeql.analyze(of('app/bad.py'), never);
      assert.deepEqual([report.status, report.version, report.findings.map((f) => f.ruleId)], ['ran', '2.23.9', ['py/command-line-injection']], report.reason);
      await appendFile(path.join(workspace, 'app/good.py'), 'y = 2\n');
      await codeql.analyze(of('app/good.py'), never);
      assert.deepEqual(asked(), ['version --format=json', 'resolve languages', 'database create', 'database analyze', 'version --format=json', 'resolve languages', 'database create', 'database analyze']);
      assert.equal(served().length, 1);
      assert.ok(isRunning(Number(served()[0])));
      await codeql.dispose();
      assert.ok(existsSync(path.join(folder, 'bin/shutdown')), 'it was asked to end');
      assert.ok(!isRunning(Number(served()[0])));
    });
    for (const [code, reason] of [[2, /ended with 2: it broke/], [32, /no code of this language/], [99, /out of memory/]] as const) {
      it(`is started anew after exit code ${code}`, async () => {
        const codeql = warm(await double({ fails: { step: 'analyze', code, stderr: 'Progress.\nA fatal error occurred: it\nbroke\n' } }));
        for (let n = 0; n < 2; n++) {
          const report = await codeql.analyze(of('app/bad.py'), never);
          assert.equal(report.status, 'unavailable');
          assert.match(report.reason ?? '', reason);
        }
        assert.equal(served().length, 2, 'the failing command ended its process');
      });
    }
    it('is started anew after it was killed (137), by whomever', async () => {
      const codeql = warm(await double({ fails: { step: 'create', code: 137, stderr: '' } }));
      assert.match((await codeql.analyze(of('app/bad.py'), never)).reason ?? '', /out of memory/);
      const other = warm(await double());
      assert.equal((await other.analyze(of('app/bad.py'), never)).status, 'ran');
      const [, pid] = served();
      process.kill(Number(pid), 'SIGKILL');
      while (isRunning(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10));
      await appendFile(path.join(workspace, 'app/bad.py'), '# more\n');
      assert.equal((await other.analyze(of('app/bad.py'), never)).status, 'ran');
    });
    it('does without where CodeQL has no server', async () => {
      const report = await warm(await double({ withoutServer: true })).analyze(of('app/bad.py'), never);
      assert.equal(report.status, 'ran', report.reason);
      assert.equal(served().length, 4);
    });
    it('ends the whole process tree when it is cancelled, and answers again', async () => {
      const controller = new AbortController();
      const codeql = warm(await double({ hangs: 'analyze' }));
      const running = codeql.analyze(of('app/bad.py'), controller.signal);
      const pids = path.join(folder, 'bin/pids');
      while (!existsSync(pids) || readFileSync(pids, 'utf8').split(' ').length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      controller.abort();
      await assert.rejects(running, { name: 'AbortError' });
      for (const pid of readFileSync(pids, 'utf8').split(' ').map(Number)) while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
      await double();
      assert.equal((await codeql.analyze(of('app/bad.py'), never)).status, 'ran');
    });
  });

  it('is asked by a verifier only when it is named', async () => {
    const codeql = analyzer(await double());
    const verifier = new Verifier(new LineParser(), [new WordAnalyzer('builtin', 'evil')], [codeql]);
    const document = of('app/bad.py');
    await verifier.verifyDocument(document, { signal: never });
    await (await verifier.checkEdits(document, [{ start: 0, end: 0, text: '# x\n' }], { signal: never, deadlineMs: 1000 })).settled;
    assert.deepEqual(asked(), []);
    const named = await verifier.verifyDocument(document, { signal: never, analyzers: ['codeql'] });
    assert.equal(named.status, 'fail');
    assert.deepEqual(named.reports.map((r) => r.name), ['codeql']);
  });
});

/** A zombie that nobody has waited for yet is not running. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
