// What the suites of test/vscode need, for the server and for the desktop editor alike.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../../../tools/build/files.mjs';
import { root, semgrep } from '../../../tools/setup/paths.mjs';

/** Folder whose copy the suites open, where it exists. */
export const WORKSPACE = 'test/vscode/workspace';

/**
 * Test files whose name contains `part`. Those named *.untrusted.test.ts want a window in restricted mode, those named
 * *.multiroot.test.ts one with several folders.
 */
export async function suiteFiles(part = ''): Promise<{ trusted: string[]; untrusted: string[]; multiroot: string[] }> {
  const folder = 'test/vscode/suite';
  const files = (await filesBelow(path.join(root, folder), '.test.ts')).filter((file) => file.includes(part)).map((file) => `${folder}/${file}`);
  const named = (kind: string) => files.filter((file) => file.endsWith(`.${kind}.test.ts`));
  const [untrusted, multiroot] = [named('untrusted'), named('multiroot')];
  return { trusted: files.filter((file) => !untrusted.includes(file) && !multiroot.includes(file)), untrusted, multiroot };
}

/** Extensions that only tests need: every folder of test/vscode/extensions. */
export async function testExtensions(): Promise<string[]> {
  const base = path.join(root, 'test/vscode/extensions');
  const manifests = (await filesBelow(base, 'package.json')).filter((file) => file.split('/').length === 2);
  return manifests.map((file) => path.join(base, path.dirname(file)));
}

/** Settings under which the extension asks the replay model and uses the project's own Semgrep. */
export function modelSettings(url: string): Record<string, unknown> {
  return {
    'safenote.model.provider': 'openai',
    'safenote.model.baseUrl': url,
    'safenote.model.name': 'replay',
    ...(existsSync(semgrep) && { 'safenote.analyzers.semgrep.path': semgrep }),
  };
}
