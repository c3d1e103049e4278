// Runs in the extension host: all test bundles, one mocha; what happens goes line by line into a file that the runner reads.
import Mocha from 'mocha';
import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

declare const TEST_BUNDLES: readonly string[];

/** Called by the editor (`extensionTestsPath`). Rejects when a test failed, so that the host's exit code says so too. */
export async function run(): Promise<void> {
  const progress = process.env['SAFENOTE_TEST_PROGRESS'];
  const say = (line: string): void => (progress ? appendFileSync(progress, `${line}\n`) : console.log(line));
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, reporter: class Silent {} as unknown as Mocha.ReporterConstructor });
  const grep = process.env['SAFENOTE_TEST_GREP'];
  if (grep) mocha.fgrep(grep);
  for (const file of TEST_BUNDLES) mocha.addFile(path.join(__dirname, file));
  const skipped: string[] = [];
  const failures: string[] = [];
  let passed = 0;
  const failed = await new Promise<number>((resolve, reject) => {
    try {
      const runner = mocha.run(resolve);
      const indent = (test: Mocha.Runnable | Mocha.Suite): string => '  '.repeat(Math.max(0, test.titlePath().length));
      runner.on('suite', (suite) => suite.title && say(`${indent(suite)}${suite.title}`));
      runner.on('pass', (test) => {
        passed++;
        say(`${indent(test)}✔ ${test.title}${(test.duration ?? 0) > 1000 ? ` (${test.duration} ms)` : ''}`);
      });
      runner.on('pending', (test) => {
        skipped.push(test.fullTitle());
        say(`${indent(test)}- ${test.title}`);
      });
      runner.on('fail', (test, error: unknown) => {
        failures.push(test.fullTitle());
        say(`${indent(test)}✘ ${test.title}`);
        say(explain(error).replace(/^/gm, `${indent(test)}    `));
      });
    } catch (error) {
      reject(error);
    }
  });
  const report = process.env['SAFENOTE_TEST_REPORT'];
  if (report) writeFileSync(report, JSON.stringify({ passed, failures, skipped }));
  if (failed > 0) throw new Error(`${failed} failed`);
}

/** The error with its stack, and the two values of a failed comparison where the message does not show them. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { actual, expected } = error as { actual?: unknown; expected?: unknown };
  const stack = (error.stack ?? error.message).split('\n').filter((line) => !/node_modules[\\/]mocha|node:internal/.test(line));
  const values = actual === undefined && expected === undefined ? [] : [`actual:   ${show(actual)}`, `expected: ${show(expected)}`];
  return [...stack, ...values].join('\n');
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}
