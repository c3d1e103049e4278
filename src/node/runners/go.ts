import { existsSync } from 'node:fs';
import path from 'node:path';
import { onPath, realPath } from '../sandbox/box.ts';
import { BOX_CACHE, goCaches, linkCache } from './go-cache.ts';
import { readGo } from './reports.ts';
import type { Detected, Project } from './runner.ts';

const SCRIPT = `${linkCache('$1')}; shift; exec "$0" test -json "$@" > /tmp/report.jsonl`;
const UNBOXED = `report="$1"; shift; exec "$0" test -json "$@" > "$report"`;

/** `go test` on the package of the changed file: Go's tests lie beside the code. */
export async function detectGo({ root, env, document, files: index }: Project): Promise<Detected> {
  if (!existsSync(path.join(root, 'go.mod'))) return { unavailable: 'there is no go.mod' };
  const go = await onPath('go', env);
  if (!go) return { unavailable: 'there is no go on PATH' };
  const folder = path.relative(root, path.dirname(document.path)).split(path.sep).join('/');
  const tests = (await index.list(path.join(root, folder))).filter((file) => !file.includes('/') && file.endsWith('_test.go'));
  if (tests.length === 0) return { unavailable: 'this package has no tests' };
  const { cache, modules } = goCaches(env);
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
