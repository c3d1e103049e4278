import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import envPaths from 'env-paths';

/** Where SafeNote keeps what belongs to the user and not to a repository. The editor and the command line share it. */
export interface UserFolders {
  /** What must not be lost: approvals and the activity journal. */
  readonly data: string;
  /** One file per workspace: the notes that the user trusts. */
  approvals(workspaceFolder: string): string;
  /** One file per workspace: what the user answered to questions about its tests. */
  testConsents(workspaceFolder: string): string;
  /** Last good versions of note files that cannot be read. Safe to delete. */
  lastGood(workspaceFolder: string): string;
  /** What became of completions and notes in one workspace; no code and no task is in it. */
  activity(workspaceFolder: string): string;
  /** Vectors of one workspace's notes in one embedder's space. Safe to delete. */
  index(workspaceFolder: string, embedderId: string): string;
  /** Vectors of the samples on one workspace's shelf. Safe to delete. */
  knowledgeVectors(workspaceFolder: string, embedderId: string): string;
  /** Journal of the offline construction for one model in one workspace; its report lies beside it. */
  build(workspaceFolder: string, model: string): string;
  /** Downloaded embedding models, one folder each. */
  readonly models: string;
  /** The Semgrep that SafeNote installed. */
  readonly semgrep: string;
  /** The program by which Git merges notes. */
  readonly mergeDriver: string;
  /** CodeQL's databases while they are needed. Safe to delete. */
  readonly codeql: string;
}

/**
 * The platform's own places for application data and caches; `SAFENOTE_HOME` puts all of it under one folder. Creates
 * nothing.
 */
export function userFolders(env: Readonly<Record<string, string | undefined>> = process.env): UserFolders {
  const home = env['SAFENOTE_HOME'];
  const platform = envPaths('safenote', { suffix: '' });
  const data = home ? path.resolve(home) : platform.data;
  const cache = home ? path.join(data, 'cache') : platform.cache;
  return {
    data,
    approvals: (workspaceFolder) => path.join(data, 'approvals', `${workspaceKey(workspaceFolder)}.txt`),
    testConsents: (workspaceFolder) => path.join(data, 'consents', `${workspaceKey(workspaceFolder)}.txt`),
    lastGood: (workspaceFolder) => path.join(cache, 'last-good', workspaceKey(workspaceFolder)),
    activity: (workspaceFolder) => path.join(data, 'activity', `${workspaceKey(workspaceFolder)}.jsonl`),
    index: (workspaceFolder, embedderId) => path.join(cache, 'index', workspaceKey(workspaceFolder), embedderId.replace(/[^A-Za-z0-9._-]+/g, '-')),
    knowledgeVectors: (workspaceFolder, embedderId) => path.join(cache, 'knowledge', workspaceKey(workspaceFolder), `${embedderId.replace(/[^A-Za-z0-9._-]+/g, '-')}.bin`),
    build: (workspaceFolder, model) => path.join(data, 'builds', workspaceKey(workspaceFolder), `${model.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 80)}.jsonl`),
    models: path.join(data, 'models'),
    semgrep: path.join(data, 'semgrep'),
    mergeDriver: path.join(data, 'merge-driver'),
    codeql: path.join(cache, 'codeql'),
  };
}

/** A name for a workspace that a person recognises and that no other workspace has: its folder's name and a hash of its path. */
export function workspaceKey(workspaceFolder: string): string {
  let real = path.resolve(workspaceFolder);
  try {
    real = realpathSync.native(real);
  } catch {
    // A folder that is not there yet goes by the path it will have.
  }
  // Windows and editors disagree about the case of the drive letter.
  if (process.platform === 'win32') real = real.toLowerCase();
  const name = path.basename(real).replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 40);
  return `${name}-${createHash('sha256').update(real).digest('hex').slice(0, 16)}`;
}
