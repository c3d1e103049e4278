// Runs test/vscode/suite in the desktop VS Code, where it can be downloaded: the latest, and the oldest that is supported.
//   usage: node --import tsx test/electron/run.mts [VERSION…]
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { root } from '../../tools/setup/paths.mjs';
import { startReplayModel } from '../model/server.ts';
import { bundleTests } from '../vscode/harness/bundle.ts';
import { modelSettings, suiteFiles, testExtensions, WORKSPACE } from '../vscode/harness/suites.ts';

const manifest = z.object({ engines: z.object({ vscode: z.string() }) }).parse(JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')));
const oldest = manifest.engines.vscode.replace(/^\D+/, '');
const versions = process.argv.length > 2 ? process.argv.slice(2) : ['stable', oldest];
// Restricted mode needs a browser's driver to answer the question about trust; those files run in test:vscode only.
const { trusted: suite } = await suiteFiles();

let failed = false;
for (const version of versions) {
  const executable = await downloadAndUnzipVSCode({ version, cachePath: path.join(root, '.cache', 'vscode-test') }).catch((error: unknown) => {
    console.error(`VS Code ${version} could not be downloaded (${error instanceof Error ? error.message : String(error)}).`);
    console.error('The same suites run in the VS Code server, which needs no download of this kind: npm run test:vscode');
    process.exit(1);
  });
  console.log(`\nVS Code ${version}`);
  failed = !(await run(executable)) || failed;
}
process.exit(failed ? 1 : 0);

async function run(executable: string): Promise<boolean> {
  const base = await mkdtemp(path.join(os.tmpdir(), 'safenote-electron-'));
  const model = await startReplayModel({ port: 0 });
  try {
    const workspace = path.join(base, 'workspace');
    const fixture = path.join(root, WORKSPACE);
    if (existsSync(fixture)) await cp(fixture, workspace, { recursive: true });
    else await mkdir(workspace);
    const user = path.join(base, 'user');
    await mkdir(path.join(user, 'User'), { recursive: true });
    await writeFile(path.join(user, 'User', 'settings.json'), JSON.stringify(modelSettings(model.url)));
    await runTests({
      vscodeExecutablePath: executable,
      extensionDevelopmentPath: [root, ...(await testExtensions())],
      extensionTestsPath: await bundleTests(suite, path.join(base, 'tests')),
      launchArgs: [workspace, '--disable-workspace-trust', '--user-data-dir', user, '--extensions-dir', path.join(base, 'extensions'), '--skip-welcome', '--disable-updates'],
      extensionTestsEnv: { SAFENOTE_TEST: '1', SAFENOTE_TEST_ROOT: root, SAFENOTE_TEST_MODEL: model.url, SAFENOTE_HOME: path.join(base, 'home') },
    });
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return false;
  } finally {
    await model.close();
    await rm(base, { recursive: true, force: true });
  }
}
