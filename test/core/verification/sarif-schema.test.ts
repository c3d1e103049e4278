import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { readSarif } from '../../../src/core/verification/sarif-in.ts';
import { type SarifInput, toSarif } from '../../../src/core/verification/sarif.ts';
import { assertValidSarif } from './sarif-schema.ts';

const finding = (o: Partial<Finding> = {}): Finding => ({ ruleId: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'error', message: 'bad', analyzer: 'builtin', startLine: 3, startColumn: 5, endLine: 3, endColumn: 9, ...o });
const mark = { path: 'a.py', family: 'sql-injection', in: 'f', code: 'run(q)', nth: 1, rule: 'r', cwe: ['CWE-89'], reason: 'constant', expires: '2026-01-01', created: '2025-12-01' };
const RAN = [{ name: 'builtin', version: '1', status: 'fail' }, { name: 'semgrep', version: '1.182.0', status: 'pass' }];

describe('SARIF that SafeNote writes is valid by the schema', () => {
  it('without any finding', () => {
    const log = toSarif({ files: [{ uri: 'a.py', findings: [] }], analyzers: RAN }, '0.1.0');
    assertValidSarif(log);
    assert.deepEqual(log.runs[0]?.invocations?.map((i) => i.executionSuccessful), [true]);
  });

  it('with findings of every analyzer, flows and fingerprints', () => {
    const files = [{ uri: 'src/a%20b.py', fingerprint: (f: Finding) => `${f.startLine}`, findings: [finding(), finding({ analyzer: 'semgrep', trace: [{ startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 }, { startLine: 3, startColumn: 5, endLine: 3, endColumn: 9 }] }), finding({ analyzer: 'codeql', severity: 'info', cwe: [], ruleId: 'py/x', ruleFamily: 'x' }), finding({ analyzer: 'sarif', tool: 'CI', severity: 'warning' })] }];
    const log = toSarif({ files, analyzers: RAN }, '0.1.0');
    assertValidSarif(log);
    assert.deepEqual(log.runs[0]?.results?.map((r) => r.partialFingerprints?.['safenote/v1']), ['3', '3', '3', '3']);
    assert.equal(readSarif(JSON.stringify(log)).files[0]?.findings[1]?.trace?.length, 2, 'the flow is read back');
  });

  it('with what was accepted, as suppressed and not as gone', () => {
    const log = toSarif({ files: [{ uri: 'a.py', findings: [], suppressed: [{ finding: finding(), by: 'comment', reason: 'constant' }, { finding: finding({ startLine: 9, endLine: 9 }), by: 'mark', reason: 'constant', expires: '2027-01-01' }, { finding: finding(), by: 'comment' }] }], analyzers: RAN }, '0.1.0');
    assertValidSarif(log);
    assert.deepEqual(log.runs[0]?.results?.map((r) => [r.suppressions?.[0]?.kind, r.suppressions?.[0]?.justification]), [['inSource', 'constant'], ['external', 'constant'], ['inSource', undefined]]);
    const read = readSarif(JSON.stringify(log));
    assert.deepEqual([read.accepted, read.files], [3, []]);
  });

  it('with what did not run, which is no success', () => {
    const log = toSarif({ files: [{ uri: 'b.py', findings: [finding()], reason: 'line 3 cannot be parsed' }], analyzers: [...RAN.slice(0, 1), { name: 'semgrep', version: null, status: 'unavailable', reason: 'it is not installed' }] }, '0.1.0');
    assertValidSarif(log);
    const [invocation] = log.runs[0]?.invocations ?? [];
    assert.equal(invocation?.executionSuccessful, false);
    assert.deepEqual(invocation?.toolExecutionNotifications?.map((n) => n.message.text), ['b.py: line 3 cannot be parsed', 'semgrep did not run: it is not installed']);
    assert.ok(readSarif(JSON.stringify(log)).problems.length > 0, 'its reader sees that something is missing');
  });

  it('with marks that do not hold, which are named and do not fail the run', () => {
    const log = toSarif({ files: [{ uri: 'a.py', findings: [finding()], lapsed: [{ finding: finding(), mark, why: 'expired' }, { finding: finding(), mark, why: 'not approved' }] }], analyzers: RAN }, '0.1.0');
    assertValidSarif(log);
    const [invocation] = log.runs[0]?.invocations ?? [];
    assert.equal(invocation?.executionSuccessful, true);
    assert.deepEqual(invocation?.toolExecutionNotifications?.map((n) => [n.level, /expired on 2026-01-01|not approved/.exec(n.message.text ?? '')?.[0]]), [['note', 'expired on 2026-01-01'], ['note', 'not approved']]);
  });

  it('whatever a rule calls itself and says (property)', () => {
    const place = fc.integer({ min: 1, max: 1e6 });
    const one = fc.record({ ruleId: fc.string({ minLength: 1 }), ruleFamily: fc.string(), message: fc.string(), cwe: fc.array(fc.integer({ min: 1, max: 9999 }).map((n) => `CWE-${n}`)), severity: fc.constantFrom('error', 'warning', 'info'), startLine: place, startColumn: place, endLine: place, endColumn: place }).map((o) => finding(o as Partial<Finding>));
    fc.assert(fc.property(fc.array(one, { maxLength: 5 }), fc.webPath(), (findings, uri) => assertValidSarif(toSarif({ files: [{ uri, findings, suppressed: findings.map((f) => ({ finding: f, by: 'comment' as const })) }], analyzers: RAN } satisfies SarifInput, '1'))), { numRuns: 20 });
  });

  it('and the schema that says so refuses what is none', () => assert.throws(() => assertValidSarif({ version: '2.1.0', runs: [{ tool: { driver: {} } }] })));
});
