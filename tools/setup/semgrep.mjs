// Semgrep, pinned, in the project's own `.venv`.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root, semgrep, venv } from './paths.mjs';
import { makeVenv, pip } from './python.mjs';

export const SEMGREP = '1.182.0';
const pins = path.join(root, 'src', 'node', 'analyzers', 'semgrep', 'requirements.txt');

export async function needed() {
  if (!existsSync(semgrep)) return 'it is not there';
  const version = await installedVersion();
  return version === SEMGREP ? undefined : `${version ?? 'an unfinished one'} is there`;
}

export async function prepare(log) {
  const why = await needed();
  if (!why) return;
  log(`installing Semgrep ${SEMGREP} into .venv (${why})`);
  const python = await makeVenv(venv);
  // The same pins and hashes as the copy that the extension manages.
  const hashed = existsSync(pins) && (await readFile(pins, 'utf8')).includes('--hash=');
  await pip(python, ['install', '-q', ...(hashed ? ['--require-hashes', '-r', pins] : [`semgrep==${SEMGREP}`])], `pip install semgrep==${SEMGREP}`);
  await writeFile(path.join(venv, '.gitignore'), '*\n');
}

/** Version by the package's own record, which pip writes last; asking the program itself takes more than a second. */
async function installedVersion() {
  const libraries = process.platform === 'win32' ? [path.join(venv, 'Lib')] : (await readdir(path.join(venv, 'lib')).catch(() => [])).map((name) => path.join(venv, 'lib', name));
  for (const library of libraries) {
    const names = await readdir(path.join(library, 'site-packages')).catch(() => []);
    const version = names.map((name) => /^semgrep-([\d.]+)\.dist-info$/.exec(name)?.[1]).find(Boolean);
    if (version && existsSync(path.join(library, 'site-packages', `semgrep-${version}.dist-info`, 'RECORD'))) return version;
  }
  return undefined;
}
