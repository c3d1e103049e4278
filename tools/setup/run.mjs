// Runs a command for set-up: quiet when it works, its last words when it does not.
import { spawn } from 'node:child_process';

/** Something that set-up cannot do itself; `message` says what happened, `hint` what to do. */
export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Runs `command` and returns its standard output. Throws `SetupError` with the end of its output and `hint`
 * when it cannot be started or ends with anything but 0.
 */
export function run(command, args, { cwd, env = process.env, hint = '', what = command } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' && !/[\\/.]/.test(command) });
    let stdout = '';
    let tail = '';
    const keep = (chunk) => (tail = (tail + chunk).slice(-4000));
    child.stdout.on('data', (chunk) => { stdout += chunk; keep(chunk); });
    child.stderr.on('data', keep);
    child.once('error', (error) => reject(new SetupError(`${what} could not be started: ${error.message}`, hint)));
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const lines = tail.trim().split('\n').slice(-15).map((line) => `    ${line}`).join('\n');
      reject(new SetupError(`${what} ended with ${signal ?? `code ${code}`}:\n${lines}`, hint));
    });
  });
}

/** Standard output, or undefined when the command is missing or fails. */
export function tryRun(command, args, options = {}) {
  return run(command, args, options).catch(() => undefined);
}
