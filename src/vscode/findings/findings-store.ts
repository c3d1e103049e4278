import type { Finding } from '../../core/verification/finding.ts';
import { type Disposable, Listeners } from '../common/disposables.ts';

/** Where a finding came from: one accepted completion, a whole-file check, something that was pasted, a SARIF file, or CodeQL. */
export type Origin = { readonly kind: 'completion'; readonly sessionId: number } | { readonly kind: 'file' } | { readonly kind: 'guard'; readonly checkId: number } | { readonly kind: 'import' } | { readonly kind: 'codeql' };

export interface Place {
  readonly line: number;
  readonly character: number;
}

/** A finding in a document as it is now. Offsets and places are the document's own, 0-based. */
export interface TrackedFinding {
  readonly id: string;
  readonly uri: string;
  readonly finding: Finding;
  readonly origin: Origin;
  readonly start: number;
  readonly end: number;
  readonly from: Place;
  readonly to: Place;
  /** Its text was changed since the tool saw it, and nobody here can ask the tool again. */
  readonly outdated?: boolean;
}

/** A change of a text: `length` characters at `offset` became `text`. */
export interface Change {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

export type NewFinding = Pick<TrackedFinding, 'finding' | 'start' | 'end'>;
export type PlaceAt = (offset: number) => Place;

/** The one list of open findings. Diagnostics, the Findings view, its badge and the status bar are projections of it. */
export class FindingsStore {
  private readonly byUri = new Map<string, TrackedFinding[]>();
  private readonly changes = new Listeners<ReadonlySet<string>>();
  private next = 1;

  get uris(): string[] {
    return [...this.byUri.keys()];
  }

  get count(): number {
    return [...this.byUri.values()].reduce((sum, list) => sum + list.length, 0);
  }

  of(uri: string): readonly TrackedFinding[] {
    return this.byUri.get(uri) ?? [];
  }

  byId(id: string): TrackedFinding | undefined {
    for (const list of this.byUri.values()) {
      const found = list.find((f) => f.id === id);
      if (found) return found;
    }
    return undefined;
  }

  /** Calls back with the URIs whose findings changed. */
  onDidChange(listener: (uris: ReadonlySet<string>) => void): Disposable {
    return this.changes.on(listener);
  }

  /** Sets the findings of one origin in one document; those of other origins stay, but for what is now said twice. */
  put(uri: string, origin: Origin, findings: readonly NewFinding[], placeAt: PlaceAt): void {
    this.set(uri, this.joined(uri, origin, findings, placeAt));
  }

  /** Replaces everything that was imported before, as one change. */
  putImported(files: readonly { readonly uri: string; readonly findings: readonly NewFinding[]; readonly placeAt: PlaceAt }[]): void {
    const origin: Origin = { kind: 'import' };
    const changed = new Set<string>();
    for (const uri of this.uris) if (this.of(uri).some((f) => f.origin.kind === 'import')) this.store(uri, this.of(uri).filter((f) => f.origin.kind !== 'import'), changed);
    for (const { uri, findings, placeAt } of files) this.store(uri, this.joined(uri, origin, findings, placeAt), changed);
    if (changed.size > 0) this.changes.fire(changed);
  }

  private joined(uri: string, origin: Origin, findings: readonly NewFinding[], placeAt: PlaceAt): TrackedFinding[] {
    const others = this.of(uri).filter((f) => !sameOrigin(f.origin, origin) && !findings.some((added) => sameFinding(f, added)));
    const added = findings.map((f) => ({ ...f, id: `f${this.next++}`, uri, origin, from: placeAt(f.start), to: placeAt(f.end) }));
    return [...others, ...added];
  }

  /** Moves findings with an edit; a finding whose text is gone goes with it. */
  edit(uri: string, changes: readonly Change[], placeAt: PlaceAt): void {
    const before = this.byUri.get(uri);
    if (!before) return;
    const moved = before.flatMap((f) => {
      const range = shift(f, changes);
      const outdated = seldom(f.origin) && changes.some((c) => c.offset < f.end && c.offset + c.length > f.start);
      return range ? [{ ...f, ...range, from: placeAt(range.start), to: placeAt(range.end), ...(outdated ? { outdated } : {}) }] : [];
    });
    this.set(uri, moved);
  }

