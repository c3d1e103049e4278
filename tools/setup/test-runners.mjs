// Test runners of other people's projects, for the tests that run them for real: pytest and hypothesis in an environment,
// jest, vitest and fast-check in a `node_modules`, a local repository for Maven. Optional: what is missing is skipped by name.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, testRunners } from './paths.mjs';
import { makeVenv, pip } from './python.mjs';
import { run, tryRun } from './run.mjs';

const pins = path.join(path.dirname(fileURLToPath(import.meta.url)), 'test-runners');
const PYTHON = ['pytest==8.4.2', 'hypothesis==6.140.2'];

/** Part → the files that say what is in it, and how it is made in an empty folder. */
const PARTS = {
  javascript: {
    of: ['package-lock.json'],
    async make(folder) {
      for (const file of ['package.json', 'package-lock.json']) await cp(path.join(pins, file), path.join(folder, file));
      await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, env: environment(), what: 'npm install of jest and vitest', hint: 'Check the connection to the npm registry.' });
    },
  },
  python: {
    of: [],
    async make(folder) {
      const python = await makeVenv(path.join(folder, '.venv'));
      await pip(python, ['install', '-q', ...PYTHON], `pip install ${PYTHON.join(' ')}`);
    },
  },
  maven: {
    of: ['pom.xml'],
    possible: () => tryRun('mvn', ['-v']),
    async make(folder) {
      // A build with one test brings along what a build offline needs.
      await cp(path.join(pins, 'pom.xml'), path.join(folder, 'pom.xml'));
      await cp(path.join(pins, 'src'), path.join(folder, 'src'), { recursive: true });
      await run('mvn', ['-B', '-q', `-Dmaven.repo.local=${path.join(folder, 'repository')}`, 'test'], { cwd: folder, what: 'mvn test', hint: 'Check the connection to Maven Central.' });
    },
  },
};

export const optional = true;

export async function needed() {
  for (const [name, part] of Object.entries(PARTS)) if (!(await complete(name, part)) && (!part.possible || (await part.possible()))) return `${name} is missing`;
  return undefined;
}

export async function prepare(log) {
  for (const [name, part] of Object.entries(PARTS)) {
    if (await complete(name, part)) continue;
    if (part.possible && !(await part.possible())) continue;
    log(`installing test runners for ${name} into .cache`);
    const folder = path.join(testRunners, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await part.make(folder);
    // Written last: a part that was interrupted is made anew.
    await writeFile(path.join(folder, '.complete'), await stamp(part));
  }
}

async function complete(name, part) {
  const file = path.join(testRunners, name, '.complete');
  return existsSync(file) && (await readFile(file, 'utf8')) === (await stamp(part));
}

async function stamp({ of, make }) {
  const hash = createHash('sha256').update(String(make)).update(PYTHON.join());
  for (const file of of) hash.update(await readFile(path.join(pins, file)));
  return hash.digest('hex');
}
