// npm packages, among them Node 24 (the devDependency `node`), which runs everything that comes after set-up.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { environment, node24, root } from './paths.mjs';
import { run, SetupError, tryRun } from './run.mjs';

/** What to do, in words, or undefined when what is installed is what the lock file names. */
export async function needed() {
  const wanted = await lock('package-lock.json');
  const found = await lock('node_modules/.package-lock.json');
  if (!wanted) return 'package-lock.json is missing or unreadable';
  if (!found) return 'node_modules is missing';
  for (const [place, entry] of Object.entries(wanted)) {
    if (place === '' || entry.optional || entry.link) continue;
    if (found[place]?.version !== entry.version) return `${place.replace(/^.*node_modules\//, '')} ${entry.version} is missing`;
  }
  return (await usable()) ? undefined : 'Node 24 is missing';
}

export async function prepare(log) {
  const why = await needed();
  if (!why) return;
  log(`installing npm packages (${why})`);
  const env = environment({ ONNXRUNTIME_NODE_INSTALL: 'skip' });
  const hint = 'Check the connection to the npm registry (npm config get registry), then run it again.';
  // No package's script is run but those of two that cannot work without: the grammars would start a compiler,
  // onnxruntime-node would download GPU files.
  if (why !== 'Node 24 is missing') await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root, env, hint });
  await run('npm', ['rebuild', 'node', 'esbuild', '--ignore-scripts=false'], { cwd: root, env, hint });
  if (!(await usable())) throw new SetupError('Node 24 cannot be run after npm ci.', `${node24} should exist: remove node_modules and run it again.`);
}

async function usable() {
  return (await tryRun(node24, ['--version']))?.startsWith('v24.') ?? false;
}

async function lock(file) {
  try {
    return JSON.parse(await readFile(path.join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}