  /**
   * Brings the findings of a document up to date with a new check of it. Those of a whole-file check are replaced; of the
   * others each stays as long as the check still finds it. What was imported, and what an analyzer in `missing` found, stays:
   * nobody looked.
   */
  reconcile(uri: string, now: readonly NewFinding[], missing: ReadonlySet<string>, placeAt: PlaceAt): void {
    const before = this.of(uri);
    if (before.length === 0) return;
    const whole = before.some((f) => f.origin.kind === 'file');
    const taken = new Set<NewFinding>();
    const kept = before.flatMap((f): TrackedFinding[] => {
      const again = now.find((n) => !taken.has(n) && stillThere(f, n));
      if (again) {
        taken.add(again);
        return [{ ...f, finding: again.finding, start: again.start, end: again.end, from: placeAt(again.start), to: placeAt(again.end) }];
      }
      return seldom(f.origin) || missing.has(f.finding.analyzer) ? [f] : [];
    });
    const fresh = whole ? now.filter((n) => !taken.has(n)).map((n): TrackedFinding => ({ ...n, id: `f${this.next++}`, uri, origin: { kind: 'file' }, from: placeAt(n.start), to: placeAt(n.end) })) : [];
    this.set(uri, [...kept, ...fresh]);
  }

  remove(id: string): void {
    const finding = this.byId(id);
    if (finding) this.set(finding.uri, this.of(finding.uri).filter((f) => f.id !== id));
  }

  /** Puts findings back that were removed, where they were. */
  restore(findings: readonly TrackedFinding[]): void {
    for (const [uri, own] of Map.groupBy(findings, (f) => f.uri)) this.set(uri, [...this.of(uri).filter((f) => !own.some((back) => back.id === f.id)), ...own]);
  }

  clear(uri?: string): void {
    const uris = uri === undefined ? this.uris : [uri];
    for (const one of uris) this.byUri.delete(one);
    if (uris.length > 0) this.changes.fire(new Set(uris));
  }

  private set(uri: string, list: TrackedFinding[]): void {
    const changed = new Set<string>();
    this.store(uri, list, changed);
    if (changed.size > 0) this.changes.fire(changed);
  }

  private store(uri: string, list: readonly TrackedFinding[], changed: Set<string>): void {
    if (!this.byUri.has(uri) && list.length === 0) return;
    if (list.length === 0) this.byUri.delete(uri);
    else this.byUri.set(uri, [...list].sort((a, b) => a.start - b.start || a.end - b.end));
    changed.add(uri);
  }
}

/** Who is not asked after every edit: what it found stays until it says otherwise. */
function seldom({ kind }: Origin): boolean {
  return kind === 'import' || kind === 'codeql';
}

/** A range after changes, in the order in which the editor reports them; `undefined` when all of it was deleted. */
export function shift(range: { readonly start: number; readonly end: number }, changes: readonly Change[]): { start: number; end: number } | undefined {
  let { start, end } = range;
  const empty = start === end;
  // Changes of one event have offsets of the text before it; later ones first, so that they do not disturb each other.
  for (const { offset, length, text } of [...changes].sort((a, b) => b.offset - a.offset)) {
    const last = offset + length;
    const grown = text.length - length;
    if (last <= start && !(offset === start && length === 0 && empty)) {
      start += grown;
      end += grown;
    } else if (offset >= end) {
      continue;
    } else if (offset <= start && last >= end) {
      if (!text) return undefined;
      start = offset;
      end = offset + text.length;
    } else if (offset <= start) {
      start = offset + text.length;
      end += grown;
    } else if (last >= end) {
      end = offset + text.length;
    } else {
      end += grown;
    }
  }
  return { start, end: Math.max(start, end) };
}

function sameOrigin(a: Origin, b: Origin): boolean {
  if (a.kind === 'completion') return b.kind === 'completion' && a.sessionId === b.sessionId;
  if (a.kind === 'guard') return b.kind === 'guard' && a.checkId === b.checkId;
  return a.kind === b.kind;
}

function sameFinding(a: NewFinding, b: NewFinding): boolean {
  return a.finding.ruleFamily === b.finding.ruleFamily && a.start < Math.max(b.end, b.start + 1) && b.start < Math.max(a.end, a.start + 1);
}

/** The same weakness in the same place, whichever rule of the family says so. */
function stillThere(a: NewFinding, b: NewFinding): boolean {
  return (a.finding.ruleId === b.finding.ruleId || a.finding.ruleFamily === b.finding.ruleFamily) && a.start <= b.end && b.start <= a.end;
}
