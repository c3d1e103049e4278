/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Tasks that it rests on. */
  readonly tasks: number;
}

export interface BootstrapOptions {
  readonly seed: number;
  readonly resamples: number;
  /** 0.95: ninety-five of a hundred. */
  readonly level: number;
}

export const BOOTSTRAP: BootstrapOptions = { seed: 20260101, resamples: 10_000, level: 0.95 };

/** Mean of one value a task, with a percentile interval over tasks drawn with replacement. `undefined` without a task. */
export function bootstrapMean(values: readonly number[], options: BootstrapOptions = BOOTSTRAP): Interval | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const random = seeded(options.seed);
  const means = new Float64Array(options.resamples);
  for (let r = 0; r < options.resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(random() * n)] ?? 0;
    means[r] = sum / n;
  }
  means.sort();
  const tail = (1 - options.level) / 2;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  return { mean, low: quantile(means, tail), high: quantile(means, 1 - tail), tasks: n };
}

/** The difference b − a over the tasks that both have a value for: a task's difficulty does not count as a difference. */
export function pairedDifference(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>, options: BootstrapOptions = BOOTSTRAP): Interval | undefined {
  const differences = [...a].flatMap(([task, value]) => {
    const other = b.get(task);
    return other === undefined ? [] : [other - value];
  });
  return bootstrapMean(differences, options);
}

function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const from = sorted[low] ?? 0;
  const to = sorted[Math.min(low + 1, sorted.length - 1)] ?? from;
  return from + (to - from) * (at - low);
}
