// Runs test/vscode/suite in a real VS Code.   usage: node --import tsx test/vscode/run.mts [part of a file name] [--grep TEXT]
// Files named *.untrusted.test.ts run in a window in restricted mode, *.multiroot.test.ts in one with several folders, all others together in a trusted one.
import { appendFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../tools/setup/paths.mjs';
import { startReplayModel } from '../model/server.ts';
import { runInVsCode, type RunResult } from './harness/run.ts';
import { modelSettings, suiteFiles, testExtensions, WORKSPACE } from './harness/suites.ts';

const args = process.argv.slice(2);
const grepAt = args.indexOf('--grep');
const grep = grepAt === -1 ? undefined : args[grepAt + 1];
const part = args.find((arg, index) => !arg.startsWith('--') && (grepAt === -1 || index !== grepAt + 1)) ?? '';

const { trusted, untrusted, multiroot } = await suiteFiles(part);
if (trusted.length + untrusted.length + multiroot.length === 0) {
  console.error(`No test file of test/vscode/suite has "${part}" in its name.`);
  process.exit(1);
}

const model = await startReplayModel({ port: 0 });
const common = {
  ...(existsSync(path.join(root, WORKSPACE)) && { workspace: WORKSPACE }),
  extensions: await testExtensions(),
  settings: modelSettings(model.url),
  env: { SAFENOTE_TEST_MODEL: model.url },
  ...(grep !== undefined && { grep }),
};
const results: RunResult[] = [];
if (trusted.length > 0) results.push(await runInVsCode({ ...common, suite: trusted }));
if (untrusted.length > 0) {
  console.log('  In restricted mode:');
  results.push(await runInVsCode({ ...common, suite: untrusted, trust: false }));
}
if (multiroot.length > 0) {
  console.log('  With several folders:');
  results.push(await runInVsCode({ ...common, suite: multiroot, moreFolders: ['second'] }));
}
await model.close();

const passed = results.reduce((sum, result) => sum + result.passed, 0);
const skipped = results.flatMap((result) => result.skipped);
const failures = results.flatMap((result) => [...result.failures, ...(result.crashed === undefined ? [] : [`crashed: ${result.crashed}`])]);
// For `npm test`, in the form of its reporter.
const file = process.env['SAFENOTE_TEST_RESULTS'];
if (file) {
  const lines = [{ passed, skipped, ended: true }, ...failures.map((name) => ({ failed: 1, name }))];
  appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
console.log(`\n  ${passed} passing`);
if (skipped.length > 0) console.log(`  ${skipped.length} pending`);
if (failures.length > 0) console.log(`  ${failures.length} failing\n${failures.map((name) => `    ${name}`).join('\n')}`);
process.exit(failures.length > 0 ? 1 : 0);
