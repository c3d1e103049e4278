import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm, unlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A folder that only this user can read, for texts under check. Every text gets a name that was never used before. */
export class Scratch {
  readonly folder: string;
  /** Beside the texts, where nobody scans. */
  readonly configFolder: string;

  private constructor(folder: string, configFolder: string) {
    this.folder = folder;
    this.configFolder = configFolder;
  }

  static async create(): Promise<Scratch> {
    // mkdtemp makes it with mode 0700. The real path: macOS's /tmp is a link, and the server answers with real paths.
    const make = async (prefix: string) => realpath(await mkdtemp(path.join(os.tmpdir(), prefix)));
    return new Scratch(await make('safenote-scan-'), await make('safenote-rules-'));
  }

  async write(content: string, extension: string): Promise<string> {
    const file = path.join(this.folder, `${randomBytes(9).toString('hex')}.${extension}`);
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
    return file;
  }

  async writeConfig(name: string, content: string): Promise<string> {
    const file = path.join(this.configFolder, name);
    await writeFile(file, content, { mode: 0o600 });
    return file;
  }

  async discard(file: string): Promise<void> {
    await unlink(file).catch(() => {});
  }

  async remove(): Promise<void> {
    await Promise.all([this.folder, this.configFolder].map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 3 })));
  }
}
