/** Okapi BM25 over an inverted index in memory. */

const K1 = 1.2;
const B = 0.75;

interface Posting {
  readonly doc: number;
  readonly count: number;
}

export interface Ranked {
  readonly id: string;
  readonly score: number;
}

/** Documents by id. Adding an id again replaces it; removal is cheap, the space is taken back when half is waste. */
export class LexicalIndex {
  private readonly numbers = new Map<string, number>();
  private ids: (string | undefined)[] = [];
  private lengths: number[] = [];
  private terms: (readonly string[] | undefined)[] = [];
  private postings = new Map<string, Posting[]>();
  private totalLength = 0;

  get size(): number {
    return this.numbers.size;
  }

  add(id: string, tokens: readonly string[]): void {
    this.remove(id);
    const doc = this.ids.length;
    this.numbers.set(id, doc);
    this.ids.push(id);
    this.lengths.push(tokens.length);
    this.terms.push(tokens);
    this.totalLength += tokens.length;
    const counts = new Map<string, number>();
    for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
    for (const [token, count] of counts) {
      const list = this.postings.get(token);
      if (list) list.push({ doc, count });
      else this.postings.set(token, [{ doc, count }]);
    }
  }

  remove(id: string): void {
    const doc = this.numbers.get(id);
    if (doc === undefined) return;
    this.numbers.delete(id);
    this.ids[doc] = undefined;
    this.totalLength -= this.lengths[doc] ?? 0;
    this.terms[doc] = undefined;
    if (this.ids.length > 64 && this.numbers.size < this.ids.length / 2) this.compact();
  }

  /** Every document that shares a term with the query, best first. Equal scores keep the order of insertion. */
  search(query: readonly string[], limit = Number.POSITIVE_INFINITY): Ranked[] {
    const scores = new Float64Array(this.ids.length);
    const touched: number[] = [];
    const average = this.totalLength / Math.max(1, this.numbers.size) || 1;
    for (const [token, inQuery] of countsOf(query)) {
      const list = this.postings.get(token);
      if (!list) continue;
      const idf = this.idf(list.length);
      for (const { doc, count } of list) {
        if (this.ids[doc] === undefined) continue;
        if (scores[doc] === 0) touched.push(doc);
        const norm = K1 * (1 - B + (B * (this.lengths[doc] ?? 0)) / average);
        // A term that the query repeats counts more, but not in proportion: code repeats itself.
        scores[doc] = (scores[doc] ?? 0) + idf * ((count * (K1 + 1)) / (count + norm)) * (1 + Math.log(inQuery));
      }
    }
    touched.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    return touched.slice(0, limit).map((doc) => ({ id: this.ids[doc] ?? '', score: scores[doc] ?? 0 }));
  }

  /**
   * How much of the query's information a document holds: the share, in [0, 1], of the query's idf mass whose terms occur
   * in it. Comparable across queries, unlike a BM25 score.
   */
  coverage(query: readonly string[], id: string): number {
    const doc = this.numbers.get(id);
    if (doc === undefined) return 0;
    const own = new Set(this.terms[doc]);
    let shared = 0;
    let all = 0;
    for (const token of new Set(query)) {
      const idf = this.idf(this.postings.get(token)?.length ?? 0);
      all += idf;
      if (own.has(token)) shared += idf;
    }
    return all === 0 ? 0 : shared / all;
  }

  private idf(documents: number): number {
    return Math.log(1 + (this.numbers.size - documents + 0.5) / (documents + 0.5));
  }

  private compact(): void {
    const kept = [...this.numbers].sort((a, b) => a[1] - b[1]).map(([id, doc]) => [id, this.terms[doc] ?? []] as const);
    this.numbers.clear();
    this.ids = [];
    this.lengths = [];
    this.terms = [];
    this.postings = new Map();
    this.totalLength = 0;
    for (const [id, tokens] of kept) this.add(id, tokens);
  }
}

function countsOf(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}
