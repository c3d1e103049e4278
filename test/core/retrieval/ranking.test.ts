import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LexicalIndex } from '../../../src/core/retrieval/bm25.ts';
import { withinBudget } from '../../../src/core/retrieval/budget.ts';
import { fuse } from '../../../src/core/retrieval/fusion.ts';
import { apiTokens, codeTokens, textTokens } from '../../../src/core/retrieval/tokens.ts';

describe('tokens', () => {
  it('of code hold identifiers whole and in parts', () => assert.deepEqual(codeTokens('readUserFile(x1)'), ['readuserfile', 'read', 'user', 'file', 'x1']));
  it('of code hold the end of a dotted call', () => assert.ok(codeTokens('self.db.cursor.execute(q)').includes('cursor.execute')));
  it('of code leave keywords out', () => assert.deepEqual(codeTokens('def f(self): return None'), []));
  it('of text bring forms of a word together', () => assert.deepEqual(textTokens('queries query'), ['query', 'query']));
  it('of APIs hold the last name', () => assert.deepEqual(apiTokens(['sqlite3.Cursor.execute']), ['sqlite3.cursor.execute', 'cursor.execute', 'execute']));
});

describe('BM25', () => {
  const index = new LexicalIndex();
  index.add('a', ['sql', 'query', 'user']);
  index.add('b', ['file', 'path', 'user']);
  index.add('c', ['file', 'read', 'file', 'path', 'user', 'user']);
  it('ranks by rare terms', () => assert.equal(index.search(['sql', 'user'])[0]?.id, 'a'));
  it('gives nothing for unknown terms', () => assert.deepEqual(index.search(['zebra']), []));
  it('forgets a removed document', () => {
    const own = new LexicalIndex();
    own.add('a', ['x']);
    own.remove('a');
    assert.deepEqual(own.search(['x']), []);
    assert.equal(own.size, 0);
  });
  it('replaces a document that is added again', () => {
    const own = new LexicalIndex();
    own.add('a', ['x']);
    own.add('a', ['y']);
    assert.deepEqual(own.search(['x']), []);
    assert.equal(own.search(['y'])[0]?.id, 'a');
  });
  it('weighs terms by the documents that are there, however often one was changed', () => {
    const own = new LexicalIndex();
    for (let n = 0; n < 20; n++) own.add('a', ['x', 'y']);
    assert.ok((own.search(['x'])[0]?.score ?? 0) > 0);
    assert.equal(own.coverage(['x', 'y'])('a'), 1);
    assert.ok(own.coverage(['x', 'z'])('a') > 0);
  });
  it('covers a query between not at all and wholly', () => {
    assert.equal(index.coverage(['sql'])('a'), 1);
    assert.equal(index.coverage(['sql'])('b'), 0);
    assert.equal(index.coverage([])('a'), 0);
  });
  it('answers the same after many changes as one built afresh', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 }), fc.boolean()), { maxLength: 200 }), (steps) => {
        const changed = new LexicalIndex();
        const now = new Map<string, string[]>();
        for (const [id, tokens, drop] of steps) {
          if (drop) {
            changed.remove(`${id}`);
            now.delete(`${id}`);
          } else {
            changed.add(`${id}`, tokens);
            now.set(`${id}`, tokens);
          }
        }
        const fresh = new LexicalIndex();
        for (const [id, tokens] of now) fresh.add(id, tokens);
        const scores = (i: LexicalIndex) => Object.fromEntries(i.search(['a', 'c']).map((r) => [r.id, r.score.toFixed(9)]));
        assert.equal(changed.size, now.size);
        assert.deepEqual(scores(changed), scores(fresh));
        const covered = (i: LexicalIndex) => [...now.keys()].map((id) => i.coverage(['a', 'c', 'x'])(id).toFixed(9));
        assert.deepEqual(covered(changed), covered(fresh));
      }),
    );
  });
});

describe('reciprocal rank fusion', () => {
  it('adds weight / (60 + rank)', () => {
    const [first, second] = fuse([
      { ids: ['a', 'b'], weight: 1 },
      { ids: ['b'], weight: 2 },
    ]);
    assert.deepEqual(first, { id: 'b', score: 1 / 62 + 2 / 61 });
    assert.deepEqual(second, { id: 'a', score: 1 / 61 });
  });
  it('does not depend on the order of the rankings', () => {
    const rankings = [{ ids: ['a', 'b', 'c'], weight: 1 }, { ids: ['c', 'a'], weight: 0.5 }];
    assert.deepEqual(fuse(rankings).map((r) => r.id), fuse([...rankings].reverse()).map((r) => r.id));
  });
});

describe('the token budget', () => {
  it('keeps whole items only, in order', () => assert.deepEqual(withinBudget(['aaaaaaaa', 'b'.repeat(400), 'cccc'], (x) => x, 4), ['aaaaaaaa', 'cccc']));
  it('keeps nothing of nothing', () => assert.deepEqual(withinBudget(['a'], (x) => x, 0), []));
});
