/** Words of code and of text, for lexical ranking. */

const STOP = new Set(
  ('a an and are as at be but by can do for from has have how if in into is it its may no not of on or should so that the their them then there these this to use used uses using was we what when where which while who will with would you your ' +
    'function functions method write create implement code given return returns takes take value values python javascript typescript java').split(' '),
);

/** Keywords that every piece of code has; they tell nothing. */
const KEYWORDS = new Set(
  ('def return self if else elif for while in not and or is none true false import from as try except finally with class pass raise lambda const let var function async await new this null undefined typeof export default ' +
    'int char void static struct size_t unsigned long public private protected final string err nil func package go type interface throws throw catch do switch case break continue').split(' '),
);

/** Parts of an identifier: `readUserFile` and `read_user_file` give read, user, file. */
function parts(identifier: string): string[] {
  return identifier
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1);
}

/** Light stemming, enough to bring `queries`, `query` and `querying` together. */
function stem(word: string): string {
  if (word.length > 5 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (word.length > 6 && word.endsWith('ing')) return word.slice(0, -3);
  if (word.length > 5 && word.endsWith('ed')) return word.slice(0, -2);
  if (word.length > 4 && word.endsWith('s') && !word.endsWith('ss')) return word.slice(0, -1);
  return word;
}

/** Tokens of a task in words. Identifiers in it count whole and in parts. */
export function textTokens(text: string): string[] {
  const tokens: string[] = [];
  for (const word of text.match(/[A-Za-z][A-Za-z0-9_]*/g) ?? []) {
    for (const part of parts(word)) if (!STOP.has(part)) tokens.push(stem(part));
    if (/[_A-Z]/.test(word.slice(1))) tokens.push(word.toLowerCase());
  }
  return tokens;
}

/** Tokens of code: identifiers whole and in parts, dotted calls by their last two names, words of strings. */
export function codeTokens(code: string): string[] {
  const tokens: string[] = [];
  for (const match of code.matchAll(/[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)*/g)) {
    const names = match[0].split(/\.|->|::/);
    for (const name of names) {
      const lower = name.toLowerCase();
      if (KEYWORDS.has(lower) || lower.length < 2) continue;
      tokens.push(lower);
      const split = parts(name);
      if (split.length > 1) for (const part of split) if (!KEYWORDS.has(part)) tokens.push(part);
    }
    if (names.length > 1) tokens.push(names.slice(-2).join('.').toLowerCase());
  }
  return tokens;
}

/** Tokens of API names: whole, and by their last name, which is what differs least between code bases. */
export function apiTokens(apis: readonly string[]): string[] {
  return apis.flatMap((api) => {
    const names = api.toLowerCase().split(/\.|->|::|\//).filter(Boolean);
    const last = names.at(-1) ?? '';
    const whole = names.join('.');
    return names.length > 1 ? [whole, names.slice(-2).join('.'), last] : [last];
  });
}
