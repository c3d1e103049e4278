// Python and virtual environments.
import { rm } from 'node:fs/promises';
import { install } from './apt.mjs';
import { venvPython } from './paths.mjs';
import { run, SetupError, tryRun } from './run.mjs';

const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

let found;
/** Path of a Python ≥ 3.10: `SAFENOTE_PYTHON`, else the first that PATH has. Throws `SetupError`. */
export function python() {
  return (found ??= find());
}

async function find() {
  const seen = [];
  for (const candidate of [process.env.SAFENOTE_PYTHON, ...CANDIDATES].filter(Boolean)) {
    const answer = await tryRun(candidate, ['-c', 'import sys; print(sys.executable); print("%d.%d" % sys.version_info[:2])']);
    const [executable, version] = answer?.trim().split(/\r?\n/) ?? [];
    if (!version) continue;
    const [major, minor] = version.split('.').map(Number);
    if (major === 3 && minor >= 10) return { executable, version };
    seen.push(`${candidate} is ${version}`);
  }
  throw new SetupError(`Python 3.10 or newer was not found${seen.length > 0 ? ` (${seen.join(', ')})` : ''}.`, 'Install it (on Debian: sudo apt-get install python3 python3-venv), or name it in SAFENOTE_PYTHON.');
}

let modules;
/** Makes a fresh virtual environment in `folder` and returns its Python. Installs a missing `venv` module where apt and root allow. */
export async function makeVenv(folder) {
  const { executable, version } = await python();
  modules ??= (async () => {
    if (await tryRun(executable, ['-c', 'import venv, ensurepip; print(1)'])) return;
    await install([`python${version}-venv`], `Python ${version} has no "venv" module`);
  })();
  await modules;
  await rm(folder, { recursive: true, force: true });
  await run(executable, ['-m', 'venv', folder], { what: 'python -m venv', hint: `Check that ${executable} works and that ${folder} can be written.` });
  return venvPython(folder);
}

/** pip in a virtual environment. */
export function pip(python, args, what) {
  return run(python, ['-m', 'pip', '--disable-pip-version-check', '--no-input', ...args], { what, hint: 'Check the connection to the Python package index (pip config list), then run it again.' });
}
