// Where set-up puts things. Everything lies inside the project: `node_modules`, `.venv` and `.cache`.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const cache = path.join(root, '.cache');
const windows = process.platform === 'win32';

/** Node 24, from the devDependency `node`. */
export const node24 = path.join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');
export const binaries = path.join(root, 'node_modules', '.bin');

export const venv = path.join(root, '.venv');
export const venvBinaries = (folder) => path.join(folder, windows ? 'Scripts' : 'bin');
export const venvPython = (folder) => path.join(venvBinaries(folder), windows ? 'python.exe' : 'python');
export const semgrep = path.join(venvBinaries(venv), windows ? 'semgrep.exe' : 'semgrep');

export const CODE_SERVER = '4.139.1';
export const serverFolder = path.join(cache, 'vscode-server', CODE_SERVER);
export const serverMain = path.join(serverFolder, 'node_modules', 'code-server', 'lib', 'vscode', 'out', 'server-main.js');

export const MODEL_ID = 'all-MiniLM-L6-v2';
export const modelFolder = path.join(cache, 'models', MODEL_ID);

/** Runners of other people's projects, one folder per language. */
export const testRunners = path.join(cache, 'test-runners');

/** Environment with Node 24 and the project's tools first on PATH, for children that call `node` or `npm`. */
export function environment(extra = {}) {
  const key = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  return { ...process.env, [key]: [binaries, process.env[key]].filter(Boolean).join(path.delimiter), ...extra };
}
