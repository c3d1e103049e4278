import { parseDocument, stringify } from 'yaml';

/** What YAML says, or the reason why it says nothing, with the line inside the front matter where it is known. */
export type FrontMatter = { readonly values: Record<string, unknown>; readonly problem?: undefined } | { readonly problem: string; readonly line: number };

const MAX_CHARACTERS = 64 * 1024;
const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
/** Words that every YAML reader, old or new, takes for a string without quotes. */
const PLAIN = /^[A-Za-z][A-Za-z0-9_./+()-]*(?: [A-Za-z0-9_./+()-]+)*$/;
const NOT_PLAIN = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** Reads front matter: a flat YAML mapping without aliases. */
export function readFrontMatter(text: string): FrontMatter {
  if (text.length > MAX_CHARACTERS) return { problem: `the front matter is longer than ${MAX_CHARACTERS / 1024} KB`, line: 1 };
  const simple = readSimple(text);
  if (simple) return { values: simple };
  try {
    const document = parseDocument(text);
    const error = document.errors[0];
    if (error) return { problem: (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''), line: error.linePos?.[0].line ?? 1 };
    const value: unknown = document.toJS({ maxAliasCount: 0 });
    if (value === null) return { values: {} };
    if (typeof value !== 'object' || Array.isArray(value)) return { problem: 'the front matter must be a list of "key: value" lines', line: 1 };
    return { values: value as Record<string, unknown> };
  } catch (error) {
    // Too many aliases, or nesting deeper than the stack.
    return { problem: `the front matter cannot be read (${(error as Error).message.split('\n')[0]})`, line: 1 };
  }
}

/** Writes one front matter line. Text that YAML could take for something else is written as a quoted string. */
export function frontMatterLine(key: string, value: string | number | boolean): string {
  return `${key}: ${typeof value === 'string' ? scalar(value) : String(value)}`;
}

/** Writes keys that SafeNote does not know as YAML, without a line break at the end. */
export function frontMatterExtras(values: Readonly<Record<string, unknown>>): string {
  return stringify(values, { aliasDuplicateObjects: false, lineWidth: 0 }).trimEnd();
}

function scalar(value: string): string {
  if (isPlain(value)) return value;
  // A JSON string is a YAML string too, once nothing unprintable is left in it.
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function isPlain(value: string): boolean {
  return ISO_UTC.test(value) || (value.length <= 200 && PLAIN.test(value) && !NOT_PLAIN.test(value));
}

/** What SafeNote writes itself needs no YAML parser, which is most of the time a large notebook takes to load. */
function readSimple(text: string): Record<string, unknown> | undefined {
  const values: Record<string, unknown> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z]{1,40}): (?:(true|false)|(0|[1-9]\d{0,14})|(".*")|(\S.*))$/.exec(line);
    if (!match) return undefined;
    const [, key = '', flag, number, quoted, plain] = match;
    if (Object.hasOwn(values, key) || key === '__proto__') return undefined;
    if (flag) values[key] = flag === 'true';
    else if (number) values[key] = Number(number);
    else if (plain) {
      if (!isPlain(plain)) return undefined;
      values[key] = plain;
    } else {
      try {
        values[key] = JSON.parse(quoted ?? '') as unknown;
      } catch {
        return undefined;
      }
    }
  }
  // Parts of a text keep the whole of it in memory; copies of a few words do not.
  return JSON.parse(JSON.stringify(values)) as Record<string, unknown>;
}
