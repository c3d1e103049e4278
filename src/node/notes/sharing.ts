import { lstatSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { ExpectedError } from '../../core/errors.ts';
import { redactExtras, redactNote, redactSecrets } from '../../core/notebook/redact.ts';
import type { StoredNote } from '../../core/notebook/note.ts';
import type { SharePlan } from '../../core/notebook/share-text.ts';
import { replaceFile } from './atomic-file.ts';
import { fileErrorCode, writeError } from './file-errors.ts';
import { type FileNoteStore, GITIGNORE } from './file-note-store.ts';
import type { WorkspaceGit } from './git.ts';
import { readNoteFile, readRawFile } from './note-files.ts';

const LIFTED = ['!notes/', '!notes/**', '!.gitattributes'];
const ATTRIBUTES = 'notes/**/*.md merge=safenote\n';
const DRIVER = 'merge.safenote';
const WHAT = '.safenote/.gitignore';

/**
 * Puts the notes under version control, and takes them out again. What decides is `.safenote/.gitignore`: sharing adds
 * lines to it and stopping removes just those. Nothing is committed and nothing is pushed.
 */
export class NoteSharing {
  private readonly o: { workspaceFolder: string; store: FileNoteStore; git: WorkspaceGit; driverFolder: string; runtime: string; assetsRoot: string };
  private readonly home: string;

  constructor(options: NoteSharing['o']) {
    this.o = options;
    this.home = path.join(path.resolve(options.workspaceFolder), '.safenote');
  }

  /** Whether the notes are offered to Git. */
  isShared(): boolean {
    const lines = new Set(this.ignoreLines());
    return LIFTED.slice(0, 2).every((line) => lines.has(line)) || !lines.has('*');
  }

  async plan(signal?: AbortSignal): Promise<SharePlan> {
    const { notes, setAside } = await this.o.store.load();
    const repository = await this.o.git.isRepository(signal);
    const secrets = notes.filter((stored) => this.hasSecret(stored)).map(({ note }) => note.id);
    const blocked = setAside.filter(({ file }) => {
      const raw = readRawFile(file);
      const text = raw && 'text' in raw ? raw.text : undefined;
      return text !== undefined && redactSecrets(text) !== text;
    });
    const ignoredBy = repository ? await this.outerRule(notes, signal) : undefined;
    return { shared: this.isShared(), repository, notes, secrets, setAside, blocked, ...(ignoredBy && { ignoredBy }), mergeDriver: (await this.o.git.setting(`${DRIVER}.driver`, signal)) !== undefined };
  }

  /** Takes secrets out of the notes, then offers them to Git. Returns the ids of the notes that were redacted. */
  async share(signal?: AbortSignal): Promise<string[]> {
    const { blocked, secrets } = await this.plan(signal);
    const first = blocked[0];
    if (first) {
      throw new ExpectedError('secret-in-file', `Nothing was shared: ${blocked.length === 1 ? `${first.file} holds` : `${blocked.length} files that are no notes hold`} what looks like a secret.`, `${first.file} (${first.reason}). Correct or delete it, then share again.`);
    }
    for (const id of secrets) {
      signal?.throwIfAborted();
      // What is written is redacted; an approved note stays approved.
      await this.o.store.modify(id, (note) => note);
    }
    await this.writeIgnore((lines) => [...lines, ...LIFTED.filter((line) => !lines.includes(line))]);
    // The team's own attributes stay.
    await writeFile(path.join(this.home, '.gitattributes'), ATTRIBUTES, { flag: 'wx' }).catch((error: unknown) => {
      if (fileErrorCode(error) !== 'EEXIST') throw writeError(error, '.safenote/.gitattributes');
    });
    return [...secrets];
  }

  /** Takes back what `share` did. What was committed stays in Git until it is removed there. */
  async stop(): Promise<void> {
    await this.writeIgnore((lines) => {
      const kept = lines.filter((line) => !LIFTED.includes(line));
      return kept.includes('*') ? kept : ['*', ...kept];
    });
    const attributes = path.join(this.home, '.gitattributes');
    if (this.read(attributes) === ATTRIBUTES) await rm(attributes, { force: true });
    if (await this.o.git.setting(`${DRIVER}.driver`)) await this.o.git.configure(`${DRIVER}.driver`, undefined);
  }

  /**
   * Tells this repository's Git to merge notes by section. The program lies in the user's own folder, where no update moves
   * it; where it is gone, Git merges by lines as before.
   */
  async installMergeDriver(signal?: AbortSignal): Promise<void> {
    if (!(await this.o.git.isRepository(signal))) throw new ExpectedError('no-repository', 'There is no Git repository here (or no Git on this machine).', 'Run "git init" first, or open the folder of the repository.');
    const folder = this.o.driverFolder;
    const program = path.join(folder, 'merge-notes.cjs');
    const script = path.join(folder, 'merge-notes.sh');
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await replaceFile(program, readFileSync(path.join(this.o.assetsRoot, 'merge-notes.js')), { temporary: `${program}.${randomBytes(6).toString('hex')}.tmp` });
      await replaceFile(script, driverScript(this.o.runtime, program), { temporary: `${script}.${randomBytes(6).toString('hex')}.tmp` });
    } catch (error) {
      throw writeError(error, 'The merge driver');
    }
    const command = `sh ${shellQuoted(script)} %O %A %B %P`;
    const done = (await this.o.git.configure(`${DRIVER}.name`, 'SafeNote: notes by section', signal)) && (await this.o.git.configure(`${DRIVER}.driver`, command, signal));
    if (!done) throw new ExpectedError('git-config', "Git's configuration of this repository could not be written.", 'Check that .git/config can be written, then try again.');
  }

  private hasSecret({ note, file }: StoredNote): boolean {
    if (redactNote(note) !== note) return true;
    const content = readNoteFile(file, note.kind)?.content;
    return content?.note !== undefined && JSON.stringify(redactExtras(content.extras)) !== JSON.stringify(content.extras);
  }

  /** The rule that would still hide a note, but for the one that sharing lifts. */
  private async outerRule(notes: readonly StoredNote[], signal?: AbortSignal): Promise<string | undefined> {
    const probe = notes[0]?.file ?? path.join(this.o.store.folders.security, 'a-note.md');
    const own = path.join(path.resolve(this.o.workspaceFolder), '.safenote', '.gitignore');
    const found = await this.o.git.ignored([probe, path.join(this.home, '.gitignore')], signal);
    return found.map(({ rule }) => rule).find((rule) => !isOwnRule(rule, own, this.o.workspaceFolder));
  }

  private ignoreLines(): string[] {
    return (this.read(path.join(this.home, '.gitignore')) ?? GITIGNORE).split(/\r?\n/).map((line) => line.trimEnd());
  }

  private async writeIgnore(change: (lines: string[]) => string[]): Promise<void> {
    const file = path.join(this.home, '.gitignore');
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat && !stat.isFile()) throw new ExpectedError('not-a-file', `${file} is not a file.`, 'Move it away, then try again.');
    try {
      await mkdir(path.join(this.home, '.tmp'), { recursive: true });
      const lines = change(this.ignoreLines().filter((line, at, all) => line !== '' || at < all.length - 1));
      await replaceFile(file, `${lines.join('\n').trimEnd()}\n`, { temporary: path.join(this.home, '.tmp', `gitignore.${randomBytes(6).toString('hex')}`) });
    } catch (error) {
      throw writeError(error, WHAT);
    }
  }

  private read(file: string): string | undefined {
    try {
      return lstatSync(file).isFile() ? readFileSync(file, 'utf8') : undefined;
    } catch {
      return undefined;
    }
  }
}

/** `path:line: pattern` of Git, relative to the folder it ran in or absolute. */
function isOwnRule(rule: string, own: string, folder: string): boolean {
  const source = rule.replace(/:\d+: .*$/s, '');
  return path.resolve(folder, source) === own || source.endsWith('.safenote/.gitignore');
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll('\\', '/').replaceAll("'", "'\\''")}'`;
}

/** Git runs it with the names of the versions: before, ours (where the result goes), theirs, and the path in the repository. */
function driverScript(runtime: string, program: string): string {
  return `#!/bin/sh
# Merges SafeNote's notes by section; written by "Share Notebook".
if [ -f ${shellQuoted(program)} ]; then
  for node in ${shellQuoted(runtime)} node; do
    if command -v "$node" >/dev/null 2>&1; then
      ELECTRON_RUN_AS_NODE=1 "$node" ${shellQuoted(program)} "$1" "$2" "$3" "$4"
      code=$?
      # 0 merged, 1 conflicts; anything else did not run, and lines it is.
      if [ "$code" -le 1 ]; then exit "$code"; fi
      break
    fi
  done
fi
exec git merge-file -L ours -L base -L theirs "$2" "$1" "$3"
`;
}
