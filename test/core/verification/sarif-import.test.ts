import assert from 'node:assert/strict';
import fc from 'fast-check';
import { importSarif, type WorkspaceText } from '../../../src/core/verification/sarif-import.ts';
import { readSarif } from '../../../src/core/verification/sarif-in.ts';

const CODE = 'import db\n\ndef find(name):\n    db.execute("select " + name)\n';
type Location = { uri?: string; uriBaseId?: string };
const result = (location: Location, region: object = { startLine: 4, startColumn: 5, endColumn: 33 }, more: object = {}) => ({ ruleId: 'py/sql-injection', message: { text: 'bad' }, locations: [{ physicalLocation: { artifactLocation: location, region } }], ...more });
const sarif = (results: unknown[], run: object = {}) => JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'CI', semanticVersion: '1.2', rules: [{ id: 'py/sql-injection', properties: { tags: ['security', 'external/cwe/cwe-089'] } }] } }, results, ...run }] });
const workspace = (files: Record<string, string>) => ({ read: (name: string): WorkspaceText => (Object.hasOwn(files, name) ? { path: `/ws/${name}`, text: files[name] ?? '' } : { gone: 'it is not here' }) });
const take = (results: unknown[], files: Record<string, string> = { 'src/a.py': CODE }, run: object = {}) => importSarif(sarif(results, run), workspace(files));
const flagged = (read: ReturnType<typeof take>) => read.files.flatMap((f) => f.findings.map(({ finding }) => f.document.text.split('\n')[finding.startLine - 1]?.trim()));

describe('Importing SARIF', () => {
  it('makes findings of the file as it is now, under the name of the tool', () => {
    const read = take([result({ uri: 'src/a.py', uriBaseId: '%SRCROOT%' })]);
    assert.deepEqual(read.tools, ['CI 1.2']);
    assert.deepEqual([read.files[0]?.document.path, read.files[0]?.document.language], ['/ws/src/a.py', 'python']);
    assert.deepEqual(read.files[0]?.findings[0], { security: true, finding: { ruleId: 'py/sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'warning', message: 'bad', tool: 'CI', analyzer: 'sarif', startLine: 4, startColumn: 5, endLine: 4, endColumn: 33 } });
  });

  it('counts and names results whose file or line is gone', () => {
    const read = take([result({ uri: 'src/a.py' }), result({ uri: 'src/old.py' }), result({ uri: 'src/old.py' }), result({ uri: 'src/a.py' }, { startLine: 400 }), result({ uri: 'src/a.py' }, { startLine: 2 })]);
    assert.equal(read.files[0]?.findings.length, 1);
    assert.deepEqual(read.leftOut.map((l) => [l.what, l.results]), [['src/a.py:400', 1], ['src/a.py:2', 1], ['src/old.py', 2]]);
  });

  it('follows code that has moved, where the file says what it was', () => {
    const snippet = { text: '    db.execute("select " + name)\n' };
    const moved = { 'src/a.py': `# one\r\n# two\r\n${CODE.replaceAll('\n', '\r\n')}` };
    assert.deepEqual(flagged(take([result({ uri: 'src/a.py' }, { startLine: 4, endLine: 4, snippet })], moved)), ['db.execute("select " + name)']);
    const gone = take([result({ uri: 'src/a.py' }, { startLine: 4, snippet: { text: 'db.run(name)' } })]);
    assert.deepEqual([gone.files.length, gone.leftOut[0]?.what], [0, 'src/a.py:4']);
  });

  it('keeps a trace only where its finding has not moved', () => {
    const flow = { codeFlows: [{ threadFlows: [{ locations: [{ location: { physicalLocation: { artifactLocation: { uri: 'src/a.py' }, region: { startLine: 3 } } } }] }] }] };
    assert.equal(take([result({ uri: 'src/a.py' }, undefined, flow)]).files[0]?.findings[0]?.finding.trace?.length, 1);
    const snippet = { text: 'db.execute("select " + name)' };
    assert.equal(take([result({ uri: 'src/a.py' }, { startLine: 2, snippet }, flow)]).files[0]?.findings[0]?.finding.trace, undefined);
  });

  it('takes no results for a file', () => assert.deepEqual(take([]), { tools: ['CI 1.2'], files: [], accepted: 0, leftOut: [], problems: [] }));
  it('reads a file that was cut off as nothing at all', () => assert.throws(() => importSarif(sarif([result({ uri: 'src/a.py' })]).slice(0, -30), workspace({})), { code: 'sarif-unreadable' }));

  it('places every result inside its text, whatever the region (property)', () => {
    const n = fc.integer({ min: -5, max: 1e9 });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), n, n, n, n, fc.option(fc.string(), { nil: undefined }), (text, startLine, startColumn, endLine, endColumn, snippet) => {
        const read = take([result({ uri: 'a' }, { startLine, startColumn, endLine, endColumn, ...(snippet === undefined ? {} : { snippet: { text: snippet } }) })], { a: text });
        const lines = text.split('\n');
        for (const { finding } of read.files.flatMap((f) => f.findings)) {
          assert.ok(finding.startLine >= 1 && finding.endLine <= lines.length && finding.startLine <= finding.endLine);
          assert.ok(finding.endColumn <= (lines[finding.endLine - 1]?.length ?? 0) + 1);
        }
        assert.equal(read.files.flatMap((f) => f.findings).length + read.leftOut.length + read.problems.length, 1, 'nothing is lost without a word');
      }),
    );
  });
});

