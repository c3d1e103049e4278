// Debian packages, where apt and root allow.
import { existsSync } from 'node:fs';
import { run, SetupError } from './run.mjs';

let updated;
let queue = Promise.resolve();

/** Whether `install` can work here at all. */
export function canInstall() {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs packages, one call at a time, after one `apt-get update` in all. Throws `SetupError`. */
export function install(packages, why) {
  const hint = `Install by hand: sudo apt-get install ${packages.join(' ')}`;
  if (!canInstall()) throw new SetupError(`${why}, and it cannot be installed from here (that takes apt-get and root).`, hint);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  queue = queue.catch(() => {}).then(async () => {
    // A stale list may still do; what matters is whether the install works.
    updated ??= run('apt-get', ['update'], { env }).catch(() => {});
    await updated;
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env, hint, what: `apt-get install ${packages.join(' ')}` });
  });
  return queue;
}
