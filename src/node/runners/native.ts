import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { onPath, realPath } from '../sandbox/box.ts';
import { exitCase, NotRun, readCtest, readGtest } from './reports.ts';
import type { Detected, Project } from './runner.ts';

/** A build folder that is larger is not copied; the code is then built from nothing. */
const MAX_BUILD = 160 * 1024 * 1024;
const MAKEFILES = ['GNUmakefile', 'makefile', 'Makefile'];
/** Exit codes of the script below. */
const NOT_CONFIGURED = 90;
const NOT_BUILT = 91;
/** GoogleTest programs say more than ctest or make hear of them; each writes a file of its own into this folder. */
const gtest = (tmp: string) => ({ GTEST_OUTPUT: `xml:${tmp}/gtest/`, GTEST_COLOR: 'no', CTEST_OUTPUT_ON_FAILURE: '1' });

/** $1: source, $2: build folder, $3: report. A build folder that is there is only brought up to date. */
const CTEST = `
if [ ! -f "$2/CMakeCache.txt" ]; then "$4" -S "$1" -B "$2" || exit ${NOT_CONFIGURED}; fi
"$4" --build "$2" -j 2 || exit ${NOT_BUILT}
exec "$5" --test-dir "$2" -j 2 --no-tests=error --output-junit "$3"
`;

/** ctest where CMake's files speak of tests, else the \`check\` or \`test\` target of a Makefile. */
export async function detectNative(project: Project): Promise<Detected> {
  const ctest = await detectCtest(project);
  if (!('unavailable' in ctest)) return ctest;
  const make = await detectMake(project);
  return 'unavailable' in make && existsSync(path.join(project.root, 'CMakeLists.txt')) ? ctest : make;
}

async function detectCtest(project: Project): Promise<Detected> {
  const { root, workspace, env, files } = project;
  if (!existsSync(path.join(root, 'CMakeLists.txt'))) return { unavailable: 'there is no CMakeLists.txt', elsewhere: true };
  // A folder below another CMake project is built by that one.
  if (root !== workspace && existsSync(path.join(path.dirname(root), 'CMakeLists.txt'))) return { unavailable: 'CMake builds it from a folder above', elsewhere: true };
  const lists = (await files.list(root)).filter((file) => /(?:^|\/)CMakeLists\.txt$|\.cmake$/.test(file));
  const facts = await files.allFacts(lists.map((file) => path.join(root, file)));
  if (!facts.some((f) => f && /^\s*(?:enable_testing\s*\(|include\s*\(\s*CTest\b)/im.test(f.text))) return { unavailable: 'CMakeLists.txt neither enables testing nor includes CTest', elsewhere: true };
  const [cmake, ctest] = [await onPath('cmake', env), await onPath('ctest', env)];
  if (!cmake || !ctest) return { unavailable: 'CMakeLists.txt is there, but there is no cmake with ctest on PATH' };
  const build = await buildFolder(root);
  return {
    runner: 'ctest', because: `${path.join(path.relative(workspace, root), 'CMakeLists.txt')} enables testing; ${build ? `built further in a copy of ${path.relative(workspace, build.folder)}` : 'built from nothing'}`,
    targets: ['.'], byExitCode: true, ...(build ? { copied: [build.folder] } : {}),
    tools: [path.dirname(path.dirname(realPath(cmake))), ...(build?.tools ?? [])],
    read: (text, at, ended) => {
      if (ended?.code === NOT_CONFIGURED) throw new NotRun(`CMake could not configure the project: ${firstError(ended.output)}`);
      return ended?.code === NOT_BUILT ? [{ ...exitCase('build', ended), id: 'build' }] : readCtest(text, at);
    },
    start: (_targets, at) => ({
      command: ['/bin/sh', '-c', CTEST, 'sh', at.root, at.boxed && build ? build.folder : `${at.tmp}/build`, `${at.tmp}/report.xml`, realPath(cmake), realPath(ctest)],
      environment: { ...gtest(at.tmp), CMAKE_COLOR_DIAGNOSTICS: 'OFF' }, report: [`${at.tmp}/report.xml`, `${at.tmp}/gtest/*.xml`],
    }),
  };
}

/** The user's own build folder of this project, which knows compiler, options and what is compiled already. */
async function buildFolder(root: string): Promise<{ folder: string; tools: string[] } | undefined> {
  for (const entry of await readdir(root, { withFileTypes: true }).catch(() => [])) {
    const folder = path.join(root, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith('.git')) continue;
    for (const at of [folder, ...['Debug', 'Release'].map((name) => path.join(folder, name))]) {
      const cache = await readFile(path.join(at, 'CMakeCache.txt'), 'utf8').catch(() => '');
      if (/^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(cache)?.[1] !== root || (await sizeOf(at)) > MAX_BUILD) continue;
      const programs = [...cache.matchAll(/^CMAKE_(?:C|CXX)_COMPILER:\w+=(\/.*)$|^CMAKE_MAKE_PROGRAM:\w+=(\/.*)$/gm)].map((m) => m[1] ?? m[2] ?? '');
      return { folder: at, tools: programs.map((program) => path.dirname(path.dirname(realPath(program)))).filter((folder) => folder !== '/') };
    }
  }
  return undefined;
}

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (entry.isFile()) sum += (await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined))?.size ?? 0;
    if (sum > MAX_BUILD) break;
  }
  return sum;
}

async function detectMake({ root, workspace, env, files }: Project): Promise<Detected> {
  const name = MAKEFILES.find((file) => existsSync(path.join(root, file)));
  if (!name) return { unavailable: 'there is neither a CMakeLists.txt nor a Makefile', elsewhere: true };
  // Asking make itself would run what the Makefile computes while it is read.
  const text = (await files.facts(path.join(root, name)))?.text ?? '';
  const target = ['check', 'test', 'tests'].find((t) => new RegExp(`^(?:[\\w./$(){}-]+\\s+)*${t}(?:\\s+[\\w./-]+)*\\s*::?(?!=)`, 'm').test(text));
  if (!target) return { unavailable: `${name} has neither a check nor a test target`, elsewhere: true };
  const make = (await onPath('make', env)) ?? (await onPath('gmake', env));
  if (!make) return { unavailable: `${name} has a ${target} target, but there is no make on PATH` };
  return {
    runner: 'make', because: `${path.join(path.relative(workspace, root), name)} has a ${target} target`, targets: [target], byExitCode: true,
    writes: true, keeps: ['build', 'out', 'dist', 'target', 'vendor', 'env'], tools: [],
    read: (report, at, ended) => {
      const seen = readGtest(report, at);
      // What a program of GoogleTest says of its tests, make only repeats.
      return ended?.code !== 0 && seen.some((c) => c.status === 'failed') ? seen : [...seen, exitCase(`make ${target}`, ended)];
    },
    start: (targets, at) => ({ command: [realPath(make), '--no-print-directory', ...targets], environment: gtest(at.tmp), report: [`${at.tmp}/gtest/*.xml`] }),
  };
}

function firstError(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim());
  const at = lines.findIndex((line) => /error/i.test(line));
  return lines.slice(at, at + 3).map((line) => line.trim()).join(' ').slice(0, 300);
}
