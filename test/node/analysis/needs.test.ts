import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cheapRegex, shareRegexes } from '../../../src/node/analysis/cheap-regex.ts';
import { needOf, ofRegex, TextNeeds } from '../../../src/node/analysis/needs.ts';

const meets = (text: string, rule: object, utils = {}) => new TextNeeds(text).meets(needOf(rule, utils));

describe('what a rule needs of a text', () => {
  it('is every word of its pattern', () => {
    assert.equal(meets('cursor.execute(x)', { pattern: '$C.execute($Q)' }), true);
    assert.equal(meets('cursor.fetch(x)', { pattern: '$C.execute($Q)' }), false);
  });
  it('is one of several', () => {
    const rule = { any: [{ pattern: 'eval($X)' }, { pattern: 'exec($X)' }] };
    assert.equal(meets('exec(1)', rule), true);
    assert.equal(meets('run(1)', rule), false);
  });
  it('is nothing where one of several can be anything', () => assert.equal(meets('x', { any: [{ pattern: 'eval($X)' }, { kind: 'call' }] }), true));
  it('includes what stands around and inside', () => {
    assert.equal(meets('f(request)', { kind: 'call', has: { regex: '^request$' } }), true);
    assert.equal(meets('f(x)', { kind: 'call', has: { regex: '^request$' } }), false);
    assert.equal(meets('f(x)', { pattern: 'f($X)', inside: { pattern: 'route($$$)' } }), false);
  });
  it('leaves out what must not be there', () => assert.equal(meets('f(x)', { pattern: 'f($X)', not: { has: { regex: 'escape' } } }), true));
  it('follows utility rules, also those that go in circles', () => {
    assert.equal(meets('x', { matches: 'sink' }, { sink: { pattern: 'system($X)' } }), false);
    assert.equal(meets('x', { matches: 'a' }, { a: { any: [{ matches: 'a' }, { pattern: 'system($X)' }] } }), true);
  });
});

describe('what a regular expression needs of a text', () => {
  const cases: [string, string, boolean][] = [
    ['^(md5|sha1)$', 'hashlib.sha1()', true],
    ['^(md5|sha1)$', 'hashlib.sha256()', false],
    ['colou?r', 'color', true],
    ['colou?r', 'col', false],
    ['(?i)PASSWORD', 'my_password', true],
    ['\\.(test|has)\\(', 'x.has(y)', true],
    ['\\.(test|has)\\(', 'x.get(y)', false],
    ['[a-z_]*(malloc|alloca)', 'xmalloc', true],
    ['(abc)*def', 'def', true],
    ['(abc)+', 'xyz', false],
    ['a{0,3}bc', 'bc', true],
    ['[^\\]"]+foo', 'a]foo', true],
    ['(?:ab|)', '', true],
    ['(?P<name>secret)', 'secret', true],
    ['\\p{L}+', 'anything', true],
    ['(?x) a b', 'ab', true],
  ];
  for (const [source, text, expected] of cases) {
    it(`${source} in ${JSON.stringify(text)}: ${expected}`, () => assert.equal(new TextNeeds(text).meets(ofRegex(source)), expected));
  }

  it('is never more than what a match has', () => {
    const atom = fc.constantFrom('ab', 'c', '\\.', '\\w', '[a-c]', '(ab|cd)', '(?:x|y)?', 'b*', 'd+', '.', 'e{2}', '^', '$');
    fc.assert(
      fc.property(fc.array(atom, { maxLength: 6 }), fc.stringMatching(/^[a-ex.y]{0,12}$/), (atoms, text) => {
        const source = atoms.join('');
        if (new RegExp(source).test(text)) assert.equal(new TextNeeds(text).meets(ofRegex(source)), true, `${source} matches ${text}`);
      }),
    );
  });
  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (source) => void ofRegex(source)));
  });
});

describe('a cheap regular expression', () => {
  it('has no Unicode where nothing asks for it', () => assert.equal(cheapRegex('(?i)^(md5|sha1)\\b'), '(?-u)(?i)^(md5|sha1)\\b'));
  it('has ASCII classes where the rest needs Unicode', () => {
    assert.equal(cheapRegex('[^"\\w]\\w+\\s.'), '[^"A-Za-z0-9_][A-Za-z0-9_]+[ \\t\\r\\n\\x0b\\x0c].');
  });
  it('stays as it is where it names Unicode itself', () => {
    for (const source of ['é\\w', '\\w[[:alpha:]]', '(?x)\\w . ', '[\\w&&[^a]]']) assert.equal(cheapRegex(source), source);
  });
});

describe('regular expressions that rules share', () => {
  it('are asked before what looks at other nodes, as they were', () => {
    const utils: Record<string, unknown> = {};
    const shared = shareRegexes({ kind: 'call', pattern: '$X', inside: { kind: 'block', regex: 'b' }, regex: 'a' }, utils, new Map());
    assert.deepEqual(Object.values(utils), [{ regex: 'b' }, { regex: 'a' }]);
    assert.deepEqual(shared, { pattern: '$X', kind: 'call', all: [{ matches: 'regex-1' }, { inside: { kind: 'block', matches: 'regex-0' } }] });
  });
  it('stay beside what only looks at the node itself', () => {
    assert.deepEqual(shareRegexes({ kind: 'call', field: 'function', regex: 'a' }, {}, new Map()), { kind: 'call', field: 'function', matches: 'regex-0' });
  });
});
