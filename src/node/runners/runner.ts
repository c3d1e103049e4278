import type { SourceDocument } from '../../core/source.ts';
import type { ReportReader } from './reports.ts';

/** Where a document's tests are looked for. */
export interface Project {
  /** Nearest folder above the document, inside the workspace, that a manifest makes a project; else the workspace. */
  readonly root: string;
  readonly document: SourceDocument;
  /** Names of the changed functions. */
  readonly names: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A runner with what it needs to run in the box. */
export interface Chosen {
  readonly runner: string;
  readonly because: string;
  readonly targets: readonly string[];
  readonly command: (targets: readonly string[]) => string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folders outside the workspace that it reads. */
  readonly tools: readonly string[];
  readonly report: string;
  readonly read: ReportReader;
  /** It writes beside the code, so it gets a copy at once. */
  readonly writes?: boolean;
}

export type Detected = Chosen | { readonly unavailable: string };
