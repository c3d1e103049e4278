import type { SyntaxOutline } from '../syntax/outline.ts';
import type { Finding } from './finding.ts';
import { type FindingIdentity, Identities, identityKey } from './identity.ts';

const MAX_REASON = 300;

/** The user's word that a finding is no weakness here, as it stands in `.safenote/false-positives.yml`. */
export interface Mark extends FindingIdentity {
  readonly rule: string;
  readonly cwe: readonly string[];
  readonly reason: string;
  /** The last day on which it counts, `2027-03-01`; absent: for good. */
  readonly expires?: string;
  readonly created: string;
}

/** A mark that came with a clone or was changed from outside is not approved, and hides nothing until it is. */
export interface StoredMark {
  readonly mark: Mark;
  readonly approved: boolean;
}

export interface MarksSnapshot {
  readonly marks: readonly StoredMark[];
  /** What in the file could not be read. */
  readonly problems: readonly string[];
}

/** Port: the marks of one workspace. */
export interface MarkStore {
  /** All marks now. Cheap when nothing changed on disk; never throws. */
  load(): MarksSnapshot;
  /** Writes a mark, approved; in the place of an older one about the same. Throws `ExpectedError`. */
  add(mark: Mark): Promise<void>;
  remove(marks: readonly FindingIdentity[]): Promise<void>;
  approve(marks: readonly FindingIdentity[]): Promise<void>;
}

/** A finding that counts although there is a mark for it, and why the mark does not hold. */
export interface Lapsed {
  readonly finding: Finding;
  readonly mark: Mark;
  readonly why: 'expired' | 'not approved';
}

export interface MarksOptions {
  readonly store: MarkStore;
  /** A file by its path in the workspace, with forward slashes; `undefined` for one outside. */
  readonly relative: (path: string) => string | undefined;
  readonly now: () => Date;
  /** Marks that nobody approved here count too: a job that runs on a reviewed repository says so. */
  readonly trustAll?: () => boolean;
}

export interface Sorted {
  readonly kept: readonly Finding[];
  readonly marked: readonly { readonly finding: Finding; readonly mark: Mark }[];
  readonly lapsed: readonly Lapsed[];
}

/** Marks of false positives: one meaning for the editor and the command line. */
export class Marks {
  readonly store: MarkStore;
  private readonly o: MarksOptions;

  constructor(options: MarksOptions) {
    this.o = options;
    this.store = options.store;
  }

  /** Findings of a text, those apart that a mark covers. */
  sort(document: { readonly path: string; readonly text: string }, outline: SyntaxOutline, findings: readonly Finding[]): Sorted {
    const path = this.o.relative(document.path);
    const marks = path === undefined || findings.length === 0 ? [] : this.store.load().marks.filter(({ mark }) => mark.path === path);
    if (path === undefined || marks.length === 0) return { kept: findings, marked: [], lapsed: [] };
    const byKey = new Map(marks.map((stored) => [identityKey(stored.mark), stored]));
    const identities = new Identities(path, document.text, outline);
    const marked: { finding: Finding; mark: Mark }[] = [];
    const lapsed: Lapsed[] = [];
    const open = findings.filter((finding) => {
      const found = byKey.get(identityKey(identities.of(finding)));
      if (!found) return true;
      const why = this.isOver(found.mark) ? 'expired' : found.approved || this.o.trustAll?.() ? undefined : 'not approved';
      if (why) lapsed.push({ finding, mark: found.mark, why });
      else marked.push({ finding, mark: found.mark });
      return why !== undefined;
    });
    // What another rule or analyzer says of the same weakness on the same line goes with it.
    const kept = open.filter((finding) => {
      const twin = marked.find((m) => m.finding.startLine === finding.startLine && (m.finding.ruleFamily === finding.ruleFamily || m.finding.cwe.some((cwe) => finding.cwe.includes(cwe))));
      if (twin) marked.push({ finding, mark: twin.mark });
      return !twin;
    });
    return { kept, marked, lapsed };
  }

  /** What identifies a finding; `undefined` in a file that is none of the workspace. */
  identify(document: { readonly path: string; readonly text: string }, outline: SyntaxOutline, finding: Finding): FindingIdentity | undefined {
    const path = this.o.relative(document.path);
    return path === undefined ? undefined : new Identities(path, document.text, outline).of(finding);
  }

  /** A mark for a finding; `undefined` in a file that is none of the workspace. Not written yet. */
  make(document: { readonly path: string; readonly text: string }, outline: SyntaxOutline, finding: Finding, o: { reason: string; expires?: string }): Mark | undefined {
    const identity = this.identify(document, outline, finding);
    return identity && { ...identity, rule: finding.ruleId, cwe: finding.cwe, reason: o.reason.replace(/\s+/g, ' ').trim().slice(0, MAX_REASON), ...(o.expires ? { expires: o.expires } : {}), created: this.today() };
  }

  today(inDays = 0): string {
    return new Date(this.o.now().getTime() + inDays * 86_400_000).toISOString().slice(0, 10);
  }

  isOver(mark: Mark): boolean {
    return mark.expires !== undefined && mark.expires < this.today();
  }
}

/** A mark in a line, for lists and logs. */
export function describeMark(mark: Mark): string {
  return `${mark.cwe[0] ?? mark.family} in ${mark.path}${mark.in ? `, ${mark.in}` : ''}: ${mark.reason}`;
}
