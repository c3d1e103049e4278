import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cosine } from '../../../src/core/retrieval/embedder.ts';
import { WorkerEmbedder } from '../../../src/node/embedding/worker-embedder.ts';
import type { WorkerEmbedderOptions } from '../../../src/node/embedding/worker-embedder.ts';

const dist = path.resolve(import.meta.dirname, '../../../dist');
const MODEL = 'all-MiniLM-L6-v2';
const modelFolder = path.join(dist, 'model', MODEL);
const built = existsSync(path.join(dist, 'embedding-worker.js')) && existsSync(path.join(modelFolder, 'onnx', 'model_quantized.onnx'));

describe('the embedder', function () {
  this.timeout(60_000);
  const open: WorkerEmbedder[] = [];
  let folder: string;
  const create = (options: Partial<WorkerEmbedderOptions> = {}): WorkerEmbedder => {
    const embedder = new WorkerEmbedder({ assetsRoot: dist, modelId: MODEL, ...options });
    open.push(embedder);
    return embedder;
  };
  before(function () {
    // A build without the model is a supported build; then there is nothing to ask here.
    if (!built) this.skip();
  });
  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-embedder-'))));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((embedder) => embedder.dispose()));
    rmSync(folder, { recursive: true, force: true });
  });

  describe('with the model that comes with SafeNote', () => {
    let embedder: WorkerEmbedder;
    before(() => (embedder = new WorkerEmbedder({ assetsRoot: dist, modelId: MODEL })));
    after(() => embedder.dispose());

    it('measures meaning as the original model does', async () => {
      const [person, dog, code] = await embedder.embed(['That is a happy person', 'That is a happy dog', 'cursor.execute("SELECT 1")']);
      assert.ok(Math.abs(cosine(person!, dog!) - 0.693) < 0.005, String(cosine(person!, dog!)));
      assert.ok(cosine(person!, code!) < 0.3);
    });

    it('names its space, and gives vectors of its length and norm one', async () => {
      assert.deepEqual([embedder.modelId, embedder.dimensions], ['all-MiniLM-L6-v2-q8', 384]);
      for (const vector of await embedder.embed(['a', '', 'x'.repeat(20_000), '日本語 \ud800 \0'])) {
        assert.equal(vector.length, 384);
        assert.ok(Math.abs(cosine(vector, vector) - 1) < 1e-5);
      }
    });

    it('gives a text the same vector whatever it is asked with', async () => {
      const [alone] = await embedder.embed(['one text']);
      const other = create();
      const [, beside] = await other.embed(['a much longer text '.repeat(30), 'one text']);
      assert.deepEqual(beside, alone);
    });

    it('answers in order, twins too, and nothing for nothing', async () => {
      assert.deepEqual(await embedder.embed([]), []);
      const [a, b, again] = await embedder.embed(['first', 'second', 'first']);
      assert.deepEqual(again, a);
      assert.notDeepEqual(b, a);
    });

    it("is not changed by what a caller does to its vector", async () => {
      const [mine] = await embedder.embed(['shared']);
      const kept = mine!.slice();
      mine!.fill(0);
      assert.deepEqual((await embedder.embed(['shared']))[0], kept);
    });

    it('stops waiting when cancelled, before and during', async () => {
      await assert.rejects(embedder.embed(['x'], AbortSignal.abort()), { name: 'AbortError' });
      const controller = new AbortController();
      const long = embedder.embed(Array.from({ length: 50 }, (_, i) => `cancelled ${i} `.repeat(100)), controller.signal);
      setTimeout(() => controller.abort(), 20);
      await assert.rejects(long, { name: 'AbortError' });
      // What nobody wants any more is not computed: this answer does not wait for 50 long texts.
      assert.equal((await embedder.embed(['after'])).length, 1);
    });

    it('answers another caller of a text that one has cancelled', async () => {
      const controller = new AbortController();
      const text = 'wanted by two '.repeat(60);
      const first = embedder.embed(['before it '.repeat(60), 'and this '.repeat(60), text], controller.signal);
      const second = embedder.embed([text]);
      controller.abort();
      await assert.rejects(first, { name: 'AbortError' });
      assert.equal((await second)[0]?.length, 384);
    });
  });

  it('runs in a process of its own just as well', async () => {
    const [person, dog] = await create({ isolation: () => 'process' }).embed(['That is a happy person', 'That is a happy dog']);
    assert.ok(Math.abs(cosine(person!, dog!) - 0.693) < 0.005);
  });

  for (const isolation of ['thread', 'process'] as const) {
    it(`lets the program end by itself (${isolation})`, () => {
      const script = `import('${path.resolve('src/node/embedding/worker-embedder.ts')}').then(async ({ WorkerEmbedder }) => {
        const embedder = new WorkerEmbedder({ assetsRoot: ${JSON.stringify(dist)}, modelId: '${MODEL}', isolation: () => '${isolation}' });
        console.log((await embedder.embed(['x']))[0].length);
      })`;
      const result = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], { encoding: 'utf8', timeout: 50_000 });
      assert.equal(result.stdout, '384\n', result.stderr);
      assert.equal(result.status, 0);
    });

    it(`gives its memory back when idle, and comes again (${isolation})`, async () => {
      const embedder = create({ isolation: () => isolation, idleMs: 30 });
      const [first] = await embedder.embed(['x']);
      await sleep(300);
      const [again, other] = await embedder.embed(['x', 'y']);
      assert.deepEqual(again, first);
      assert.equal(other?.length, 384);
    });
  }

  describe('when something is missing', () => {
    const reject = (embedder: WorkerEmbedder, message: RegExp, hint: RegExp): Promise<void> =>
      assert.rejects(embedder.embed(['x']), (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'embedder-unavailable');
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        return true;
      });

    it('says which model, and what to do', async () => {
      await reject(create({ modelId: 'BAAI/bge-base-en-v1.5', modelsFolder: folder }), /bge-base-en-v1\.5 has not been downloaded/, /Download/);
      await reject(create({ modelId: 'nobody/nothing' }), /does not know .* "nobody\/nothing"/, /all-MiniLM-L6-v2/);
      await reject(create({ modelId: path.join(folder, 'none') }), /There is no embedding model in .*none/, /config\.json/);
      await reject(create({ assetsRoot: folder }), /embedding-worker\.js is missing/, /Install/);
      mkdirSync(path.join(folder, 'wasm'));
      for (const file of ['embedding-worker.js', 'wasm/ort-wasm-simd-threaded.wasm']) symlinkSync(path.join(dist, file), path.join(folder, file));
      await reject(create({ assetsRoot: folder }), /all-MiniLM-L6-v2 is missing from this installation/, /Install/);
    });

    it('finds the model once it is there', async () => {
      const embedder = create({ modelId: 'BAAI/bge-base-en-v1.5', modelsFolder: folder });
      await assert.rejects(embedder.embed(['x']), { code: 'embedder-unavailable' });
      // Another model under that name: found, and refused for its dimensions.
      cpSync(modelFolder, path.join(folder, 'bge-base-en-v1.5'), { recursive: true });
      await reject(embedder, /384 dimensions instead of 768/, /another model/);
    });

    it('says so when the model is damaged, each time, and does not hang', async () => {
      cpSync(modelFolder, path.join(folder, MODEL), { recursive: true });
      writeFileSync(path.join(folder, MODEL, 'onnx', 'model_quantized.onnx'), 'not a model');
      const embedder = create({ modelId: path.join(folder, MODEL) });
      await reject(embedder, /could not be used/, /another model/);
      await reject(embedder, /could not be used/, /another model/);
    });
  });

  it('takes a model from a folder, under a name that says what it is', async () => {
    const own = path.join(folder, 'my-model');
    cpSync(modelFolder, own, { recursive: true });
    const embedder = create({ modelId: own });
    assert.match(embedder.modelId, /^my-model-q8-[0-9a-f]{8}$/);
    assert.equal(embedder.dimensions, 384);
    const [mine] = await embedder.embed(['That is a happy person']);
    const [known] = await create().embed(['That is a happy person']);
    assert.ok(cosine(mine!, known!) > 0.999);
  });

  describe('when the worker ends unexpectedly', () => {
    /** A worker that does as the text says, to see what happens around it. */
    const withWorker = (source: string): string => {
      mkdirSync(path.join(folder, 'wasm'), { recursive: true });
      mkdirSync(path.join(folder, 'model'));
      for (const file of ['wasm/ort-wasm-simd-threaded.wasm', `model/${MODEL}`]) symlinkSync(path.join(dist, file), path.join(folder, file));
      writeFileSync(path.join(folder, 'embedding-worker.js'), source);
      return folder;
    };
    const OBEDIENT = `const { parentPort } = require('node:worker_threads');
      parentPort.on('message', ({ id, text }) => { if (text === 'die') process.exit(7); else parentPort.postMessage({ id, vector: new Float32Array(384).fill(1) }); });`;

    it('is started again, and only the text at fault fails', async () => {
      const embedder = create({ assetsRoot: withWorker(OBEDIENT) });
      const good = embedder.embed(['a', 'b', 'c']);
      await assert.rejects(embedder.embed(['die']), (error: Error & { code?: string }) => error.code === 'embedder-unavailable' && /twice over this text/.test(error.message));
      assert.equal((await good).length, 3);
      assert.equal((await embedder.embed(['d'])).length, 1);
    });

    it('is given up after five times', async () => {
      const embedder = create({ assetsRoot: withWorker(OBEDIENT) });
      for (let i = 0; i < 2; i++) await assert.rejects(embedder.embed(['die']), /twice over this text/);
      await assert.rejects(embedder.embed(['die']), { code: 'embedder-unavailable' });
      await assert.rejects(embedder.embed(['fine']), /ended unexpectedly 5 times/);
    });

    it('goes on in a thread where no process can be started', async () => {
      const source = `const { parentPort } = require('node:worker_threads');
        if (!parentPort) process.exit(1);
        ${OBEDIENT.split('\n')[1]}`;
      const embedder = create({ assetsRoot: withWorker(source), isolation: () => 'process' });
      assert.equal((await embedder.embed(['x'])).length, 1);
    });
  });

  it('tells those who wait when it is closed', async () => {
    const embedder = create();
    const waiting = embedder.embed(['x '.repeat(300)]);
    const rejected = assert.rejects(waiting, { code: 'embedder-unavailable' });
    await embedder.dispose();
    await rejected;
    await assert.rejects(embedder.embed(['new']), { code: 'embedder-unavailable' });
  });
});
