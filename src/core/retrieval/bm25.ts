/** Okapi BM25 over an inverted index in memory. */

const K1 = 1.2;
const B = 0.75;

/** Query terms that are looked at, the rarest first: what half of all documents have tells nothing and costs most. */
const MAX_TERMS = 48;

/** Documents of one term and how often each has it, in flat arrays: a query walks hundreds of thousands of entries. */
class Postings {
  docs = new Int32Array(4);
  counts = new Uint16Array(4);
  length = 0;
  /** How many of them are still there; removed ones stay in the arrays until the index is compacted. */
  live = 0;

  push(doc: number, count: number): void {
    if (this.length === this.docs.length) {
      this.docs = grown(this.docs, new Int32Array(2 * this.length));
      this.counts = grown(this.counts, new Uint16Array(2 * this.length));
    }
    this.docs[this.length] = doc;
    this.counts[this.length++] = Math.min(count, 0xffff);
    this.live++;
  }
}

function grown<T extends Int32Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
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
  private postings = new Map<string, Postings>();
  /** Reused between queries; all zero outside `search`. */
  private scores = new Float64Array(0);
  private totalLength = 0;
  /** Terms of documents whose coverage was asked for. */
  private readonly sets = new Map<number, ReadonlySet<string>>();

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
      let list = this.postings.get(token);
      if (!list) this.postings.set(token, (list = new Postings()));
      list.push(doc, count);
    }
  }

  remove(id: string): void {
    const doc = this.numbers.get(id);
    if (doc === undefined) return;
    this.numbers.delete(id);
    this.sets.delete(doc);
    this.ids[doc] = undefined;
    this.totalLength -= this.lengths[doc] ?? 0;
    for (const token of new Set(this.terms[doc])) {
      const list = this.postings.get(token);
      if (list) list.live--;
    }
    this.terms[doc] = undefined;
    if (this.ids.length > 64 && this.numbers.size < this.ids.length / 2) this.compact();
  }

  /** The documents that share a term with the query, best first, at most `limit`. Equal scores keep the order of insertion. */
  search(query: readonly string[], limit = Number.POSITIVE_INFINITY): Ranked[] {
    if (this.scores.length < this.ids.length) this.scores = new Float64Array(2 * this.ids.length);
    const { scores, lengths, ids } = this;
    const touched: number[] = [];
    const average = this.totalLength / Math.max(1, this.numbers.size) || 1;
    for (const { list, idf, inQuery } of this.rarestTerms(query)) {
      // A term that the query repeats counts more, but not in proportion: code repeats itself.
      const weight = idf * (K1 + 1) * (1 + Math.log(inQuery));
      for (let i = 0; i < list.length; i++) {
        const doc = list.docs[i] ?? 0;
        const count = list.counts[i] ?? 0;
        if (ids[doc] === undefined) continue;
        if (scores[doc] === 0) touched.push(doc);
        scores[doc] = (scores[doc] ?? 0) + (weight * count) / (count + K1 * (1 - B + (B * (lengths[doc] ?? 0)) / average));
      }
    }
    const best = topOf(touched, scores, limit).map((doc) => ({ id: ids[doc] ?? '', score: scores[doc] ?? 0 }));
    for (const doc of touched) scores[doc] = 0;
    return best;
  }

  private rarestTerms(query: readonly string[]): { list: Postings; idf: number; inQuery: number }[] {
    const known = [...countsOf(query)].flatMap(([token, inQuery]) => {
      const list = this.postings.get(token);
      return list ? [{ list, idf: this.idf(list.live), inQuery }] : [];
    });
    return known.length <= MAX_TERMS ? known : known.sort((a, b) => b.idf - a.idf).slice(0, MAX_TERMS);
  }

  /**
   * How much of a query's information documents hold: for each the share, in [0, 1], of the query's idf mass whose terms occur
   * in it. Comparable across queries, unlike a BM25 score.
   */
  coverage(query: readonly string[]): (id: string) => number {
    const terms = [...new Set(query)].map((token) => ({ token, idf: this.idf(this.postings.get(token)?.live ?? 0) }));
    const all = terms.reduce((sum, t) => sum + t.idf, 0);
    return (id) => {
      const doc = this.numbers.get(id);
      if (doc === undefined || all === 0) return 0;
      const own = this.termSet(doc);
      let shared = 0;
      for (const { token, idf } of terms) if (own.has(token)) shared += idf;
      return shared / all;
    };
  }

  private termSet(doc: number): ReadonlySet<string> {
    let set = this.sets.get(doc);
    if (!set) this.sets.set(doc, (set = new Set(this.terms[doc])));
    return set;
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
    this.sets.clear();
    for (const [id, tokens] of kept) this.add(id, tokens);
  }
}

/** The `limit` documents with the highest scores, best first, without sorting all of them. */
function topOf(docs: number[], scores: Float64Array, limit: number): number[] {
  const better = (a: number, b: number) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b;
  if (docs.length <= 2 * limit) return docs.sort(better).slice(0, limit);
  const best = docs.slice(0, limit).sort(better);
  for (let i = limit; i < docs.length; i++) {
    const doc = docs[i] ?? 0;
    const worst = best[limit - 1];
    if (worst !== undefined && better(doc, worst) > 0) continue;
    let at = limit - 1;
    for (; at > 0 && better(doc, best[at - 1] ?? 0) < 0; at--) best[at] = best[at - 1] ?? 0;
    best[at] = doc;
  }
  return best;
}

function countsOf(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}
