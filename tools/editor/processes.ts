// Ends what a run has started, whole: nothing of it may outlive it.
import type { ChildProcess } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Name of the environment variable by which all descendants of a run are recognised, also those in groups of their own. */
export const RUN_MARK = 'SAFENOTE_RUN_MARK';

/**
 * Ends a process that was started `detached` together with its group, politely first. Returns the names of what had left
 * the group and was still there afterwards (and is then ended too).
 */
export async function endGroup(child: ChildProcess, mark: string, graceMs = 3000): Promise<string[]> {
  signalGroup(child, 'SIGTERM');
  const until = Date.now() + graceMs;
  while (child.exitCode === null && child.signalCode === null && Date.now() < until) await sleep(25);
  // What was told to stop by its parent may need a moment.
  let left = await marked(mark);
  while (left.length > 0 && Date.now() < until) {
    await sleep(50);
    left = await marked(mark);
  }
  signalGroup(child, 'SIGKILL');
  const group = child.pid;
  const strays = left.filter((process) => process.group !== group);
  for (const { pid } of await marked(mark)) signal(pid, 'SIGKILL');
  return strays.map((process) => process.name);
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    if (child.exitCode === null) child.kill(name);
  } else {
    signal(-child.pid, name);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

interface Marked {
  readonly pid: number;
  readonly group: number;
  readonly name: string;
}

/** Living processes whose environment carries the mark. Linux only; elsewhere the group has to do. */
async function marked(mark: string): Promise<Marked[]> {
  if (process.platform !== 'linux') return [];
  const found: Marked[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!pid || pid === process.pid) continue;
    try {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
      if (!environment.split('\0').includes(`${RUN_MARK}=${mark}`)) continue;
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] !== 'Z') found.push({ pid, group: Number(fields[2]), name: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, 3).join(' ') });
    } catch {
      // It ended while we looked, or belongs to somebody else.
    }
  }
  return found;
}
