import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { toSarif } from '../../../src/core/verification/sarif.ts';
import { MAX_SARIF_LENGTH, readSarif } from '../../../src/core/verification/sarif-in.ts';

const RECORDED = path.resolve(import.meta.dirname, '../../../../shared/data/codeql-sarif');

const rule = (id: string, tags: string[] = ['security', 'external/cwe/cwe-089'], more: object = {}) => ({ id, properties: { tags, ...more } });
const at = (uri: string, region: object | null = { startLine: 3, startColumn: 5, endColumn: 9 }) => ({ physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, ...(region ? { region } : {}) } });
const result = (more: object = {}) => ({ ruleId: 'py/sql-injection', ruleIndex: 0, message: { text: 'bad' }, locations: [at('src/a.py')], ...more });
function sarif(results: unknown, run: object = {}): string {
  return JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'CodeQL', semanticVersion: '2.20.1', rules: [rule('py/sql-injection')] } }, results, ...run }] });
}
function only(text: string, options = {}) {
  const read = readSarif(text, options);
  assert.deepEqual(read.problems, []);
  const finding = read.files[0]?.findings[0];
  assert.ok(finding);
  return finding;
}

describe('reading SARIF', () => {
  it('reads rule, CWE, message, severity and place', () => {
    assert.deepEqual(readSarif(sarif([result()])), {
      tools: [{ name: 'CodeQL', version: '2.20.1' }],
      files: [{ path: 'src/a.py', findings: [{ ruleId: 'py/sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'warning', message: 'bad', security: true, tool: 'CodeQL', startLine: 3, startColumn: 5, endLine: 3, endColumn: 9 }] }],
      accepted: 0,
      problems: [],
    });
  });
  it('finds rules in extensions, by index and by id', () => {
    const tool = { driver: { name: 'CodeQL', rules: [rule('py/other', [])] }, extensions: [{ name: 'none' }, { name: 'codeql/python-queries', rules: [rule('py/xss', ['external/cwe/cwe-79'])] }] };
    assert.deepEqual(only(sarif([result({ ruleId: undefined, ruleIndex: undefined, rule: { index: 0, toolComponent: { index: 1 } } })], { tool })).cwe, ['CWE-79']);
    assert.deepEqual(only(sarif([result({ ruleId: 'py/xss', ruleIndex: undefined })], { tool })).cwe, ['CWE-79']);
  });
  it('believes the id where the index names another rule', () => {
    const tool = { driver: { name: 'x', rules: [rule('a', ['external/cwe/cwe-1']), rule('b', ['external/cwe/cwe-2'])] } };
    assert.deepEqual(only(sarif([result({ ruleId: 'b', ruleIndex: 0 })], { tool })).cwe, ['CWE-2']);
    assert.deepEqual(only(sarif([result({ ruleId: 'b/part', ruleIndex: 99 })], { tool })).cwe, ['CWE-2']);
  });
  it('reads CWE ids from taxa and relationships too', () => {
    const tool = { driver: { name: 'x', rules: [{ id: 'r', relationships: [{ target: { id: '22', toolComponent: { name: 'CWE' } } }] }] } };
    assert.deepEqual(only(sarif([result({ ruleId: 'r', taxa: [{ id: 'CWE-078' }, { id: 'A03', toolComponent: { name: 'OWASP' } }] })], { tool })).cwe, ['CWE-78', 'CWE-22']);
  });
  it('takes the severity from the score, then the result, then the rule', () => {
    const scored = (score: string) => only(sarif([result({ level: 'note' })], { tool: { driver: { name: 'x', rules: [rule('py/sql-injection', [], { 'security-severity': score })] } } })).severity;
    assert.deepEqual([scored('9.8'), scored('5.0'), scored('1.0'), scored('what')], ['error', 'warning', 'info', 'info']);
    assert.equal(only(sarif([result({ level: 'error' })])).severity, 'error');
  });
  it('says which results are about security', () => {
    const tool = { driver: { name: 'x', rules: [rule('py/empty-except', ['reliability', 'external/cwe/cwe-390'])] } };
    assert.equal(only(sarif([result({ ruleId: 'py/empty-except' })], { tool })).security, false);
  });
  it('fills arguments in and drops links', () => {
    assert.equal(only(sarif([result({ message: { text: 'From [user input](1) to {0}.', arguments: ['SQL'] } })])).message, 'From user input to SQL.');
    const tool = { driver: { name: 'x', rules: [{ id: 'r', messageStrings: { m: { text: 'told by {0}' } } }] } };
    assert.equal(only(sarif([result({ ruleId: 'r', message: { id: 'm', arguments: ['id'] } })], { tool })).message, 'told by id');
    assert.equal(only(sarif([result({ ruleId: 'r', message: { id: 'constructor' } })], { tool })).message, 'r');
  });
  it('keeps the steps of the first flow that lie in the same file', () => {
    const step = (uri: string, line: number) => ({ location: at(uri, { startLine: line, startColumn: 1, endColumn: 2 }) });
    const codeFlows = [{ threadFlows: [{ locations: [step('src/a.py', 1), step('src/b.py', 7), step('src/a.py', 3)] }] }];
    assert.deepEqual(only(sarif([result({ codeFlows })])).trace?.map((r) => r.startLine), [1, 3]);
  });
  it('leaves out what was accepted, what is gone, and what is no complaint', () => {
    const read = readSarif(sarif([result({ suppressions: [{ kind: 'inSource' }] }), result({ suppressions: [{ status: 'rejected' }] }), result({ baselineState: 'absent' }), result({ kind: 'pass' })]));
    assert.equal(read.accepted, 2);
    assert.equal(read.files[0]?.findings.length, 1);
  });
  it('ends where the line ends when no end is said', () => {
    const text = sarif([result({ locations: [at('src/a.py', { startLine: 2 })] })]);
    const { startColumn, endLine, endColumn } = only(text, { textOf: () => 'x\r\nhello\r\n' });
    assert.deepEqual([startColumn, endLine, endColumn], [1, 2, 6]);
    assert.deepEqual([only(text).endLine, only(text).endColumn], [3, 1]);
  });
  it('puts a result for a whole file on its first line', () => assert.equal(only(sarif([result({ locations: [at('a.py', null)] })])).startLine, 1));
  it('turns columns in code points into UTF-16 units', () => {
    const text = sarif([result({ locations: [at('a.py', { startLine: 1, startColumn: 3, endColumn: 4 })] })], { columnKind: 'unicodeCodePoints' });
    assert.deepEqual([only(text, { textOf: () => '😀😀x' }).startColumn, only(text, { textOf: () => '😀😀x' }).endColumn], [5, 6]);
  });
  it('reads paths by index, escaped, absolute and on Windows', () => {
    const place = (location: object, artifacts: object[] = []) => readSarif(sarif([result({ locations: [{ physicalLocation: { artifactLocation: location } }] })], { artifacts })).files[0]?.path;
    assert.equal(place({ index: 1 }, [{ location: { uri: 'no' } }, { location: { uri: 'yes.py' } }]), 'yes.py');
    assert.equal(place({ uri: 'my%20code/./a/../b.py' }), 'my code/b.py');
    assert.equal(place({ uri: 'file:///home/me/a.py' }), '/home/me/a.py');
    assert.equal(place({ uri: 'file:///C:/code/a.py' }), 'C:/code/a.py');
    assert.equal(place({ uri: '100%.py' }), '100%.py');
  });
  for (const uri of ['../../etc/passwd', 'a/%2e%2e/%2e%2e/b', '..\\b', 'https://example.com/a.py', 'vscode://x', 'file://server/share/a.py', 'a\u0000.py', '']) {
    it(`does not follow ${JSON.stringify(uri)}`, () => {
      const read = readSarif(sarif([result({ locations: [at(uri)] })]));
      assert.deepEqual(read.files, []);
      assert.equal(read.problems.length, 1);
    });
  }
  it('says what the tool could not do', () => {
    const { problems } = readSarif(sarif([], { invocations: [{ executionSuccessful: false, toolExecutionNotifications: [{ level: 'error', message: { text: 'no memory' } }, { level: 'note', message: { text: 'fine' } }] }] }));
    assert.deepEqual(problems, ['CodeQL did not run to its end', 'no memory']);
    assert.deepEqual(readSarif(sarif(null)).problems, ['CodeQL wrote no results']);
  });
  it('names a broken result and reads the others', () => {
    const read = readSarif(sarif([7, result(), { ...result(), locations: 'here' }, { message: {} }]));
    assert.equal(read.files[0]?.findings.length, 1);
    assert.deepEqual(read.problems, ['a result is in a form that is not known here (2 times)', 'a result does not say its rule']);
  });
  it('refuses what is no SARIF 2.1.0', () => {
    for (const text of ['', 'x', '[]', '{}', 'null', '{"version":"2.0.0","runs":[]}', sarif([result()]).slice(0, -20)]) assert.throws(() => readSarif(text), { code: 'sarif-unreadable' }, text.slice(0, 40));
  });
  it('refuses a file that is too large before it reads it', () => assert.throws(() => readSarif(' '.repeat(MAX_SARIF_LENGTH + 1)), /million characters/));
  it('takes no harm from names that objects have', () => {
    const hostile = sarif([result({ ruleId: '__proto__', ruleIndex: undefined })]).replace('"message"', '"__proto__":{"polluted":true},"message"');
    assert.equal(readSarif(hostile).files[0]?.findings[0]?.ruleId, '__proto__');
    assert.equal((Object.prototype as { polluted?: boolean }).polluted, undefined);
  });
  it('takes control characters and direction marks out of what is shown', () => assert.equal(only(sarif([result({ message: { text: 'a\u001b[31mb\u202ec' } })])).message, 'a [31mb c'));
  it('ends on a message of brackets without end', () => assert.equal(only(sarif([result({ message: { text: '['.repeat(50_000) } })])).message.length, 2000));
  it('never throws anything but its own error, whatever stands in a result', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const read = readSarif(sarif([a, result({ locations: b }), result({ message: a, rule: b, codeFlows: a, taxa: b })], { artifacts: b, invocations: a }));
      for (const f of read.files.flatMap((file) => file.findings)) assert.ok(f.startLine >= 1 && (f.endLine > f.startLine || f.endColumn >= f.startColumn));
    }), { numRuns: 200 });
  });
  it('reads back what SafeNote writes', () => {
    const finding: Finding = { ruleId: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'error', message: 'm', analyzer: 'builtin', startLine: 1, startColumn: 2, endLine: 3, endColumn: 4 };
    const read = readSarif(JSON.stringify(toSarif({ files: [{ uri: 'a%20b.py', findings: [finding] }], analyzers: [] }, '1')));
    const { analyzer: _, ruleFamily: _family, ...same } = finding;
    const { security, ruleFamily: _readFamily, tool: _tool, ...back } = read.files[0]?.findings[0] ?? assert.fail();
    assert.deepEqual([read.files[0]?.path, security, back], ['a b.py', true, same]);
  });
});

