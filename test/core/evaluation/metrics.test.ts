import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bootstrapMean, pairedDifference, seeded } from '../../../src/core/evaluation/bootstrap.ts';
import { atLeastOneOf, type Judged, passAt, secureGivenPassAt, securePassAt, secureRate } from '../../../src/core/evaluation/metrics.ts';

const near = (actual: number | undefined, expected: number) => assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
const s = (f: 'p' | 'f' | 'u', v: 'p' | 'f' | 'u'): Judged => {
  const status = { p: 'pass', f: 'fail', u: 'unavailable' } as const;
  return { function: status[f], security: status[v] };
};

describe('measures of an evaluation', () => {
  it('estimate like the formula, worked out by hand', () => {
    // 1 − C(7,1)/C(10,1), 1 − C(7,5)/C(10,5) = 1 − 21/252, 1 − C(2,2)/C(4,2) = 1 − 1/6
    near(atLeastOneOf(10, 3, 1), 0.3);
    near(atLeastOneOf(10, 3, 5), 1 - 21 / 252);
    near(atLeastOneOf(4, 2, 2), 5 / 6);
    assert.equal(atLeastOneOf(10, 0, 10), 0);
    assert.equal(atLeastOneOf(10, 1, 10), 1);
    assert.equal(atLeastOneOf(5, 5, 1), 1);
  });

  it('refuse what has no estimate', () => {
    for (const [n, c, k] of [[3, 1, 4], [3, 4, 1], [3, 1, 0], [3, -1, 1], [3, 1.5, 1]] as const) assert.throws(() => atLeastOneOf(n, c, k), RangeError);
  });

  it('agree with exact fractions, and stay exact where factorials overflow', () => {
    const choose = (n: number, k: number): bigint => {
      let result = 1n;
      for (let i = 0; i < k; i++) result = (result * BigInt(n - i)) / BigInt(i + 1);
      return k > n ? 0n : result;
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (n, a, b) => {
        const c = a % (n + 1);
        const k = 1 + (b % n);
        const none = (choose(n - c, k) * 10n ** 18n) / choose(n, k);
        const exact = 1 - Number(none) / 1e18;
        assert.ok(Math.abs(atLeastOneOf(n, c, k) - exact) < 1e-9, `n=${n} c=${c} k=${k}`);
      }),
    );
    near(atLeastOneOf(1_000_000_000, 1, 1) * 1e9, 1);
  });

  it('grow with k and with what passes, between 0 and 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), fc.nat(), fc.nat(), (n, a, b) => {
        const c = a % n;
        const k = 1 + (b % (n - 1));
        const value = atLeastOneOf(n, c, k);
        assert.ok(value >= 0 && value <= 1);
        assert.ok(atLeastOneOf(n, c, k + 1) >= value - 1e-12);
        assert.ok(atLeastOneOf(n, c + 1, k) >= value - 1e-12);
        if (k === 1) assert.ok(Math.abs(value - c / n) < 1e-12);
      }),
    );
  });

  it('count samples as they are meant', () => {
    const samples = [s('p', 'p'), s('p', 'f'), s('f', 'p'), s('f', 'u')];
    near(secureRate.of(samples), 2 / 3);
    near(passAt(1).of(samples), 2 / 4);
    // The last one fails already, whatever its security is.
    near(securePassAt(1).of(samples), 1 / 4);
    near(securePassAt(2).of(samples), 2 / 4);
    near(secureGivenPassAt(1).of(samples), 1 / 2);
    near(secureGivenPassAt(2).of(samples), 1);
  });

  it('leave out what could not be judged, and never count it as passed', () => {
    assert.equal(securePassAt(1).of([s('p', 'u'), s('u', 'p')]), undefined);
    near(securePassAt(1).of([s('p', 'u'), s('p', 'p')]), 1);
    assert.equal(passAt(2).of([s('p', 'p'), s('u', 'p')]), undefined);
    assert.equal(secureRate.of([]), undefined);
  });
});

describe('bootstrap', () => {
  it('is the same for the same seed', () => {
    const values = [0, 1, 0.5, 1, 0, 0.25];
    assert.deepEqual(bootstrapMean(values), bootstrapMean(values));
    assert.notDeepEqual(bootstrapMean(values, { seed: 1, resamples: 500, level: 0.95 }), bootstrapMean(values, { seed: 2, resamples: 500, level: 0.95 }));
    const random = seeded(7);
    const drawn = Array.from({ length: 1000 }, random);
    assert.ok(drawn.every((x) => x >= 0 && x < 1));
    assert.ok(Math.abs(drawn.reduce((a, b) => a + b, 0) / 1000 - 0.5) < 0.05);
  });

  it('has no width where nothing varies, and the width of a binomial where it does', () => {
    assert.deepEqual(bootstrapMean([0.5, 0.5, 0.5]), { mean: 0.5, low: 0.5, high: 0.5, tasks: 3 });
    assert.equal(bootstrapMean([]), undefined);
    const half = bootstrapMean(Array.from({ length: 100 }, (_, i) => i % 2));
    // 1.96 · sqrt(0.25 / 100) = 0.098
    assert.ok(half && Math.abs(half.high - 0.598) < 0.02 && Math.abs(half.low - 0.402) < 0.02, JSON.stringify(half));
  });

  it('pairs by task: a difference on each task is clear, however different the tasks are', () => {
    const a = new Map(Array.from({ length: 40 }, (_, i) => [`t${i}`, i / 50]));
    const b = new Map([...a].map(([task, value]) => [task, value + 0.1]));
    b.delete('t0');
    const difference = pairedDifference(a, b);
    assert.ok(difference && Math.abs(difference.mean - 0.1) < 1e-9 && difference.low > 0.09 && difference.tasks === 39);
    // Unpaired the two would overlap widely.
    const [plain, other] = [bootstrapMean([...a.values()]), bootstrapMean([...b.values()])];
    assert.ok(plain && other && plain.high > other.low);
    assert.equal(pairedDifference(new Map([['x', 1]]), new Map([['y', 1]])), undefined);
  });

  it('holds the mean inside the interval', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (values) => {
        const result = bootstrapMean(values, { seed: 3, resamples: 200, level: 0.999 });
        assert.ok(result && result.low <= result.mean + 1e-9 && result.high >= result.mean - 1e-9);
      }),
      { numRuns: 50 },
    );
  });
});
