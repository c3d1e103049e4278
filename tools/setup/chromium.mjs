// A Chromium for the tests that need a window. Found, or installed where apt and root allow.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { canInstall, install } from './apt.mjs';
import { SetupError, tryRun } from './run.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];
const PLACES = {
  darwin: ['/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge'],
  win32: [process.env['ProgramFiles'], process.env['ProgramFiles(x86)'], process.env.LOCALAPPDATA]
    .filter(Boolean)
    .flatMap((base) => [path.join(base, 'Google/Chrome/Application/chrome.exe'), path.join(base, 'Chromium/Application/chrome.exe'), path.join(base, 'Microsoft/Edge/Application/msedge.exe')]),
};

/** Path of a Chromium that starts: `CHROMIUM_PATH`, else by the usual names on PATH, else in the usual places. Undefined where there is none. */
export async function findChromium() {
  if (process.env.CHROMIUM_PATH) {
    if (existsSync(process.env.CHROMIUM_PATH)) return process.env.CHROMIUM_PATH;
    throw new SetupError(`CHROMIUM_PATH names ${process.env.CHROMIUM_PATH}, which does not exist.`, 'Correct it, or unset it to have the browser found by name.');
  }
  const onPath = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean).flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
  for (const candidate of [...new Set([...onPath, ...(PLACES[process.platform] ?? [])])]) {
    if (!existsSync(candidate)) continue;
    // On Windows the question opens a window; elsewhere it tells a browser from a stub that only asks for snap.
    if (process.platform === 'win32' || /\d+\.\d+/.test((await tryRun(candidate, ['--version'])) ?? '')) return candidate;
  }
  return undefined;
}

export async function needed() {
  return (await findChromium()) ? undefined : 'none was found';
}

export async function prepare(log) {
  if (await findChromium()) return;
  const hint = 'Install Chromium or Chrome (on Debian: sudo apt-get install chromium), or name one in CHROMIUM_PATH.';
  if (!canInstall()) throw new SetupError('No Chromium was found, and it cannot be installed from here (that takes apt-get and root).', hint);
  log('installing Chromium with apt-get');
  await install(['chromium'], 'No Chromium was found');
  if (!(await findChromium())) throw new SetupError('apt-get installed "chromium", but it does not start.', hint);
}
