import assert from 'node:assert/strict';
import fc from 'fast-check';
import { framesOf } from '../../../src/core/verification/frames.ts';

const of = (details: string) => framesOf({ id: 't', name: 't', status: 'failed', details }).map(({ file, line }) => `${file}:${line}`);

describe('the frames of a traceback', () => {
  it('are read as Python, pytest and unittest write them, deepest first', () => {
    assert.deepEqual(of('  File "/w/a b.py", line 3, in f\n    x()\n  File "/w/b.py", line 9, in x\nE'), ['/w/b.py:9', '/w/a b.py:3']);
    assert.deepEqual(of('    def test():\n>       f()\n\ntests/test_a.py:3: \n_ _ _\n\n>   raise X\nE   X\n\nlib/x.py:7: X'), ['lib/x.py:7', 'tests/test_a.py:3']);
  });
  it('are read as Node, Go, Java and C write them', () => {
    assert.deepEqual(of('Error: x\n    at charge (file:///w/lib%20a.js:3:10)\n    at async /w/b.mjs:4:3\n    at node:internal/x:1:1'), ['/w/lib a.js:3', '/w/b.mjs:4']);
    assert.deepEqual(of('panic: x\n\ngoroutine 1:\nmain.f(0x1)\n\t/w/a.go:12 +0x1d\n    a_test.go:7: got 1'), ['/w/a.go:12', 'a_test.go:7']);
    assert.deepEqual(of('java.lang.X: y\n\tat com.acme.Ledger.post(Ledger.java:12)\n\tat com.acme.Outer$In.<init>(Outer.java:3)'), ['com/acme/Ledger.java:12', 'com/acme/Outer.java:3']);
    assert.deepEqual(of("src/ring.c:12: ring_push: Assertion `r' failed.\n#1 0x5 in push /w/src/ring.c:9:5\n/w/test.cpp:3: Failure"), ['src/ring.c:12', '/w/src/ring.c:9', '/w/test.cpp:3']);
  });
  it('are read from anything without failing or hanging (property)', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => Array.isArray(of(text))));
    assert.deepEqual(of('a/'.repeat(20_000)), []);
    assert.deepEqual(of('at a.'.repeat(10_000)), []);
  });
});
