import type { Sample } from './knowledge.ts';

/** Pseudo-observations of the language's average that every CWE starts with. */
const PRIOR = 4;
/** Terms in fewer samples than this tell about one code base, not about a CWE. */
const MIN_SAMPLES = 2;

interface Counts {
  samples: number;
  readonly terms: Map<string, number>;
}

/**
 * Which CWE a set of terms suggests, learned from the samples: naive Bayes on whether a term occurs, the log-likelihood
 * damped by the square root of the number of terms because terms of code come together.
 */
export class CweEvidence {
  private readonly all: Counts = { samples: 0, terms: new Map() };
  private readonly byCwe = new Map<string, Counts>();

  add(sample: Pick<Sample, 'cwe'>, terms: readonly string[]): void {
    const own = this.byCwe.get(sample.cwe) ?? { samples: 0, terms: new Map<string, number>() };
    this.byCwe.set(sample.cwe, own);
    for (const counts of [this.all, own]) {
      counts.samples++;
      for (const term of new Set(terms)) counts.terms.set(term, (counts.terms.get(term) ?? 0) + 1);
    }
  }

  /** CWE → probability, summing to 1; empty without samples. */
  posterior(terms: readonly string[]): Map<string, number> {
    const known = [...new Set(terms)].filter((term) => (this.all.terms.get(term) ?? 0) >= MIN_SAMPLES);
    const damping = Math.sqrt(Math.max(1, known.length));
    const logs = [...this.byCwe].map(([cwe, counts]) => {
      let likelihood = 0;
      for (const term of known) {
        const average = (this.all.terms.get(term) ?? 0) / this.all.samples;
        likelihood += Math.log(((counts.terms.get(term) ?? 0) + PRIOR * average) / (counts.samples + PRIOR) / average);
      }
      return [cwe, Math.log(counts.samples / this.all.samples) + likelihood / damping] as const;
    });
    const most = Math.max(...logs.map(([, log]) => log));
    const total = logs.reduce((sum, [, log]) => sum + Math.exp(log - most), 0);
    return new Map(logs.map(([cwe, log]) => [cwe, Math.exp(log - most) / total]));
  }
}
