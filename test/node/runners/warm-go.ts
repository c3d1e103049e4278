import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { run } from '../../../src/node/process/run.ts';

/**
 * Puts what small tests need of the standard library into the user's build cache, as it lies there for somebody who runs Go
 * tests. Without it every run in a box compiles the standard library again.
 */
export async function warmGo(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-warm-'));
  try {
    await writeFile(path.join(folder, 'go.mod'), 'module warm\n');
    await writeFile(path.join(folder, 'warm_test.go'), 'package warm\n\nimport (\n\t"fmt"\n\t"slices"\n\t"sort"\n\t"strings"\n\t"testing"\n)\n\nfunc TestWarm(t *testing.T) {\n\tlist := strings.Fields(fmt.Sprint("b a"))\n\tsort.Strings(list)\n\tslices.Sort(list)\n}\n');
    await run('go', ['test', '.'], { cwd: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