describe('A path in SARIF', () => {
  const pathOf = (location: Location, originalUriBaseIds?: object) => readSarif(sarif([result(location)], { originalUriBaseIds })).files[0]?.path;
  it('is under the bases that it names, one under the other', () => {
    assert.equal(pathOf({ uri: 'a.py', uriBaseId: 'SRC' }, { SRC: { uri: 'app/src/', uriBaseId: 'ROOT' }, ROOT: { uri: 'file:///home/ci/work/' } }), 'app/src/a.py');
    assert.equal(pathOf({ uri: 'a.py', uriBaseId: 'unsaid' }, { SRC: { uri: 'x/' }, ROOT: {} }), 'a.py');
  });
  it('is relative to the root of the checkout, wherever that lay', () => {
    assert.equal(pathOf({ uri: 'src/a.py', uriBaseId: '%SRCROOT%' }, { '%SRCROOT%': { uri: 'file:///home/runner/work/app/' } }), 'src/a.py');
    assert.equal(pathOf({ uri: 'file:///home/runner/work/app/src/a.py' }, { ROOTPATH: { uri: 'file:///home/runner/work/app/' }, TEMP: { uri: 'file:///tmp/' } }), 'src/a.py');
    assert.equal(pathOf({ uri: 'file:///C:/work/app/src/a.py' }, { ROOTPATH: { uri: 'file:///C:/work/app' }, TEMP: {} }), 'src/a.py');
  });
  it('under a base that is not the root is where that base is', () => {
    assert.equal(pathOf({ uri: 'json/decoder.py', uriBaseId: 'LIB' }, { LIB: { uri: 'file:///usr/lib/python3/' }, '%SRCROOT%': { uri: 'file:///home/x/' } }), '/usr/lib/python3/json/decoder.py');
  });
  it('leads out through no base', () => {
    assert.equal(pathOf({ uri: '../../../etc/passwd', uriBaseId: 'SRC' }, { SRC: { uri: 'app/', uriBaseId: 'ROOT' }, ROOT: {} }), undefined);
    assert.equal(pathOf({ uri: 'a.py', uriBaseId: 'SRC' }, { SRC: { uri: '../..', uriBaseId: 'ROOT' }, ROOT: {} }), undefined);
    assert.equal(pathOf({ uri: 'a.py', uriBaseId: 'SRC' }, { SRC: { uri: 'https://example.com/' }, ROOT: {} }), undefined);
  });
  it('ends in a circle of bases nowhere', () => assert.equal(pathOf({ uri: 'a.py', uriBaseId: 'A' }, { A: { uri: 'x/', uriBaseId: 'B' }, B: { uri: 'y/', uriBaseId: 'A' } }), undefined));
  it('takes no harm from names that objects have', () => assert.equal(pathOf({ uri: 'a.py', uriBaseId: '__proto__' }, { ROOT: {}, X: {} }), 'a.py'));
});
