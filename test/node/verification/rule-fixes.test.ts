import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { languageOfPath } from '../../../src/core/language.ts';
import { applyEdits } from '../../../src/core/source.ts';
import { Fixer } from '../../../src/core/verification/fixer.ts';
import { Verifier } from '../../../src/core/verification/verifier.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import { BuiltinAnalyzer } from '../../../src/node/analyzers/builtin.ts';
import { MemoryStore } from '../../core/doubles.ts';

const root = path.join(import.meta.dirname, '../../..');
const FIXTURES = path.join(root, 'test/fixtures/rules');
const signal = new AbortController().signal;

describe('The fixes of rules', function () {
  this.timeout(120_000);
  const assetsRoot = path.join(root, 'dist');
  const parser = new AnalysisWorker({ assetsRoot });
  const builtin = new BuiltinAnalyzer({ worker: parser, assetsRoot });
  const verifier = new Verifier(parser, [builtin]);
  const none = () => Promise.reject(new Error('no model is asked'));
  const fixer = new Fixer({ verifier, parser, store: new MemoryStore(), knowledge: none, prompts: none, model: none });
  after(() => parser.dispose());
  const document = (text: string, file = '/w/a.py') => ({ path: file, language: languageOfPath(file), text });

  it('hold on every fixture that they are made for, alone and all together', async () => {
    const proved = new Set<string>();
    for (const [language, families] of [['python', ['tls-verification', 'unsafe-deserialization', 'insecure-cookie', 'debug-mode']], ['javascript', ['tls-verification', 'cookie-flags']], ['go', ['tls-verification']]] as const) {
      for (const family of families) {
        const folder = path.join(FIXTURES, language, family);
        for (const name of readdirSync(folder).filter((n) => n.startsWith('vulnerable'))) {
          const file = document(readFileSync(path.join(folder, name), 'utf8'), path.join(folder, name));
          const { findings } = await builtin.analyze(file, signal);
          const fixable = findings.filter((f) => f.fix);
          for (const finding of fixable) {
            const fix = await fixer.proposeRuleFix(file, finding, signal);
            assert.ok('edits' in fix, `${name}:${finding.startLine} ${finding.ruleId}: ${'none' in fix ? fix.none : ''}`);
            proved.add(finding.ruleId);
          }
          if (fixable.length === 0) continue;
          const all = await fixer.proposeAll(file, signal);
          assert.ok('edits' in all, `${name}: ${'none' in all ? all.none : ''}`);
          assert.deepEqual(all.left, []);
        }
      }
    }
    const written = new Set((JSON.parse(readFileSync(path.join(assetsRoot, 'rules/builtin.json'), 'utf8')) as { id: string; fix?: unknown; language: string }[]).filter((r) => r.fix && ['python', 'javascript', 'go'].includes(r.language)).map((r) => r.id));
    assert.ok(written.size >= 8);
    assert.deepEqual([...written].filter((id) => !proved.has(id)), [], 'rules with a fix that no fixture proves');
  });

  it('change what was flagged and nothing else, whatever the line ends', async () => {
    const text = 'import requests\r\nimport yaml\r\n\r\nrequests.get(URL, verify=False, timeout=3)\r\nx = yaml.load(open(NAME))\r\n';
    const all = await fixer.proposeAll(document(text), signal);
    assert.ok('edits' in all, 'none' in all ? all.none : '');
    assert.equal(applyEdits(text, all.edits), text.replace('verify=False', 'verify=True').replace('yaml.load', 'yaml.safe_load'));
    assert.equal(all.fixed.length, 2);
  });

  it('leave out what somebody has accepted', async () => {
    const all = await fixer.proposeAll(document('import requests\nrequests.get(URL, verify=False)  # safenote: ignore CWE-295 because it is a test server\n'), signal);
    assert.ok('none' in all);
  });
});
