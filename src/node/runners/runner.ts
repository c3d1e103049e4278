import type { SourceDocument } from '../../core/source.ts';
import type { FileIndex } from './file-index.ts';
import type { ReportReader } from './reports.ts';

/** Where a document's tests are looked for. */
export interface Project {
  /** The workspace folder, real path. */
  readonly workspace: string;
  /** Folder of a manifest above the document, inside the workspace; else the workspace. */
  readonly root: string;
  readonly document: SourceDocument;
  /** Names of the changed functions. */
  readonly names: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** The workspace's files. */
  readonly files: FileIndex;
}

/** Where a run finds things: in the box at their own places, else in a copy. */
export interface Places {
  readonly root: string;
  /** Can be written, and is gone afterwards. */
  readonly tmp: string;
  readonly boxed: boolean;
}

export interface Start {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Patterns of the files that it reports in; stars in the last part only. */
  readonly report: readonly string[];
}

/** A runner with what it needs to run. */
export interface Chosen {
  readonly runner: string;
  readonly because: string;
  readonly targets: readonly string[];
  /** Of these the ones that name the changed function, where the runner can be asked for them alone. */
  readonly first?: readonly string[];
  readonly start: (targets: readonly string[], at: Places) => Start;
  /** Folders outside the workspace that it reads. */
  readonly tools: readonly string[];
  readonly read: ReportReader;
  /** The exit code is a verdict by itself, so a run without a report can be read. */
  readonly byExitCode?: boolean;
  /** It writes beside the code, so it gets a copy at once. */
  readonly writes?: boolean;
  /** Folders of the project that it writes into, as copies, while everything else stays read-only. */
  readonly copied?: readonly string[];
  /** Names of foreign folders that belong into its copy of the workspace. */
  readonly keeps?: readonly string[];
  /** Names of foreign folders that it makes anew in its copy. */
  readonly empties?: readonly string[];
}

export type Detected = Chosen | { readonly unavailable: string; /** Another folder further up may have what is missing here. */ readonly elsewhere?: boolean };
