// SafeNote in a real VS Code on 127.0.0.1, with the example workspace. Started by tools/start.mjs, under Node 24.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { endpointFromEnvironment } from '../../src/node/llm/endpoint.ts';
import { startReplayModel } from '../../test/model/server.ts';
import { installExtension, startServer } from '../editor/server.ts';
import { cache, root, semgrep } from '../setup/paths.mjs';

const { values: options } = parseArgs({ options: { port: { type: 'string' }, 'no-open': { type: 'boolean' }, fresh: { type: 'boolean' } } });
const say = (line: string): void => console.error(line);

const port = Number(options.port ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  say(`--port ${options.port}: a port is a number from 1 to 65535.`);
  process.exit(2);
}

const base = path.join(cache, 'start');
const workspace = path.join(base, 'workspace');
const dataFolder = path.join(base, 'data');
const extensionsFolder = path.join(base, 'extensions');

/** What has to be undone at the end, last first. */
const undo: (() => Promise<unknown>)[] = [];
const cancel = new AbortController();
let ending: Promise<void> | undefined;
function end(code: number): Promise<void> {
  cancel.abort();
  return (ending ??= (async () => {
    // What is being started has to be there before it can be undone.
    await starting.catch(() => {});
    for (const step of undo.reverse()) await step().catch((error: unknown) => say(String(error)));
    process.exit(code);
  })());
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));
// The script that started this one is gone, however it ended.
process.on('disconnect', () => void end(0));

const starting = start();
try {
  await starting;
} catch (error) {
  if (!ending) say(error instanceof Error ? error.message : String(error));
  await end(1);
}

async function start(): Promise<void> {
  if (options.fresh) await rm(base, { recursive: true, force: true });
  await takeOver();
  if (!existsSync(workspace)) await cp(path.join(root, 'examples'), workspace, { recursive: true });
  await install();
  const server = await startServer({
    signal: cancel.signal,
    dataFolder,
    extensionsFolder,
    port,
    token: randomBytes(24).toString('hex'),
    trustEverything: true,
    settings: { ...(await modelSettings()), ...(existsSync(semgrep) && { 'safenote.analyzers.semgrep.path': semgrep }) },
    env: { SAFENOTE_HOME: path.join(base, 'home') },
  });
  undo.push(() => server.stop());
  void server.ended.then((why) => {
    if (ending) return;
    say(why);
    void end(1);
  });
  const url = server.url(workspace);
  console.log(`SafeNote is ready: ${url}`);
  if (!options['no-open']) openBrowser(url);
}

/** One server per data folder: a second would mix up its files. The record of who holds it is removed at the end. */
async function takeOver(): Promise<void> {
  const file = path.join(base, 'running.pid');
  await mkdir(base, { recursive: true });
  const holder = Number(await readFile(file, 'utf8').catch(() => ''));
  if (holder && holder !== process.pid && alive(holder)) throw new Error(`npm start is already running here (process ${holder}). End it first.`);
  await writeFile(file, String(process.pid));
  undo.push(() => rm(file, { force: true }));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Installs the packed extension unless exactly this file is installed already. */
async function install(): Promise<void> {
  const name = (await readdir(path.join(root, 'dist'))).find((file) => file.endsWith('.vsix'));
  if (!name) throw new Error('There is no VSIX in dist/. Run: npm run package');
  const vsix = path.join(root, 'dist', name);
  const hash = createHash('sha256').update(await readFile(vsix)).digest('hex');
  const stamp = path.join(base, 'installed');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === hash && existsSync(extensionsFolder)) return;
  say(`Installing ${name} …`);
  await installExtension(vsix, dataFolder, extensionsFolder);
  await writeFile(stamp, hash);
}

/** The model that the shell names, else the replay model, which this run then brings along. */
async function modelSettings(): Promise<Record<string, unknown>> {
  const named = endpointFromEnvironment(process.env);
  const model = process.env['SAFENOTE_MODEL']?.trim();
  if (named) {
    say(`Model: ${named.model ?? 'the first'} at ${named.endpoint.baseUrl}, as the environment says.`);
    return { 'safenote.model.provider': 'openai', 'safenote.model.baseUrl': named.endpoint.baseUrl, 'safenote.model.name': named.model ?? '' };
  }
  if (model) {
    say(`Model: ${model}, as SAFENOTE_MODEL says.`);
    return { 'safenote.model.provider': 'auto', 'safenote.model.name': model };
  }
  const replay = await startReplayModel({ port: 0 });
  undo.push(() => replay.close());
  say('Model: replay (recorded answers for the example workspace). Name another with OPENAI_BASE_URL, OPENAI_API_KEY and SAFENOTE_MODEL.');
  return { 'safenote.model.provider': 'openai', 'safenote.model.baseUrl': replay.url, 'safenote.model.name': 'replay' };
}

/** Opens the user's browser where there is a screen to show it on. */
function openBrowser(url: string): void {
  const [command, args] =
    process.platform === 'darwin' ? ['open', [url]] : process.platform === 'win32' ? ['cmd', ['/c', 'start', '""', url.replaceAll('&', '^&')]] : ['xdg-open', [url]];
  const screen = process.platform !== 'linux' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'];
  if (!screen) return;
  const child = spawn(command as string, args as string[], { stdio: 'ignore', detached: true });
  child.once('error', () => say('No browser could be opened; open the address above by hand.'));
  child.unref();
}
