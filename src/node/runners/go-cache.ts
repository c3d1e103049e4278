import os from 'node:os';
import path from 'node:path';

/** Where the build cache is in the box: writable and gone with it. */
export const BOX_CACHE = '/tmp/go-build';

/** Where the user's build cache and module cache lie, as Go itself would say. */
export function goCaches(env: NodeJS.ProcessEnv): { readonly cache: string; readonly modules: string } {
  const home = env['HOME'] ?? os.homedir();
  return {
    cache: env['GOCACHE'] ?? path.join(env['XDG_CACHE_HOME'] ?? path.join(home, '.cache'), 'go-build'),
    modules: env['GOMODCACHE'] ?? path.join(env['GOPATH'] ?? path.join(home, 'go'), 'pkg', 'mod'),
  };
}

/**
 * Shell commands that fill the box's cache from the user's, which the shell knows as `parameter` (`$1`). Go cannot do without
 * writing to its build cache (with a read-only one it fails as soon as an entry is missing), and the user's must not be
 * written. So every entry of the user's is a symbolic link in the box: what was compiled before is read there, what is new is
 * written in the box. Without the user's it compiles all itself.
 */
export function linkCache(parameter: string): string {
  return `mkdir -p ${BOX_CACHE}; [ -d "${parameter}" ] && cp -rs "${parameter}"/. ${BOX_CACHE} 2>/dev/null`;
}
