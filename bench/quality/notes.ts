/**
 * Which note comes first? Notebooks are made of what is there: the library's own samples, and pairs of which a project has
 * several of one weakness. One failure of a kind becomes the note; the others are tasks like it, of which is known what stands
 * before the first flawed line and, where there is one, the description. The right note is the one of the same kind.
 */
import type { Sample } from '../../src/core/knowledge/knowledge.ts';
import type { Note, StoredNote } from '../../src/core/notebook/note.ts';
import type { NoteIndex } from '../../src/core/notebook/note-index.ts';
import { cosine } from '../../src/core/retrieval/embedder.ts';
import { apisOfCode, EQUAL_WEIGHTS, NOTE_WEIGHTS, NoteRetriever, type NoteWeights } from '../../src/core/retrieval/note-retriever.ts';
import { bucket, type Pair } from './data.ts';
import { type CachedEmbedder, clip } from './embeddings.ts';
import { climb, hit, mrr } from './ranks.ts';

interface Task {
  readonly kind: string;
  readonly notebook: string;
  readonly language: string;
  readonly task: string;
  readonly code: string;
  readonly tunes: boolean;
}

export interface NoteCases {
  readonly name: string;
  readonly notebooks: ReadonlyMap<string, readonly StoredNote[]>;
  readonly tasks: readonly Task[];
}

interface Failure {
  readonly kind: string;
  readonly notebook: string;
  readonly language: string;
  readonly cwe: string;
  readonly task: string;
  readonly vulnerable: string;
  readonly secure: string;
  readonly tunes: boolean;
}

/** Projects with several failures of one weakness; one notebook a language. Every project is on one side only. */
export function projectCases(pairs: readonly Pair[]): NoteCases {
  return cases('projects of the pairs', pairs.map((p) => ({ kind: `${p.repository} ${p.cwe} ${p.language}`, notebook: p.language, language: p.language, cwe: p.cwe, task: p.description, vulnerable: p.vulnerable, secure: p.secure, tunes: bucket(p.repository) % 2 === 0 })));
}

/** The library's samples; one notebook a language, one note a weakness. Every weakness is on one side only. */
export function libraryCases(samples: readonly Sample[]): NoteCases {
  return cases('samples of the library', samples.map((s) => ({ kind: `${s.cwe} ${s.language}`, notebook: s.language, language: s.language, cwe: s.cwe, task: s.description, vulnerable: s.vulnerable, secure: s.secure, tunes: bucket(s.cwe) % 2 === 0 })));
}

function cases(name: string, failures: readonly Failure[]): NoteCases {
  const notebooks = new Map<string, StoredNote[]>();
  const tasks: Task[] = [];
  for (const [kind, all] of Map.groupBy(failures, (f) => f.kind)) {
    const [first, ...others] = all;
    if (!first || others.length === 0) continue;
    const note: Note = { id: `n${notebooks.size}-${tasks.length}`, kind: 'security', title: kind, cwe: first.cwe, language: first.language, frequency: 1, origin: 'completion', model: 'm', created: '', updated: '', status: 'active', tasks: [first.task], erroneousCode: first.vulnerable, diagnosis: '', guidance: '' };
    notebooks.set(first.notebook, [...(notebooks.get(first.notebook) ?? []), { note, file: '', quarantined: false }]);
    // A project that fixed fifty at once must not outvote all others.
    for (const f of others.slice(0, 4)) tasks.push({ kind, notebook: f.notebook, language: f.language, task: f.task, code: beforeTheFlaw(f), tunes: f.tunes });
  }
  return { name, notebooks, tasks };
}

/** The vulnerable side up to its first line that the secure side does not have; at least its head. */
function beforeTheFlaw({ vulnerable, secure }: Failure): string {
  const kept = new Set(secure.split('\n').map((l) => l.trim()));
  const lines = vulnerable.split('\n');
  const flaw = lines.findIndex((l) => !kept.has(l.trim()));
  return lines.slice(0, Math.max(2, flaw === -1 ? Math.ceil(lines.length / 2) : flaw)).join('\n');
}

