/** Checking: the built-in rules, the warm Semgrep, one run of Semgrep, and what a verdict takes after the answer. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Verifier } from '../src/core/verification/verifier.ts';
import { AnalysisWorker } from '../src/node/analysis/client.ts';
import { BuiltinAnalyzer } from '../src/node/analyzers/builtin.ts';
import { locateSemgrep } from '../src/node/analyzers/semgrep/locate.ts';
import { scanOnce } from '../src/node/analyzers/semgrep/one-shot.ts';
import { SemgrepAnalyzer } from '../src/node/analyzers/semgrep/semgrep-analyzer.ts';
import { run as runProcess } from '../src/node/process/run.ts';
import { textsFor } from './checking-texts.ts';
import { type BenchRow, percentiles } from './rows.ts';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const never = new AbortController().signal;
const LANGUAGES = ['python', 'javascript', 'typescript', 'c'] as const;
const LINES = 200;

export async function run(): Promise<BenchRow[]> {
  const worker = new AnalysisWorker({ assetsRoot: dist });
  const builtin = new BuiltinAnalyzer({ worker, assetsRoot: dist });
  const semgrepPath = path.join(root, '.venv/bin/semgrep');
  const semgrep = new SemgrepAnalyzer({ assetsRoot: dist, workspaceFolder: '', setting: () => semgrepPath, trusted: () => true, managedFolder: '', env: process.env, warm: true });
  try {
    const rows = [...(await parsing(worker)), ...(await inProcess(worker, builtin))];
    if (!existsSync(semgrepPath)) {
      console.error('  Semgrep is not in .venv: only the built-in rules are measured.');
      return rows;
    }
    return [...rows, ...(await warm(semgrep)), ...(await verdicts(worker, builtin, semgrep)), ...(await oneRun(semgrepPath)), ...(await agreement(semgrepPath))];
  } finally {
    await Promise.all([semgrep.dispose(), worker.dispose()]);
  }
}

async function parsing(worker: AnalysisWorker): Promise<BenchRow[]> {
  const rows: BenchRow[] = [{ name: 'first outline, with starting the worker', value: await timed(() => worker.outline(documentOf('python', 0, 'typical'), never)), unit: 'ms' }];
  for (const language of LANGUAGES) {
    const times = await repeated(40, (n) => worker.outline(documentOf(language, n, 'typical'), never));
    rows.push({ name: `outline of ${LINES} lines of ${language}, p95`, value: percentiles(times).p95, unit: 'ms' });
  }
  return rows;
}

async function inProcess(worker: AnalysisWorker, builtin: BuiltinAnalyzer): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const language of LANGUAGES) {
    rows.push({ name: `warming the built-in rules for ${language}, once`, value: await timed(() => worker.warmUp(language, never)), unit: 'ms' });
    for (const kind of ['typical', 'dense'] as const) {
      let found = 0;
      const times = await repeated(40, async (n) => void (found = (await builtin.analyze(documentOf(language, n, kind), never)).findings.length));
      const { median, p95 } = percentiles(times);
      rows.push({ name: `built-in rules, ${LINES} lines of ${language}, ${kind}, p95`, value: p95, unit: 'ms', ...(kind === 'typical' && { budget: 30 }), note: `median ${median.toFixed(1)} ms, ${found} findings` });
    }
  }
  return rows;
}

async function warm(semgrep: SemgrepAnalyzer): Promise<BenchRow[]> {
  const rows: BenchRow[] = [{ name: 'first text, with finding and starting Semgrep', value: await timed(() => semgrep.analyze(documentOf('python', 0, 'typical'), never)), unit: 'ms' }];
  for (const language of LANGUAGES) {
    const times = await repeated(60, (n) => must(semgrep, documentOf(language, n, 'typical')));
    const { median, p95 } = percentiles(times);
    rows.push({ name: `warm Semgrep, ${LINES} lines of ${language}, p95`, value: p95, unit: 'ms', budget: 120, note: `median ${median.toFixed(1)} ms` });
  }
  return rows;
}

/** What the user waits for after the model's answer: both analyzers on the text with the completion in it. */
async function verdicts(worker: AnalysisWorker, builtin: BuiltinAnalyzer, semgrep: SemgrepAnalyzer): Promise<BenchRow[]> {
  const verifier = new Verifier(worker, [builtin, semgrep]);
  const rows: BenchRow[] = [];
  for (const language of ['python', 'javascript'] as const) {
    const document = documentOf(language, 0, 'typical');
    const comment = language === 'python' ? '#' : '//';
    const check = (n: number) => verifier.checkEdits(document, [{ start: document.text.length, end: document.text.length, text: `${comment} ${n}\n` }], { signal: never, deadlineMs: 120 });
    await check(-1);
    let pending = 0;
    const count = 60;
    const times = await repeated(count, async (n) => void ((await check(n)).verdict.pending.length > 0 && pending++));
    const { median, p95 } = percentiles(times);
    rows.push({ name: `verdict of a completion in ${LINES} lines of ${language}, p95`, value: p95, unit: 'ms', budget: 130, note: `median ${median.toFixed(1)} ms, ${pending} of ${count} with Semgrep pending` });
  }
  return rows;
}

