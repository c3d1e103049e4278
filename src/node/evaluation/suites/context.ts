import type { Sandbox } from '../../sandbox/box.ts';
import { Execution } from '../execution.ts';
import { userFolders } from '../../user-folders.ts';
import type { Toolbox } from '../toolbox.ts';

/** What suites load and judge with. */
export class SuiteContext {
  readonly execution: Execution;
  readonly toolbox: Toolbox;
  readonly env: NodeJS.ProcessEnv;
  /** Where the Semgrep is that SafeNote installed. */
  readonly managedSemgrep: string;
  /** A Semgrep rule file or folder of the user's for scans: independent of SafeNote's own rules. */
  readonly judgeRules: string | undefined;

  constructor(o: { box: Sandbox; toolbox: Toolbox; env: NodeJS.ProcessEnv; judgeRules?: string }) {
    this.execution = new Execution(o.box);
    this.toolbox = o.toolbox;
    this.env = o.env;
    this.managedSemgrep = userFolders(o.env).semgrep;
    this.judgeRules = o.judgeRules;
  }
}
