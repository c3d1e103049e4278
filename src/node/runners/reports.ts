import * as z from 'zod';
import type { TestCase } from '../../core/verification/test-runner.ts';

/** How a run ended, for runners whose exit code says what no report does. */
export interface Ended {
  readonly code: number | null;
  /** What it wrote, both streams. */
  readonly output: string;
}

/** Reads a runner's report. Throws when it is not one: an unreadable report is never "no failures". */
export type ReportReader = (text: string, root: string, ended?: Ended) => TestCase[];

/** Thrown by a reader where the tests were not run at all; the message says why. */
export class NotRun extends Error {}

const TELLING = [/\b[Ee]rror\b.*:|Error:|Exception:|\bassert/, /\bFAIL(?:ED)?\b|\bfailed\b/];

/** A command without a report as one test: it passes when the command does, and fails with the end of what it wrote. */
export function exitCase(name: string, ended: Ended | undefined): TestCase {
  if (ended?.code === 0) return { id: name, name, status: 'passed' };
  const lines = (ended?.output ?? '').trim().split('\n').filter((line) => line.trim());
  const telling = TELLING.map((sign) => lines.find((line) => sign.test(line))).find((line) => line) ?? lines.at(-1);
  return { id: name, name, status: 'failed', message: telling?.trim() || `exit code ${ended?.code ?? 'none'}`, details: lines.slice(-60).join('\n') };
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (all, hex: string | undefined, dec: string | undefined, name: string | undefined) => {
    if (name !== undefined) return Object.hasOwn(ENTITIES, name) ? (ENTITIES[name] ?? all) : all;
    const code = hex === undefined ? Number(dec) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}

function attributes(text: string): Map<string, string> {
  return new Map([...text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map((m) => [m[1] ?? '', decode(m[2] ?? m[3] ?? '')]));
}

/** JUnit XML as pytest, node:test, Maven and others write it. */
export const readJunit: ReportReader = (text, root) => junitCases(text, root, (_suite, name) => name);

/** ctest's JUnit XML, and behind it the reports of the GoogleTest programs that it ran. */
export const readCtest: ReportReader = (text, root) => {
  const at = text.search(/<testsuites\b/);
  const own = readJunit(at < 0 ? text : text.slice(0, at), root);
  const inside = at < 0 ? [] : readGtest(text.slice(at), root);
  const named = new Set(inside.map((c) => c.name));
  // ctest's account of a program or test that has told about itself is the same again, in fewer words.
  const told = (c: TestCase) => named.has(c.name) || (c.status === 'failed' && inside.some((i) => i.status === 'failed' && (c.details ?? '').includes(i.name)));
  return [...inside, ...own.filter((c) => !told(c))];
};

/** Reports of any number of GoogleTest programs; none is fine. */
export const readGtest: ReportReader = (text, root) => (text.trim() ? junitCases(text, root, (suite, name) => (suite ? `${suite}.${name}` : name)) : []);

function junitCases(text: string, root: string, nameOf: (suite: string, name: string) => string): TestCase[] {
  if (!/<testsuites?\b/.test(text) || !/<\/testsuites?>|<testsuites?\b[^>]*\/>/.test(text)) throw new Error('the report is not complete');
  const cases: TestCase[] = [];
  let current: { name: string; suite: string; file: string; status: TestCase['status']; message?: string; details?: string } | undefined;
  let inside: string | undefined;
  let body = '';
  const close = () => {
    if (!current) return;
    const { name, suite, file, status, message, details } = current;
    cases.push({ id: unique(cases, [file || suite, name].filter(Boolean).join(' > ')), name, ...(file ? { file: absolute(root, file) } : {}), status, ...(message ? { message } : {}), ...(details ? { details } : {}) });
    current = undefined;
  };
  for (const [token, cdata] of text.matchAll(/<!\[CDATA\[([\s\S]*?)\]\]>|<!--[\s\S]*?-->|<(?:[^<>"']|"[^"]*"|'[^']*')*>|[^<]+/g)) {
    if (cdata !== undefined) {
      if (inside) body += cdata;
      continue;
    }
    const tag = /^<(\/?)([\w:.-]+)([\s\S]*?)(\/?)>$/.exec(token);
    if (!tag) {
      if (inside && !token.startsWith('<')) body += decode(token);
      continue;
    }
    const [, end, name = '', rest = '', empty] = tag;
    if (name === 'testcase') {
      if (end) close();
      else {
        const a = attributes(rest);
        const suite = a.get('classname') ?? '';
        current = { name: nameOf(suite, a.get('name') ?? ''), suite, file: a.get('file') ?? '', status: /^(?:notrun|disabled)$/.test(a.get('status') ?? '') ? 'skipped' : 'passed' };
        if (empty) close();
      }
    } else if (current && name === 'system-out') {
      // ctest says there, and only there, what a failed test wrote.
      if (!end) {
        inside = empty ? undefined : name;
        body = '';
      } else if (inside === name) {
        if (current.status === 'failed' && !current.details) {
          current.details = body.trim();
          if (!current.message || current.message === 'Failed') current.message = exitCase('', { code: 1, output: body }).message ?? 'it failed';
        }
        inside = undefined;
      }
    } else if (current && (name === 'failure' || name === 'error' || name === 'skipped')) {
      if (!end) {
        const message = attributes(rest).get('message');
        if (name === 'skipped') current.status = current.status === 'failed' ? 'failed' : 'skipped';
        else {
          current.status = 'failed';
          if (message) current.message = message;
        }
        inside = empty ? undefined : name;
        body = '';
      } else if (inside === name) {
        if (name !== 'skipped') current.details = [current.details, body.trim()].filter(Boolean).join('\n');
        inside = undefined;
      }
    }
  }
  return cases;
}

/** Two tests of one name in one file are told apart by their number. */
function unique(cases: readonly TestCase[], id: string): string {
  const same = cases.filter((c) => c.id === id || c.id.startsWith(`${id} #`)).length;
  return same === 0 ? id : `${id} #${same + 1}`;
}

function absolute(root: string, file: string): string {
  return file.startsWith('/') ? file : `${root}/${file}`;
}

const Unittest = z.array(z.object({ id: z.string(), name: z.string(), status: z.enum(['passed', 'failed', 'skipped']), message: z.string().optional(), details: z.string().optional() }));

/** What SafeNote's own small unittest runner writes. */
export const readUnittest: ReportReader = (text) =>
  Unittest.parse(JSON.parse(text)).map(({ id, name, status, message, details }) => ({ id, name, status, ...(message ? { message } : {}), ...(details ? { details } : {}) }));

const Mocha = z.object({
  stats: z.object({ tests: z.number() }),
  tests: z.array(z.object({ fullTitle: z.string(), file: z.string().nullish(), err: z.object({ message: z.string().optional(), stack: z.string().optional() }).passthrough() })),
  pending: z.array(z.object({ fullTitle: z.string(), file: z.string().nullish() })),
  failures: z.array(z.object({ fullTitle: z.string(), file: z.string().nullish(), err: z.object({ message: z.string().optional(), stack: z.string().optional() }).passthrough() })),
});

/** mocha's JSON reporter. A failed hook is among the failures only. */
export const readMocha: ReportReader = (text) => {
  const report = Mocha.parse(JSON.parse(text));
  const cases: TestCase[] = [];
  const add = (test: { fullTitle: string; file?: string | null | undefined; err?: { message?: string | undefined; stack?: string | undefined } }, status: TestCase['status']) => {
    const { message, stack } = test.err ?? {};
    cases.push({ id: unique(cases, [test.file, test.fullTitle].filter(Boolean).join(' > ')), name: test.fullTitle, ...(test.file ? { file: test.file } : {}), status, ...(message ? { message } : {}), ...(stack ? { details: stack } : {}) });
  };
  const skipped = new Set(report.pending.map((t) => t.fullTitle));
  const failed = new Set(report.failures.map((t) => t.fullTitle));
  for (const test of report.failures) add(test, 'failed');
  for (const test of report.tests) if (!failed.has(test.fullTitle)) add(test, skipped.has(test.fullTitle) ? 'skipped' : 'passed');
  return cases;
};

const Jest = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string().optional(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() })),
    }),
  ),
});

