import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { LocalIndex } from 'vectra';
import { FACETS } from '../../../src/core/notebook/note-index.ts';
import type { IndexedNote } from '../../../src/core/notebook/note-index.ts';
import { DeferredStorage } from '../../../src/node/index/deferred-storage.ts';
import { NoteIndexCodec } from '../../../src/node/index/note-codec.ts';
import { VectorMemory } from '../../../src/node/index/vector-memory.ts';
import { VectraNoteIndex } from '../../../src/node/index/vectra-note-index.ts';
import { SILENT } from '../../../src/core/log.ts';

const DIMENSIONS = 8;

describe('the note index', () => {
  let folder: string;
  beforeEach(() => (folder = path.join(mkdtempSync(path.join(os.tmpdir(), 'safenote-index-')), 'workspace', 'model')));
  afterEach(() => rmSync(path.dirname(path.dirname(folder)), { recursive: true, force: true }));
  const open = (embedder = { modelId: 'a-model', dimensions: DIMENSIONS }): VectraNoteIndex => new VectraNoteIndex({ folder, embedder });
  const file = (): string => path.join(folder, 'index.bin');

  it('finds the nearest notes of one kind by one facet', async () => {
    const index = open();
    await index.upsert([note('a', [1, 0, 0]), note('b', [0, 1, 0]), note('c', [1, 1, 0]), note('f', [1, 0, 0], 'function')]);
    const found = await index.nearest('security', 'code', vector([1, 0.1, 0]), 2);
    assert.deepEqual(found.map(({ noteId }) => noteId), ['a', 'c']);
    assert.ok(Math.abs(found[0]!.score - 1 / Math.hypot(1, 0.1)) < 1e-6);
    assert.deepEqual((await index.nearest('function', 'code', vector([0, 1, 0]), 9)).map(({ noteId }) => noteId), ['f']);
  });

  it('keeps facets apart', async () => {
    const index = open();
    await index.upsert([{ ...note('a', [1, 0]), vectors: { code: vector([1, 0]), task: vector([0, 1]), merge: vector([0, 0, 1]) } }]);
    for (const [facet, query] of [['code', [1, 0]], ['task', [0, 1]], ['merge', [0, 0, 1]]] as const) {
      for (const other of FACETS) assert.equal((await index.nearest('security', other, vector(query), 1))[0]?.score, other === facet ? 1 : 0);
    }
  });

  it('replaces and removes notes, and knows what it has', async () => {
    const index = open();
    await index.upsert([note('a', [1, 0]), note('b', [0, 1])]);
    await index.upsert([{ ...note('a', [0, 1]), contentHash: 'new' }]);
    await index.remove(['b', 'unknown']);
    assert.deepEqual([...(await index.known())], [['a', 'new']]);
    assert.equal((await index.nearest('security', 'code', vector([0, 1]), 5)).length, 1);
    assert.equal((await index.nearest('security', 'code', vector([0, 1]), 5))[0]?.score, 1);
  });

  it('follows a note that changes its kind', async () => {
    const index = open();
    await index.upsert([note('a', [1, 0])]);
    await index.upsert([note('a', [1, 0], 'function')]);
    assert.deepEqual(await index.nearest('security', 'code', vector([1, 0]), 5), []);
    assert.equal((await index.nearest('function', 'code', vector([1, 0]), 5)).length, 1);
  });

  it('answers an empty index, a limit of none and one beyond all', async () => {
    const index = open();
    assert.deepEqual(await index.nearest('security', 'code', vector([1]), 5), []);
    await index.upsert([note('a', [1])]);
    assert.deepEqual(await index.nearest('security', 'code', vector([1]), 0), []);
    assert.equal((await index.nearest('security', 'code', vector([1]), 1e9)).length, 1);
  });

  it('refuses zero, NaN and wrong-length vectors, and keeps nothing of their batch', async () => {
    const index = open();
    const bad = [new Float32Array(DIMENSIONS), new Float32Array(DIMENSIONS).fill(Number.NaN), new Float32Array(DIMENSIONS).fill(Infinity), new Float32Array(DIMENSIONS - 1).fill(1), new Float32Array(0)];
    for (const wrong of bad) {
      await assert.rejects(index.upsert([note('good', [1]), { ...note('bad', [1]), vectors: { code: vector([1]), task: wrong, merge: vector([1]) } }]), (error: Error & { code?: string }) => error.code === 'bad-vector' && /task vector of note "bad"/.test(error.message));
      await assert.rejects(index.nearest('security', 'code', wrong, 1), { code: 'bad-vector' });
    }
    assert.equal((await index.known()).size, 0);
    await index.upsert([note('good', [1])]);
  });

  it('takes vectors that are not of length one as directions', async () => {
    const index = open();
    await index.upsert([{ ...note('a', [1]), vectors: { code: new Float32Array(DIMENSIONS).fill(3), task: vector([1]), merge: vector([1]) } }]);
    assert.ok(Math.abs((await index.nearest('security', 'code', new Float32Array(DIMENSIONS).fill(0.01), 1))[0]!.score - 1) < 1e-6);
  });

  it('ranks as an exact search does, and as vectra itself does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: DIMENSIONS, maxLength: DIMENSIONS }), { minLength: 2, maxLength: 90 }), fc.integer({ min: 1, max: 100 }), async (rows, limit) => {
        const vectors = rows.map((row) => vector(row.map((x, i) => x + (i === 0 ? 2 : 0))));
        const query = vectors[0]!;
        rmSync(folder, { recursive: true, force: true });
        const index = open();
        await index.upsert(vectors.slice(1).map((v, i) => ({ ...note(`n${i}`, [1]), vectors: { code: v, task: vector([1]), merge: vector([1]) } })));
        const found = await index.nearest('security', 'code', query, limit);
        const exact = vectors.slice(1).map((v) => v.reduce((sum, x, i) => sum + x * query[i]!, 0)).sort((a, b) => b - a).slice(0, limit);
        assert.equal(found.length, exact.length);
        found.forEach(({ score }, i) => assert.ok(Math.abs(score - Math.min(1, exact[i]!)) < 1e-5));
        // vectra's own query over the same items: the other facets of the query are zero.
        const codec = new NoteIndexCodec({ embedder: 'a-model', dimensions: DIMENSIONS, memory: new VectorMemory(DIMENSIONS) });
        await index.flush();
        const own = new LocalIndex(folder, 'index.bin', new DeferredStorage({ codec, log: SILENT }), codec);
        const padded = [...query, ...new Array<number>(DIMENSIONS * 2).fill(0)];
        const theirs = await own.queryItems(padded, '', limit, { kind: { $eq: 'security' } });
        theirs.forEach(({ score }, i) => assert.ok(Math.abs(score * Math.sqrt(FACETS.length) - found[i]!.score) < 1e-5));
      }),
      { numRuns: 25 },
    );
  });

  describe('on disk', () => {
    it('is there again after a flush', async () => {
      const one = open();
      await one.upsert(Array.from({ length: 300 }, (_, i) => note(`n${i}`, [i, 1])));
      await one.flush();
      const two = open();
      assert.equal((await two.known()).size, 300);
      assert.deepEqual(await two.nearest('security', 'code', vector([7, 1]), 3), await one.nearest('security', 'code', vector([7, 1]), 3));
      assert.deepEqual(readdirSync(folder), ['index.bin']);
    });

    it('is written some time after a change without being asked', async () => {
      const one = open();
      await one.upsert([note('a', [1])]);
      assert.equal(existsSync(file()), false);
      for (let i = 0; i < 100 && !existsSync(file()); i++) await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal((await open().known()).size, 1);
    });

    it('is not written by looking at it', async () => {
      const one = open();
      await one.known();
      await one.nearest('security', 'code', vector([1]), 3);
      await one.flush();
      assert.equal(existsSync(folder), false);
    });

    it('holds ids, hashes and vectors only', async () => {
      const one = open();
      await one.upsert([note('some-id', [1])]);
      await one.flush();
      const bytes = readFileSync(file());
      assert.ok(bytes.length < 300 + DIMENSIONS * 3 * 4, `${bytes.length} bytes`);
      assert.ok(bytes.includes('some-id') && bytes.includes('hash of some-id'));
    });

    it('is for the user alone', async function () {
      if (process.platform === 'win32') return this.skip();
      const one = open();
      await one.upsert([note('a', [1])]);
      await one.flush();
      assert.equal((statSync(file()).mode | statSync(folder).mode) & 0o077, 0);
    });

    const DAMAGES: Record<string, () => void> = {
      'is empty': () => truncateSync(file(), 0),
      'is cut off': () => truncateSync(file(), statSync(file()).size - 9),
      'has one other bit': () => {
        const bytes = readFileSync(file());
        bytes[bytes.length - 20]! ^= 1;
        writeFileSync(file(), bytes);
      },
      "is vectra's JSON": () => writeFileSync(file(), '{"version":1,"metadata_config":{},"items":[]}'),
      'is random': () => writeFileSync(file(), Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 7919) % 256))),
      'is a folder': () => {
        rmSync(file());
        mkdirSync(file());
      },
    };
    for (const [name, damage] of Object.entries(DAMAGES)) {
      it(`is begun anew, without an error, when the file ${name}`, async () => {
        const one = open();
        await one.upsert([note('a', [1]), note('b', [0, 1])]);
        await one.flush();
        damage();
        const two = open();
        assert.equal((await two.known()).size, 0);
        await two.upsert([note('c', [1])]);
        await two.flush();
        assert.deepEqual([...(await two.known()).keys()], ['c']);
        if (name !== 'is a folder') assert.deepEqual([...(await open().known()).keys()], ['c']);
      });
    }

    it('survives any bytes', async () => {
      mkdirSync(folder, { recursive: true });
      const one = open();
      await one.upsert([note('a', [1]), note('b', [0, 1])]);
      await one.flush();
      const good = readFileSync(file());
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 }), async (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          writeFileSync(file(), bytes);
          const known = await open().known();
          assert.equal(known.size, bytes.equals(good) ? 2 : 0);
          if (!existsSync(file())) mkdirSync(folder, { recursive: true });
        }),
        { numRuns: 60 },
      );
    });

    it("is not shared with another embedder's", async () => {
      const one = open();
      await one.upsert([note('a', [1])]);
      await one.flush();
      assert.equal((await open({ modelId: 'another', dimensions: DIMENSIONS }).known()).size, 0);
      await one.upsert([note('b', [1])]);
      await one.flush();
      assert.equal((await open({ modelId: 'a-model', dimensions: DIMENSIONS * 2 }).known()).size, 0);
    });

    it('takes over what another window has saved', async () => {
      const one = open();
      await one.upsert([note('a', [1])]);
      await one.flush();
      const two = open();
      await two.upsert([note('b', [1])]);
      await two.flush();
      assert.deepEqual([...(await one.known()).keys()].sort(), ['a', 'b']);
    });

    it('is never damaged by two that write at once', async () => {
      const one = open();
      const two = open();
      for (let i = 0; i < 15; i++) {
        await Promise.all([one, two].map((index, who) => index.upsert([note(`${who}-${i}`, [i + 1, who])]).then(() => index.flush())));
        assert.ok((await open().known()).size > 0);
      }
      assert.deepEqual(readdirSync(folder), ['index.bin']);
    });

    it('works from memory where it cannot be saved', async function () {
      mkdirSync(path.dirname(folder), { recursive: true });
      writeFileSync(folder, 'a file where the folder should be');
      const one = open();
      await one.upsert([note('a', [1])]);
      await one.flush();
      assert.equal((await one.nearest('security', 'code', vector([1]), 1))[0]?.noteId, 'a');
    });

    it('is whole, old or new, when the writer is killed', async () => {
      const one = open();
      await one.upsert(Array.from({ length: 50 }, (_, i) => note(`n${i}`, [i, 1])));
      await one.flush();
      // A writer that dies between its temporary file and the rename leaves just that: a temporary file.
      writeFileSync(`${file()}.abc.tmp`, readFileSync(file()).subarray(0, 100));
      assert.equal((await open().known()).size, 50);
    });

    it('cannot be read without permission, and is begun anew', async function () {
      if (process.platform === 'win32' || process.getuid?.() === 0) return this.skip();
      const one = open();
      await one.upsert([note('a', [1])]);
      await one.flush();
      chmodSync(file(), 0);
      assert.equal((await open().known()).size, 0);
    });
  });

  it('computes dot products as a plain loop does, with and without WebAssembly, while the memory grows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1500 }), fc.constantFrom(...FACETS), fc.boolean(), (dimensions, count, facet, native) => {
        const memory = new VectorMemory(dimensions, native);
        const values = (seed: number): Float32Array => Float32Array.from({ length: dimensions }, (_, i) => Math.sin(seed * 31 + i));
        const vectors = Array.from({ length: count }, (_, n) => {
          const packed = memory.allocate();
          assert.ok(packed.every((x) => x === 0));
          FACETS.forEach((one, at) => packed.set(values(n * 3 + at + (one === facet ? 0 : 7)), at * memory.stride));
          // Between allocations, so that its working space lies between vectors.
          if (n % 500 === 0) memory.dots([packed], facet, values(1));
          return packed;
        });
        const query = values(99);
        const found = memory.dots(vectors, facet, query);
        assert.equal(found.length, count);
        const at = FACETS.indexOf(facet);
        found.forEach((score, n) => assert.ok(Math.abs(score - values(n * 3 + at).reduce((sum, x, i) => sum + x * query[i]!, 0)) < 1e-4));
      }),
      { numRuns: 60 },
    );
  });

  it('does not keep a process alive', () => {
    const script = `import('${path.resolve('src/node/index/vectra-note-index.ts')}').then(async ({ VectraNoteIndex }) => {
      const index = new VectraNoteIndex({ folder: ${JSON.stringify(folder)}, embedder: { modelId: 'm', dimensions: 1 } });
      const v = new Float32Array([1]);
      await index.upsert([{ noteId: 'a', kind: 'security', contentHash: 'h', vectors: { code: v, task: v, merge: v } }]);
      console.log('done');
    })`;
    const result = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(result.stdout, 'done\n', result.stderr);
    assert.equal(result.status, 0);
  }).timeout(25_000);
});

function vector(values: readonly number[]): Float32Array {
  const full = Float32Array.from({ length: DIMENSIONS }, (_, i) => values[i] ?? 0);
  const norm = Math.hypot(...full);
  return full.map((x) => x / norm);
}

function note(noteId: string, values: readonly number[], kind: IndexedNote['kind'] = 'security'): IndexedNote {
  return { noteId, kind, contentHash: `hash of ${noteId}`, vectors: { code: vector(values), task: vector([1]), merge: vector([1]) } };
}
