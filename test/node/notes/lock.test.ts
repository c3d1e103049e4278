import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FolderLock } from '../../../src/node/notes/folder-lock.ts';

describe('the lock', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-lock-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const lock = (waitMs?: number): FolderLock => new FolderLock({ folder: path.join(folder, '.lock'), what: 'The notebook', ...(waitMs !== undefined && { waitMs }) });
  const held = (): string => path.join(folder, '.lock', 'held');
  /** A lock as someone else holds it. */
  const hold = (change: object): void => {
    mkdirSync(held(), { recursive: true });
    writeFileSync(path.join(held(), 'holder.json'), JSON.stringify({ nonce: 'other', pid: process.pid, scope: 'elsewhere', started: '', at: Date.now(), ...change }));
  };
  /** What this process writes about itself. */
  const self = async (): Promise<Record<string, unknown>> => {
    let text = '';
    await lock().run(() => (text = readFileSync(path.join(held(), 'holder.json'), 'utf8')));
    return JSON.parse(text) as Record<string, unknown>;
  };
  const endedProcess = async (): Promise<number> => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('exit', resolve));
    return child.pid!;
  };

  it('lets one in at a time, whoever asks', async () => {
    let inside = 0;
    let most = 0;
    const locks = [lock(), lock(), lock()];
    await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        locks[i % 3]!.run(async () => {
          most = Math.max(most, ++inside);
          await sleep(1);
          inside--;
        }),
      ),
    );
    assert.equal(most, 1);
    assert.deepEqual(readdirSync(path.join(folder, '.lock')), []);
  });

  it('gives the result, and is free again after an error', async () => {
    assert.equal(await lock().run(() => 7), 7);
    const one = lock();
    await assert.rejects(one.run(() => Promise.reject(new Error('x'))), { message: 'x' });
    assert.equal(await one.run(() => 8), 8);
  });

  it('says by whom it is held when it cannot be had', async () => {
    hold({});
    await assert.rejects(lock(60).run(() => 1), (error: Error & { code?: string; hint?: string }) => error.code === 'locked' && error.message.includes(`process ${process.pid}`) && (error.hint ?? '').includes(held()));
    assert.deepEqual(readdirSync(path.join(folder, '.lock')), ['held'], 'nothing of the one who waited is left');
  });

  it('is taken at once from a process that has ended', async () => {
    hold({ ...(await self()), nonce: 'other', pid: await endedProcess() });
    assert.equal(await lock(0).run(() => 1), 1);
  });

  it('is taken from a process whose id another one has now', async function () {
    const own = await self();
    if (own['started'] === '') this.skip();
    hold({ ...own, nonce: 'other', started: 'some other time' });
    assert.equal(await lock(0).run(() => 1), 1);
  });

  it('is not taken from a process of another machine or container, until it is old', async () => {
    const dead = await endedProcess();
    hold({ pid: dead });
    await assert.rejects(lock(50).run(() => 1), { code: 'locked' });
    hold({ pid: dead, at: Date.now() - 60_000 });
    assert.equal(await lock(0).run(() => 1), 1);
  });

  it('is taken from a damaged holder only when it is old', async () => {
    mkdirSync(held(), { recursive: true });
    writeFileSync(path.join(held(), 'holder.json'), '{');
    await assert.rejects(lock(50).run(() => 1), { code: 'locked' });
  });

  it('lets nobody write who has lost it', async () => {
    let wrote = false;
    const lost = lock().run((assertHeld) => {
      rmSync(held(), { recursive: true });
      hold({});
      assertHeld();
      wrote = true;
    });
    await assert.rejects(lost, { code: 'lock-lost' });
    assert.equal(wrote, false);
    assert.ok(existsSync(held()), "the other's lock stands");
  });

  it('is taken from a dead holder by one of many only', async () => {
    const dead = await endedProcess();
    const own = await self();
    for (let round = 0; round < 20; round++) {
      hold({ ...own, nonce: `dead-${round}`, pid: dead });
      let inside = 0;
      await Promise.all(
        Array.from({ length: 6 }, () =>
          lock().run(async () => {
            assert.equal(++inside, 1);
            await sleep(1);
            inside--;
          }),
        ),
      );
    }
  });

  it('leaves alone what others just put there', async () => {
    const waiting = path.join(folder, '.lock', 'wait-1-abc');
    mkdirSync(waiting, { recursive: true });
    await lock().run(() => 1);
    assert.ok(existsSync(waiting));
  });

  it('says what to do when the folder cannot be written', async () => {
    writeFileSync(path.join(folder, '.lock'), 'a file');
    await assert.rejects(lock().run(() => 1), (error: Error & { code?: string }) => error.code === 'write-failed' && error.message.startsWith('The notebook cannot be written'));
  });
});
