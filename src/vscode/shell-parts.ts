import type { Disposable } from 'vscode';
import type { VIEWS } from './commands.ts';
import type { LazyTree } from './common/lazy-tree.ts';
import type { Log } from './common/log.ts';
import type { Status } from './completion/status.ts';

export type View = (typeof VIEWS)[number];

/** What the shell has made and the house goes on with. */
export interface ShellParts {
  readonly log: Log;
  readonly status: Status;
  readonly trees: Readonly<Record<View, LazyTree>>;
  /** The provider's registration; whoever registers anew disposes of it. */
  readonly inlineProvider: Disposable;
  /** URI of a document → when something was last pasted into it (milliseconds since the epoch). */
  readonly pastes: Map<string, number>;
  readonly activationMs: () => number;
}
