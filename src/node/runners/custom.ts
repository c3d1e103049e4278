import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { realPath } from '../sandbox/box.ts';
import { exitCase, readJunit } from './reports.ts';
import type { Chosen, Project } from './runner.ts';

/**
 * The user's own command, run by the shell in the workspace folder. Told are the changed file (`SAFENOTE_FILE`, relative) and
 * where a JUnit XML report can be written (`SAFENOTE_REPORT`); without one the exit code alone is the verdict.
 */
export function ownCommand({ workspace, document, env }: Project, command: string): Chosen {
  const file = path.relative(workspace, document.path).split(path.sep).join('/');
  return {
    runner: 'command', because: 'safenote.tests.command names it', targets: [command], byExitCode: true, writes: true,
    tools: toolFolders(env),
    read: (text, root, ended) => (text.trim() ? readJunit(text, root, ended) : [exitCase(command, ended)]),
    start: (_targets, at) => ({
      command: process.platform === 'win32' ? ['cmd', '/d', '/s', '/c', command] : ['/bin/sh', '-c', command],
      environment: { SAFENOTE_FILE: file, SAFENOTE_REPORT: `${at.tmp}/report.xml`, CI: '1', NO_COLOR: '1' },
      report: [`${at.tmp}/report.xml`],
    }),
  };
}

/** Where the programs on PATH lie, as far as they are installations and not the user's home folder. */
function toolFolders(env: NodeJS.ProcessEnv): string[] {
  const home = realPath(env['HOME'] ?? os.homedir());
  const folders = new Set<string>();
  for (const entry of (env['PATH'] ?? '').split(path.delimiter)) {
    if (!path.isAbsolute(entry) || !existsSync(entry)) continue;
    const real = realPath(entry);
    if (real === home || real === '/') continue;
    const above = path.dirname(real);
    // `bin` beside `lib` is an installation; `~/.local` has more in it than programs.
    const whole = above !== home && path.basename(above) !== '.local' && ['lib', 'libexec', 'pkg'].some((name) => existsSync(path.join(above, name)));
    folders.add(whole ? above : real);
  }
  return [...folders];
}
