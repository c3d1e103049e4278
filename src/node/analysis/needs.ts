/**
 * What a text must contain for a rule to match at all, read from the rule itself. ast-grep compiles a rule with all its
 * regular expressions at every question, which costs more than looking for the words in it: most rules name an API that most
 * texts do not mention.
 */
export type Need =
  | { readonly kind: 'anything' }
  | { readonly kind: 'text'; readonly text: string; readonly ignoreCase: boolean }
  | { readonly kind: 'all'; readonly needs: readonly Need[] }
  | { readonly kind: 'any'; readonly needs: readonly Need[] };

const ANYTHING: Need = { kind: 'anything' };
/** Shorter texts are in every file. */
const MIN_LENGTH = 2;

export type Utils = Readonly<Record<string, unknown>>;

/** What a rule (its `rule` and `utils`) needs of a whole text. Never more than it does need: in doubt, anything will do. */
export function needOf(rule: unknown, utils: Utils = {}): Need {
  return ofMatcher(rule, utils, []);
}

/** Answers for one text; texts that were looked for are remembered. */
export class TextNeeds {
  private readonly text: string;
  private lower: string | undefined;
  private readonly known = new Map<string, boolean>();

  constructor(text: string) {
    this.text = text;
  }

  meets(need: Need): boolean {
    if (need.kind === 'anything') return true;
    if (need.kind === 'all') return need.needs.every((n) => this.meets(n));
    if (need.kind === 'any') return need.needs.some((n) => this.meets(n));
    const key = (need.ignoreCase ? 'i' : 'c') + need.text;
    let found = this.known.get(key);
    if (found === undefined) {
      found = need.ignoreCase ? (this.lower ??= this.text.toLowerCase()).includes(need.text.toLowerCase()) : this.text.includes(need.text);
      this.known.set(key, found);
    }
    return found;
  }
}

function ofMatcher(matcher: unknown, utils: Utils, seen: readonly string[]): Need {
  if (typeof matcher !== 'object' || matcher === null) return ANYTHING;
  const needs: Need[] = [];
  for (const [key, value] of Object.entries(matcher)) {
    if (key === 'pattern') needs.push(ofPattern(value));
    else if (key === 'regex' && typeof value === 'string') needs.push(ofRegex(value));
    else if (key === 'all' && Array.isArray(value)) needs.push(all(value.map((v) => ofMatcher(v, utils, seen))));
    else if (key === 'any' && Array.isArray(value)) needs.push(any(value.map((v) => ofMatcher(v, utils, seen))));
    else if (key === 'has' || key === 'inside' || key === 'precedes' || key === 'follows') needs.push(ofMatcher(value, utils, seen));
    else if (key === 'matches' && typeof value === 'string' && Object.hasOwn(utils, value) && !seen.includes(value)) needs.push(ofMatcher(utils[value], utils, [...seen, value]));
  }
  return all(needs);
}

/** Every word of a pattern stands in what it matches; metavariables stand for anything. */
function ofPattern(pattern: unknown): Need {
  if (typeof pattern !== 'string') return ANYTHING;
  const words = pattern.replace(/\$+[A-Z_0-9]*/g, ' ').match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? [];
  return all(words.map((text) => ofText(text, false)));
}

function ofText(text: string, ignoreCase: boolean): Need {
  return text.length < MIN_LENGTH ? ANYTHING : { kind: 'text', text, ignoreCase };
}

function all(needs: readonly Need[]): Need {
  const real = needs.filter((n) => n.kind !== 'anything');
  return real.length === 0 ? ANYTHING : real.length === 1 ? (real[0] ?? ANYTHING) : { kind: 'all', needs: real };
}

function any(needs: readonly Need[]): Need {
  if (needs.length === 0 || needs.some((n) => n.kind === 'anything')) return ANYTHING;
  return needs.length === 1 ? (needs[0] ?? ANYTHING) : { kind: 'any', needs };
}

/** What a text must contain for a regular expression (Rust's syntax) to match in it. */
export function ofRegex(source: string): Need {
  return parsed(source)?.need ?? ANYTHING;
}

/** A regular expression without the alternatives that cannot match in a text: for this text it means the same. */
export function regexFor(source: string, text: TextNeeds): string {
  const piece = parsed(source);
  return piece && text.meets(piece.need) ? piece.for(text) : source;
}

/** A piece of a regular expression: what it needs, and how it is written for one text. */
interface Piece {
  readonly need: Need;
  for(text: TextNeeds): string;
}

const pieces = new Map<string, Piece | undefined>();

/** The pieces of an expression; none where it has something that is not known here. Rules are few, so all are remembered. */
function parsed(source: string): Piece | undefined {
  if (!pieces.has(source)) {
    try {
      pieces.set(source, new RegexReader(source).read());
    } catch {
      pieces.set(source, undefined);
    }
  }
  return pieces.get(source);
}

/** Reads a regular expression as far as its literal parts and alternatives go. Throws at what it does not know. */
class RegexReader {
  private readonly source: string;
  private readonly ignoreCase: boolean;
  private at = 0;

