/** Places of the right answer, as hit@k and MRR; and weights that are fitted to them. */

/** `place`: 0 is first, -1 is not there. */
export function hit(places: readonly number[], k: number): number {
  return places.filter((p) => p >= 0 && p < k).length / (places.length || 1);
}

export function mrr(places: readonly number[]): number {
  return places.reduce((sum, p) => sum + (p < 0 ? 0 : 1 / (p + 1)), 0) / (places.length || 1);
}

export function table(rows: Readonly<Record<string, readonly number[]>>): string {
  const line = ([name, places]: [string, readonly number[]]) => `${name.padEnd(44)} ${String(places.length).padStart(5)}  ${[1, 3, 5].map((k) => hit(places, k).toFixed(3)).join('  ')}  ${mrr(places).toFixed(3)}`;
  return [`${'system'.padEnd(44)} asked  hit@1  hit@3  hit@5    MRR`, ...Object.entries(rows).map(line)].join('\n');
}

/** Climbs to the weights with the best score, one weight at a time, from `start`. */
export function climb<K extends string>(start: Readonly<Record<K, number>>, fixed: readonly K[], score: (weights: Readonly<Record<K, number>>) => number): { weights: Record<K, number>; score: number } {
  const weights: Record<K, number> = { ...start };
  let best = score(weights);
  for (const step of [2, 1.5, 1.2]) {
    for (let again = true; again; ) {
      again = false;
      for (const key of Object.keys(weights) as K[]) {
        if (fixed.includes(key)) continue;
        const value = weights[key];
        for (const tried of value === 0 ? [0.1] : [value * step, value / step, 0]) {
          const next = score({ ...weights, [key]: tried });
          if (next <= best + 1e-4) continue;
          best = next;
          weights[key] = tried;
          again = true;
        }
      }
    }
  }
  return { weights, score: best };
}
