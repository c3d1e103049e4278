import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { Logger } from '../../../../src/core/log.ts';
import type { AnalyzerReport } from '../../../../src/core/verification/finding.ts';
import { SemgrepAnalyzer, type SemgrepAnalyzerOptions } from '../../../../src/node/analyzers/semgrep/semgrep-analyzer.ts';
import { type FakeBehaviour, fakeSemgrep } from './fake-semgrep.ts';
import { isRunning, realSemgrep, SEMGREP } from './real.ts';

const never = new AbortController().signal;

/** Rules of the kinds that Semgrep's server gets wrong when a path is read again, and a taint rule. */
const RULES = [
  { id: 'safenote.python.command-injection', pattern: 'os.system($X)' },
  { id: 'safenote.python.weak-crypto', patterns: [{ pattern: 'hashlib.$F(...)' }, { 'metavariable-regex': { metavariable: '$F', regex: '^(md5|sha1)$' } }] },
  { id: 'safenote.python.hardcoded-credentials', 'pattern-regex': 'AKIA[0-9A-Z]{16}' },
  { id: 'safenote.python.sql-injection', mode: 'taint', 'pattern-sources': [{ pattern: 'input(...)' }], 'pattern-sinks': [{ pattern: '$C.execute($Q)' }] },
  { id: 'safenote.javascript.code-injection', languages: ['javascript', 'typescript'], pattern: 'eval($X)' },
].map((r) => ({ languages: ['python'], severity: 'ERROR', message: `${r.id} found`, metadata: { cwe: ['CWE-1'], family: r.id.split('.')[2] }, ...r }));

