import os from 'node:os';
import path from 'node:path';

/** How a Semgrep that was found is started. */
export interface SemgrepLaunch {
  /** `semgrep-core` where it was found beside the launcher, else the launcher itself. */
  readonly command: string;
  /** The name under which `semgrep-core` answers as the command-line tool; absent for the launcher. */
  readonly argv0?: string;
  /** What was found first, for people: the path of `semgrep`. */
  readonly shown: string;
  readonly version: string;
  readonly from: 'setting' | 'workspace' | 'path' | 'managed';
}

/**
 * The environment that Semgrep gets: the user's, without what would make it ask the network or read rules from elsewhere,
 * and with its own files in a folder of ours instead of the home folder.
 */
export function semgrepEnvironment(stateFolder: string = path.join(os.tmpdir(), 'safenote-semgrep')): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SEMGREP_|OTEL_|PYTHON(PATH|HOME)$)/.test(name)));
  return {
    ...env,
    SEMGREP_SEND_METRICS: 'off',
    SEMGREP_ENABLE_VERSION_CHECK: '0',
    SEMGREP_SETTINGS_FILE: path.join(stateFolder, 'settings.yml'),
    SEMGREP_LOG_FILE: path.join(stateFolder, 'semgrep.log'),
    SEMGREP_VERSION_CACHE_PATH: path.join(stateFolder, 'version'),
    XDG_CACHE_HOME: path.join(stateFolder, 'cache'),
  };
}
