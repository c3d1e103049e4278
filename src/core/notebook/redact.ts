import type { NoteExtras } from './note-markdown.ts';
import type { Note } from './note.ts';

/*
 * Keeps secrets out of notes, which are shared and sent to models. Only what is certain enough is replaced: tokens
 * whose issuers gave them a recognisable form, and literals under a telling name that look random. Code with an
 * ordinary string, a placeholder or an expression in the same place stays as it is: it is what the note is about.
 */

interface Pattern {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Text that must be there before the pattern is tried at all. */
  readonly hint: RegExp;
  /** Further test of what was found. */
  readonly accept?: (match: string) => boolean;
}

const TOKENS: readonly Pattern[] = [
  { kind: 'aws access key', hint: /A[A-Z]{3}/, pattern: /\b(?:AKIA|ASIA|AROA|AIDA|ANPA|AGPA)[A-Z2-7]{16}\b/g, accept: (match) => !match.endsWith('EXAMPLE') },
  { kind: 'github token', hint: /gh[pousr]_|github_pat_/, pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b/g },
  { kind: 'gitlab token', hint: /glpat-/, pattern: /\bglpat-[A-Za-z0-9_-]{20,64}/g },
  { kind: 'api key', hint: /sk-/, pattern: /\bsk-(?:proj-|svcacct-|admin-|ant-(?:api\d\d-)?|or-v1-)?[A-Za-z0-9_-]{20,300}/g, accept: looksRandom },
  { kind: 'slack token', hint: /xox|xapp-/, pattern: /\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,250}/g, accept: hasDigit },
  { kind: 'slack webhook', hint: /hooks\.slack\.com/, pattern: /hooks\.slack\.com\/services\/T[A-Za-z0-9]{6,20}\/B[A-Za-z0-9]{6,20}\/[A-Za-z0-9]{16,40}/g },
  { kind: 'google api key', hint: /AIza/, pattern: /\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  { kind: 'google token', hint: /ya29\.|GOCSPX-/, pattern: /\b(?:ya29\.[A-Za-z0-9_-]{20,2000}|GOCSPX-[A-Za-z0-9_-]{20,60})/g },
  { kind: 'stripe key', hint: /[rsw]k_(?:live|test)_|whsec_/, pattern: /\b(?:[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}|whsec_[A-Za-z0-9]{24,64})/g },
  { kind: 'npm token', hint: /npm_/, pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { kind: 'pypi token', hint: /pypi-/, pattern: /\bpypi-AgE[A-Za-z0-9_-]{40,500}/g },
  { kind: 'hugging face token', hint: /hf_/, pattern: /\bhf_[A-Za-z0-9]{30,40}\b/g },
  { kind: 'sendgrid key', hint: /SG\./, pattern: /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/g },
  { kind: 'jwt', hint: /eyJ/, pattern: /\beyJ[A-Za-z0-9_-]{10,4000}\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,2000}/g },
];

/** Replaces every secret by `[redacted: kind]`. Text without secrets comes back unchanged; doing it twice changes nothing. */
export function redactSecrets(text: string): string {
  // What is hidden can leave its neighbour standing alone, and so to be seen: each turn hides at least one more.
  let result = hideSecrets(text);
  for (let turn = 0; turn < 20; turn++) {
    const again = hideSecrets(result);
    if (again === result) break;
    result = again;
  }
  return result;
}

function hideSecrets(text: string): string {
  let result = redactPrivateKeys(text);
  for (const { kind, pattern, hint, accept } of TOKENS) {
    if (hint.test(result)) result = result.replace(pattern, (match) => (accept && !accept(match) ? match : mark(kind)));
  }
  return redactAssigned(redactCredentialUrls(result));
}

/** The note with every text of it redacted; the same object when there was nothing to hide. */
export function redactNote(note: Note): Note {
  let hidden = false;
  const clean = (text: string): string => {
    const redacted = redactSecrets(text);
    hidden ||= redacted !== text;
    return redacted;
  };
  const texts = <T extends { readonly secureExample?: string; readonly erroneousCode: string; readonly diagnosis: string }>(of: T) => ({
    erroneousCode: clean(of.erroneousCode),
    diagnosis: clean(of.diagnosis),
    ...(of.secureExample !== undefined && { secureExample: clean(of.secureExample) }),
  });
  const redacted: Note = {
    ...note,
    ...texts(note),
    title: clean(note.title),
    ...(note.statusReason !== undefined && { statusReason: clean(note.statusReason) }),
    tasks: note.tasks.map(clean),
    guidance: clean(note.guidance),
    ...(note.merged && {
      merged: note.merged.map((m) => ({
        ...m,
        ...texts(m),
        task: clean(m.task),
        ...(m.title !== undefined && { title: clean(m.title) }),
        ...(m.guidance !== undefined && { guidance: clean(m.guidance) }),
      })),
    }),
  };
  return hidden ? redacted : note;
}

/** The same for what stands in a note's file beside the note. */
export function redactExtras(extras: NoteExtras): NoteExtras {
  const deep = (value: unknown, name?: string): unknown => {
    // A key's name tells what its value is, as in code.
    if (typeof value === 'string') return name === undefined ? redactSecrets(value) : unquoted(redactSecrets(`${name}: ${JSON.stringify(value)}`), name, value);
    if (Array.isArray(value)) return value.map((item) => deep(item));
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item, key)]));
    return value;
  };
  return { keys: deep(extras.keys) as NoteExtras['keys'], preface: redactSecrets(extras.preface), sections: extras.sections.map(({ title, body }) => ({ title: redactSecrets(title), body: redactSecrets(body) })) };
}

