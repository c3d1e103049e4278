import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { withLock } from '../../../tools/setup/lock.mjs';

describe('the lock of set-up', () => {
  let file: string;
  const quiet = (): void => undefined;

  beforeEach(async () => {
    file = path.join(await mkdtemp(path.join(os.tmpdir(), 'safenote-lock-')), 'setup.lock');
  });
  afterEach(() => rm(path.dirname(file), { recursive: true, force: true }));

  it('lets one in after the other', async () => {
    const order: string[] = [];
    let release!: () => void;
    const mayLeave = new Promise<void>((resolve) => (release = resolve));
    let second: Promise<void> | undefined;
    await withLock(
      quiet,
      async () => {
        // Released only when the other says that it has to wait.
        second = withLock(release, async () => void order.push('second'), file);
        await mayLeave;
        order.push('first');
      },
      file,
    );
    await second;
    assert.deepEqual(order, ['first', 'second']);
    assert.ok(!existsSync(file));
  });

  it('is freed when the work fails', async () => {
    await assert.rejects(withLock(quiet, () => Promise.reject(new Error('no')), file), /no/);
    assert.ok(!existsSync(file));
  });

  it('is taken over from a process that is gone', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(file, String(gone));
    assert.equal(await withLock(quiet, async () => 'in', file), 'in');
  });
});
