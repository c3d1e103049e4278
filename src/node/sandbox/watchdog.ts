import { readdir, readFile, readlink } from 'node:fs/promises';

export interface Limits {
  /** Resident memory of all processes together, in bytes. */
  readonly memoryBytes: number;
  /** Processes at the same time. */
  readonly processes: number;
}

/** How often the box is looked at, in milliseconds. */
const EVERY_MS = 100;
const PAGE = 4096;

/**
 * Watches the processes of a box from outside and calls `exceeded` once when they grow past a limit. It stands behind the
 * kernel's own limits, which do not hold for root or are not there on every system. Returns how to stop it.
 */
export function watch(leader: number, limits: Limits, exceeded: (what: 'memory' | 'processes') => void): () => void {
  let stopped = false;
  let box: string | undefined;
  const own = readlink('/proc/self/ns/pid');
  const look = async () => {
    box ??= await pidNamespaceBelow(leader, await own);
    if (!box || stopped) return;
    // Until bubblewrap has changed its root this is the system's own /proc, with everybody's processes: only there are we.
    if (await readlink(`/proc/${box}/root/proc/self`).then(() => true, () => false)) return;
    const inside = await members(`/proc/${box}/root/proc`);
    if (inside.processes > limits.processes) return report('processes');
    if (inside.memory > limits.memoryBytes) return report('memory');
  };
  const report = (what: 'memory' | 'processes') => {
    if (stopped) return;
    stopped = true;
    clearTimeout(timer);
    exceeded(what);
  };
  const again = () => {
    timer = setTimeout(() => {
      look()
        .catch(() => undefined)
        .finally(() => {
          if (!stopped) again();
        });
    }, EVERY_MS);
  };
  let timer: NodeJS.Timeout;
  again();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** The first process below `leader` that lives in another pid namespace, as text. */
async function pidNamespaceBelow(leader: number, own: string): Promise<string | undefined> {
  const queue = [String(leader)];
  for (let n = 0; n < 20; n++) {
    const pid = queue.shift();
    if (pid === undefined) return undefined;
    const namespace = await readlink(`/proc/${pid}/ns/pid`).catch(() => own);
    if (namespace !== own) return pid;
    queue.push(...(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean));
  }
  return undefined;
}

async function members(proc: string): Promise<{ processes: number; memory: number }> {
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  let memory = 0;
  // The number alone tells a fork bomb; reading thousands of files would only help it.
  for (const pid of pids.slice(0, 500)) {
    const pages = (await readFile(`${proc}/${pid}/statm`, 'utf8').catch(() => '')).split(' ');
    // Shared pages (libraries, the same forked heap) count once at most.
    memory += Math.max(0, Number(pages[1] ?? 0) - Number(pages[2] ?? 0)) * PAGE;
  }
  return { processes: pids.length, memory };
}
