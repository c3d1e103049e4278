import assert from 'node:assert/strict';
import { type AnswerStore, type Recorded, Recorder, type RecorderOptions } from '../../../src/core/evaluation/recording.ts';
import { type GenerateReply, type GenerateRequest, type LanguageModel, ModelError } from '../../../src/core/llm/model.ts';

const signal = new AbortController().signal;
const ask = (text: string): GenerateRequest => ({ purpose: 'completion', messages: [{ role: 'user', content: text }], temperature: 0.9 });
const reply = (text: string, prompt = 10, completion = 5): GenerateReply => ({ text, model: 'm', tokens: { prompt, completion } });

const stopCode = (r: Recorder) => r.stopped?.code;

class MemoryAnswers implements AnswerStore {
  readonly kept = new Map<string, Recorded>();
  full = false;
  get(key: string) {
    return this.kept.get(key);
  }
  keep(key: string, recorded: Recorded) {
    this.kept.set(key, recorded);
    return this.full ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
  }
  ensureWritable() {
    if (this.full) throw new Error('the disk is full');
  }
}

function recorder(answer: (request: GenerateRequest, n: number) => Promise<GenerateReply> | GenerateReply, o: Partial<RecorderOptions> & { store?: MemoryAnswers } = {}) {
  const store = o.store ?? new MemoryAnswers();
  const asked: GenerateRequest[] = [];
  const waits: number[] = [];
  let now = 0;
  const model: LanguageModel = { name: 'm', origin: 'test', generate: async (request) => answer(request, asked.push(request)) };
  const made = new Recorder({
    name: 'm', origin: 'test', model, store, hash: (text) => text, normalize: (text) => text, temperature: 0.2, maxTokens: 100, jobs: 2,
    sleep: (ms) => { waits.push(ms); now += ms; return Promise.resolve(); }, clock: () => now, ...o,
  });
  return { made, store, asked, waits };
}

