// bubblewrap, in which a workspace's own tests run without network. Optional: without it SafeNote asks before it runs tests.
import { canInstall, install } from './apt.mjs';
import { tryRun } from './run.mjs';

export const optional = true;

export async function needed() {
  if (process.platform !== 'linux') return undefined;
  return (await tryRun('bwrap', ['--version'])) ? undefined : 'it was not found';
}

export async function prepare(log) {
  if (!(await needed())) return;
  if (!canInstall()) return void log('not found (optional; on Debian: sudo apt-get install bubblewrap): tests of a workspace would run without a sandbox, SafeNote asks first');
  log('installing bubblewrap with apt-get');
  await install(['bubblewrap'], 'bubblewrap was not found');
}
