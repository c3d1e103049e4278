/**
 * What do the analyzers find, and where do they cry wolf? Pairs of vulnerable and secure code whose CWE is known, from
 * ../shared/data (SafeCoder and CWEval): recall is the share of vulnerable sides with a finding of the same family of CWEs,
 * alarms the share of secure sides with one, pairs the share with the first and without the second. Beside SafeNote's
 * analyzers stand ruff S, bandit and cppcheck, where they are on PATH or in .venv. Fragments lack imports and types, which
 * lowers every tool, and the rules were written by people who could read these sets: the numbers compare versions, they do not
 * say what is found in code that nobody has seen.
 *
 * `--limit N`: the first N pairs of each set and language. `--semgrep`: with Semgrep, one text after the other.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { cwesIn, normalizeCwe } from '../src/core/cwe.ts';
import { canonicalLanguage, extensionFor } from '../src/core/language.ts';
import type { Analyzer } from '../src/core/verification/finding.ts';
import { AnalysisWorker } from '../src/node/analysis/client.ts';
import { BuiltinAnalyzer } from '../src/node/analyzers/builtin.ts';
import { SemgrepAnalyzer } from '../src/node/analyzers/semgrep/semgrep-analyzer.ts';
import { run } from '../src/node/process/run.ts';

const { values: options } = parseArgs({ options: { limit: { type: 'string' }, semgrep: { type: 'boolean', default: false } } });
const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : Number(options.limit);
const root = path.resolve(import.meta.dirname, '..');
const data = path.join(root, '../shared/data');
const never = new AbortController().signal;

interface Pair {
  readonly set: string;
  readonly language: string;
  readonly cwe: string;
  readonly vulnerable: string;
  readonly secure: string;
}

/** CWEs that tools name for one another. */
const FAMILIES = [['119', '120', '121', '122', '125', '190', '476', '787'], ['22', '23', '36', '73'], ['77', '78', '88'], ['79', '80', '116'], ['94', '95', '96'], ['326', '327', '328', '916', '759', '760'], ['330', '335', '337', '338'], ['400', '1333', '730'], ['502', '915'], ['20', '1286']].map((f) => new Set(f.map((n) => `CWE-${n}`)));
const related = (a: string, b: string) => a === b || FAMILIES.some((f) => f.has(a) && f.has(b));

const Row = z.object({ language: z.string(), cwe: z.string(), vulnerable: z.string().nullish(), secure: z.string().nullish(), reference_insecure: z.string().nullish(), reference_secure: z.string().nullish() });

function pairsOf(set: string, file: string): Pair[] {
  const place = path.join(data, set, file);
  if (!existsSync(place)) {
    console.log(`${set}: skipped, ${path.relative(root, place)} is not there`);
    return [];
  }
  const seen = new Map<string, number>();
  return readFileSync(place, 'utf8').trim().split('\n').map((line) => Row.parse(JSON.parse(line))).flatMap((row): Pair[] => {
    const vulnerable = row.vulnerable ?? row.reference_insecure;
    const secure = row.secure ?? row.reference_secure;
    const cwe = normalizeCwe(row.cwe);
    const language = canonicalLanguage(row.language);
    const count = (seen.get(language) ?? 0) + 1;
    if (!vulnerable || !secure || !cwe || count > limit) return [];
    seen.set(language, count);
    return [{ set, language, cwe, vulnerable: dedented(vulnerable), secure: dedented(secure) }];
  });
}

/** A method that was cut out of its class, moved to the left margin: Python's tools cannot read it otherwise. */
function dedented(code: string): string {
  const lines = code.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0] ?? '');
  const shortest = indents.reduce((a, b) => (b.length < a.length ? b : a), indents[0] ?? '');
  return indents.every((i) => i.startsWith(shortest)) ? lines.map((line) => (line.startsWith(shortest) ? line.slice(shortest.length) : line)).join('\n') : code;
}

/** Asks one tool for the CWE ids in each of some texts of one language; `undefined` where it could not judge the text. */
type Ask = (texts: readonly string[], language: string) => Promise<(readonly string[] | undefined)[]>;
interface Tool {
  readonly name: string;
  readonly languages?: readonly string[];
  readonly ask: Ask;
}

function ours(analyzer: Analyzer): Tool {
  return {
    name: analyzer.name,
    ask: async (texts, language) => {
      const answers: (readonly string[] | undefined)[] = [];
      for (const [n, text] of texts.entries()) {
        const report = await analyzer.analyze({ path: path.join(tmpdir(), `pair${n}.${extensionFor(language)}`), language, text }, never);
        // A finding counts also where the tool could not read all of the text.
        answers.push(report.status === 'ran' || report.findings.length > 0 ? report.findings.flatMap((f) => f.cwe) : undefined);
      }
      return answers;
    },
  };
}

/**
 * A tool that is started once for a folder of files `0.py`, `1.py`, …; `read` gives file and CWE ids of each finding, and
 * `undefined` for a file that the tool could not read.
 */