describe('recorded answers', () => {
  it('are asked for once, at the temperature of the run, and told apart by sample', async () => {
    const { made, asked } = recorder((_, n) => reply(`answer ${n}`));
    const one = await made.scope(0).generate(ask('x'), { signal });
    assert.equal((await made.scope(0).generate(ask('x'), { signal })).text, one.text);
    assert.notEqual((await made.scope(1).generate(ask('x'), { signal })).text, one.text);
    assert.deepEqual([asked.length, asked[0]?.temperature, asked[0]?.maxTokens], [2, 0.2, 100]);
    const scope = made.scope(0);
    await scope.generate(ask('x'), { signal });
    // Asked again by the same sample it is another request: what wrote no guidance once may do so now.
    assert.equal((await scope.generate(ask('x'), { signal })).text, 'answer 3');
  });

  it('are shared by arms that ask the same at the same time', async () => {
    const { made, asked } = recorder(async () => { await new Promise((r) => setTimeout(r, 5)); return reply('a'); });
    await Promise.all([made.scope(0).generate(ask('x'), { signal }), made.scope(0).generate(ask('x'), { signal })]);
    assert.equal(asked.length, 1);
  });

  it('count for every arm that uses them, and once in what the run has paid', async () => {
    const { made } = recorder(() => reply('a'));
    const [a, b] = [made.scope(0), made.scope(0)];
    await a.generate(ask('x'), { signal });
    await b.generate(ask('x'), { signal });
    assert.deepEqual(b.usage(), { requests: 1, tokens: { prompt: 10, completion: 5 }, byPurpose: { completion: { requests: 1, prompt: 10, completion: 5 } } });
    assert.deepEqual({ ...made.spent }, { requests: 1, prompt: 10, completion: 5 });
  });

  it('without a model stop the run at the first that is missing', async () => {
    const store = new MemoryAnswers();
    await recorder(() => reply('known'), { store }).made.scope(0).generate(ask('x'), { signal });
    const replay = new Recorder({ name: 'm', origin: 't', store, hash: (t) => t, normalize: (t) => t, temperature: 0.2, maxTokens: 100, jobs: 1, sleep: () => Promise.resolve(), clock: () => 0 });
    assert.equal((await replay.scope(0).generate(ask('x'), { signal })).text, 'known');
    await assert.rejects(replay.scope(0).generate(ask('y'), { signal }), /never recorded \(completion, sample 1/);
    assert.equal(replay.stopped?.code, 'replay-miss');
  });

  it('keep a fault of the answer as the answer, and try a fault of the line again', async () => {
    const garbage = recorder(() => Promise.reject(new ModelError('model-empty', 'nothing came', 'x')));
    await assert.rejects(garbage.made.scope(0).generate(ask('x'), { signal }), /nothing came/);
    await assert.rejects(garbage.made.scope(0).generate(ask('x'), { signal }), /nothing came/);
    assert.equal(garbage.asked.length, 1);

    const cut = recorder((_, n) => (n === 1 ? Promise.reject(new ModelError('model-cut', 'cut', 'x')) : reply('whole')));
    assert.equal((await cut.made.scope(0).generate(ask('x'), { signal })).text, 'whole');

    const busy = recorder((_, n) => (n < 3 ? Promise.reject(new ModelError('model-rate-limit', 'slow down', 'x')) : reply('late')));
    assert.equal((await busy.made.scope(0).generate(ask('x'), { signal })).text, 'late');
    assert.deepEqual(busy.waits, [2000, 4000]);
  });

  it('of a server that has gone are no answers: the sample is left open, and after some the run ends', async () => {
    const { made, store } = recorder(() => Promise.reject(new ModelError('model-timeout', 'silence', 'x')));
    const scope = made.scope(0);
    await assert.rejects(scope.generate(ask('1'), { signal }), /silence/);
    assert.equal(scope.passing?.code, 'model-timeout');
    assert.ok(!made.stopped);
    for (let n = 2; n <= 6; n++) await made.scope(0).generate(ask(String(n)), { signal }).catch(() => undefined);
    assert.equal(stopCode(made), 'model-gone');
    // It is back: what passed is asked for again.
    const back = recorder(() => reply('here'), { store });
    assert.equal((await back.made.scope(0).generate(ask('1'), { signal })).text, 'here');
  });

  it('stop at once at a fault that every request would meet', async () => {
    const { made, asked } = recorder(() => Promise.reject(new ModelError('model-key', 'wrong key', 'x')));
    await assert.rejects(made.scope(0).generate(ask('x'), { signal }), /wrong key/);
    await assert.rejects(made.scope(0).generate(ask('y'), { signal }), /wrong key/);
    assert.equal(asked.length, 1);
  });

  it('never exceed the budget, in tokens or in money, also when several ask at once', async () => {
    for (const price of [undefined, { prompt: 1_000_000, completion: 1_000_000 }]) {
      const { made } = recorder(() => reply('a', 20, 100), { budget: { limit: 1000, ...(price ? { price } : {}) }, jobs: 8 });
      const ended = await Promise.allSettled(Array.from({ length: 30 }, (_, n) => made.scope(0).generate(ask(`${n}`.repeat(40)), { signal })));
      assert.equal(made.stopped?.code, 'budget');
      assert.ok(made.spent.prompt + made.spent.completion <= 1000, `${made.spent.prompt + made.spent.completion} were spent`);
      assert.ok(made.spent.requests >= 5 && ended.some((e) => e.status === 'rejected'));
    }
  });

  it('cost nothing of the budget when they are there already', async () => {
    const store = new MemoryAnswers();
    await recorder(() => reply('a'), { store }).made.scope(0).generate(ask('x'), { signal });
    const { made, asked } = recorder(() => reply('b'), { store, budget: { limit: 1 } });
    assert.equal((await made.scope(0).generate(ask('x'), { signal })).text, 'a');
    await assert.rejects(made.scope(0).generate(ask('y'), { signal }), /could exceed the budget of 1 tokens/);
    assert.equal(asked.length, 0);
  });

  it('are not asked for while they could not be kept', async () => {
    const store = new MemoryAnswers();
    const { made, asked } = recorder(() => reply('a'), { store });
    store.full = true;
    await assert.rejects(made.scope(0).generate(ask('x'), { signal }), /disk is full/);
    assert.equal(asked.length, 0);
    store.full = false;
    assert.equal((await made.scope(0).generate(ask('x'), { signal })).text, 'a');
    assert.equal(made.stopped, undefined);
  });

  it('keep to the number of requests at a time and to the pace', async () => {
    let at = 0;
    let most = 0;
    const { made } = recorder(async () => { most = Math.max(most, ++at); await new Promise((r) => setTimeout(r, 3)); at--; return reply('a'); }, { jobs: 3 });
    await Promise.all(Array.from({ length: 12 }, (_, n) => made.scope(0).generate(ask(String(n)), { signal })));
    assert.equal(most, 3);
    const paced = recorder(() => reply('a'), { perMinute: 60, jobs: 1 });
    for (let n = 0; n < 4; n++) await paced.made.scope(0).generate(ask(String(n)), { signal });
    assert.deepEqual(paced.waits, [1000, 1000, 1000]);
  });
});
