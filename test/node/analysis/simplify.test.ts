import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isLocal } from '../../../src/node/analysis/locality.ts';
import { regexFor, TextNeeds } from '../../../src/node/analysis/needs.ts';
import { Simplifier } from '../../../src/node/analysis/simplify.ts';

const simplify = (matcher: object, text: string, utils = {}) => new Simplifier(utils).simplify(matcher, new TextNeeds(text));

describe('a rule for one text', () => {
  it('has only the alternatives whose words are there', () => {
    assert.deepEqual(simplify({ kind: 'call', any: [{ pattern: 'eval($X)' }, { pattern: 'exec($X)' }, { regex: '^(run|call)' }] }, 'exec(1)'), { kind: 'call', any: [{ pattern: 'exec($X)' }] });
  });
  it('is nothing when a part cannot match', () => {
    assert.equal(simplify({ pattern: 'f($X)', has: { regex: 'secret' } }, 'f(1)'), false);
    assert.equal(simplify({ all: [{ kind: 'call' }, { any: [{ regex: 'one' }, { regex: 'two' }] }] }, 'f(1)'), false);
    assert.equal(simplify({ pattern: 'f($X)', inside: { has: { pattern: 'route($$$)' }, stopBy: 'end' } }, 'f(1)'), false);
  });
  it('has no exception that cannot hold', () => {
    assert.deepEqual(simplify({ pattern: 'f($X)', not: { regex: 'escape' } }, 'f(1)'), { pattern: 'f($X)' });
    assert.deepEqual(simplify({ all: [{ pattern: 'f($X)' }, { not: { regex: 'escape' } }] }, 'f(1)'), { all: [{ pattern: 'f($X)' }] });
    assert.deepEqual(simplify({ pattern: 'f($X)', not: { any: [{ regex: 'escape' }, { kind: 'string' }] } }, 'f(1)'), { pattern: 'f($X)', not: { any: [{ kind: 'string' }] } });
  });
  it('keeps how its relations look around', () => {
    assert.deepEqual(simplify({ kind: 'call', inside: { kind: 'block', stopBy: { regex: 'nowhere' }, field: 'body' } }, 'f'), { kind: 'call', inside: { kind: 'block', stopBy: { regex: 'nowhere' }, field: 'body' } });
  });
  it('looks into utilities', () => {
    const utils = { sink: { any: [{ pattern: 'system($X)' }, { pattern: 'popen($X)' }] } };
    assert.equal(simplify({ kind: 'call', matches: 'sink' }, 'f(1)', utils), false);
    assert.deepEqual(new Simplifier(utils).simplifyUtils(new TextNeeds('popen(1)')), { sink: { any: [{ pattern: 'popen($X)' }] } });
  });
  it('keeps a constraint that cannot hold', () => {
    assert.deepEqual(new Simplifier().simplifyConstraints({ X: { regex: 'secret' }, Y: { any: [{ regex: 'secret' }, { regex: 'key' }] } }, new TextNeeds('key')), { X: { regex: 'secret' }, Y: { any: [{ regex: 'key' }] } });
  });
});

describe('a regular expression for one text', () => {
  const of = (source: string, text: string) => regexFor(source, new TextNeeds(text));

  it('has only the alternatives that are there', () => {
    assert.equal(of('^(md5|sha1|des)\\(', 'sha1('), '^(sha1)\\(');
    assert.equal(of('(?i)pass|secret|token', 'the TOKEN'), '(?i)pass|token');
    assert.equal(of('a(one|two)?b', 'ab'), 'ab');
    assert.equal(of('(?:run|call)_?(cmd|shell)', 'run_cmd'), '(?:run)_?(cmd)');
  });
  it('keeps alternatives for which a flag was set before them', () => assert.equal(of('one|(?i)two|three', 'THREE'), 'one|(?i)two|three'));
  it('stays as it is where it is not understood', () => assert.equal(of('(?x)one | two', 'two'), '(?x)one | two'));
  it('matches in a part of the text what it did before', () => {
    // Groups repeat only so often: this JavaScript goes back over every way to match, where Rust does not.
    const word = fc.constantFrom('ab', 'cd', 'xy', 'b', 'a+', 'd*', '\\w', '[a-c]', '.', '', '^', '$');
    const group: fc.Arbitrary<string> = fc.letrec((tie) => ({
      sequence: fc.array(fc.oneof({ maxDepth: 3 }, word, tie('group')), { maxLength: 3 }).map((parts) => parts.join('')),
      group: fc.tuple(fc.constantFrom('(', '(?:'), fc.array(tie('sequence'), { minLength: 1, maxLength: 4 }), fc.constantFrom(')', ')?', '){2}', '){0,2}')).map(([open, branches, close]) => open + branches.join('|') + close),
      top: fc.array(tie('sequence'), { minLength: 1, maxLength: 4 }).map((branches) => branches.join('|')),
    })).top as fc.Arbitrary<string>;
    fc.assert(
      fc.property(group, fc.stringMatching(/^[abcdxy ]{0,8}$/), fc.nat(8), fc.nat(8), (source, text, a, b) => {
        const part = text.slice(Math.min(a, b), Math.max(a, b));
        assert.equal(new RegExp(of(source, text)).test(part), new RegExp(source).test(part), `${source} became ${of(source, text)} for ${JSON.stringify(text)}, tried on ${JSON.stringify(part)}`);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a rule looks no further than its statement', () => {
  const cases: [object, boolean][] = [
    [{ pattern: 'f($X)', has: { kind: 'string', stopBy: 'end' } }, true],
    [{ kind: 'call', inside: { kind: 'function_definition', stopBy: 'end' } }, true],
    [{ kind: 'call', inside: { any: [{ kind: 'class_body' }, { pattern: 'route($$$)' }] } }, true],
    [{ kind: 'call', inside: { kind: 'program', has: { regex: 'helmet' } } }, false],
    [{ kind: 'call', inside: { stopBy: 'end', has: { regex: 'helmet' } } }, false],
    [{ kind: 'call', not: { inside: { any: [{ kind: 'block' }, { regex: 'x' }] } } }, false],
    [{ kind: 'call', follows: { kind: 'comment' } }, false],
    [{ kind: 'call', has: { kind: 'x', precedes: { kind: 'y' } } }, false],
    [{ kind: 'call', matches: 'near' }, true],
    [{ kind: 'call', matches: 'far' }, false],
    [{ kind: 'call', inside: { matches: 'block' } }, true],
  ];
  const utils = { near: { kind: 'string' }, far: { not: { follows: { kind: 'comment' } } }, block: { all: [{ kind: 'block' }] } };
  for (const [matcher, expected] of cases) it(`${JSON.stringify(matcher)}: ${expected}`, () => assert.equal(isLocal(matcher, utils), expected));
});