describe('reading SARIF that CodeQL wrote', function () {
  const load = (context: Mocha.Context, name: string) => {
    const file = path.join(RECORDED, name);
    if (!existsSync(file)) context.skip();
    return readSarif(readFileSync(file, 'utf8'));
  };
  it('72 results of a Python suite, with CWE and flows', function () {
    const read = load(this, 'python-72-results.sarif');
    const findings = read.files.flatMap((f) => f.findings);
    assert.deepEqual(read.problems, []);
    assert.equal(findings.length, 72);
    assert.equal(findings.filter((f) => f.trace).length, 5);
    assert.ok(findings.every((f) => f.message !== '' && !/\]\(\d+\)/.test(f.message)));
    assert.ok(findings.some((f) => f.security && f.cwe.includes('CWE-78')) || findings.some((f) => f.security && f.cwe.includes('CWE-89')));
    assert.ok(findings.some((f) => !f.security && f.ruleId === 'py/empty-except'));
  });
  for (const [name, count] of [['js-xss-1.sarif', 1], ['js-xss-3.sarif', 3]] as const) {
    it(`${name}, every result with a flow`, function () {
      const read = load(this, name);
      const findings = read.files.flatMap((f) => f.findings);
      assert.equal(findings.length, count);
      assert.ok(findings.every((f) => (f.trace?.length ?? 0) > 1));
      assert.match(findings[0]?.message ?? '', /^Potential XSS vulnerability in the '\$\.fn\.\w+' plugin\.$/);
    });
  }
});
