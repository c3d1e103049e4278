import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { onPath, realPath } from '../sandbox/box.ts';
import { filesOf, reaching } from './reach.ts';
import { readJest, readJunit, readMocha } from './reports.ts';
import type { Detected, Project } from './runner.ts';

const Manifest = z.object({ scripts: z.record(z.string(), z.string()).catch({}).default({}), dependencies: z.record(z.string(), z.unknown()).catch({}).default({}), devDependencies: z.record(z.string(), z.unknown()).catch({}).default({}) });

/** The runner that the test script names, else the one that is a dependency, else node:test where a test imports it. */
export async function detectJavascript(project: Project): Promise<Detected> {
  const { root, env, document, names } = project;
  const node = await onPath('node', env);
  if (!node) return { unavailable: 'there is no Node on PATH' };
  let manifest: z.infer<typeof Manifest>;
  try {
    manifest = Manifest.parse(JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8').catch(() => '{}')));
  } catch {
    return { unavailable: 'package.json cannot be read' };
  }
  const tests = await filesOf(root, (file) => /\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|\/)(?:tests?|__tests__)\/.*\.[cm]?[jt]sx?$|(?:^|\/)test-[^/]*\.[cm]?js$/.test(file));
  if (tests.length === 0) return { unavailable: 'the workspace has no JavaScript tests' };
  const targets = await reaching(root, tests, document.path, names);
  if (targets.length === 0) return { unavailable: 'no test imports or names this code' };

  const script = manifest.scripts['test'] ?? '';
  const dependencies = { ...manifest.dependencies, ...manifest.devDependencies };
  const named = (['vitest', 'jest', 'mocha'] as const).find((name) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(script));
  const listed = (['vitest', 'jest', 'mocha'] as const).find((name) => Object.hasOwn(dependencies, name));
  const isNode = /\bnode\b.*--test\b/.test(script);
  const chosen = named ?? (isNode ? undefined : listed);
  const because = named ? `the test script of package.json runs ${named}` : chosen ? `${chosen} is a dependency of package.json` : isNode ? 'the test script of package.json runs node --test' : 'a test imports node:test';
  const program = realPath(node);
  const shared = { because, targets, tools: [path.dirname(path.dirname(program))], environment: { NODE_ENV: 'test', CI: '1', NO_COLOR: '1', FORCE_COLOR: '0' } };
  if (!chosen) {
    if (!isNode && !(await importsNodeTest(root, targets))) return { unavailable: 'no test runner was found: package.json names none, and no test imports node:test' };
    // A loader that the script names is needed here too.
    const loaders = [...script.matchAll(/(--(?:import|require|loader|experimental-[\w-]+)|-r)(?:[ =]([^\s-]\S*))?/g)].flatMap((m) => [m[1] ?? '', m[2] ?? ''].filter(Boolean));
    return { ...shared, runner: 'node:test', read: readJunit, report: '/tmp/report.xml', command: (files) => [program, ...loaders, '--test', '--test-reporter=junit', '--test-reporter-destination=/tmp/report.xml', ...files] };
  }
  const entry = ['bin/mocha.js', 'bin/jest.js', 'vitest.mjs'].map((file) => path.join(root, 'node_modules', chosen, file)).find((file) => existsSync(file));
  if (!entry) return { unavailable: `${because}, but ${chosen} is not in node_modules` };
  const report = '/tmp/report.json';
  switch (chosen) {
    case 'mocha':
      return { ...shared, runner: 'mocha', read: readMocha, report, command: (files) => [program, entry, '--reporter', 'json', '--reporter-option', `output=${report}`, ...files] };
    case 'jest':
      return { ...shared, runner: 'jest', read: readJest, report, command: (files) => [program, entry, '--ci', '--runInBand', '--cacheDirectory=/tmp/jest', '--watchman=false', '--json', `--outputFile=${report}`, '--runTestsByPath', ...files] };
    case 'vitest':
      return { ...shared, runner: 'vitest', read: readJest, report, writes: true, command: (files) => [program, entry, 'run', '--reporter=json', `--outputFile=${report}`, '--no-coverage', ...files] };
  }
}

async function importsNodeTest(root: string, targets: readonly string[]): Promise<boolean> {
  for (const file of targets) if (/['"]node:test['"]/.test(await readFile(path.join(root, file), 'utf8').catch(() => ''))) return true;
  return false;
}
