import assert from 'node:assert/strict';
import path from 'node:path';
import { ExpectedError } from '../../../src/core/errors.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import type { ScanResult } from '../../../src/node/analysis/messages.ts';
import { BuiltinAnalyzer } from '../../../src/node/analyzers/builtin.ts';

const never = new AbortController().signal;
const dist = path.resolve('dist');
const text = { path: 'a.py', language: 'python', text: 'x = 1\n' };

describe('the built-in analyzer', () => {
  const with_ = (scan: () => Promise<ScanResult>, log?: (line: string) => void) =>
    new BuiltinAnalyzer({ worker: { scan }, assetsRoot: dist, ...(log ? { log: { debug() {}, info() {}, error() {}, warn: log } } : {}) });
  const ran: ScanResult = { status: 'ran', findings: [], brokenRules: [] };

  it('finds in every language that has rules', async () => {
    const worker = new AnalysisWorker({ assetsRoot: dist });
    try {
      const analyzer = new BuiltinAnalyzer({ worker, assetsRoot: dist });
      const find = async (language: string, source: string) => (await analyzer.analyze({ path: `/a.${language}`, language, text: source }, never)).findings.flatMap((f) => f.cwe);
      assert.ok((await find('python', 'import os\ndef f(name):\n    os.system("ls " + name)\n')).includes('CWE-78'));
      assert.ok((await find('javascript', 'function f(db, id) { db.query("SELECT * FROM t WHERE id = " + id); }\n')).includes('CWE-89'));
      assert.ok((await find('typescript', 'function f(db: any, id: string) { db.query("SELECT * FROM t WHERE id = " + id); }\n')).includes('CWE-89'));
      assert.ok((await find('c', '#include <stdio.h>\nvoid f(void) { char b[8]; gets(b); }\n')).length > 0);
    } finally {
      await worker.dispose();
    }
  });
  it('names its rules by number and hash', async () => assert.match((await with_(async () => ran).analyze(text, never)).version ?? '', /^\d+ rules, [0-9a-f]{8}$/));
  it('says why it did not run', async () => {
    const report = await with_(async () => ({ ...ran, status: 'unavailable', reason: 'no rules for go' })).analyze(text, never);
    assert.deepEqual([report.status, report.reason], ['unavailable', 'no rules for go']);
  });
  it('is unavailable when the worker fails', async () => {
    const report = await with_(() => Promise.reject(new ExpectedError('analysis-crashed', 'It crashed.', 'Look at the log.'))).analyze(text, never);
    assert.deepEqual([report.status, report.reason, report.version], ['unavailable', 'It crashed. Look at the log.', null]);
  });
  it('rejects only when it is aborted', async () => {
    await assert.rejects(with_(() => Promise.reject(AbortSignal.abort().reason)).analyze(text, AbortSignal.abort()), { name: 'AbortError' });
  });
  it('names a broken rule once', async () => {
    const lines: string[] = [];
    const analyzer = with_(async () => ({ ...ran, brokenRules: ['a: wrong'] }), (line) => lines.push(line));
    await analyzer.analyze(text, never);
    await analyzer.analyze(text, never);
    assert.deepEqual(lines, ['A built-in rule cannot be used: a: wrong']);
  });
});