/** Vectors of one notebook in memory. */
async function indexOf(notes: readonly StoredNote[], embedder: CachedEmbedder): Promise<NoteIndex> {
  const facets = { code: await embedder.embed(notes.map((n) => clip(n.note.erroneousCode))), task: await embedder.embed(notes.map((n) => n.note.tasks.join('\n'))) };
  return {
    known: () => Promise.resolve(new Map()),
    upsert: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    nearest: (_, facet, vector, limit) => Promise.resolve(notes.flatMap(({ note }, i) => {
      const own = facet === 'merge' ? undefined : facets[facet][i];
      return own ? [{ noteId: note.id, score: cosine(own, vector) }] : [];
    }).sort((a, b) => b.score - a.score).slice(0, limit)),
  };
}

const ONE = (key: keyof NoteWeights): NoteWeights => ({ codeLexical: 0, codeDense: 0, apis: 0, taskLexical: 0, taskDense: 0, [key]: 1 });

export interface NoteBench {
  /** Places of the right note of each task, under some weights. */
  places(weights: NoteWeights, which: (task: { readonly tunes: boolean }) => boolean): Promise<number[]>;
}

export async function noteBench({ notebooks, tasks }: NoteCases, embedder: CachedEmbedder): Promise<NoteBench> {
  const code = await embedder.embed(tasks.map((t) => t.code.trim().slice(-600)));
  const words = await embedder.embed(tasks.map((t) => t.task));
  const indexes = new Map(await Promise.all([...notebooks].map(async ([name, notes]) => [name, await indexOf(notes, embedder)] as const)));
  return {
    async places(weights, which) {
      const retrievers = new Map([...notebooks].map(([name, notes]) => {
        const retriever = new NoteRetriever('security', indexes.get(name), weights);
        retriever.sync(notes);
        return [name, retriever] as const;
      }));
      const places: number[] = [];
      for (const [i, t] of tasks.entries()) {
        if (!which(t)) continue;
        const query = { language: t.language, task: t.task, code: t.code, apis: apisOfCode(t.code), ownApis: [], draftCwes: [] };
        const found = await retrievers.get(t.notebook)!.retrieve(query, { ...(code[i] ? { code: code[i] } : {}), ...(words[i] ? { task: words[i] } : {}) }, { model: '', limit: 20, minSimilarity: 0 });
        places.push(found.findIndex((f) => f.item.note.title === t.kind));
      }
      return places;
    },
  };
}

export async function compareNotes(bench: NoteBench, which: (task: { readonly tunes: boolean }) => boolean): Promise<Record<string, number[]>> {
  const systems: [string, NoteWeights][] = [
    ['BM25 on code', ONE('codeLexical')], ['dense on code', ONE('codeDense')], ['APIs', ONE('apis')], ['BM25 on task', ONE('taskLexical')], ['dense on task', ONE('taskDense')],
    ['equal fusion (the paper)', EQUAL_WEIGHTS], ['SafeNote', NOTE_WEIGHTS],
  ];
  return Object.fromEntries(await Promise.all(systems.map(async ([name, weights]) => [name, await bench.places(weights, which)] as const)));
}

/** Weights that the tuning sides of all cases would choose, each case counting the same. */
export async function tuneNotes(benches: readonly NoteBench[]): Promise<{ weights: NoteWeights; lines: string[] }> {
  // The climber is synchronous, and so is everything in here but for the promises: results of a weight are fetched before.
  const memo = new Map<string, number>();
  const scoreOf = async (w: NoteWeights) => {
    let sum = 0;
    for (const bench of benches) {
      const places = await bench.places(w, (t) => t.tunes);
      sum += hit(places, 1) + 0.5 * mrr(places);
    }
    return sum / benches.length;
  };
  for (;;) {
    let wanted: NoteWeights | undefined;
    const { weights, score } = climb<keyof NoteWeights>(NOTE_WEIGHTS, ['codeLexical'], (w) => {
      const known = memo.get(JSON.stringify(w));
      if (known === undefined) wanted ??= { ...w };
      return known ?? Number.NEGATIVE_INFINITY;
    });
    if (!wanted) return { weights, lines: [`weights in use score ${(memo.get(JSON.stringify(NOTE_WEIGHTS)) ?? 0).toFixed(3)} on the tuning sides (hit@1 + MRR / 2), fitted ${score.toFixed(3)}`, `  ${JSON.stringify(weights)}`] };
    memo.set(JSON.stringify(wanted), await scoreOf(wanted));
  }
}
