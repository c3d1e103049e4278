import { lstatSync } from 'node:fs';
import path from 'node:path';
import { isExpected } from '../../core/errors.ts';
import { run, type RunResult } from '../process/run.ts';

const TIMEOUT_MS = 30_000;

/** Whose text a file holds, as far as Git knows: everybody who committed a change of it. */
export interface Authorship {
  /** `Name <address>`, as their commits say. Whoever can push can write any name there. */
  readonly authors: readonly string[];
  /** It is not as it was committed last, or was never committed. */
  readonly changed: boolean;
}

/** What Git says about a workspace folder. Starts the user's Git: only where the workspace is trusted. */
export class WorkspaceGit {
  private readonly folder: string;
  private readonly env: NodeJS.ProcessEnv;
  private readonly trusted: () => boolean;

  constructor(options: { workspaceFolder: string; trusted: () => boolean; env: NodeJS.ProcessEnv }) {
    this.folder = path.resolve(options.workspaceFolder);
    this.trusted = options.trusted;
    this.env = options.env;
  }

  /** False without Git, outside a repository, and in a workspace that is not trusted. */
  async isRepository(signal?: AbortSignal): Promise<boolean> {
    return (await this.git(['rev-parse', '--is-inside-work-tree'], signal))?.stdout.trim() === 'true';
  }

  /** Who wrote the files below a folder of the workspace, by absolute path. Files that Git does not know are left out. */
  async authorsBelow(folder: string, signal?: AbortSignal): Promise<Map<string, Authorship>> {
    const found = new Map<string, { authors: Set<string>; changed: boolean }>();
    const [log, status, place] = await Promise.all([
      // A merge counts where it is none of its parents, and no branch is left out because another says the same.
      this.git(['--literal-pathspecs', 'log', '-c', '--full-history', '--format=%x01%an <%ae>', '--name-only', '--no-renames', '--relative', '-z', '--', folder], signal),
      this.git(['--literal-pathspecs', 'status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all', '--', folder], signal),
      this.git(['rev-parse', '--show-prefix'], signal),
    ]);
    // An answer that was cut short would leave somebody out: then nobody is named.
    if (!log || !status || !place || log.truncated || status.truncated) return new Map();
    let author = '';
    for (const part of log.stdout.split('\0')) {
      // Each commit is a header; the first name that follows begins with a line feed.
      const text = part.replace(/^\n+/, '');
      if (text.startsWith('\u0001')) {
        const [header = '', name] = text.slice(1).split('\n', 2);
        author = header;
        if (name) this.note(found, name, author);
      } else if (text) this.note(found, text, author);
    }
    const prefix = place.stdout.replace(/\n$/, '');
    for (const entry of status.stdout.split('\0')) {
      const name = entry.slice(3);
      if (!name.startsWith(prefix)) continue;
      const file = path.join(this.folder, name.slice(prefix.length));
      const known = found.get(file);
      if (known) known.changed = true;
      else if (name) found.set(file, { authors: new Set(), changed: true });
    }
    return new Map([...found].map(([file, { authors, changed }]) => [file, { authors: [...authors], changed }]));
  }

  /** Which of some paths Git would ignore, and by which file's which rule (`.gitignore:3: *.md`). */
  async ignored(files: readonly string[], signal?: AbortSignal): Promise<{ file: string; rule: string }[]> {
    if (files.length === 0) return [];
    const answer = await this.git(['check-ignore', '--no-index', '--verbose', '-z', '--stdin'], signal, files.join('\0'));
    const parts = answer?.stdout.split('\0') ?? [];
    const found: { file: string; rule: string }[] = [];
    for (let at = 0; at + 3 < parts.length; at += 4) {
      const [source = '', line = '', pattern = '', file = ''] = parts.slice(at, at + 4);
      if (!pattern.startsWith('!')) found.push({ file, rule: `${source}:${line}: ${pattern}` });
    }
    return found;
  }

  /** The three versions of a file that a merge could not put together, where Git still has them. */
  async stages(file: string, signal?: AbortSignal): Promise<{ base?: string; ours: string; theirs: string } | undefined> {
    const name = `./${path.relative(this.folder, file).split(path.sep).join('/')}`;
    const [base, ours, theirs] = await Promise.all([1, 2, 3].map((stage) => this.git(['show', `:${stage}:${name}`], signal)));
    if (!ours || !theirs || ours.truncated || theirs.truncated) return undefined;
    return { ours: ours.stdout, theirs: theirs.stdout, ...(base && !base.truncated && { base: base.stdout }) };
  }

  async setting(key: string, signal?: AbortSignal): Promise<string | undefined> {
    return (await this.git(['config', '--local', '--get', key], signal))?.stdout.replace(/\n$/, '');
  }

  /** Writes the repository's own configuration; without a value the whole section of the key goes. False when Git refuses. */
  async configure(key: string, value: string | undefined, signal?: AbortSignal): Promise<boolean> {
    const args = value === undefined ? ['config', '--local', '--remove-section', key.replace(/\.[^.]*$/, '')] : ['config', '--local', key, value];
    return (await this.git(args, signal)) !== undefined;
  }

  /** The repository's name for the user: `Name <address>`. */
  async user(signal?: AbortSignal): Promise<string | undefined> {
    return (await this.git(['var', 'GIT_AUTHOR_IDENT'], signal))?.stdout.replace(/>.*$/s, '>').trim() || undefined;
  }

  private note(found: Map<string, { authors: Set<string>; changed: boolean }>, name: string, author: string): void {
    const file = path.join(this.folder, name);
    const known = found.get(file) ?? { authors: new Set<string>(), changed: false };
    known.authors.add(author);
    found.set(file, known);
  }

  /** The answer of Git where it succeeded. */
  private async git(args: readonly string[], signal?: AbortSignal, input?: string): Promise<RunResult | undefined> {
    if (!this.trusted() || !lstatSync(this.folder, { throwIfNoEntry: false })) return undefined;
    try {
      const result = await run('git', ['-c', 'core.fsmonitor=false', '-c', 'core.quotePath=false', '-c', 'log.showSignature=false', '--no-pager', ...args], {
        cwd: this.folder,
        env: { ...this.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' },
        timeoutMs: TIMEOUT_MS,
        lowPriority: false,
        ...(input === undefined ? {} : { input }),
        ...(signal && { signal }),
      });
      return result.code === 0 && !result.timedOut ? result : undefined;
    } catch (error) {
      // No Git on this machine.
      if (isExpected(error)) return undefined;
      throw error;
    }
  }
}
