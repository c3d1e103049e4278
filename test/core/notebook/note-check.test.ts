import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Suggestion, keyAt, suggestions } from '../../../src/core/notebook/note-assist.ts';
import { checkNote } from '../../../src/core/notebook/note-check.ts';
import { KNOWN_KEYS } from '../../../src/core/notebook/note-form.ts';
import { formatNote, NOTE_KEYS, parseNote } from '../../../src/core/notebook/note-markdown.ts';
import { aNote } from '../doubles.ts';

const GOOD = formatNote(aNote({ id: 'a' }));
const check = (text: string, o: Parameters<typeof checkNote>[2] = { kind: 'security', knows: () => true }) => checkNote(text, 'a.md', o);
/** The text that a problem stands at. */
const at = (text: string, problem: ReturnType<typeof checkNote>[number] | undefined) => text.split('\n')[(problem?.place.startLine ?? 0) - 1]?.slice((problem?.place.startColumn ?? 1) - 1, (problem?.place.endColumn ?? 1) - 1);
/** The text with a problem's fix put in its place. */
const mended = (text: string, problem: ReturnType<typeof checkNote>[number]) => text.split('\n').map((line, n) => (n + 1 === problem.place.startLine ? line.slice(0, problem.place.startColumn - 1) + (problem.fix ?? '') + line.slice(problem.place.endColumn - 1) : line)).join('\n');

