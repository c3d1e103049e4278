import { readFileSync, realpathSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../core/errors.ts';
import { importSarif, type SarifImport, type WorkspaceText, type WorkspaceTexts } from '../core/verification/sarif-import.ts';
import { MAX_SARIF_LENGTH } from '../core/verification/sarif-in.ts';

/** Larger files are generated ones, in bytes. */
const MAX_SOURCE = 2_000_000;

export interface SarifFileOptions {
  readonly file: string;
  /** Folders of the workspace; a relative name is looked for in each, in order. */
  readonly folders: readonly string[];
  /** The text of an open editor, which counts instead of the file's. */
  readonly openText?: (path: string) => string | undefined;
}

/** Reads a SARIF file as findings of a workspace, for the editor and the command line alike. Throws `ExpectedError`. */
export async function importSarifFile(options: SarifFileOptions): Promise<SarifImport> {
  const { file } = options;
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) throw new ExpectedError('sarif-unreadable', `${path.basename(file)} is not there, or is no file.`, 'Choose the SARIF file that the tool wrote.');
  if (info.size > MAX_SARIF_LENGTH) throw new ExpectedError('sarif-unreadable', `${path.basename(file)} is too large (${Math.round(info.size / 1e6)} MB).`, `Let the tool write several files of at most ${MAX_SARIF_LENGTH / 1e6} MB.`);
  return importSarif(decode(await readFile(file)), new FolderTexts(options));
}

/** Some tools on Windows write UTF-16. */
function decode(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8');
}

/** The files of some folders, links included only where they stay inside. */
class FolderTexts implements WorkspaceTexts {
  private readonly folders: readonly string[];
  private readonly openText: (path: string) => string | undefined;

  constructor({ folders, openText }: SarifFileOptions) {
    this.folders = folders.map((folder) => path.resolve(folder));
    this.openText = openText ?? (() => undefined);
  }

  read(name: string): WorkspaceText {
    const absolute = path.isAbsolute(name) || /^[A-Za-z]:\//.test(name);
    let gone = absolute ? 'it is not in this workspace' : 'there is no such file in this workspace';
    for (const folder of this.folders) {
      const file = path.resolve(folder, name);
      if (!isInside(folder, file)) continue;
      const text = this.openText(file);
      if (text !== undefined) return { path: file, text };
      try {
        const real = realpathSync(file);
        if (!isInside(realpathSync(folder), real)) gone = 'it is a link that leads out of the workspace';
        else if (!statSync(real).isFile()) gone = 'it is no file';
        else if (statSync(real).size > MAX_SOURCE) gone = 'it is too large to be looked at';
        // As the editor counts: a byte order mark is no character.
        else return { path: file, text: readFileSync(real, 'utf8').replace(/^\uFEFF/, '') };
      } catch {
        gone = 'there is no such file in this workspace';
      }
    }
    return { gone };
  }
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}