/** A process for each text, as a tool without a server does it, ours and the way `semgrep scan` goes by default. */
async function oneRun(semgrepPath: string): Promise<BenchRow[]> {
  const once = new SemgrepAnalyzer({ assetsRoot: dist, workspaceFolder: '', setting: () => semgrepPath, trusted: () => true, managedFolder: '', env: process.env, warm: false });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-bench-'));
  try {
    const times = await repeated(10, (n) => must(once, documentOf('python', n, 'typical')));
    const file = path.join(folder, 'a.py');
    await writeFile(file, documentOf('python', 0, 'typical').text);
    const args = ['scan', '--config', path.join(dist, 'rules/semgrep.yml'), '--metrics', 'off', '--disable-version-check', '--json', '--quiet', file];
    const cli = await repeated(2, async () => {
      const { code, stderr } = await runProcess(semgrepPath, args, { timeoutMs: 120_000 });
      if (code !== 0) throw new Error(stderr);
    });
    return [
      { name: `one run of Semgrep (osemgrep), ${LINES} lines of python, median`, value: percentiles(times).median, unit: 'ms' },
      { name: `one run of "semgrep scan", ${LINES} lines of python, median`, value: percentiles(cli).median, unit: 'ms' },
    ];
  } finally {
    await once.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A thousand changing texts of one path through one analyzer: each must get what one run over all of them says. */
async function agreement(semgrepPath: string): Promise<BenchRow[]> {
  const count = 1000;
  const { launch } = await locateSemgrep({ setting: semgrepPath, workspaceFolder: '', trusted: true, managedFolder: '', env: process.env });
  if (!launch) throw new Error('Semgrep does not work');
  const semgrep = new SemgrepAnalyzer({ assetsRoot: dist, workspaceFolder: '', setting: () => semgrepPath, trusted: () => true, managedFolder: '', env: process.env, warm: true });
  const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-bench-'));
  try {
    const texts = Array.from({ length: count }, (_, n) => textsFor('python', n, 40, 'mixed'));
    await Promise.all(texts.map((text, n) => writeFile(path.join(folder, `t${n}.py`), text)));
    const output = await scanOnce(launch, { configs: [path.join(dist, 'rules/semgrep.yml')], targets: ['.'], cwd: folder, signal: never, timeoutMs: 600_000 });
    const expected = texts.map(() => new Set<string>());
    for (const match of output.matches) expected[Number(/t(\d+)\.py$/.exec(match.path)?.[1])]?.add(`${match.ruleId.replace(/^.*?(?=safenote\.)/, '')}:${match.startLine}`);
    let wrong = 0;
    let found = 0;
    const times: number[] = [];
    for (const [n, text] of texts.entries()) {
      const started = performance.now();
      const report = await must(semgrep, { path: '/w/a.py', language: 'python', text });
      times.push(performance.now() - started);
      const got = new Set(report.findings.map((f) => `${f.ruleId}:${f.startLine}`));
      found += got.size;
      if (got.size !== expected[n]?.size || [...got].some((g) => !expected[n]?.has(g))) wrong++;
    }
    const { median, p95 } = percentiles(times);
    return [
      { name: `wrong answers of the warm Semgrep in ${count} changing texts of one path`, value: wrong, unit: '', budget: 0, note: `${found} findings, ${semgrep.status().failures} servers failed` },
      { name: '  time of each, p95', value: p95, unit: 'ms', budget: 120, note: `median ${median.toFixed(1)} ms, 40 lines` },
    ];
  } finally {
    await semgrep.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function must(semgrep: SemgrepAnalyzer, document: ReturnType<typeof documentOf>) {
  const report = await semgrep.analyze(document, never);
  if (report.status !== 'ran') throw new Error(report.reason);
  return report;
}

function documentOf(language: string, n: number, kind: 'typical' | 'dense') {
  const extension = { python: 'py', javascript: 'js', typescript: 'ts', c: 'c' }[language];
  return { path: `/w/a.${extension}`, language, text: textsFor(language, n, LINES, kind) };
}

/** The first fifth is not counted: engines compile what they run often. */
async function repeated(times: number, work: (n: number) => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let n = 0; n < times; n++) all.push(await timed(() => work(n)));
  return all.slice(Math.floor(times / 5));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
