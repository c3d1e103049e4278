import assert from 'node:assert/strict';
import { Verifier } from '../../../src/core/verification/verifier.ts';
import { LineParser, WordAnalyzer } from '../doubles.ts';

const signal = new AbortController().signal;
const document = (text: string) => ({ path: '/w/a.py', language: 'python', text });

describe('the verdict of a document', () => {
  const verifier = (...analyzers: WordAnalyzer[]) => new Verifier(new LineParser(), analyzers);
  it('passes when an analyzer ran and found nothing', async () => assert.equal((await verifier(new WordAnalyzer('builtin', 'evil')).verifyDocument(document('x'), { signal })).status, 'pass'));
  it('fails with findings', async () => assert.equal((await verifier(new WordAnalyzer('builtin', 'evil')).verifyDocument(document('evil'), { signal })).status, 'fail'));
  it('is unavailable where the text does not parse, and fails all the same with findings', async () => {
    const v = verifier(new WordAnalyzer('builtin', 'evil'));
    assert.equal((await v.verifyDocument(document('@@'), { signal })).status, 'unavailable');
    const both = await v.verifyDocument(document('evil @@'), { signal });
    assert.equal(both.status, 'fail');
    assert.match(both.reason ?? '', /line 1/);
  });
  it('is unavailable without any analyzer', async () => assert.equal((await verifier().verifyDocument(document('x'), { signal })).status, 'unavailable'));
  it('is unavailable when an analyzer that was named is not there, and says which', async () => {
    const verdict = await verifier(new WordAnalyzer('builtin', 'evil')).verifyDocument(document('x'), { signal, analyzers: ['codeql'] });
    assert.equal(verdict.status, 'unavailable');
    assert.match(verdict.reason ?? '', /codeql: it is not part/);
  });
  it('does not suffer from a missing analyzer that was not named', async () => {
    const semgrep = new WordAnalyzer('semgrep', 'x');
    semgrep.unavailable = 'not installed';
    assert.equal((await verifier(new WordAnalyzer('builtin', 'evil'), semgrep).verifyDocument(document('y'), { signal })).status, 'pass');
    assert.equal((await verifier(new WordAnalyzer('builtin', 'evil'), semgrep).verifyDocument(document('y'), { signal, analyzers: ['builtin', 'semgrep'] })).status, 'unavailable');
  });
  it('reports what an analyzer throws as unavailable', async () => {
    const broken = { name: 'builtin' as const, analyze: () => Promise.reject(new Error('crashed')) };
    const verdict = await new Verifier(new LineParser(), [broken]).verifyDocument(document('x'), { signal });
    assert.equal(verdict.status, 'unavailable');
    assert.match(verdict.reason ?? '', /crashed/);
  });
  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort();
    await assert.rejects(verifier(new WordAnalyzer('builtin', 'evil')).verifyDocument(document('x'), { signal: controller.signal }), { name: 'AbortError' });
  });
});
