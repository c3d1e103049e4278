import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Context } from 'mocha';
import { readFile } from 'node:fs/promises';
import { locateSemgrep } from '../../../../src/node/analyzers/semgrep/locate.ts';
import type { SemgrepLaunch } from '../../../../src/node/analyzers/semgrep/launch.ts';

/** The project's own Semgrep, which set-up installs. */
export const SEMGREP = path.resolve('.venv', process.platform === 'win32' ? 'Scripts/semgrep.exe' : 'bin/semgrep');

/** The real Semgrep; the test is skipped where set-up has not put it there. */
export async function realSemgrep(test: Context): Promise<SemgrepLaunch> {
  if (!existsSync(SEMGREP)) test.skip();
  const { launch } = await locateSemgrep({ setting: SEMGREP, workspaceFolder: '', trusted: true, managedFolder: '', env: process.env });
  if (!launch) throw new Error(`${SEMGREP} does not work`);
  return launch;
}

/** Whether a process is there and not only waiting for its parent to take note of its end. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
