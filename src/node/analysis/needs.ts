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

type Utils = Readonly<Record<string, unknown>>;

/** What a rule (its `rule` and `utils`) needs of a whole text. Never more than it does need: in doubt, anything will do. */
export function needOf(rule: unknown, utils: Utils = {}): Need {
  return ofMatcher(rule, { utils, around: true }, []);
}

/** What it needs of the node alone that it matches, leaving out what stands around that. */
export function needOfNode(rule: unknown, utils: Utils = {}): Need {
  return ofMatcher(rule, { utils, around: false }, []);
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

function ofMatcher(matcher: unknown, scope: { readonly utils: Utils; readonly around: boolean }, seen: readonly string[]): Need {
  if (typeof matcher !== 'object' || matcher === null) return ANYTHING;
  const needs: Need[] = [];
  for (const [key, value] of Object.entries(matcher)) {
    if (key === 'pattern') needs.push(ofPattern(value));
    else if (key === 'regex' && typeof value === 'string') needs.push(ofRegex(value));
    else if (key === 'all' && Array.isArray(value)) needs.push(all(value.map((v) => ofMatcher(v, scope, seen))));
    else if (key === 'any' && Array.isArray(value)) needs.push(any(value.map((v) => ofMatcher(v, scope, seen))));
    else if (key === 'has' || (scope.around && (key === 'inside' || key === 'precedes' || key === 'follows'))) needs.push(ofMatcher(value, scope, seen));
    else if (key === 'matches' && typeof value === 'string' && Object.hasOwn(scope.utils, value) && !seen.includes(value)) needs.push(ofMatcher(scope.utils[value], scope, [...seen, value]));
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
  try {
    return new RegexNeeds(source).read();
  } catch {
    return ANYTHING;
  }
}

/** Reads a regular expression as far as its literal parts go. Throws at what it does not know. */
class RegexNeeds {
  private readonly source: string;
  private readonly ignoreCase: boolean;
  private at = 0;

  constructor(source: string) {
    this.source = source;
    // Some flags change what characters mean, and where; only "ignore case" is known here, and taken for the whole.
    const flags = [...source.matchAll(/\(\?([a-zA-Z-]*)[:)]/g)].map((m) => m[1] ?? '').join('');
    if (/[^ims-]/.test(flags)) throw new Error('flags');
    this.ignoreCase = flags.includes('i');
  }

  read(): Need {
    const need = this.alternatives();
    if (this.at < this.source.length) throw new Error('unbalanced');
    return need;
  }

  private alternatives(): Need {
    const branches = [this.sequence()];
    while (this.source[this.at] === '|') {
      this.at++;
      branches.push(this.sequence());
    }
    return any(branches);
  }

  private sequence(): Need {
    const needs: Need[] = [];
    let run = '';
    const flush = () => {
      needs.push(ofText(run, this.ignoreCase));
      run = '';
    };
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      const atom = this.atom();
      const repeat = this.quantifier();
      if (typeof atom === 'string' && repeat === 'once') run += atom;
      else {
        if (typeof atom === 'string' && repeat === 'more') run += atom;
        flush();
        if (typeof atom !== 'string' && repeat !== 'maybe') needs.push(atom);
      }
    }
    flush();
    return all(needs);
  }

  /** A literal character, or what a group needs; classes and anchors need nothing. */
  private atom(): string | Need {
    const c = this.source[this.at++] ?? '';
    if (c === '\\') {
      const escaped = this.source[this.at++] ?? '';
      if (/[^A-Za-z0-9]/.test(escaped)) return escaped;
      if (/[pPxuU]/.test(escaped)) throw new Error('a long escape');
      return ANYTHING;
    }
    if (c === '(') {
      const head = /^\?(?:[ims-]*(?<flags>\))|[ims-]*:|P?<[A-Za-z_]\w*>)/.exec(this.source.slice(this.at));
      if (head) this.at += head[0].length;
      else if (this.source[this.at] === '?') throw new Error('an unknown group');
      if (head?.groups?.['flags']) return ANYTHING;
      const need = this.alternatives();
      if (this.source[this.at++] !== ')') throw new Error('an open group');
      return need;
    }
    if (c === '[') return this.characterClass();
    return /[.^$]/.test(c) ? ANYTHING : c;
  }

  private characterClass(): Need {
    if (this.source[this.at] === '^') this.at++;
    if (this.source[this.at] === ']') this.at++;
    for (;;) {
      const c = this.source[this.at++];
      if (c === undefined || c === '[') throw new Error('a class of classes');
      if (c === '\\') this.at++;
      if (c === ']') return ANYTHING;
    }
  }

  private quantifier(): 'once' | 'more' | 'maybe' {
    const match = /^(?:[?*+]|\{(\d*)(?:,\d*)?\})[?+]?/.exec(this.source.slice(this.at));
    if (!match) return 'once';
    this.at += match[0].length;
    return match[0].startsWith('+') || Number(match[1] ?? 0) > 0 ? 'more' : 'maybe';
  }
}
