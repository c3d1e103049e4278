import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import { run } from '../../../src/node/process/run.ts';

const never = new AbortController().signal;
const document = (text: string, language = 'python') => ({ path: 'a', language, text });

/** A worker that does as it is told by the text of the request. */
const ODD_WORKER = `const { parentPort } = require('node:worker_threads');
const { appendFileSync } = require('node:fs');
parentPort.on('message', ({ id, document, kind }) => {
  appendFileSync(process.env.SAFENOTE_ODD_LOG, document.text + '\\n');
  if (document.text === 'crash') process.exit(3);
  if (document.text === 'throw') throw new Error('broken');
  if (document.text === 'hang') { for (;;); }
  if (document.text === 'error') return parentPort.postMessage({ id, error: 'it did not work' });
  if (document.text === 'slow') return void setTimeout(() => parentPort.postMessage({ id, value: { supported: true, errors: [], functions: [], imports: [], calls: [{ name: 'slow', range: { start: 0, end: 0 } }] } }), 300);
  parentPort.postMessage({ id, value: { supported: true, errors: [], functions: [], imports: [], calls: [{ name: document.text, range: { start: 0, end: 0 } }] } });
});`;

describe('the analysis worker', () => {
  let folder: string;
  let script: string;
  let log: string;
  const workers: AnalysisWorker[] = [];
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-worker-'));
    script = path.join(folder, 'odd.cjs');
    log = path.join(folder, 'log');
    process.env['SAFENOTE_ODD_LOG'] = log;
    await writeFile(script, ODD_WORKER);
  });
  beforeEach(() => writeFile(log, ''));
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.dispose())));
  after(async () => {
    delete process.env['SAFENOTE_ODD_LOG'];
    await rm(folder, { recursive: true, force: true });
  });

  const odd = (timeoutMs = 10_000) => {
    const worker = new AnalysisWorker({ assetsRoot: folder, script, timeoutMs });
    workers.push(worker);
    return worker;
  };
  const ask = async (worker: AnalysisWorker, text: string, signal = never) => (await worker.outline(document(text), signal)).calls[0]?.name;
  const seen = async () => (await readFile(log, 'utf8')).trim().split('\n');

  it('answers each request with its own answer', async () => {
    const worker = odd();
    assert.deepEqual(await Promise.all(['a', 'slow', 'b', 'c'].map((text) => ask(worker, text))), ['a', 'slow', 'b', 'c']);
  });

  it('does not start for a language without a grammar', async () => {
    const worker = new AnalysisWorker({ assetsRoot: path.join(folder, 'nowhere') });
    workers.push(worker);
    assert.equal((await worker.outline(document('x', 'ruby'), never)).supported, false);
  });

  it('starts again after a crash, and fails only the request that crashed it', async () => {
    const worker = odd();
    const answers = await Promise.allSettled([ask(worker, 'a'), ask(worker, 'crash'), ask(worker, 'b')]);
    assert.deepEqual(answers.map((a) => (a.status === 'fulfilled' ? a.value : (a.reason as { code: string }).code)), ['a', 'analysis-crashed', 'b']);
  });

  it('starts again after an exception', async () => {
    const worker = odd();
    await assert.rejects(ask(worker, 'throw'), { code: 'analysis-crashed' });
    assert.equal(await ask(worker, 'a'), 'a');
  });

  it('gives up after five crashes', async () => {
    const worker = odd();
    for (let n = 0; n < 5; n++) await assert.rejects(ask(worker, 'crash'), { code: 'analysis-crashed' });
    await assert.rejects(ask(worker, 'a'), { code: 'analysis-crashed', message: /not started again/ });
  });

  it('stops what takes too long and goes on', async () => {
    const worker = odd(500);
    const hung = assert.rejects(ask(worker, 'hang'), { code: 'analysis-timeout' });
    const next = ask(worker, 'a');
    await hung;
    assert.equal(await next, 'a');
  });

  it('passes on what went wrong inside', async () => {
    await assert.rejects(ask(odd(), 'error'), { code: 'analysis-failed', message: /it did not work/ });
  });

  it('lets an aborted request go at once', async () => {
    const worker = odd();
    const abort = new AbortController();
    const slow = ask(worker, 'slow', abort.signal);
    const queued = ask(worker, 'never', abort.signal);
    const after = ask(worker, 'a');
    abort.abort();
    await assert.rejects(slow, { name: 'AbortError' });
    await assert.rejects(queued, { name: 'AbortError' });
    assert.equal(await after, 'a');
    assert.deepEqual(await seen(), ['slow', 'a']);
  });

  it('does not take a request that is aborted already', async () => {
    await assert.rejects(ask(odd(), 'a', AbortSignal.abort()), { name: 'AbortError' });
    assert.deepEqual(await seen(), ['']);
  });

  it('refuses a text that is too large', async () => {
    await assert.rejects(ask(odd(), 'x'.repeat(2_000_001)), { code: 'analysis-too-large' });
  });

  it('rejects what is open when it is disposed, and what comes after', async () => {
    const worker = odd();
    const open = ask(worker, 'slow');
    const disposed = worker.dispose();
    await assert.rejects(open, { code: 'analysis-stopped' });
    await disposed;
    await assert.rejects(ask(worker, 'a'), { code: 'analysis-stopped' });
  });

  it('says what is wrong when its files are missing', async () => {
    const worker = new AnalysisWorker({ assetsRoot: folder, script: path.resolve('dist/analysis-worker.js') });
    workers.push(worker);
    await assert.rejects(worker.outline(document('x = 1'), never), { code: 'analysis-failed', message: /web-tree-sitter\.wasm|ast-grep\.wasm/ });
  });

  it('never keeps the process alive', async () => {
    const file = path.join(folder, 'main.mts');
    await writeFile(file, `import { AnalysisWorker } from ${JSON.stringify(path.resolve('src/node/analysis/client.ts'))};
      const worker = new AnalysisWorker({ assetsRoot: ${JSON.stringify(path.resolve('dist'))} });
      console.log((await worker.outline({ path: 'a', language: 'python', text: 'f(1)' }, new AbortController().signal)).calls[0].name);`);
    const result = await run(process.execPath, ['--import', pathToFileURL(require.resolve('tsx')).href, file], { timeoutMs: 9000 });
    assert.deepEqual([result.timedOut, result.code, result.stdout.trim()], [false, 0, 'f'], result.stderr);
  });

  it('does not grow with what it has seen', async function () {
    this.timeout(60_000);
    const worker = new AnalysisWorker({ assetsRoot: path.resolve('dist') });
    workers.push(worker);
    const text = 'def f(a):\n    return g(a, "x" + a)\n'.repeat(150);
    const grow = async (n: number) => {
      for (let i = 0; i < n; i++) await worker.outline(document(`${text}# ${i}\n`), never);
      return process.memoryUsage().rss / 1e6;
    };
    const before = await grow(150);
    // Every one of these trees would keep 0.6 MB: 180 MB in all.
    const after = await grow(300);
    assert.ok(after - before < 90, `from ${before} to ${after} MB`);
  });
});
