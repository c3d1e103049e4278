import type { CommandId } from '../commands.ts';

/** What stands between the user and a checked completion, the first thing first. */
export type Condition = 'virtual' | 'untrusted' | 'noFolder' | 'noModel' | 'modelProblem' | 'noSemgrep' | 'ready';

export interface Circumstances {
  /** Workspace folders that are files on disk, and others. */
  readonly folders: number;
  readonly virtualFolders: number;
  readonly trusted: boolean;
  /** The model's state, once somebody has looked. */
  readonly model?: { readonly problem?: string; readonly missing?: boolean } | undefined;
  /** True when a check found that there is no Semgrep. */
  readonly semgrepMissing: boolean;
}

export function conditionOf({ folders, virtualFolders, trusted, model, semgrepMissing }: Circumstances): Condition {
  if (folders === 0 && virtualFolders > 0) return 'virtual';
  if (!trusted) return 'untrusted';
  if (model?.missing) return 'noModel';
  if (model?.problem) return 'modelProblem';
  if (semgrepMissing) return 'noSemgrep';
  return folders === 0 ? 'noFolder' : 'ready';
}

/** The command that gets the user on from there. */
export const NEXT_STEP: Readonly<Record<Condition, CommandId | 'vscode.openFolder' | 'workbench.trust.manage'>> = {
  virtual: 'vscode.openFolder',
  untrusted: 'workbench.trust.manage',
  noModel: 'safenote.selectModel',
  modelProblem: 'safenote.selectModel',
  noSemgrep: 'safenote.installSemgrep',
  noFolder: 'vscode.openFolder',
  ready: 'safenote.secureComplete',
};
