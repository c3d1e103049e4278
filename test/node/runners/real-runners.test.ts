import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { languageOfPath } from '../../../src/core/language.ts';
import { SILENT } from '../../../src/core/log.ts';
import { EMPTY_OUTLINE } from '../../../src/core/syntax/outline.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { FunctionVerdict } from '../../../src/core/verification/verdict.ts';
import { run } from '../../../src/node/process/run.ts';
import { WorkspaceTests } from '../../../src/node/runners/workspace-tests.ts';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';
import { testRunners } from '../../../tools/setup/paths.mjs';

/** Runners that set-up installed or that the system has, each with a good and a bad answer, and with code that does not build. */
describe('real test runners', function () {
  this.timeout(120_000);
  const sandbox = new Sandbox();
  const pins = path.join(import.meta.dirname, '../../../tools/setup/test-runners');
  let workspace: string;
  let root: string;

  before(async function () {
    if (!(await sandbox.state()).available) this.skip();
  });
  afterEach(async () => {
    if (root) await rm(root, { recursive: true, force: true });
  });

  const put = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
  };
  const fresh = async (inside?: string) => {
    if (inside) await mkdir(inside, { recursive: true });
    root = await realpath(await mkdtemp(path.join(inside ?? os.tmpdir(), 'safenote-runner-')));
    workspace = root;
  };
  const tree = async () => (await readdir(root, { recursive: true })).filter((name) => !name.startsWith('node_modules')).sort();
  /** Replaces `MARK` in a file by code and asks for the verdict; no file may change, none may come. */
  const check = async (name: string, code: string, env: NodeJS.ProcessEnv = process.env): Promise<FunctionVerdict> => {
    const runner = new WorkspaceTests({ workspaceFolder: workspace, sandbox, trusted: () => true, consent: { command: () => Promise.resolve(false), unboxed: () => Promise.resolve(false) }, env, log: SILENT });
    const checker = new FunctionCheck(runner, { outline: () => Promise.resolve(EMPTY_OUTLINE) });
    const file = path.join(root, name);
    const text = await readFile(file, 'utf8');
    const before = await tree();
    const start = text.indexOf('MARK');
    const verdict = await checker.checkEdits({ path: file, language: languageOfPath(file), text }, [{ start, end: start + 4, text: code }], { signal: new AbortController().signal, budgetMs: 60_000 });
    assert.equal(await readFile(file, 'utf8'), text);
    assert.deepEqual(await tree(), before);
    return verdict;
  };
  const passes = (verdict: FunctionVerdict, runner: string) => assert.deepEqual([verdict.status, verdict.runner], ['pass', runner], verdict.reason);
  const fails = (verdict: FunctionVerdict, says: RegExp) => {
    assert.equal(verdict.status, 'fail', verdict.reason);
    assert.match(`${verdict.reason ?? ''} ${verdict.failures?.[0]?.details ?? ''}`, says);
  };

  describe('of JavaScript, in a package that shares the node_modules of its monorepo', () => {
    const home = path.join(testRunners, 'javascript');
    before(function () {
      if (!existsSync(path.join(home, '.complete'))) this.skip();
    });
    beforeEach(async () => {
      await fresh(path.join(home, 'packages'));
      workspace = await realpath(home);
    });
    after(() => rm(path.join(home, 'packages'), { recursive: true, force: true }));

    it('jest', async () => {
      await put({
        'package.json': '{"scripts": {"test": "jest --coverage"}}',
        'prices.js': 'exports.total = function total(items) {\n  MARK\n};\n',
        'prices.test.js': "const { total } = require('./prices');\ntest('adds up', () => expect(total([1, 2])).toBe(3));\n",
      });
      passes(await check('prices.js', 'return items.reduce((a, b) => a + b, 0);'), 'jest');
      fails(await check('prices.js', 'return items.length;'), /Expected: 3[\s\S]*Received: 2/);
    });

    it('vitest, with TypeScript', async () => {
      await put({
        'package.json': '{"type": "module", "scripts": {"test": "vitest run"}}',
        'src/prices.ts': 'export function total(items: number[]): number {\n  MARK\n}\n',
        'src/prices.test.ts': "import { expect, it } from 'vitest';\nimport { total } from './prices';\nit('adds up', () => { expect(total([1, 2])).toBe(3); });\n",
        'vitest.config.ts': "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { globals: false } });\n",
      });
      passes(await check('src/prices.ts', 'return items.reduce((a, b) => a + b, 0);'), 'vitest');
      fails(await check('src/prices.ts', 'return items.length;'), /expected 2 to be 3/);
    });
  });

  it('pytest of an environment in the workspace, above the package', async function () {
    const home = path.join(testRunners, 'python');
    if (!existsSync(path.join(home, '.complete'))) this.skip();
    await fresh(path.join(home, 'packages'));
    workspace = await realpath(home);
    await put({
      'pyproject.toml': '[tool.pytest.ini_options]\n', 'shop/__init__.py': '', 'shop/prices.py': 'def total(items):\n    MARK\n',
      'shop/cart.py': 'from shop.prices import total\n\ndef pay(cart):\n    return total(cart)\n',
      'tests/test_cart.py': 'from shop.cart import pay\n\ndef test_pay():\n    assert pay([1, 2]) == 3\n',
      'tests/test_other.py': 'def test_other():\n    assert False\n',
    });
    // No test imports prices.py itself: the one that imports what imports it is run, the other is not.
    passes(await check('shop/prices.py', 'return sum(items)', { ...process.env, PATH: '/usr/bin:/bin' }), 'pytest');
    fails(await check('shop/prices.py', 'return len(items)'), /assert 2 == 3/);
    await rm(path.join(home, 'packages'), { recursive: true, force: true });
  });

  describe('of C and C++', () => {
    before(async function () {
      for (const name of ['cmake', 'ctest', 'make', 'c++']) if (!(await onPath(name, process.env))) this.skip();
    });
    beforeEach(() => fresh());

    const CMAKE = {
      'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.14)\nproject(shop C)\nenable_testing()\nadd_library(prices src/prices.c)\nadd_executable(prices_test test/prices_test.c)\ntarget_link_libraries(prices_test prices)\nadd_test(NAME prices COMMAND prices_test)\n',
      'src/prices.c': 'int total(const int *items, int count) {\n  MARK\n}\n',
      'test/prices_test.c': '#include <assert.h>\nint total(const int *items, int count);\nint main(void) {\n  int items[] = {1, 2};\n  assert(total(items, 2) == 3);\n  return 0;\n}\n',
    };
    const SUM = 'int sum = 0;\n  for (int i = 0; i < count; i++) sum += items[i];\n  return sum;';

    it('ctest, built from nothing', async () => {
      await put(CMAKE);
      passes(await check('src/prices.c', SUM), 'ctest');
      fails(await check('src/prices.c', 'return count;'), /Assertion .*total\(items, 2\) == 3/);
      fails(await check('src/prices.c', 'return undeclared;'), /^build: .*undeclared/);
    });

    it('ctest, built further in a copy of the build folder', async () => {
      await put({ ...CMAKE, 'src/prices.c': CMAKE['src/prices.c'].replace('MARK', 'return 0;') });
      assert.equal((await run('cmake', ['-S', '.', '-B', 'build'], { cwd: root })).code, 0);
      assert.equal((await run('cmake', ['--build', 'build'], { cwd: root })).code, 0);
      await put(CMAKE);
      passes(await check('src/prices.c', SUM), 'ctest');
      fails(await check('src/prices.c', 'return count;'), /Assertion .*total\(items, 2\) == 3/);
    });

    it('ctest says when the project cannot be configured', async () => {
      await put({ ...CMAKE, 'CMakeLists.txt': `${CMAKE['CMakeLists.txt']}find_package(NothingOfThisName REQUIRED)\n` });
      const verdict = await check('src/prices.c', SUM);
      assert.equal(verdict.status, 'unavailable');
      assert.match(verdict.reason ?? '', /CMake could not configure.*NothingOfThisName/s);
    });

    it('GoogleTest by ctest names the test and what it saw', async function () {
      if (!existsSync('/usr/include/gtest/gtest.h')) this.skip();
      await put({
        'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.14)\nproject(shop CXX)\nset(CMAKE_CXX_STANDARD 17)\ninclude(CTest)\nfind_package(GTest REQUIRED)\nadd_executable(prices_test prices.cpp prices_test.cpp)\ntarget_link_libraries(prices_test GTest::gtest_main)\nadd_test(NAME prices COMMAND prices_test)\n',
        'prices.hpp': 'int total(const int *items, int count);\n',
        'prices.cpp': '#include "prices.hpp"\nint total(const int *items, int count) {\n  MARK\n}\n',
        'prices_test.cpp': '#include <gtest/gtest.h>\n#include "prices.hpp"\nTEST(Prices, AddsUp) { int items[] = {1, 2}; EXPECT_EQ(total(items, 2), 3); }\nTEST(Prices, Empty) { EXPECT_EQ(total(nullptr, 0), 0); }\n',
      });
      passes(await check('prices.cpp', SUM), 'ctest');
      const bad = await check('prices.cpp', 'return count;');
      fails(bad, /Which is: 2|total\(items, 2\)/);
      assert.deepEqual(bad.failures?.map((f) => f.name), ['Prices.AddsUp']);
    });

    it('make, by the exit code of its check target', async () => {
      await put({
        Makefile: '.PHONY: check\ncheck: build/prices_test\n\t./build/prices_test\n\nbuild/prices_test: src/prices.c test/prices_test.c\n\tmkdir -p build\n\tcc -o $@ $^\n',
        'src/prices.c': CMAKE['src/prices.c'], 'test/prices_test.c': CMAKE['test/prices_test.c'],
      });
      passes(await check('src/prices.c', SUM), 'make');
      fails(await check('src/prices.c', 'return count;'), /Assertion .*total\(items, 2\) == 3/);
      await put({ Makefile: 'all:\n\ttrue\n' });
      assert.match((await check('src/prices.c', SUM)).reason ?? '', /neither a check nor a test target/);
    });
  });

  describe('of Java', () => {
    const JAVA = {
      'src/main/java/shop/Prices.java': 'package shop;\n\npublic class Prices {\n  public static int total(int[] items) {\n    MARK\n  }\n}\n',
      'src/test/java/shop/PricesTest.java': 'package shop;\n\nimport static org.junit.jupiter.api.Assertions.assertEquals;\nimport org.junit.jupiter.api.Test;\n\nclass PricesTest {\n  @Test void addsUp() { assertEquals(3, Prices.total(new int[] {1, 2})); }\n}\n',
      'src/test/java/shop/OtherTest.java': 'package shop;\n\nimport static org.junit.jupiter.api.Assertions.fail;\nimport org.junit.jupiter.api.Test;\n\nclass OtherTest {\n  @Test void other() { fail("not asked"); }\n}\n',
    };
    const FILE = 'src/main/java/shop/Prices.java';

    it('JUnit by Maven, offline', async function () {
      const home = path.join(testRunners, 'maven');
      if (!existsSync(path.join(home, '.complete')) || !(await onPath('mvn', process.env))) this.skip();
      const env = { ...process.env, MAVEN_OPTS: `-Dmaven.repo.local=${path.join(home, 'repository')}` };
      await fresh();
      await put(JAVA);
      await cp(path.join(pins, 'pom.xml'), path.join(root, 'pom.xml'));
      passes(await check(FILE, 'int sum = 0;\n    for (int i : items) sum += i;\n    return sum;', env), 'maven');
      // The text before does not compile, which is a failure of its own kind: else this would be no verdict.
      fails(await check(FILE, 'return items.length;', env), /expected: <3> but was: <2>/);
    });

    it('JUnit by Gradle, offline', async function () {
      const jars = path.join(testRunners, 'maven', 'repository');
      if (!existsSync(jars) || !(await onPath('gradle', process.env))) this.skip();
      await fresh();
      await put({ ...JAVA, 'settings.gradle': "rootProject.name = 'shop'\n", 'build.gradle': "plugins { id 'java' }\nrepositories { flatDir { dirs 'libs' } }\ndependencies { testImplementation fileTree('libs') }\ntest { useJUnitPlatform() }\n" });
      await mkdir(path.join(root, 'libs'));
      for (const jar of (await readdir(jars, { recursive: true })).filter((file) => /(?:junit-(?:jupiter|platform)|opentest4j|apiguardian)[^/]*\.jar$/.test(file))) await cp(path.join(jars, jar), path.join(root, 'libs', path.basename(jar)));
      passes(await check(FILE, 'int sum = 0;\n    for (int i : items) sum += i;\n    return sum;'), 'gradle');
      fails(await check(FILE, 'return items.length;'), /expected: <3> but was: <2>/);
    });
  });
});
