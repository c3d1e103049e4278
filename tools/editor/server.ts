// The VS Code server from the cache: started, given extensions and settings, and ended whole.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { node24, serverMain } from '../setup/paths.mjs';
import { endGroup, RUN_MARK } from './processes.ts';

export interface ServerOptions {
  /** Folder for the server's own data, settings and logs. */
  readonly dataFolder: string;
  readonly extensionsFolder: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** Connection token; absent: none is asked for (tests only). */
  readonly token?: string;
  /** False: the editor asks for trust, as it does at a user's. */
  readonly trustEverything: boolean;
  /** Lets a page name test code by its `payload` parameter. */
  readonly testDriver?: boolean;
  /** Machine settings of this server. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends a server that is still starting. */
  readonly signal?: AbortSignal;
}

export interface EditorServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT/` with the folder (or the `.code-workspace` file) to open, and the token where there is one. */
  url(folder: string, parameters?: Readonly<Record<string, string>>): string;
  /** What the server has printed. */
  output(): string;
  /** Resolves with what it said when the server ends by itself. */
  readonly ended: Promise<string>;
  /** Ends the server and everything it started; returns what would have been left behind. */
  stop(): Promise<string[]>;
}

/** Settings that keep the window quiet: no welcome page, no built-in AI, no update checks. */
const QUIET = {
  'workbench.startupEditor': 'none',
  // As on a desktop; in a browser the default is to save by itself.
  'files.autoSave': 'off',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'update.showReleaseNotes': false,
  'git.openRepositoryInParentFolders': 'never',
  'telemetry.telemetryLevel': 'off',
};

/** No extension gallery: nothing is looked up on the network. */
const NO_GALLERY = { EXTENSIONS_GALLERY: '{}' };

/** Starts the server and resolves when it listens. Throws with its output when it does not. */
export async function startServer(options: ServerOptions): Promise<EditorServer> {
  if (!existsSync(serverMain)) throw new Error('The VS Code server is not in .cache. Run: npm run setup -- --only=server');
  if (options.port) await checkFree(options.port);
  const machine = path.join(options.dataFolder, 'data', 'Machine');
  await mkdir(machine, { recursive: true });
  await mkdir(options.extensionsFolder, { recursive: true });
  await writeFile(path.join(machine, 'settings.json'), JSON.stringify({ ...QUIET, ...options.settings }, null, 2));
  const mark = randomUUID();
  const child = spawn(
    node24,
    [
      serverMain,
      ...['--host', '127.0.0.1', '--port', String(options.port ?? 0)],
      ...(options.token === undefined ? ['--without-connection-token'] : ['--connection-token', options.token]),
      ...(options.trustEverything ? ['--disable-workspace-trust'] : []),
      ...(options.testDriver ? ['--enable-smoke-test-driver'] : []),
      '--accept-server-license-terms',
      ...common(options.dataFolder, options.extensionsFolder),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32', env: { ...cleanEnvironment(), ...NO_GALLERY, ...options.env, [RUN_MARK]: mark } },
  );
  let output = '';
  let port = 0;
  let listening!: () => void;
  const ready = new Promise<void>((resolve) => (listening = resolve));
  const read = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-200_000);
    const found = /agent listening on (\d+)/i.exec(output)?.[1];
    if (found && !port) {
      port = Number(found);
      listening();
    }
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`The VS Code server could not be started: ${error.message}`));
    child.once('exit', (code, signal) => resolve(`The VS Code server ended (${signal ?? code}).\n${output.trim()}`));
  });
  let stopping: Promise<string[]> | undefined;
  const stop = (): Promise<string[]> => (stopping ??= endGroup(child, mark));
  let timer: NodeJS.Timeout | undefined;
  const problem = await Promise.race([
    ready.then(() => undefined),
    ended,
    new Promise<string>((resolve) => {
      const cancelled = (): void => resolve('The start was cancelled.');
      if (options.signal?.aborted) cancelled();
      else options.signal?.addEventListener('abort', cancelled, { once: true });
    }),
    new Promise<string>((resolve) => (timer = setTimeout(() => resolve(`The VS Code server did not listen within 60 s.\n${output.trim()}`), 60_000))),
  ]);
  clearTimeout(timer);
  if (problem !== undefined) {
    await stop();
    throw new Error(problem);
  }
  return {
    port,
    url: (folder, parameters = {}) => {
      const url = new URL(`http://127.0.0.1:${port}/`);
      if (options.token !== undefined) url.searchParams.set('tkn', options.token);
      url.searchParams.set(folder.endsWith('.code-workspace') ? 'workspace' : 'folder', folder);
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.href;
    },
    output: () => output,
    ended,
    stop,
  };
}

/** Throws when another program has the port; the server itself would wait for it without a word. */
async function checkFree(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code === 'EADDRINUSE' ? `Port ${port} is in use. Choose another, or leave it out to get a free one.` : `Port ${port} cannot be used: ${error.message}`)));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()));
  });
}

/** Installs a VSIX file into an extensions folder. Throws with the server's words when it is refused. */
export async function installExtension(vsix: string, dataFolder: string, extensionsFolder: string): Promise<void> {
  const child = spawn(node24, [serverMain, '--install-extension', vsix, '--force', '--accept-server-license-terms', ...common(dataFolder, extensionsFolder)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnvironment(),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0 || !/successfully installed/.test(output)) throw new Error(`${vsix} could not be installed:\n${output.trim()}`);
}

function common(dataFolder: string, extensionsFolder: string): string[] {
  return ['--server-data-dir', dataFolder, '--extensions-dir', extensionsFolder, '--telemetry-level', 'off', '--disable-telemetry'];
}

/** The environment without what a surrounding editor's terminal puts there: it would talk to that editor. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|TSX_)/.test(name)));
}