describe('Semgrep as an analyzer', function () {
  if (process.platform === 'win32') return;
  this.timeout(60_000);
  let folder: string;
  let assets: string;
  const analyzers: SemgrepAnalyzer[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-analyzer-'));
    assets = path.join(folder, 'assets');
    await mkdir(path.join(assets, 'rules'), { recursive: true });
    await writeFile(path.join(assets, 'rules/semgrep.yml'), stringify({ rules: RULES }));
    const metadata = Object.fromEntries(RULES.map((r) => [r.id, { cwe: ['CWE-89'], family: r.metadata.family, language: r.languages[0], languages: r.languages, severity: 'error', message: r.message, engines: ['semgrep'] }]));
    await writeFile(path.join(assets, 'rules/metadata.json'), JSON.stringify(metadata));
  });
  afterEach(async () => {
    await Promise.all(analyzers.splice(0).map((a) => a.dispose()));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const analyzer = (more: Partial<SemgrepAnalyzerOptions> = {}) => {
    const made = new SemgrepAnalyzer({ assetsRoot: assets, workspaceFolder: path.join(folder, 'none'), setting: () => SEMGREP, trusted: () => true, managedFolder: path.join(folder, 'none'), env: { PATH: '' }, warm: true, ...more });
    analyzers.push(made);
    return made;
  };
  let fakes = 0;
  const fake = async (behaviour: FakeBehaviour, more: Partial<SemgrepAnalyzerOptions> = {}) => {
    const program = await fakeSemgrep(path.join(folder, `fake${fakes++}`), behaviour);
    const asked = async () => (await readFile(path.join(path.dirname(program), 'asked'), 'utf8')).trim().split('\n');
    return { analyzer: analyzer({ setting: () => program, scanTimeoutMs: 2000, ...more }), asked };
  };
  const ask = (a: SemgrepAnalyzer, text: string, language = 'python', file = '/w/a.py', signal = never) => a.analyze({ path: file, language, text }, signal);
  const found = (report: AnalyzerReport) => report.findings.map((f) => `${f.ruleFamily}:${f.startLine}:${f.startColumn}-${f.endLine}:${f.endColumn}`);

  describe('that is real', () => {
    it('gives through the warm server what one run gives, for changing texts of one path', async function () {
      await realSemgrep(this);
      const warm = analyzer();
      const once = analyzer({ warm: false });
      const lines = ['os.system("a" + b)', 'hashlib.md5(x)', 'hashlib.sha256(x)', 'key = "AKIAABCDEFGHIJKLMNOP"', 'cur.execute(input())', 'q = input()', 'cur.execute(q)', 'x = "é😀"; os.system(q)', '# nothing', ''];
      const texts: string[] = [];
      let seed = 7;
      for (let n = 0; n < 120; n++) {
        const picked: string[] = [];
        for (let line = 0; line < 6; line++) picked.push(lines[(seed = (seed * 1103515245 + 12345) % 2147483648) % lines.length] ?? '');
        texts.push(`import os, hashlib\n${picked.join(n % 3 === 0 ? '\r\n' : '\n')}\n`);
      }
      // One run over all texts is the reference; each alone would take minutes.
      const reference = await oneRun(texts);
      const wrong: string[] = [];
      for (const [n, text] of texts.entries()) {
        const report = await ask(warm, text);
        assert.equal(report.status, 'ran', report.reason);
        const [a, b] = [found(report).sort().join(' '), reference[n]?.sort().join(' ')];
        if (a !== b) wrong.push(`${n}: ${a} instead of ${b}`);
      }
      assert.deepEqual(wrong, []);
      assert.ok(reference.filter((r) => r.length > 0).length > 80);
      for (const text of texts.slice(0, 3)) assert.deepEqual(found(await ask(once, text)), found(await ask(warm, text)));
      assert.deepEqual([warm.status().state, warm.status().failures], ['warm', 0]);

      async function oneRun(all: readonly string[]): Promise<string[][]> {
        const scratch = await mkdtemp(path.join(folder, 'reference-'));
        await Promise.all(all.map((text, n) => writeFile(path.join(scratch, `t${n}.py`), text.replace(/\r\n/g, '\n'))));
        const { scanOnce } = await import('../../../../src/node/analyzers/semgrep/one-shot.ts');
        const { locateSemgrep } = await import('../../../../src/node/analyzers/semgrep/locate.ts');
        const { PreparedText } = await import('../../../../src/node/analyzers/semgrep/prepared-text.ts');
        const { launch } = await locateSemgrep({ setting: SEMGREP, workspaceFolder: '', trusted: true, managedFolder: '', env: {} });
        assert.ok(launch);
        const output = await scanOnce(launch, { configs: [path.join(assets, 'rules/semgrep.yml')], targets: ['.'], cwd: scratch, signal: never });
        const results: string[][] = all.map(() => []);
        for (const match of output.matches) {
          const n = Number(/t(\d+)\.py$/.exec(match.path)?.[1]);
          const place = new PreparedText(all[n] ?? '', 'python', '').toRange(match);
          results[n]?.push(`${match.ruleId.split('.').at(-1)}:${place.startLine}:${place.startColumn}-${place.endLine}:${place.endColumn}`);
        }
        return results;
      }
    });

    it('says where in UTF-16 units, with metadata and without its own canary', async function () {
      await realSemgrep(this);
      for (const warm of [true, false]) {
        const report = await ask(analyzer({ warm }), '\uFEFF# 😀 漢\r\nx = "é😀"; os.system("é" + x)\r\n');
        assert.deepEqual({ ...report, ms: 0, findings: report.findings.map(({ trace: _, ...f }) => f) }, {
          name: 'semgrep', version: '1.182.0', status: 'ran', ms: 0,
          findings: [{ ruleId: 'safenote.python.command-injection', ruleFamily: 'command-injection', cwe: ['CWE-89'], severity: 'error', message: 'safenote.python.command-injection found', analyzer: 'semgrep', startLine: 2, startColumn: 12, endLine: 2, endColumn: 30 }],
        });
      }
    });

    it('finds in the first line behind a byte order mark', async function () {
      await realSemgrep(this);
      const [f] = (await ask(analyzer(), '\uFEFFos.system(x)\n')).findings;
      assert.deepEqual([f?.startLine, f?.startColumn, f?.endColumn], [1, 2, 14]);
    });

    it('is unavailable for what it could not parse, with what it found beside', async function () {
      await realSemgrep(this);
      for (const warm of [true, false]) {
        const a = analyzer({ warm });
        const partly = await ask(a, 'function a() { eval(x); }\nlet x = = 3;\nfunction c() { eval(y); }\n', 'javascript', '/w/a.js');
        assert.equal(partly.status, 'unavailable');
        assert.match(partly.reason ?? '', /line 2|:2/);
        assert.equal(partly.findings.length, 2);
        const whole = await ask(a, 'function a() { eval(x); }\nfunction c() { eval(y);\n', 'javascript', '/w/a.js');
        assert.equal(whole.status, 'unavailable');
      }
    });

    it('reads texts of one long line', async function () {
      await realSemgrep(this);
      const minified = `${'x=1;'.repeat(50_000)}eval(y)\n`;
      for (const warm of [true, false]) assert.deepEqual(found(await ask(analyzer({ warm }), minified, 'javascript', '/w/a.js')), ['code-injection:1:200001-1:200008']);
    });

    it('goes on when its server is killed in the middle of a text', async function () {
      await realSemgrep(this);
      const a = analyzer();
      await ask(a, 'x = 1\n');
      const pid = await serverPid();
      const slow = ask(a, `${'os.system(a)\n'.repeat(3000)}`);
      await delay(5);
      process.kill(pid, 'SIGKILL');
      const report = await slow;
      assert.deepEqual([report.status, report.findings.length], ['ran', 3000]);
      assert.equal((await ask(a, 'os.system(a)\n')).findings.length, 1);
      assert.equal(a.status().failures, 1);
    });

    it('leaves no process and no file when it is disposed in the middle of a text', async function () {
      await realSemgrep(this);
      const before = await scratches();
      const a = analyzer();
      await ask(a, 'x = 1\n');
      const pid = await serverPid();
      const open = ask(a, `${'os.system(a)\n'.repeat(3000)}`);
      await delay(5);
      await a.dispose();
      assert.equal((await open).status, 'unavailable');
      assert.equal(await isRunning(pid), false);
      assert.deepEqual((await scratches()).filter((s) => !before.includes(s)), []);
    });

    it('lets an aborted request go at once and serves the next', async function () {
      await realSemgrep(this);
      const a = analyzer();
      await ask(a, 'x = 1\n');
      const abort = new AbortController();
      const slow = ask(a, `${'os.system(a)\n'.repeat(3000)}`, 'python', '/w/a.py', abort.signal);
      const queued = ask(a, 'os.system(b)\n', 'python', '/w/a.py', abort.signal);
      abort.abort();
      await assert.rejects(slow, { name: 'AbortError' });
      await assert.rejects(queued, { name: 'AbortError' });
      assert.equal((await ask(a, 'os.system(c)\n')).findings.length, 1);
    });

    it('uses the rules of the workspace, by path, and names those it cannot use', async function () {
      await realSemgrep(this);
      const workspaceFolder = await mkdtemp(path.join(folder, 'workspace-'));
      await mkdir(path.join(workspaceFolder, '.semgrep'));
      const house = 'rules:\n- id: house.no-foo\n  languages: [python]\n  severity: WARNING\n  message: Use bar instead of $X.\n  pattern: foo($X)\n  paths: {include: ["src/"]}\n- id: house.broken\n  languages: [python]\n  severity: ERROR\n  message: x\n  pattern: "foo($X"\n';
      await writeFile(path.join(workspaceFolder, '.semgrep/a.yml'), house);
      await writeFile(path.join(workspaceFolder, '.semgrep/b.yml'), 'rules: [ {id: x');
      for (const warm of [true, false]) {
        const a = analyzer({ warm, workspaceFolder });
        const inside = await ask(a, 'foo(baz)\nos.system(x)\n', 'python', path.join(workspaceFolder, 'src/a.py'));
        assert.deepEqual(inside.findings.map((f) => [f.ruleId, f.ruleFamily, f.cwe, f.severity, f.message]), [
          ['house.no-foo', 'house.no-foo', [], 'warning', 'Use bar instead of baz.'],
          ['safenote.python.command-injection', 'command-injection', ['CWE-89'], 'error', 'safenote.python.command-injection found'],
        ]);
        assert.deepEqual((await ask(a, 'foo(baz)\n', 'python', path.join(workspaceFolder, 'lib/a.py'))).findings, []);
        for (let n = 0; n < 100 && a.status().brokenRules.length < 2; n++) await delay(50);
        const broken = a.status().brokenRules.join('\n');
        assert.match(broken, /^\.semgrep\/b\.yml: /m);
        assert.match(broken, /^house\.broken: /m);
      }
    });

    it('notices a changed rule of the workspace', async function () {
      await realSemgrep(this);
      const workspaceFolder = await mkdtemp(path.join(folder, 'workspace-'));
      const file = path.join(workspaceFolder, '.semgrep.yml');
      const write = (name: string) => writeFile(file, `rules:\n- {id: house.${name}, languages: [ruby], severity: INFO, message: m, pattern: ${name}(...)}\n`);
      await write('one');
      const a = analyzer({ workspaceFolder });
      const ids = async () => (await ask(a, 'one(1)\ntwo(2)\n', 'ruby', '/w/a.rb')).findings.map((f) => f.ruleId);
      assert.deepEqual(await ids(), ['house.one']);
      await write('two');
      await delay(2100);
      assert.deepEqual(await ids(), ['house.two']);
    });

    it('ends its server when nobody asks', async function () {
      await realSemgrep(this);
      const a = analyzer({ idleMs: 200 });
      await ask(a, 'x = 1\n');
      const pid = await serverPid();
      for (let n = 0; n < 100 && (await isRunning(pid)); n++) await delay(50);
      assert.equal(await isRunning(pid), false);
      assert.equal((await ask(a, 'os.system(x)\n')).findings.length, 1);
    });

    async function serverPid(): Promise<number> {
      for (const name of await readdir('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        const [stat, command] = await Promise.all(['stat', 'cmdline'].map((f) => readFile(`/proc/${name}/${f}`, 'utf8').catch(() => '')));
        if (command?.startsWith('osemgrep\0lsp') && Number(stat?.split(') ')[1]?.split(' ')[1]) === process.pid && (await isRunning(Number(name)))) return Number(name);
      }
      return assert.fail('the server is not there');
    }
  });

  it('has no rules for a language without any, and starts nothing for it', async () => {
    const { analyzer: a, asked } = await fake({});
    for (const language of ['ruby', 'go', 'plaintext']) {
      const report = await ask(a, 'BAD', language);
      assert.deepEqual([report.status, report.reason], ['unavailable', `no Semgrep rules for ${language}`]);
    }
    await assert.rejects(asked());
  });
  it('starts nothing in a workspace that is not trusted', async () => {
    const { analyzer: a, asked } = await fake({}, { trusted: () => false });
    a.warmUp();
    assert.match((await ask(a, 'BAD')).reason ?? '', /not trusted/);
    await assert.rejects(asked());
  });
  it('is unavailable where it is missing, and says how to get it', async () => {
    const a = analyzer({ setting: () => '' });
    const report = await ask(a, 'x');
    assert.deepEqual([report.status, report.version], ['unavailable', null]);
    assert.match(report.reason ?? '', /Semgrep is not installed\. .*Install Semgrep/);
    assert.equal(a.status().state, 'missing');
  });
  it('is found after it was installed', async () => {
    let program = '';
    const a = analyzer({ setting: () => program });
    assert.equal((await ask(a, 'BAD')).status, 'unavailable');
    program = await fakeSemgrep(path.join(folder, 'later'), {});
    assert.equal((await ask(a, 'BAD')).findings.length, 1);
  });
  it('is unavailable in a version that is too old', async () => {
    const { analyzer: a } = await fake({ version: '1.20.0' });
    assert.match((await ask(a, 'BAD')).reason ?? '', /1\.20\.0; 1\.90\.0 or newer is needed/);
  });

  for (const server of ['dies', 'hangs'] as const) {
    it(`answers by one run when its server ${server}`, async () => {
      const { analyzer: a, asked } = await fake({ server });
      assert.equal((await ask(a, 'BAD\n')).findings.length, 1);
      const report = await ask(a, 'WORD BAD\n');
      assert.deepEqual([report.status, report.findings.length], ['ran', 1]);
      assert.equal(a.status().failures, 1);
      assert.equal((await ask(a, 'BAD\n')).findings.length, 1);
      assert.deepEqual((await asked()).map((l) => l.split(' ')[0]), ['--version', 'lsp', 'scan', 'lsp']);
    });
  }
  for (const server of ['garbage', 'liar', 'missing'] as const) {
    it(`does not trust a server that is ${server === 'missing' ? 'not there' : `a ${server}`}`, async () => {
      const { analyzer: a } = await fake({ server });
      const report = await ask(a, 'BAD\n');
      assert.deepEqual([report.status, report.findings.length], ['ran', 1]);
      assert.equal(a.status().failures, 1);
    });
  }
  it('tries no server for a while after three failures', async () => {
    const { analyzer: a, asked } = await fake({ server: 'missing' });
    for (let n = 0; n < 5; n++) assert.equal((await ask(a, 'BAD\n')).findings.length, 1);
    assert.equal((await asked()).filter((l) => l.startsWith('lsp')).length, 3);
    assert.equal(a.status().state, 'one process per text');
  });
  for (const scan of ['garbage', 'nothing', 'skips'] as const) {
    it(`is unavailable when one run is ${scan}`, async () => {
      const { analyzer: a } = await fake({ scan }, { warm: false });
      const report = await ask(a, 'BAD\n');
      assert.deepEqual([report.status, report.findings.length], ['unavailable', 0]);
      assert.ok((report.reason ?? '').length > 10);
    });
  }
  it('is unavailable when neither server nor run answers', async () => {
    const { analyzer: a } = await fake({ server: 'hangs', scan: 'hangs' }, { scanTimeoutMs: 500 });
    const report = await ask(a, 'WORD\n');
    assert.equal(report.status, 'unavailable');
    assert.match(report.reason ?? '', /did not finish within 1\.5 s/);
  });
  it('leaves no process of a run that is aborted', async () => {
    const { analyzer: a, asked } = await fake({ scan: 'hangs' }, { warm: false });
    const abort = new AbortController();
    const open = ask(a, 'BAD\n', 'python', '/w/a.py', abort.signal);
    let pid = 0;
    for (let n = 0; n < 200 && pid === 0; n++) {
      pid = Number((await asked().catch(() => [])).find((l) => l.startsWith('scan'))?.split(' ')[1] ?? 0);
      await delay(20);
    }
    assert.ok(await isRunning(pid));
    abort.abort();
    await assert.rejects(open, { name: 'AbortError' });
    for (let n = 0; n < 100 && (await isRunning(pid)); n++) await delay(20);
    assert.equal(await isRunning(pid), false);
  });
  it('says in the log what happened, and never what was in the text', async () => {
    const lines: string[] = [];
    const say = (message: string, ...details: unknown[]) => void lines.push([message, ...details].join(' '));
    const log: Logger = { debug: say, info: say, warn: say, error: say };
    const { analyzer: a } = await fake({ server: 'dies' }, { log });
    await ask(a, 'WORD secret_value BAD\n');
    assert.match(lines.join('\n'), /server ended \(SIGKILL\)/);
    assert.doesNotMatch(lines.join('\n'), /secret_value/);
  });
  it('is unavailable after it was disposed', async () => {
    const { analyzer: a } = await fake({});
    await a.dispose();
    assert.equal((await ask(a, 'BAD')).status, 'unavailable');
  });
});

async function scratches(): Promise<string[]> {
  return (await readdir(os.tmpdir())).filter((name) => /^safenote-(scan|rules)-/.test(name));
}
