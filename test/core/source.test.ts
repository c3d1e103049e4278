import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normalizeCwe } from '../../src/core/cwe.ts';
import { canonicalLanguage, extensionFor, languageOfPath } from '../../src/core/language.ts';
import { secretFileReason } from '../../src/core/secret-file.ts';
import { DEFAULT_SETTINGS, parseSettings, settingsForModel } from '../../src/core/settings.ts';
import { applyEdits, LineIndex } from '../../src/core/source.ts';

describe('places and offsets', () => {
  it('go there and back', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', '😀', '\t'), maxLength: 40 }), (text) => {
        const lines = new LineIndex(text);
        for (let at = 0; at <= text.length; at++) {
          const { line, column } = lines.placeAt(at);
          assert.equal(lines.offsetAt(line, column), at);
        }
      }),
    );
  });
  it('count in UTF-16 units from 1', () => assert.deepEqual(new LineIndex('a\n😀b').placeAt(4), { line: 2, column: 3 }));
  it('are clamped', () => {
    const lines = new LineIndex('ab\ncd');
    assert.equal(lines.offsetAt(1, 99), 2);
    assert.equal(lines.offsetAt(99, 1), 5);
    assert.equal(lines.offsetAt(0, 1), 0);
  });
});

describe('edits', () => {
  it('apply in any order', () => {
    const edits = [{ start: 0, end: 1, text: 'X' }, { start: 2, end: 2, text: '--' }];
    assert.equal(applyEdits('abc', edits), 'Xb--c');
    assert.equal(applyEdits('abc', [...edits].reverse()), 'Xb--c');
  });
});

describe('names', () => {
  it('of CWEs are read in every form', () => {
    for (const text of ['CWE-89', 'CWE-089', 'cwe 89', 'external/cwe/cwe-089', 'CWE_89: SQL injection']) assert.equal(normalizeCwe(text), 'CWE-89');
    assert.equal(normalizeCwe('SQL'), undefined);
  });
  it('of languages are read in every form', () => {
    assert.equal(canonicalLanguage('TypeScriptReact'), 'typescript');
    assert.equal(canonicalLanguage('c++'), 'cpp');
    assert.equal(canonicalLanguage('Kotlin'), 'kotlin');
    assert.equal(languageOfPath('/a/b.tsx'), 'typescript');
    assert.equal(languageOfPath('/a/Makefile'), 'plaintext');
    assert.equal(extensionFor('typescript', 'a.tsx'), 'tsx');
    assert.equal(extensionFor('python', 'a.txt'), 'py');
  });
  it('of languages are never taken for names that every object has', () => {
    for (const name of ['__proto__', 'constructor']) {
      assert.equal(canonicalLanguage(name), name);
      assert.equal(languageOfPath(`/a/b.${name.replaceAll('_', '')}`), 'plaintext');
    }
  });
});

describe('secret files', () => {
  it('are refused by name', () => {
    for (const name of ['.env', '.env.production', 'server.pem', 'id_rsa', '.npmrc', 'secrets.yaml', 'C:\\x\\credentials.json']) assert.ok(secretFileReason(`/w/${name}`), name);
  });
  it('are not confused with code about secrets', () => {
    for (const name of ['secrets.py', 'environment.ts', '.env.example', 'keyboard.c', 'env.js']) assert.equal(secretFileReason(`/w/${name}`), undefined, name);
  });
});

describe('settings', () => {
  it('fall back one by one, each bad one named', () => {
    const { settings, problems } = parseSettings({ 'retrieval.k': 9, 'retrieval.tokenBudget': 100, models: { m: { k: 'x' } }, 'completion.trigger': 'sometimes' });
    assert.equal(settings['retrieval.k'], DEFAULT_SETTINGS['retrieval.k']);
    assert.equal(settings['retrieval.tokenBudget'], 100);
    assert.deepEqual(problems.map((p) => p.split(':')[0]), ['safenote.models', 'safenote.completion.trigger', 'safenote.retrieval.k']);
  });
  it('of a model win over the general ones', () => {
    const { settings } = parseSettings({ models: { m: { k: 3, functionNotebook: false } } });
    assert.deepEqual(settingsForModel(settings, 'm'), { k: 3, securityNotebook: true, functionNotebook: false, temperature: 0.2 });
    assert.equal(settingsForModel(settings, 'other').k, 1);
  });
  it('never throw, whatever is in them', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom(...Object.keys(DEFAULT_SETTINGS)), fc.anything()), (values) => assert.deepEqual(Object.keys(parseSettings(values).settings).sort(), Object.keys(DEFAULT_SETTINGS).sort())));
  });
});