  constructor(source: string) {
    this.source = source;
    // "Ignore case" is taken for the whole; a flag that changes how the expression is read (x, U) is not known here.
    const flags = [...source.matchAll(/\(\?([a-zA-Z-]*)[:)]/g)].map((m) => m[1] ?? '').join('');
    if (/[^imsu-]/.test(flags)) throw new Error('flags');
    this.ignoreCase = flags.includes('i');
  }

  read(): Piece {
    const piece = this.alternatives();
    if (this.at < this.source.length) throw new Error('unbalanced');
    return piece;
  }

  private alternatives(): Piece {
    const branches = [this.sequence()];
    while (this.source[this.at] === '|') {
      this.at++;
      branches.push(this.sequence());
    }
    // A flag that is set in one branch holds for those behind it: then none may go.
    const fixed = branches.slice(1).some((branch) => branch.setsFlags) || branches[0]?.setsFlags === 'late';
    const first = branches[0]?.setsFlags === 'early' ? branches[0] : undefined;
    return {
      need: any(branches.map((b) => b.need)),
      for: (text) => {
        if (fixed) return branches.map((b) => b.for(text)).join('|');
        const left = branches.filter((b) => b !== first && text.meets(b.need)).map((b) => b.for(text));
        // The first branch may begin with flags for all; it stays, whatever it needs.
        return [...(first ? [first.for(text)] : []), ...left].join('|');
      },
    };
  }

  private sequence(): Piece & { readonly setsFlags: 'early' | 'late' | undefined } {
    const needs: Need[] = [];
    const parts: ((text: TextNeeds) => string)[] = [];
    let setsFlags: 'early' | 'late' | undefined;
    let run = '';
    const flush = () => {
      needs.push(ofText(run, this.ignoreCase));
      run = '';
    };
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      const start = this.at;
      const atom = this.atom();
      const end = this.at;
      if (atom === 'flags') {
        setsFlags = setsFlags ?? (parts.length === 0 ? 'early' : 'late');
        const written = this.source.slice(start, end);
        parts.push(() => written);
        continue;
      }
      const repeat = this.quantifier();
      const written = this.source.slice(start, this.at);
      const quantifier = this.source.slice(end, this.at);
      if (typeof atom === 'object') {
        flush();
        const { piece, open } = atom;
        if (repeat !== 'maybe') needs.push(piece.need);
        // A group that may be missing and cannot match is missing.
        parts.push((text) => (text.meets(piece.need) ? `${open}${piece.for(text)})${quantifier}` : repeat === 'maybe' ? '' : written));
        continue;
      }
      if (atom !== 'class' && repeat !== 'maybe') run += atom.slice(1);
      if (atom === 'class' || repeat !== 'once') flush();
      parts.push(() => written);
    }
    flush();
    return { need: all(needs), setsFlags, for: (text) => parts.map((part) => part(text)).join('') };
  }

  /** `=c` for a literal character c, `class` for anything that needs no text, `flags`, or a group. */
  private atom(): `=${string}` | 'class' | 'flags' | { readonly piece: Piece; readonly open: string } {
    const start = this.at;
    const c = this.source[this.at++] ?? '';
    if (c === '\\') {
      const escaped = this.source[this.at++] ?? '';
      if (/[^A-Za-z0-9]/.test(escaped)) return `=${escaped}`;
      if (/[pPxuU]/.test(escaped)) this.longEscape();
      return 'class';
    }
    if (c === '(') {
      const head = /^\?(?:[imsu-]*(?<flags>\))|[imsu-]*:|P?<[A-Za-z_]\w*>)/.exec(this.source.slice(this.at));
      if (head) this.at += head[0].length;
      else if (this.source[this.at] === '?') throw new Error('an unknown group');
      if (head?.groups?.['flags']) return 'flags';
      const open = this.source.slice(start, this.at);
      const piece = this.alternatives();
      if (this.source[this.at++] !== ')') throw new Error('an open group');
      return { piece, open };
    }
    if (c === '[') {
      this.characterClass();
      return 'class';
    }
    return /[.^$]/.test(c) ? 'class' : `=${c}`;
  }

  private longEscape(): void {
    const rest = /^(?:\{[^}]*\}|[0-9A-Fa-f]{2,8}|[A-Z])/.exec(this.source.slice(this.at));
    if (!rest) throw new Error('a long escape');
    this.at += rest[0].startsWith('{') ? rest[0].length : Math.min(rest[0].length, this.source[this.at - 1] === 'x' ? 2 : rest[0].length);
  }

  private characterClass(): void {
    if (this.source[this.at] === '^') this.at++;
    if (this.source[this.at] === ']') this.at++;
    for (;;) {
      const c = this.source[this.at++];
      if (c === undefined || c === '[') throw new Error('a class of classes');
      if (c === '\\') this.at++;
      if (c === ']') return;
    }
  }

  private quantifier(): 'once' | 'more' | 'maybe' {
    const match = /^(?:[?*+]|\{(\d*)(?:,\d*)?\})[?+]?/.exec(this.source.slice(this.at));
    if (!match) return 'once';
    this.at += match[0].length;
    return match[0].startsWith('+') || Number(match[1] ?? 0) > 0 ? 'more' : 'maybe';
  }
}