function unquoted(redacted: string, name: string, original: string): string {
  const text = redacted.slice(name.length + 2);
  if (text === JSON.stringify(original)) return original;
  try {
    return JSON.parse(text) as string;
  } catch {
    return redactSecrets(original);
  }
}

function mark(kind: string): string {
  return `[redacted: ${kind}]`;
}

const MAX_KEY = 20_000;
const KEY_MATERIAL = /^(?:[\s"'+,;\\]|\\n|[A-Za-z0-9+/=]{16,})*/;
const KEY_HEADER = /-----BEGIN ((?:[A-Z0-9]{1,12} ){0,3})PRIVATE KEY( BLOCK)?-----/g;

/** A PEM block, also as a string literal over several lines. The header alone, which code looks for, is no secret. */
function redactPrivateKeys(text: string): string {
  if (!text.includes('PRIVATE KEY')) return text;
  let result = '';
  let from = 0;
  for (const header of text.matchAll(KEY_HEADER)) {
    if (header.index < from) continue;
    const bodyStart = header.index + header[0].length;
    const rest = text.slice(bodyStart, bodyStart + MAX_KEY);
    const footer = `-----END ${header[1]}PRIVATE KEY${header[2] ?? ''}-----`;
    const footerAt = rest.indexOf(footer);
    // Without its end (cut off), the key goes on as long as lines of key material do.
    const body = footerAt === -1 ? (KEY_MATERIAL.exec(rest)?.[0] ?? '') : rest.slice(0, footerAt);
    if (!/[A-Za-z0-9+/=]{16}/.test(body)) continue;
    result += text.slice(from, header.index) + mark('private key');
    from = bodyStart + body.length + (footerAt === -1 ? 0 : footer.length);
  }
  return result + text.slice(from);
}

/** `scheme://user:password@host`: the password goes, the rest says what the code does. */
function redactCredentialUrls(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'`<>]{0,80}:)([^\s:/@"'`]{6,200})(?=@[A-Za-z0-9[])/gi, (match, before: string, password: string) =>
    isPlaceholder(password) || !isStrong(password) ? match : before + mark('password'),
  );
}

/** A name that says its value is secret, up to and with the `=`, `:` or `=>` and the opening quote. */
const ASSIGNED =
  /((?:\b|_)([A-Za-z0-9_.-]{0,40}?(?:passwd|password|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|auth[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?)[A-Za-z0-9_]{0,20})["'`]?\]?\s{0,4}(?::\s{0,2}[A-Za-z_][\w.<>[\]| ]{0,40})?(?:=>|:=|=|:)\s{0,4}(?:[bru]{1,2})?)(["'`])((?:(?!\3)[^\\\n]|\\.){8,500})\3/gi;
/** `Authorization: Bearer …` in a header or a command line. */
const BEARER = /(\b(?:Bearer|Basic|Token)\s{1,3})([A-Za-z0-9+/=._~-]{20,2000})/g;
/** A line of an environment file. */
const ENVIRONMENT = /^((?:export )?[A-Z][A-Z0-9_]{0,40}(?:PASSWORD|SECRET|TOKEN|KEY|PASSWD|PWD)[A-Z0-9_]{0,20}=)([^\s"'`]{12,500})$/gm;

function redactAssigned(text: string): string {
  return text
    .replace(ASSIGNED, (match, before: string, name: string, quote: string, value: string) => (isSecretValue(value) ? `${before}${quote}${mark(kindOf(name))}${quote}` : match))
    .replace(BEARER, (match, before: string, value: string) => (looksRandom(value) ? before + mark('token') : match))
    .replace(ENVIRONMENT, (match, before: string, value: string) => (isSecretValue(value) ? before + mark(kindOf(before)) : match));
}

function kindOf(name: string): string {
  const lower = name.toLowerCase();
  if (/pass|pwd/.test(lower)) return 'password';
  if (lower.includes('token')) return 'token';
  return /key/.test(lower) ? 'key' : 'secret';
}

function isSecretValue(value: string): boolean {
  return !isPlaceholder(value) && isStrong(value);
}

/** Names, words, paths, formats and made-up examples. */
function isPlaceholder(value: string): boolean {
  return (
    // Formats and interpolations, paths, URLs and sentences.
    /[{}<>$\s]|%[sdrv(]|\[redacted|^[./~]|:\/\//.test(value) ||
    // Names: CONSTANT_1, snake_case_2, kebab-case-2, dotted.name, camelCase, some/path.
    /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(value) && value.includes('_') ||
    /^[A-Za-z]+\d{0,3}(?:[_.:/-][A-Za-z]*\d{0,3})*$/.test(value) ||
    /example|placeholder|your[_-]?|change[_-]?me|dummy|redacted|xxxx|\*\*\*|\.\.\.|0{6}|1234567/i.test(value)
  );
}

/** Mixed as a generated password is, or random as a key is. */
function isStrong(value: string): boolean {
  const classes = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((one) => one.test(value)).length;
  const bits = entropy(value);
  return value.length >= 12 ? classes >= 2 && hasDigit(value) && bits >= 3 : classes >= 3 && bits >= 2.8;
}

function looksRandom(value: string): boolean {
  return value.length >= 20 && hasDigit(value) && /[A-Za-z]/.test(value) && entropy(value) >= 3.5 && !isPlaceholder(value);
}

function hasDigit(value: string): boolean {
  return /\d/.test(value);
}

/** Shannon entropy in bits per character. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
