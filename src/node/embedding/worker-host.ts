import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import type { EmbedReply, EmbedRequest, WorkerSetup } from './protocol.ts';

/**
 * Where the embedding worker runs. A thread starts faster. A process keeps the model's memory (60 MB for the model,
 * and up to 300 MB that compiling its WebAssembly takes for a moment and the system's allocator then keeps) out of the
 * editor's extension host, and gives all of it back when it ends.
 */
export type Isolation = 'thread' | 'process';

export interface WorkerHost {
  send(request: EmbedRequest): void;
  /** Whether it keeps this process alive. */
  setBusy(busy: boolean): void;
  end(): Promise<void>;
}

export interface WorkerEvents {
  onReply(reply: EmbedReply): void;
  onError(error: Error): void;
  /** Called once, when it ended for whatever reason. */
  onExit(code: number | null): void;
}

export function startWorker(isolation: Isolation, script: string, setup: WorkerSetup, events: WorkerEvents): WorkerHost {
  return isolation === 'process' ? startProcess(script, setup, events) : startThread(script, setup, events);
}

function startThread(script: string, setup: WorkerSetup, events: WorkerEvents): WorkerHost {
  const worker = new Worker(script, { workerData: setup, name: 'safenote-embedding' });
  worker.on('message', (reply: EmbedReply) => events.onReply(reply));
  worker.on('error', (error) => events.onError(error));
  worker.on('exit', (code) => events.onExit(code));
  return {
    send: (request) => worker.postMessage(request),
    setBusy: (busy) => (busy ? worker.ref() : worker.unref()),
    end: async () => {
      // Whoever waits for the end must not be the end of the whole process.
      worker.ref();
      await worker.terminate();
    },
  };
}

function startProcess(script: string, setup: WorkerSetup, events: WorkerEvents): WorkerHost {
  const child = fork(script, [JSON.stringify(setup)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Debugger and loader options of this process are not for the child.
    execArgv: [],
    // Inside the editor the program that runs this is Electron, which must be told to be Node. Nothing else of the
    // environment is needed, so no key or proxy password is handed on.
    env: { ELECTRON_RUN_AS_NODE: '1', ...(process.env['SystemRoot'] && { SystemRoot: process.env['SystemRoot'] }) },
  });
  let ended = false;
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const exit = (code: number | null): void => {
    if (ended) return;
    ended = true;
    resolve();
    events.onExit(code);
  };
  child.on('message', (reply: EmbedReply) => events.onReply(reply));
  child.on('error', (error) => {
    events.onError(error);
    // A process that could not be started has no exit event.
    if (child.pid === undefined) exit(null);
  });
  child.on('exit', exit);
  return {
    send: (request) => {
      // A process that has just ended says so by its exit.
      if (child.connected) child.send(request, () => undefined);
    },
    setBusy: (busy) => {
      if (busy) {
        child.ref();
        child.channel?.ref();
      } else {
        child.unref();
        child.channel?.unref();
      }
    },
    end: async () => {
      child.ref();
      if (!ended) child.kill('SIGKILL');
      await gone;
    },
  };
}
