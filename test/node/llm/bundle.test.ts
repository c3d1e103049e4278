import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { GOOD, ScriptedServer, json, stream } from './scripted-server.ts';

const run = promisify(execFile);

/** The client package goes into the bundle without most of its parts (tools/build/bundling.mjs): what is left must do. */
describe('the model client as it is bundled', () => {
  let folder: string;
  let bundle: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'safenote-bundle-'));
    bundle = path.join(folder, 'ask.cjs');
    const { plugins } = (await import(path.resolve('tools/build/bundling.mjs'))) as { plugins: import('esbuild').Plugin[] };
    const ask = `
      import { OpenAiModel } from './src/node/llm/openai-model.ts';
      const model = new OpenAiModel({ endpoint: { baseUrl: process.argv[2]!, apiKey: 'k' }, model: 'm', backoffMs: 1 });
      model.generate({ purpose: 'completion', messages: [{ role: 'user', content: 'x' }] }, { signal: new AbortController().signal }).then(
        (reply) => console.log(JSON.stringify(reply)),
        (error) => console.log(JSON.stringify({ code: error.code, message: error.message })),
      );`;
    await build({ stdin: { contents: ask, loader: 'ts', resolveDir: process.cwd() }, bundle: true, platform: 'node', format: 'cjs', target: 'node22', minify: true, keepNames: true, outfile: bundle, plugins });
  });

  after(() => rm(folder, { recursive: true, force: true }));

  async function answer(server: ScriptedServer): Promise<unknown> {
    const root = await server.listen();
    try {
      return JSON.parse((await run(process.execPath, [bundle, `${root}/v1`])).stdout);
    } finally {
      await server.close();
    }
  }

  it('streams an answer', async () => {
    const server = new ScriptedServer((_request, response) => stream(response, GOOD));
    assert.deepEqual(await answer(server), { text: '```python\nreturn 1\n```', model: 'served-model', tokens: { prompt: 11, completion: 7 } });
  });

  it('names a failure', async () => {
    const server = new ScriptedServer((_request, response) => json(response, 401, { error: { message: 'no' } }));
    assert.match(JSON.stringify(await answer(server)), /"model-key"/);
  });
}).timeout(20_000);
