import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { endGroup, run, startGroup } from '../../../src/node/process/run.ts';

const node = process.execPath;

/** Whether a process is there and not only waiting for its parent to take note of its end. */
export async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await condition()) return;
    await delay(25);
  }
  assert.fail(`did not happen: ${what}`);
}

describe('running a process', () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-run-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  it('gives both streams and the exit code', async () => {
    const result = await run(node, ['-e', 'console.log("out"); console.error("err"); process.exitCode = 3']);
    assert.equal(result.stdout, 'out\n');
    assert.equal(result.stderr, 'err\n');
    assert.equal(result.code, 3);
    assert.equal(result.timedOut, false);
  });

  it('writes the input and closes it', async () => {
    const result = await run(node, ['-e', 'process.stdin.pipe(process.stdout)'], { input: 'grüße 😀' });
    assert.equal(result.stdout, 'grüße 😀');
  });

  it('survives a program that does not read its input', async () => {
    const result = await run(node, ['-e', 'process.exit(0)'], { input: 'x'.repeat(5_000_000) });
    assert.equal(result.code, 0);
  });

  it('keeps no more output than it was told', async () => {
    const result = await run(node, ['-e', 'process.stdout.write("a".repeat(3_000_000))'], { maxOutputBytes: 1000 });
    assert.equal(result.stdout.length, 1000);
    assert.equal(result.truncated, true);
  });

  it('says which program cannot be started', async () => {
    await assert.rejects(run(path.join(folder, 'nothing'), []), { name: 'ExpectedError', code: 'process-start', message: /nothing could not be started: it does not exist/ });
  });

  it('ends a program that takes too long', async () => {
    const result = await run(node, ['-e', 'setInterval(() => {}, 1000)'], { timeoutMs: 300 });
    assert.equal(result.timedOut, true);
    assert.notEqual(result.signal, null);
  });

  it('does not start with an aborted signal', async () => {
    const marker = path.join(folder, 'started');
    await assert.rejects(run(node, ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`], { signal: AbortSignal.abort() }), { name: 'AbortError' });
    assert.equal(existsSync(marker), false);
  });

  it('takes the whole group along when it is aborted', async function () {
    if (process.platform === 'win32') this.skip();
    const pids = path.join(folder, 'pids');
    // Parent and grandchild both ignore the polite signal.
    const child = `process.on('SIGTERM', () => {}); require('fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n'); setInterval(() => {}, 1000);`;
    const parent = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], {stdio: 'ignore'}); ${child}`;
    const abort = new AbortController();
    const running = run(node, ['-e', parent], { signal: abort.signal });
    const read = async () => (await readFile(pids, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean).map(Number);
    await until(async () => (await read()).length === 2, 'both processes start');
    abort.abort();
    await assert.rejects(running, { name: 'AbortError' });
    for (const pid of await read()) await until(async () => !(await isRunning(pid)), `process ${pid} ends`);
  });

  it('does not wait for a grandchild that holds the pipes open', async function () {
    if (process.platform === 'win32') this.skip();
    const detached = "require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 8000)'], {detached: true, stdio: ['ignore', 'inherit', 'inherit']}).unref(); console.log('done')";
    const result = await run(node, ['-e', detached]);
    assert.equal(result.stdout, 'done\n');
    assert.ok(result.ms < 7000);
  });

  it('can be ended twice', async () => {
    const child = startGroup(node, ['-e', 'setInterval(() => {}, 1000)']);
    await endGroup(child);
    await endGroup(child);
    assert.notEqual(child.signalCode, null);
  });

  it('leaves nothing behind when this process ends', async function () {
    if (process.platform === 'win32') this.skip();
    const file = path.join(folder, 'orphan');
    const script = path.join(folder, 'parent.mts');
    await writeFile(script, `import { writeFileSync } from 'node:fs';
      import { startGroup } from ${JSON.stringify(path.resolve('src/node/process/run.ts'))};
      const child = startGroup(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      writeFileSync(${JSON.stringify(file)}, String(child.pid));
      process.exit(0);`);
    const result = await run(node, ['--import', pathToFileURL(require.resolve('tsx')).href, script]);
    const pid = Number(await readFile(file, 'utf8').catch(() => assert.fail(result.stderr)));
    await until(async () => !(await isRunning(pid)), 'the child ends with its parent');
  });
});