/** The JSON of jest, which vitest writes too. A file that cannot be loaded is a failed test of its name. */
export const readJest: ReportReader = (text) => {
  const cases: TestCase[] = [];
  for (const file of Jest.parse(JSON.parse(text)).testResults) {
    if (file.assertionResults.length === 0 && file.status === 'failed') {
      cases.push({ id: file.name, name: file.name.split('/').at(-1) ?? file.name, file: file.name, status: 'failed', message: firstLine(file.message), details: file.message ?? '' });
    }
    for (const test of file.assertionResults) {
      const details = (test.failureMessages ?? []).join('\n');
      const status = test.status === 'passed' ? 'passed' : test.status === 'failed' ? 'failed' : 'skipped';
      cases.push({ id: unique(cases, `${file.name} > ${test.fullName}`), name: test.fullName, file: file.name, status, ...(details ? { message: firstLine(details), details } : {}) });
    }
  }
  return cases;
};

const GoEvent = z.object({ Action: z.string(), Package: z.string().optional(), ImportPath: z.string().optional(), Test: z.string().optional(), Output: z.string().optional() });

/** `go test -json`: one event a line. A package that does not build is a failed test of its name. */
export const readGo: ReportReader = (text) => {
  const output = new Map<string, string>();
  const built = new Map<string, string>();
  const cases: TestCase[] = [];
  const failedPackages = new Set<string>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = GoEvent.parse(JSON.parse(line));
    const id = `${event.Package ?? ''} > ${event.Test ?? ''}`;
    if (event.Action === 'build-output') built.set('', (built.get('') ?? '') + (event.Output ?? ''));
    else if (event.Action === 'output') output.set(id, (output.get(id) ?? '') + (event.Output ?? ''));
    else if (event.Test && (event.Action === 'pass' || event.Action === 'fail' || event.Action === 'skip')) {
      const details = (output.get(id) ?? '').split('\n').filter((l) => l.trim() && !/^\s*(?:=== |--- )/.test(l)).join('\n');
      const status = event.Action === 'pass' ? 'passed' : event.Action === 'fail' ? 'failed' : 'skipped';
      cases.push({ id, name: event.Test, status, ...(status === 'failed' ? { message: firstLine(details), details } : {}) });
    } else if (!event.Test && event.Action === 'fail') failedPackages.add(event.Package ?? '');
  }
  for (const name of failedPackages) {
    if (cases.some((c) => c.status === 'failed' && c.id.startsWith(`${name} > `))) continue;
    const details = [built.get(''), output.get(`${name} > `)].filter(Boolean).join('\n');
    const lines = details.split('\n').filter((l) => l.trim() && !l.startsWith('#') && !/^FAIL\b/.test(l));
    cases.push({ id: `${name} > `, name, status: 'failed', message: lines[0] ?? 'the package failed', details: lines.join('\n') });
  }
  if (cases.length === 0 && !text.includes('"Action"')) throw new Error('go test wrote no events');
  return cases;
};

function firstLine(text: string | undefined): string {
  return (text ?? '').trim().split('\n')[0]?.trim() ?? '';
}
