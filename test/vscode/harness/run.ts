// Runs mocha suites inside a real VS Code (its server, with Chromium as the window).
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import * as z from 'zod';
import { launchBrowser } from '../../../tools/editor/browser.ts';
import { startServer } from '../../../tools/editor/server.ts';
import { root } from '../../../tools/setup/paths.mjs';
import { bundleTests } from './bundle.ts';
import { follow } from './tail.ts';

export interface VsCodeRun {
  /** Test files; paths from the project's root. */
  readonly suite: readonly string[];
  /** Folder whose copy is opened; absent: an empty one. */
  readonly workspace?: string;
  /** Further folders of the workspace, by name: empty ones, beside the copy. */
  readonly moreFolders?: readonly string[];
  /** Machine settings. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** False: the workspace is opened in restricted mode. Default true. */
  readonly trust?: boolean;
  /** For the server and so for the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of further extensions, for example one that registers a language model. */
  readonly extensions?: readonly string[];
  /** Only tests whose full title contains this. */
  readonly grep?: string;
  /** The whole run must end within this time. Default 5 minutes. */
  readonly timeoutMs?: number;
  readonly log?: (line: string) => void;
}

/** What a run came to. `crashed` says why there is no (whole) result. */
export interface RunResult {
  readonly passed: number;
  /** Titles of the failed tests. */
  readonly failures: readonly string[];
  readonly skipped: readonly string[];
  readonly crashed?: string;
}

const Identity = z.object({ publisher: z.string(), name: z.string(), version: z.string() });
const Report = z.object({ passed: z.number(), failures: z.array(z.string()), skipped: z.array(z.string()) });

/** Runs the suite and ends everything it started. Never rejects: what went wrong is in the result. */
export async function runInVsCode(run: VsCodeRun): Promise<RunResult> {
  const log = run.log ?? ((line: string) => console.log(line));
  // Short: a socket's path below it has to stay under 108 characters.
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-vscode-')));
  try {
    return await inFolder(run, folder, log);
  } catch (error) {
    return { passed: 0, failures: [], skipped: [], crashed: error instanceof Error ? error.message : String(error) };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function inFolder(run: VsCodeRun, folder: string, log: (line: string) => void): Promise<RunResult> {
  const workspace = path.join(folder, 'workspace');
  await mkdir(workspace);
  if (run.workspace) await cp(path.resolve(root, run.workspace), workspace, { recursive: true });
  // As installed ones: of several extensions under development a page takes the last alone.
  for (const extension of run.extensions ?? []) {
    const { publisher, name, version } = Identity.parse(JSON.parse(await readFile(path.resolve(root, extension, 'package.json'), 'utf8')));
    await cp(path.resolve(root, extension), path.join(folder, 'extensions', `${publisher}.${name}-${version}`), { recursive: true });
  }
  const entry = await bundleTests(run.suite, path.join(folder, 'tests'));
  const report = path.join(folder, 'report.json');
  const progress = path.join(folder, 'progress.txt');
  const server = await startServer({
    dataFolder: path.join(folder, 'data'),
    extensionsFolder: path.join(folder, 'extensions'),
    trustEverything: run.trust ?? true,
    testDriver: true,
    ...(run.settings && { settings: run.settings }),
    env: {
      SAFENOTE_TEST: '1',
      SAFENOTE_TEST_ROOT: root,
      SAFENOTE_TEST_REPORT: report,
      SAFENOTE_TEST_PROGRESS: progress,
      SAFENOTE_TEST_GREP: run.grep ?? '',
      SAFENOTE_HOME: path.join(folder, 'home'),
      ...run.env,
    },
  });
  const browser = await launchBrowser().catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const stopFollowing = follow(progress, log);
  const said: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, permissions: ['clipboard-read', 'clipboard-write'] })).newPage();
    const exited = new Promise<string | undefined>((resolve) => {
      void page.exposeFunction('codeAutomationExit', (code: number) => resolve(code === 0 ? undefined : `the test host ended with code ${code}`));
      page.once('crash', () => resolve('the browser page crashed'));
      void server.ended.then(resolve);
      const limit = run.timeoutMs ?? 300_000;
      timer = setTimeout(() => resolve(`not finished after ${limit / 1000} s`), limit);
    });
    // The window's own console is of interest only when something went wrong.
    await page.exposeFunction('codeAutomationLog', (_type: string, values: unknown) => {
      const lines = printable(values);
      if (process.env['SAFENOTE_TEST_VERBOSE']) lines.forEach(log);
      said.push(...lines);
      said.splice(0, Math.max(0, said.length - 60));
    });
    const remote = (file: string): string => `vscode-remote://127.0.0.1:${server.port}${file}`;
    const payload = [
      ['extensionDevelopmentPath', remote(root)],
      ['extensionTestsPath', remote(entry)],
    ];
    await page.goto(server.url(await workspaceOf(run, folder, workspace), { payload: JSON.stringify(payload) }));
    if (run.trust === false) void declineTrust(page);
    const problem = await exited;
    await stopFollowing();
    const counts = await readFile(report, 'utf8').then((text) => Report.parse(JSON.parse(text)), () => undefined);
    if (!counts) said.forEach(log);
    if (!counts) return { passed: 0, failures: [], skipped: [], crashed: problem ?? 'the test host ended without a report' };
    // A host that ends badly after a clean report has crashed on its way out.
    return problem && counts.failures.length === 0 ? { ...counts, crashed: problem } : counts;
  } finally {
    clearTimeout(timer);
    await stopFollowing();
    await browser.close().catch(() => {});
    const left = await server.stop();
    if (left.length > 0) log(`  left behind and ended: ${left.join(', ')}`);
  }
}

/** What is opened: the folder, or a workspace of it and further ones. */
async function workspaceOf(run: VsCodeRun, base: string, folder: string): Promise<string> {
  if (!run.moreFolders || run.moreFolders.length === 0) return folder;
  for (const name of run.moreFolders) await mkdir(path.join(base, name));
  const file = path.join(base, 'several.code-workspace');
  await writeFile(file, JSON.stringify({ folders: [{ path: folder }, ...run.moreFolders.map((name) => ({ path: path.join(base, name) }))] }));
  return file;
}

/** Answers the editor's question about trust as a cautious user does. */
async function declineTrust(page: Page): Promise<void> {
  const no = page.getByRole('button', { name: /No, I don't trust|Don't Trust|Browse in Restricted Mode/i });
  await no.first().click({ timeout: 30_000 }).catch(() => {});
}

/** The lines of a console call; styling arguments (`%c`) and empty lines are dropped. */
function printable(values: unknown): string[] {
  const list = Array.isArray(values) ? values : [values];
  const text = list
    .filter((value): value is string => typeof value === 'string')
    .map((value) => value.replace(/^%c/, ''))
    .filter((value) => !/^(color|background): /.test(value))
    .join(' ');
  return text.split('\n').filter((line) => line.trim().length > 0);
}
