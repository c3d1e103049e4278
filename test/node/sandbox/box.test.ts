import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type BoxRequest, Sandbox } from '../../../src/node/sandbox/box.ts';
import { run } from '../../../src/node/process/run.ts';

const MB = 1024 * 1024;

describe('sandbox', function () {
  this.timeout(30_000);
  const box = new Sandbox();
  let workspace: string;

  before(async function () {
    const state = await box.state();
    if (!state.available) {
      assert.match(state.reason, /bubblewrap|sandbox/);
      this.skip();
    }
  });
  beforeEach(async () => {
    workspace = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-box-test-')));
    await writeFile(path.join(workspace, 'code.txt'), 'on disk');
  });
  afterEach(() => rm(workspace, { recursive: true, force: true }));

  const inBox = (script: string, o: Partial<BoxRequest> = {}, within = box) =>
    within.run({
      workspace,
      files: new Map(),
      cwd: workspace,
      command: ['/bin/sh', '-c', script],
      env: { PATH: '/usr/bin:/bin' },
      tools: [],
      workspaceAs: 'readOnly',
      limits: { timeMs: 5_000, memoryBytes: 256 * MB, processes: 64, writableBytes: 16 * MB },
      signal: new AbortController().signal,
      ...o,
    });
  /** Processes anywhere on the system whose command line has this word. */
  const running = async (word: string) => (await run('ps', ['-eo', 'args'])).stdout.split('\n').filter((line) => line.includes(word) && !line.startsWith('ps '));

  it('shows the workspace at its own path with the candidate in the place of its file', async () => {
    const result = await inBox('pwd; cat code.txt', { files: new Map([[path.join(workspace, 'code.txt'), 'candidate']]) });
    assert.equal(result.code, 0);
    assert.equal(result.output, `${workspace}\ncandidate`);
    assert.equal(await readFile(path.join(workspace, 'code.txt'), 'utf8'), 'on disk');
  });

  it('hands out the report and keeps what the command says apart', async () => {
    const result = await inBox('echo noise; echo "<report/>" > /tmp/r.xml; exit 3', { report: ['/tmp/*.xml'] });
    assert.deepEqual([result.code, result.report, result.output], [3, '<report/>\n', 'noise\n']);
  });

  it('lets nothing be written into the workspace, nor outside of it', async () => {
    const result = await inBox('echo x > code.txt; echo x > new.txt; echo x > /usr/x; rm -f code.txt; echo done');
    assert.match(result.output, /done/);
    assert.equal(await readFile(path.join(workspace, 'code.txt'), 'utf8'), 'on disk');
    assert.equal(existsSync(path.join(workspace, 'new.txt')), false);
    assert.equal(existsSync('/usr/x'), false);
  });

  for (const [how, layers] of [['a layer, where the system has such', true], ['a copy, file by file', false]] as const) {
    it(`lets tests write that must, in ${how}, and changes nothing of the original`, async () => {
      const box = new Sandbox(process.env, { layers });
      for (const folder of ['node_modules', 'target']) await mkdir(path.join(workspace, folder));
      for (const folder of ['node_modules', 'target']) await writeFile(path.join(workspace, folder, 'dep.txt'), 'dep');
      const result = await inBox('echo changed > code.txt; echo new > new.txt; cat code.txt new.txt node_modules/dep.txt; cat target/dep.txt; echo x > node_modules/dep.txt; id -u', { workspaceAs: 'copy', heavy: ['node_modules'], without: ['target'] }, box);
      assert.match(result.output, /^changed\nnew\ndep/);
      assert.match(result.output, /target\/dep\.txt: No such file/);
      if (!layers) assert.match(result.output, /Read-only file system/);
      assert.match(result.output, new RegExp(`^${process.getuid?.() ?? ''}$`, 'm'));
      assert.equal(await readFile(path.join(workspace, 'code.txt'), 'utf8'), 'on disk');
      assert.equal(await readFile(path.join(workspace, 'node_modules', 'dep.txt'), 'utf8'), 'dep');
      assert.equal(existsSync(path.join(workspace, 'new.txt')), false);
    });

    it(`puts the candidate into ${how} too, and stops what is written at the limit`, async () => {
      const files = new Map([[path.join(workspace, 'code.txt'), 'candidate']]);
      const result = await inBox('cat code.txt; echo; head -c 100000000 /dev/zero > big; du -m big | cut -f1', { workspaceAs: 'copy', files }, new Sandbox(process.env, { layers }));
      assert.match(result.output, /^candidate\n/);
      assert.ok(Number(/(\d+)\s*$/.exec(result.output)?.[1]) <= 17, result.output);
      assert.equal(await readFile(path.join(workspace, 'code.txt'), 'utf8'), 'on disk');
    });

    it(`ends what runs in ${how} at its deadline`, async () => {
      const result = await inBox('sleep 98765 & while :; do :; done', { workspaceAs: 'copy', limits: { timeMs: 900, memoryBytes: 256 * MB, processes: 64, writableBytes: MB } }, new Sandbox(process.env, { layers }));
      assert.equal(result.ended, 'time');
      assert.deepEqual(await running('98765'), []);
    });
  }

  it('ends an endless loop at its deadline, with all that it started', async () => {
    const result = await inBox('sleep 98761 & while :; do :; done', { limits: { timeMs: 700, memoryBytes: 256 * MB, processes: 64, writableBytes: MB } });
    assert.equal(result.ended, 'time');
    assert.deepEqual(await running('98761'), []);
  });

  it('ends what it runs when the caller cancels', async () => {
    const controller = new AbortController();
    const pending = inBox('setsid sleep 98762 & sleep 98762', { signal: controller.signal });
    setTimeout(() => controller.abort(new DOMException('enough', 'AbortError')), 300);
    await assert.rejects(pending, { name: 'AbortError' });
    assert.deepEqual(await running('98762'), []);
  });

  it('stops a fork bomb', async () => {
    const result = await inBox('i=0; while [ $i -lt 600 ]; do sleep 98763 & i=$((i+1)); done; wait', { limits: { timeMs: 6_000, memoryBytes: 256 * MB, processes: 40, writableBytes: MB } });
    assert.ok(result.ended === 'processes' || /fork|Resource temporarily unavailable/i.test(result.output), `${result.ended ?? ''} ${result.output.slice(0, 200)}`);
    assert.deepEqual(await running('98763'), []);
  });

  it('stops a writer of 10 GB at what the box may hold', async () => {
    const result = await inBox('i=0; while [ $i -lt 10 ]; do head -c 1000000000 /dev/zero > /tmp/big$i ; i=$((i+1)); done; du -sm /tmp | cut -f1', { limits: { timeMs: 10_000, memoryBytes: 256 * MB, processes: 64, writableBytes: 8 * MB } });
    const megabytes = Number(/(\d+)\s*$/.exec(result.output)?.[1]);
    // du rounds up, and counts the folder itself.
    assert.ok(megabytes <= 9, JSON.stringify(result));
  });

  it('stops what eats memory', async () => {
    const result = await inBox("head -c 900000000 /dev/zero | tail -c 900000000 | wc -c", { limits: { timeMs: 10_000, memoryBytes: 64 * MB, processes: 64, writableBytes: MB } });
    assert.ok(result.ended === 'memory' || !/900000000/.test(result.output), result.output);
  });

  it('survives a test that kills its parent and everything that it sees', async () => {
    const outside = spawn('sleep', ['98764'], { stdio: 'ignore' });
    try {
      const result = await inBox(`kill -9 ${outside.pid ?? 0}; kill -9 1; kill -9 -1; kill -9 $PPID; echo tried`);
      assert.notEqual(result.ended, 'time');
      assert.deepEqual([outside.exitCode, outside.signalCode], [null, null]);
      assert.equal((await running('98764')).length, 1);
    } finally {
      outside.kill('SIGKILL');
    }
  });

  it('hides the home folder, accounts and the environment', async () => {
    const secret = path.join(os.homedir(), `.safenote-test-${process.pid}`);
    await writeFile(secret, 'HOME-SECRET');
    process.env['SAFENOTE_TEST_SECRET'] = 'ENV-SECRET';
    try {
      const result = await inBox(`cat ${secret}; ls -a ${os.homedir()} $HOME; cat /etc/shadow; env; ls /proc/${process.pid}`);
      assert.doesNotMatch(result.output, /HOME-SECRET|ENV-SECRET|root:/);
    } finally {
      delete process.env['SAFENOTE_TEST_SECRET'];
      await rm(secret);
    }
  });

  it('has no network, not even the loopback of the machine', async () => {
    let connected = 0;
    const server = net.createServer((socket) => {
      connected++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    const client = `require('net').connect(${port}, '127.0.0.1').on('error', (e) => console.log(e.code)).on('connect', () => console.log('CONNECTED'))`;
    try {
      const result = await inBox(`exec ${process.execPath} -e "${client}"`, { tools: [path.dirname(process.execPath)], limits: { timeMs: 8_000, memoryBytes: 1024 * MB, processes: 64, writableBytes: MB } });
      assert.match(result.output, /ECONNREFUSED|ENETUNREACH/);
      assert.equal(connected, 0);
    } finally {
      server.close();
    }
  });
});
