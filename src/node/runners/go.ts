import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onPath, realPath } from '../sandbox/box.ts';
import { readGo } from './reports.ts';
import type { Detected, Project } from './runner.ts';

/** Where the build cache is in the box: writable and gone with it. */
const BOX_CACHE = '/tmp/go-build';

/**
 * Go cannot do without writing to its build cache (with a read-only one it fails as soon as an entry is missing), and the
 * user's must not be written. So the box has a cache of its own in which every entry of the user's is a symbolic link:
 * what was compiled before is read there, what is new is written in the box. Without the user's it compiles all itself.
 */
const SCRIPT = `mkdir -p ${BOX_CACHE}; [ -d "$1" ] && cp -rs "$1"/. ${BOX_CACHE} 2>/dev/null; shift; exec "$0" test -json "$@" > /tmp/report.jsonl`;
const UNBOXED = `report="$1"; shift; exec "$0" test -json "$@" > "$report"`;

/** `go test` on the package of the changed file: Go's tests lie beside the code. */
export async function detectGo({ root, env, document, files: index }: Project): Promise<Detected> {
  if (!existsSync(path.join(root, 'go.mod'))) return { unavailable: 'there is no go.mod' };
  const go = await onPath('go', env);
  if (!go) return { unavailable: 'there is no go on PATH' };
  const folder = path.relative(root, path.dirname(document.path)).split(path.sep).join('/');
  const tests = (await index.list(path.join(root, folder))).filter((file) => !file.includes('/') && file.endsWith('_test.go'));
  if (tests.length === 0) return { unavailable: 'this package has no tests' };
  const home = env['HOME'] ?? os.homedir();
  const cache = env['GOCACHE'] ?? path.join(env['XDG_CACHE_HOME'] ?? path.join(home, '.cache'), 'go-build');
  const modules = env['GOMODCACHE'] ?? path.join(env['GOPATH'] ?? path.join(home, 'go'), 'pkg', 'mod');
  const program = realPath(go);
  return {
    runner: 'go test', because: 'go.mod is there', targets: [folder ? `./${folder}` : '.'], read: readGo,
    tools: [path.dirname(path.dirname(program)), cache, modules],
    start: (targets, at) => ({
      command: ['/bin/sh', '-c', ...(at.boxed ? [SCRIPT, program, cache] : [UNBOXED, program, `${at.tmp}/report.jsonl`]), ...targets],
      environment: { GOCACHE: at.boxed ? BOX_CACHE : cache, GOMODCACHE: modules, GOPROXY: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: env['CGO_ENABLED'] ?? '1' },
      report: [`${at.tmp}/report.jsonl`],
    }),
  };
}
