/** Reciprocal rank fusion (Cormack et al. 2009): score(d) = Σ w / (60 + rank(d)), ranks from 1. */

const RANK_CONSTANT = 60;

export interface Ranking {
  /** Ids, best first. */
  readonly ids: readonly string[];
  readonly weight: number;
}

/** Fuses rankings; an id that a ranking lacks gets nothing from it. Best first; ties by id, so that runs agree. */
export function fuse(rankings: readonly Ranking[]): { id: string; score: number }[] {
  const scores = new Map<string, number>();
  for (const { ids, weight } of rankings) {
    ids.forEach((id, at) => scores.set(id, (scores.get(id) ?? 0) + weight / (RANK_CONSTANT + at + 1)));
  }
  return [...scores].map(([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}