describe('A note that is edited', () => {
  it('has no problem as SafeNote writes it', () => assert.deepEqual(check(GOOD), []));

  for (const [what, from, to, place, fix] of [
    ['a status', 'status: active', 'status: actve', 'actve', 'active'],
    ['a kind', 'kind: security', 'kind: securty', 'securty', 'security'],
    ['a CWE', 'cwe: CWE-89', 'cwe: 89', '89', 'CWE-89'],
    ['an origin', 'origin: completion', 'origin: completoin', 'completoin', 'completion'],
    ['a frequency', 'frequency: 1', 'frequency: -3', '-3', '3'],
    ['a kind of the other folder', 'kind: security', 'kind: function', 'function', 'security'],
    ['a key', 'status: active', 'statsu: active', 'statsu', 'status'],
    ['a language', 'language: python', 'language: pyton', 'pyton', 'python'],
    ['a heading', '## Guidance', '## Guidence', '## Guidence', '## Guidance'],
  ] as const) {
    it(`says where ${what} is wrong and what to write instead`, () => {
      const text = GOOD.replace(from, to);
      const problem = check(text).find((p) => p.fix !== undefined);
      assert.ok(problem);
      assert.equal(at(text, problem), place);
      assert.equal(problem.fix, fix);
      assert.ok(problem.message.includes(fix), problem.message);
      assert.deepEqual(check(mended(text, problem)).filter((p) => p.severity !== 'info'), [], 'the fix mends it');
    });
  }

  it('names every key that is wrong, not the first alone', () => {
    const text = GOOD.replace('status: active', 'status: x').replace('frequency: 1', 'frequency: many');
    assert.deepEqual(check(text).filter((p) => p.severity === 'error').map((p) => at(text, p)), ['many', 'x']);
  });

  it('says what is missing', () => {
    assert.match(check(GOOD.replace('kind: security\n', ''))[0]?.message ?? '', /"kind" is missing.*kind: security/);
    assert.match(check(GOOD.replace(/## Task[\s\S]*?(?=## Err)/, ''))[0]?.message ?? '', /## Task/);
    assert.match(check('no front matter')[0]?.message ?? '', /front matter/);
  });

  it('stands at the line of an open fence, a section that is there twice and broken YAML', () => {
    const open = GOOD.replace(/```\n\n## Diagnosis/, '\n## Diagnosis');
    assert.match(at(open, check(open).find((p) => p.severity === 'error')) ?? '', /^```python/);
    const twice = `${GOOD}\n## Guidance\n\nmore\n`;
    assert.equal(check(twice).find((p) => p.severity === 'error')?.place.startLine, twice.trimEnd().split('\n').length - 2);
    const yaml = GOOD.replace('status: active', 'status: [active');
    assert.ok(check(yaml).some((p) => p.severity === 'error'));
  });

  it('hints at what a note lacks', () => {
    assert.match(check(GOOD.replace(/## Guidance[\s\S]*$/, ''))[0]?.message ?? '', /no guidance/);
    assert.match(check(GOOD, { knows: () => false })[0]?.message ?? '', /nothing on CWE-89/);
  });

  it('agrees with the reader: an error wherever it cannot be read, and only there (property)', () => {
    const piece = fc.constantFrom('---\n', 'kind: security\n', 'kind: x\n', 'cwe: 12\n', 'status: muted\n', 'line: 0\n', '## Task\n', 'text\n', '```\n', '## Guidance\n', '## Merged failure\n', 'a: [\n', '\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        assert.equal(checkNote(text, 'a.md').some((p) => p.severity === 'error'), parseNote(text, 'a.md').problem !== undefined, text);
      }),
      { numRuns: 600 },
    );
  });
});

describe('What could be written in a note', () => {
  const cwes = [{ cwe: 'CWE-89', title: 'SQL injection' }, { cwe: 'CWE-22', title: 'Path traversal' }];
  const offer = (marked: string) => {
    const offset = marked.indexOf('|');
    const lines = marked.slice(0, offset).split('\n');
    return suggestions(marked.replace('|', ''), lines.length, (lines.at(-1)?.length ?? 0) + 1, { cwes, language: 'python' });
  };
  const taken = (marked: string, suggestion: Suggestion | undefined) => {
    const row = marked.slice(0, marked.indexOf('|')).split('\n').length - 1;
    return marked.replace('|', '').split('\n').map((line, n) => (n === row ? line.slice(0, (suggestion?.startColumn ?? 1) - 1) + (suggestion?.insert ?? '') + line.slice((suggestion?.endColumn ?? 1) - 1) : line)).join('\n');
  };

  it('is every key that is not there yet, with help', () => {
    const labels = offer('---\nkind: security\nst|\n---\n').map((s) => s.label);
    assert.ok(labels.includes('status') && labels.includes('cwe') && !labels.includes('kind'));
    assert.ok(offer('---\n|\n---\n').every((s) => s.help));
  });

  it('is a key of the reader: none is made up, none but what SafeNote writes itself is left out', () => {
    const known = KNOWN_KEYS.map(({ key }) => key);
    assert.deepEqual(known.filter((key) => !NOTE_KEYS.includes(key)), []);
    assert.deepEqual(NOTE_KEYS.filter((key) => !known.includes(key)), ['mergePending']);
  });

  it('is a CWE by number or title', () => {
    const marked = '---\ncwe: CWE-|2\n---\n';
    const found = offer(marked);
    assert.deepEqual(found.map((s) => [s.label, s.detail]), [['CWE-89', 'SQL injection'], ['CWE-22', 'Path traversal']]);
    assert.match(found[0]?.filter ?? '', /SQL injection/);
    assert.equal(taken(marked, found[0]), '---\ncwe: CWE-89\n---\n');
    assert.equal(taken('---\ncwe:|\n---\n', offer('---\ncwe:|\n---\n')[0]), '---\ncwe: CWE-89\n---\n');
    assert.equal(taken('---\n---\n\nsee cwe-| there', offer('---\n---\n\nsee cwe-| there')[0]), '---\n---\n\nsee CWE-89 there');
  });

  it('is a value of a key that has a few', () => {
    assert.deepEqual(offer('---\nstatus: |\n---\n').map((s) => s.label), ['active', 'muted']);
    assert.deepEqual(offer('---\ntitle: |\n---\n'), []);
  });

  it('is a section that is not there yet, with its fence', () => {
    const marked = '---\nkind: security\n---\n\n## Task\n\nx\n\n## |\n';
    const labels = offer(marked).map((s) => s.label);
    assert.ok(labels.includes('## Guidance') && !labels.includes('## Task'));
    assert.match(offer(marked).find((s) => s.label === '## Erroneous code')?.insert ?? '', /```python\n\$0\n```/);
  });

  it('is nothing inside code or in the midst of a sentence', () => {
    assert.deepEqual(offer('---\n---\n\n```python\n# |\n```\n'), []);
    assert.deepEqual(offer('---\n---\n\nSome text |\n'), []);
  });

  it('knows which key a line is about', () => {
    assert.equal(keyAt('---\nstatus: active\n---\n', 2), 'status');
    assert.equal(keyAt('---\n---\nstatus: active\n', 3), undefined);
  });
});
