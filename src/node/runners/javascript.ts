import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { onPath, realPath } from '../sandbox/box.ts';
import { reaching } from './reach.ts';
import { readJest, readJunit, readMocha } from './reports.ts';
import type { Detected, Project } from './runner.ts';

const Manifest = z.object({ scripts: z.record(z.string(), z.string()).catch({}).default({}), dependencies: z.record(z.string(), z.unknown()).catch({}).default({}), devDependencies: z.record(z.string(), z.unknown()).catch({}).default({}) });
const NAMED = ['vitest', 'jest', 'mocha'] as const;
const ENTRIES = { vitest: ['vitest.mjs'], jest: ['bin/jest.js'], mocha: ['bin/mocha.js', 'bin/_mocha'] } as const;

/** The runner that the test script names, else the one that is a dependency, else node:test where a test imports it. */
export async function detectJavascript(project: Project): Promise<Detected> {
  const { root, env, document, names, files: index } = project;
  const node = await onPath('node', env);
  if (!node) return { unavailable: 'there is no Node on PATH' };
  let manifest: z.infer<typeof Manifest>;
  try {
    manifest = Manifest.parse(JSON.parse((await index.facts(path.join(root, 'package.json')))?.text ?? '{}'));
  } catch {
    return { unavailable: `${path.join(path.relative(project.workspace, root), 'package.json')} cannot be read` };
  }
  const sources = (await index.list(root)).filter((file) => /\.[cm]?[jt]sx?$/.test(file));
  const tests = sources.filter((file) => /\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:tests?|__tests__)\/.*\.[cm]?[jt]sx?$|(?:^|\/)test-[^/]*\.[cm]?js$/.test(file));
  if (tests.length === 0) return { unavailable: 'the workspace has no JavaScript tests', elsewhere: true };
  const { files: targets, naming: first } = await reaching(index, root, tests, document.path, names, sources);
  if (targets.length === 0) return { unavailable: 'no test imports or names this code', elsewhere: true };

  const script = manifest.scripts['test'] ?? '';
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies };
  const named = NAMED.find((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(script));
  const listed = NAMED.find((name) => Object.hasOwn(dependencies, name));
  const isNode = /\bnode\b.*--test\b/.test(script);
  const chosen = named ?? (isNode ? undefined : listed);
  const manifestName = path.join(path.relative(project.workspace, root), 'package.json');
  const because = named ? `the test script of ${manifestName} runs ${named}` : chosen ? `${chosen} is a dependency of ${manifestName}` : isNode ? `the test script of ${manifestName} runs node --test` : 'a test imports node:test';
  const program = realPath(node);
  const shared = { because, targets, first, tools: [path.dirname(path.dirname(program))] };
  const environment = { NODE_ENV: 'test', CI: '1', NO_COLOR: '1', FORCE_COLOR: '0' };
  if (!chosen) {
    const facts = await index.allFacts(targets.map((file) => path.join(root, file)));
    if (!isNode && !facts.some((f) => f && /['"]node:test['"]/.test(f.text))) return { unavailable: `no test runner was found: ${manifestName} names none, and no test imports node:test`, elsewhere: true };
    // A loader that the script names is needed here too.
    const loaders = [...script.matchAll(/(--(?:import|require|loader|experimental-[\w-]+)|-r)(?:[ =]([^\s-]\S*))?/g)].flatMap((m) => [m[1] ?? '', m[2] ?? ''].filter(Boolean));
    return { ...shared, runner: 'node:test', read: readJunit, start: (files, at) => ({ command: [program, ...loaders, '--test', '--test-reporter=junit', `--test-reporter-destination=${at.tmp}/report.xml`, ...files], environment, report: [`${at.tmp}/report.xml`] }) };
  }
  const entry = installed(project, chosen);
  if (!entry) return { unavailable: `${because}, but ${chosen} is not in node_modules`, elsewhere: true };
  const run = (args: (report: string, tmp: string, files: readonly string[]) => string[]): Pick<Extract<Detected, { runner: string }>, 'start'> => ({
    start: (files, at) => ({ command: [program, entry, ...args(`${at.tmp}/report.json`, at.tmp, files)], environment, report: [`${at.tmp}/report.json`] }),
  });
  switch (chosen) {
    case 'mocha':
      return { ...shared, runner: 'mocha', read: readMocha, ...run((report, _tmp, files) => ['--reporter', 'json', '--reporter-option', `output=${report}`, ...files]) };
    case 'jest':
      return { ...shared, runner: 'jest', read: readJest, ...run((report, tmp, files) => ['--ci', '--runInBand', `--cacheDirectory=${tmp}/jest`, '--watchman=false', '--json', `--outputFile=${report}`, '--runTestsByPath', ...files]) };
    case 'vitest':
      return { ...shared, runner: 'vitest', read: readJest, writes: true, ...run((report, _tmp, files) => ['run', '--reporter=json', `--outputFile=${report}`, '--coverage.enabled=false', ...readsConfigInPlace(entry), ...files]) };
  }
}

/** Vite bundles its configuration into `node_modules`, which is read-only in the box; from 6.1 on it can do without. */
function readsConfigInPlace(vitest: string): string[] {
  const packages = path.dirname(path.dirname(vitest));
  for (const file of [path.join(path.dirname(vitest), 'node_modules', 'vite', 'package.json'), path.join(packages, 'vite', 'package.json')]) {
    if (!existsSync(file)) continue;
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8')));
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > 6 || (major === 6 && minor >= 1) ? ['--configLoader', 'runner'] : [];
  }
  return [];
}

/** A package of the nearest `node_modules`; packages of a monorepo share that of the workspace. */
function installed({ root, workspace }: Project, name: keyof typeof ENTRIES): string | undefined {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const found = ENTRIES[name].map((file) => path.join(folder, 'node_modules', name, file)).find((file) => existsSync(file));
    if (found || folder === workspace || folder === path.dirname(folder)) return found;
  }
}
