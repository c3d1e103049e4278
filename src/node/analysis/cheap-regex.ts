/**
 * Regular expressions are compiled at every question, and Unicode's classes make that slow: `\w` alone is 700 ranges of
 * characters (measured: 250 ms for the 82 rules of one language, 75 ms without). Code is matched as well with the ASCII ones.
 */

const OUTSIDE: Readonly<Record<string, string>> = { w: '[A-Za-z0-9_]', W: '[^A-Za-z0-9_]', d: '[0-9]', D: '[^0-9]', s: '[ \\t\\r\\n\\x0b\\x0c]', S: '[^ \\t\\r\\n\\x0b\\x0c]', b: '(?-u:\\b)' };
const IN_CLASS: Readonly<Record<string, string>> = { w: 'A-Za-z0-9_', d: '0-9', s: ' \\t\\r\\n\\x0b\\x0c' };

/** The same expression with ASCII classes; as it is where that could change what it means. */
export function cheapRegex(source: string): string {
  if (/\[\[|&&|\(\?[a-zA-Z]*[xu]|[^\x00-\x7f]/.test(source)) return source;
  // Without Unicode altogether, where nothing in it could match half a character.
  if (!/\[\^|\.|\\[WSDBpPxu]/.test(source.replace(/\\[^A-Za-z]/g, ''))) return `(?-u)${source}`;
  let cheap = '';
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const c = source.charAt(i);
    if (c === '\\') {
      const escaped = source.charAt(++i);
      cheap += (inClass ? IN_CLASS : OUTSIDE)[escaped] ?? c + escaped;
      continue;
    }
    if (c === '[' && !inClass) inClass = true;
    else if (c === ']' && inClass) inClass = false;
    cheap += c;
  }
  return cheap;
}

/** A rule with all its regular expressions made cheap. */
export function withCheapRegexes<T>(matcher: T): T {
  return mapRegexes(matcher, cheapRegex) as T;
}

function mapRegexes(matcher: unknown, map: (source: string) => string): unknown {
  if (Array.isArray(matcher)) return matcher.map((item) => mapRegexes(item, map));
  if (typeof matcher !== 'object' || matcher === null) return matcher;
  return Object.fromEntries(Object.entries(matcher).map(([key, value]) => [key, key === 'regex' && typeof value === 'string' ? map(value) : mapRegexes(value, map)]));
}

/**
 * Takes the regular expressions out of a rule into utility rules, so that one that many rules share is compiled once in a
 * question. `utils` is added to.
 */
export function shareRegexes(matcher: unknown, utils: Record<string, unknown>, names: Map<string, string>): unknown {
  if (Array.isArray(matcher)) return matcher.map((item) => shareRegexes(item, utils, names));
  if (typeof matcher !== 'object' || matcher === null) return matcher;
  const entries = Object.entries(matcher).map(([key, value]) => [key, shareRegexes(value, utils, names)] as const);
  const { regex, ...rest } = Object.fromEntries(entries);
  if (typeof regex !== 'string') return Object.fromEntries(entries);
  let name = names.get(regex);
  if (name === undefined) {
    name = `regex-${names.size}`;
    names.set(regex, name);
    utils[name] = { regex };
  }
  if ('matches' in rest) return { ...rest, regex };
  // ast-grep asks "matches" last, after all that looks at other nodes; the expression is to be asked before that, as it was.
  const { pattern, kind, nthChild, range, field, stopBy, ...wider } = rest;
  const early = Object.fromEntries(Object.entries({ pattern, kind, nthChild, range, field, stopBy }).filter(([, value]) => value !== undefined));
  return Object.keys(wider).length === 0 ? { ...early, matches: name } : { ...early, all: [{ matches: name }, wider] };
}