async function foreign(name: string, languages: readonly string[], args: readonly string[], read: (output: { stdout: string; stderr: string }) => { file: string; cwes: readonly string[] | undefined }[]): Promise<Tool | undefined> {
  const command = [path.join(root, '.venv/bin'), ...(process.env['PATH'] ?? '').split(path.delimiter)].map((folder) => path.join(folder, name)).find((place) => existsSync(place));
  if (!command) {
    console.log(`${name}: skipped, it is not installed`);
    return undefined;
  }
  return {
    name,
    languages,
    ask: async (texts, language) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'safenote-detection-'));
      try {
        for (const [n, text] of texts.entries()) writeFileSync(path.join(folder, `${n}.${extensionFor(language)}`), text);
        const answers: string[][] = texts.map(() => []);
        const unread = new Set<number>();
        for (const { file, cwes } of read(await run(command, [...args, folder], { maxOutputBytes: 200_000_000 }))) {
          const n = Number.parseInt(path.basename(file), 10);
          if (cwes) answers[n]?.push(...cwes);
          else unread.add(n);
        }
        return answers.map((found, n) => (unread.has(n) && found.length === 0 ? undefined : found));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** ruff names no CWE: its S rules are bandit's, whose CWE ids these are. */
const RUFF: Readonly<Record<string, string>> = { S102: '78', S103: '732', S104: '605', S105: '259', S106: '259', S107: '259', S108: '377', S113: '400', S301: '502', S302: '502', S303: '327', S304: '327', S305: '327', S306: '377', S307: '78', S308: '79', S310: '22', S311: '330', S312: '319', S313: '20', S314: '20', S315: '20', S316: '20', S317: '20', S318: '20', S319: '20', S320: '20', S321: '319', S323: '295', S324: '327', S501: '295', S502: '327', S503: '327', S504: '327', S505: '326', S506: '20', S507: '295', S508: '319', S509: '319', S601: '78', S602: '78', S603: '78', S604: '78', S605: '78', S606: '78', S607: '78', S608: '89', S609: '78', S610: '89', S611: '89', S612: '94', S701: '94', S702: '79', S202: '22', S201: '94' };

const worker = new AnalysisWorker({ assetsRoot: path.join(root, 'dist') });
const semgrep = options.semgrep ? new SemgrepAnalyzer({ assetsRoot: path.join(root, 'dist'), workspaceFolder: root, setting: () => process.env['SAFENOTE_SEMGREP'] ?? '', trusted: () => true, managedFolder: '', env: process.env, warm: true }) : undefined;
try {
  const pairs = [...pairsOf('safecoder', 'pairs.jsonl'), ...pairsOf('cweval', 'tasks.jsonl')];
  const tools = [
    ours(new BuiltinAnalyzer({ worker, assetsRoot: path.join(root, 'dist') })),
    semgrep && ours(semgrep),
    await foreign('ruff', ['python'], ['check', '--isolated', '--select', 'S', '--output-format', 'json', '--exit-zero'], ({ stdout }) => (JSON.parse(stdout) as { code: string | null; filename: string }[]).map((r) => ({ file: r.filename, cwes: !r.code || !r.code.startsWith('S') ? undefined : RUFF[r.code] ? [`CWE-${RUFF[r.code]}`] : [] }))),
    await foreign('bandit', ['python'], ['-q', '-f', 'json', '--exit-zero', '-r'], ({ stdout }) => {
      const { results, errors } = JSON.parse(stdout) as { results: { filename: string; issue_cwe?: { id?: number } }[]; errors: { filename: string }[] };
      return [...results.map((r) => ({ file: r.filename, cwes: r.issue_cwe?.id ? [`CWE-${r.issue_cwe.id}`] : [] })), ...errors.map((e) => ({ file: e.filename, cwes: undefined }))];
    }),
    await foreign('cppcheck', ['c', 'cpp'], ['--quiet', '--enable=warning,portability', '--template={file}\t{cwe}'], ({ stderr }) => stderr.split('\n').filter((l) => l.includes('\t')).map((l) => ({ file: l.split('\t')[0] ?? '', cwes: cwesIn([`CWE-${l.split('\t')[1]}`]) }))),
  ].filter((tool) => tool !== undefined);

  for (const set of new Set(pairs.map((p) => p.set))) {
    for (const language of new Set(pairs.filter((p) => p.set === set).map((p) => p.language))) {
      const group = pairs.filter((p) => p.set === set && p.language === language);
      const byCwe = new Map<string, string[]>();
      for (const tool of tools.filter((t) => !t.languages || t.languages.includes(language))) {
        const bad = await tool.ask(group.map((p) => p.vulnerable), language);
        const good = await tool.ask(group.map((p) => p.secure), language);
        const judged = group.map((p, n) => ({ cwe: p.cwe, hit: bad[n]?.some((c) => related(c, p.cwe)) ?? false, alarm: good[n]?.some((c) => related(c, p.cwe)) ?? false }));
        const unread = [...bad, ...good].filter((a) => a === undefined).length;
        console.log(`${set} ${language} (${group.length}) ${tool.name}: ${summary(judged)}${unread > 0 ? `, ${unread} of ${2 * group.length} texts not judged` : ''}`);
        for (const cwe of new Set(judged.map((j) => j.cwe))) {
          const own = judged.filter((j) => j.cwe === cwe);
          if (own.length > 0) byCwe.set(cwe, [...(byCwe.get(cwe) ?? []), `${tool.name} ${own.filter((j) => j.hit).length}/${own.filter((j) => j.alarm).length}`]);
        }
      }
      for (const [cwe, said] of [...byCwe].sort(([a], [b]) => Number(a.slice(4)) - Number(b.slice(4)))) console.log(`  ${cwe} (${group.filter((p) => p.cwe === cwe).length}) found/alarms: ${said.join(', ')}`);
    }
  }
} finally {
  await Promise.all([semgrep?.dispose(), worker.dispose()]);
}

function summary(judged: readonly { hit: boolean; alarm: boolean }[]): string {
  const share = (n: number) => `${n} (${Math.round((100 * n) / judged.length)} %)`;
  return `recall ${share(judged.filter((j) => j.hit).length)}, alarms ${share(judged.filter((j) => j.alarm).length)}, pairs ${share(judged.filter((j) => j.hit && !j.alarm).length)}`;
}
