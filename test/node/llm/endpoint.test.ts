import assert from 'node:assert/strict';
import { isCancelled } from '../../../src/core/errors.ts';
import { ModelError } from '../../../src/core/llm/model.ts';
import { chooseEndpoint, detectOllama, endpointFromEnvironment, hostOf, isLoopback, listModels, parseBaseUrl } from '../../../src/node/llm/endpoint.ts';
import { networkError } from '../../../src/node/llm/failures.ts';
import { ScriptedServer, closedPort, json } from './scripted-server.ts';
import type { Handler } from './scripted-server.ts';

const signal = new AbortController().signal;
const open: ScriptedServer[] = [];

async function serve(handler: Handler): Promise<{ server: ScriptedServer; root: string }> {
  const server = new ScriptedServer(handler);
  open.push(server);
  return { server, root: await server.listen() };
}

function withModels(...names: string[]): Handler {
  return (request, response) =>
    request.url === '/api/tags' ? json(response, 200, { models: names.map((name) => ({ name, size: 1 })) }) : json(response, 200, { object: 'list', data: names.map((id) => ({ id })) });
}

async function rejected(promise: Promise<unknown>): Promise<ModelError> {
  const error = await promise.then(
    () => assert.fail('expected a ModelError'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof ModelError, String(error));
  return error;
}

describe('endpoints', () => {
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close();
  });

  describe('isLoopback', () => {
    for (const url of ['http://localhost:11434/v1', 'http://127.0.0.1/v1', 'http://127.9.8.7:1', 'http://127.1/v1', 'http://[::1]:8080', 'http://[::ffff:127.0.0.1]/', 'https://LOCALHOST', 'http://api.localhost']) {
      it(`true for ${url}`, () => assert.equal(isLoopback(url), true));
    }
    for (const url of ['https://api.openai.com/v1', 'http://127.0.0.1.example.com', 'http://localhost.example.com', 'http://notlocalhost', 'http://10.0.0.1', 'http://[::2]', 'http://[::ffff:128.0.0.1]', 'http://0.0.0.0', 'nonsense', '']) {
      it(`false for ${url || 'nothing'}`, () => assert.equal(isLoopback(url), false));
    }
  });

  describe('parseBaseUrl', () => {
    for (const [typed, expected] of [
      ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
      [' http://localhost:11434/v1/ ', 'http://localhost:11434/v1'],
      ['HTTPS://Api.Example.com/V1', 'https://api.example.com/V1'],
      ['http://127.0.0.1:8000', 'http://127.0.0.1:8000'],
      ['https://host.example/v1/chat/completions', 'https://host.example/v1'],
      ['https://host.example/proxy//', 'https://host.example/proxy'],
    ] as const) {
      it(`reads ${typed}`, () => assert.equal(parseBaseUrl(typed), expected));
    }
    for (const [typed, said] of [
      ['', /empty/],
      ['localhost:11434/v1', /http:\/\//],
      ['api.example.com', /http:\/\//],
      ['ftp://host.example', /ftp/],
      ['file:///etc/passwd', /file/],
      ['https://user:geheim@host.example/v1', /password/],
      ['https://host.example/v1?key=geheim', /query/],
      ['https://', /not a valid/],
      ['http://host:99999/v1', /not a valid/],
    ] as const) {
      it(`refuses ${typed || 'nothing'} and says why`, () => {
        assert.throws(
          () => parseBaseUrl(typed, 'SAFENOTE_BASE_URL'),
          (error: unknown) => error instanceof ModelError && said.test(error.message) && error.message.startsWith('SAFENOTE_BASE_URL') && error.hint.length > 0 && !`${error.message}${error.hint}`.includes('geheim'),
        );
      });
    }
    it('hostOf names host and port', () => {
      assert.equal(hostOf('http://127.0.0.1:8000/v1'), '127.0.0.1:8000');
      assert.equal(hostOf('?'), 'the model server');
    });
  });

  describe('endpointFromEnvironment', () => {
    it('is undefined where nothing is named', () => {
      assert.equal(endpointFromEnvironment({}), undefined);
      assert.equal(endpointFromEnvironment({ SAFENOTE_MODEL: 'm', SAFENOTE_BASE_URL: '  ' }), undefined);
    });
    it('takes the variables of SafeNote', () => {
      assert.deepEqual(endpointFromEnvironment({ SAFENOTE_BASE_URL: 'http://h.example/v1/', SAFENOTE_API_KEY: 'k', SAFENOTE_MODEL: 'm', OPENAI_BASE_URL: 'http://other.example/v1', OPENAI_API_KEY: 'o' }), {
        endpoint: { baseUrl: 'http://h.example/v1', apiKey: 'k' },
        model: 'm',
      });
    });
    it('falls back to the general ones', () => {
      assert.deepEqual(endpointFromEnvironment({ OPENAI_BASE_URL: 'http://other.example/v1', OPENAI_API_KEY: 'o' }), { endpoint: { baseUrl: 'http://other.example/v1', apiKey: 'o' } });
    });
    it('a key alone means the OpenAI API', () => {
      assert.deepEqual(endpointFromEnvironment({ OPENAI_API_KEY: 'o' }), { endpoint: { baseUrl: 'https://api.openai.com/v1', apiKey: 'o' } });
    });
    it('never sends the general key to another origin', () => {
      assert.deepEqual(endpointFromEnvironment({ SAFENOTE_BASE_URL: 'http://h.example/v1', OPENAI_API_KEY: 'o' }), { endpoint: { baseUrl: 'http://h.example/v1' } });
    });
    it('uses the general key where it belongs', () => {
      assert.deepEqual(endpointFromEnvironment({ SAFENOTE_BASE_URL: 'https://api.openai.com/v1', OPENAI_API_KEY: 'o' })?.endpoint.apiKey, 'o');
      assert.deepEqual(endpointFromEnvironment({ SAFENOTE_BASE_URL: 'http://h.example/a', OPENAI_BASE_URL: 'http://h.example/b', OPENAI_API_KEY: 'o' })?.endpoint.apiKey, 'o');
    });
    it('names the variable that is wrong', () => {
      assert.throws(() => endpointFromEnvironment({ OPENAI_BASE_URL: 'localhost:1' }), /OPENAI_BASE_URL/);
    });
  });

  describe('listModels', () => {
    it('lists names and sends the key', async () => {
      const { root, server } = await serve(withModels('a', 'b', 'a'));
      assert.deepEqual(await listModels({ baseUrl: `${root}/v1`, apiKey: 'k' }, { signal }), ['a', 'b']);
      assert.equal(server.requests[0]!.url, '/v1/models');
      assert.equal(server.requests[0]!.headers.authorization, 'Bearer k');
    });
    it('takes other shapes of the list', async () => {
      for (const body of [{ models: [{ name: 'a' }] }, [{ id: 'a' }], { data: [{ id: 'a' }, {}] }]) {
        const { root } = await serve((_r, response) => json(response, 200, body));
        assert.deepEqual(await listModels({ baseUrl: root }, { signal }), ['a']);
      }
    });
    it('maps failures', async () => {
      const { root } = await serve((_r, response) => json(response, 401, { error: { message: 'no' } }));
      assert.equal((await rejected(listModels({ baseUrl: root, apiKey: 'k' }, { signal }))).code, 'model-key');
      const page = await serve((_r, response) => response.end('<html></html>'));
      assert.match((await rejected(listModels({ baseUrl: page.root }, { signal }))).hint, /\/v1/);
      assert.equal((await rejected(listModels({ baseUrl: `http://127.0.0.1:${await closedPort()}` }, { signal }))).code, 'model-refused');
    });
    it('gives up in time, and can be cancelled', async () => {
      const { root } = await serve(() => undefined);
      assert.equal((await rejected(listModels({ baseUrl: root }, { signal, timeoutMs: 40 }))).code, 'model-timeout');
      await assert.rejects(listModels({ baseUrl: root }, { signal: AbortSignal.timeout(30) }), isCancelled);
    });
  });

  describe('detectOllama', () => {
    it('finds the chat models of a local Ollama', async () => {
      const { root } = await serve(withModels('qwen2.5-coder:7b', 'nomic-embed-text:latest'));
      assert.deepEqual(await detectOllama({ signal, root }), { endpoint: { baseUrl: `${root}/v1` }, models: ['qwen2.5-coder:7b'] });
    });
    it('is undefined where nothing answers, or not in time, or something else does', async () => {
      assert.equal(await detectOllama({ signal, root: `http://127.0.0.1:${await closedPort()}` }), undefined);
      const silent = await serve(() => undefined);
      assert.equal(await detectOllama({ signal, root: silent.root, timeoutMs: 30 }), undefined);
      const other = await serve((_r, response) => response.end('hello'));
      assert.equal(await detectOllama({ signal, root: other.root }), undefined);
    });
    it('passes a cancel on', async () => {
      await assert.rejects(detectOllama({ signal: AbortSignal.abort() }), isCancelled);
    });
  });

  describe('chooseEndpoint', () => {
    it('prefers the setting', async () => {
      const choice = await chooseEndpoint({ env: { SAFENOTE_BASE_URL: 'http://127.0.0.1:1/v1', SAFENOTE_MODEL: 'e' }, settings: { baseUrl: 'http://127.0.0.1:2/v1', model: 's' }, signal });
      assert.deepEqual(choice, { endpoint: { baseUrl: 'http://127.0.0.1:2/v1' }, model: 's', source: 'setting', remarks: [] });
    });
    it('gives a setting\'s address only a key that belongs to it', async () => {
      const env = { SAFENOTE_BASE_URL: 'http://127.0.0.1:1/v1', SAFENOTE_API_KEY: 'k', OPENAI_API_KEY: 'o' };
      const choose = async (baseUrl: string): Promise<string | undefined> => (await chooseEndpoint({ env, settings: { baseUrl, model: 'm' }, signal })).endpoint.apiKey;
      assert.equal(await choose('http://127.0.0.1:1/other'), 'k');
      assert.equal(await choose('http://127.0.0.1:2/v1'), undefined);
      assert.equal(await choose('https://api.openai.com/v1'), 'o');
    });
    it('then the environment', async () => {
      const choice = await chooseEndpoint({ env: { SAFENOTE_BASE_URL: 'http://127.0.0.1:1/v1', SAFENOTE_MODEL: 'e' }, settings: { baseUrl: '', model: '' }, signal });
      assert.equal(choice.source, 'environment');
      assert.equal(choice.model, 'e');
    });
    it('takes the first chat model where none was named, and says so', async () => {
      const { root } = await serve(withModels('text-embedding-3', 'chat-a', 'chat-b'));
      const choice = await chooseEndpoint({ env: { SAFENOTE_BASE_URL: `${root}/v1` }, signal });
      assert.equal(choice.model, 'chat-a');
      assert.match(choice.remarks.join(), /chat-a, the first of 3.*SAFENOTE_MODEL/);
    });
    it('says that it is the only one', async () => {
      const { root } = await serve(withModels('replay'));
      assert.match((await chooseEndpoint({ env: { SAFENOTE_BASE_URL: `${root}/v1` }, signal })).remarks.join(), /replay, the only one/);
    });
    it('says where a server has no chat model', async () => {
      const { root } = await serve(withModels('text-embedding-3'));
      assert.equal((await rejected(chooseEndpoint({ env: { SAFENOTE_BASE_URL: `${root}/v1` }, signal }))).code, 'model-missing');
    });
    it('then a local Ollama', async () => {
      const { root } = await serve(withModels('qwen2.5-coder:7b'));
      const choice = await chooseEndpoint({ env: {}, signal, ollamaRoot: root });
      assert.deepEqual([choice.source, choice.model, choice.endpoint.baseUrl], ['ollama', 'qwen2.5-coder:7b', `${root}/v1`]);
      assert.equal((await chooseEndpoint({ env: { SAFENOTE_MODEL: 'mine' }, signal, ollamaRoot: root })).model, 'mine');
    });
    it('says how to get a model where there is none', async () => {
      const error = await rejected(chooseEndpoint({ env: {}, signal, ollamaRoot: `http://127.0.0.1:${await closedPort()}` }));
      assert.equal(error.code, 'model-missing');
      assert.match(error.hint, /SAFENOTE_BASE_URL.*SAFENOTE_MODEL.*Ollama/s);
      const { root } = await serve(withModels());
      assert.match((await rejected(chooseEndpoint({ env: {}, signal, ollamaRoot: root }))).hint, /ollama pull/);
    });
    it('does not hide a failure of an endpoint that was named behind Ollama', async () => {
      const { root } = await serve(withModels('qwen2.5-coder:7b'));
      assert.equal((await rejected(chooseEndpoint({ env: { OPENAI_BASE_URL: `http://127.0.0.1:${await closedPort()}/v1` }, signal, ollamaRoot: root }))).code, 'model-refused');
    });
    it('remarks that a key travels in clear text', async () => {
      const choice = await chooseEndpoint({ env: { SAFENOTE_BASE_URL: 'http://llm.example/v1', SAFENOTE_API_KEY: 'k', SAFENOTE_MODEL: 'm' }, signal });
      assert.match(choice.remarks.join(), /without encryption.*key/);
    });
  });

  it('a refused connection to another port than the endpoint\'s is the proxy\'s', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:3128'), { code: 'ECONNREFUSED', port: 3128 });
    assert.match(networkError(new TypeError('fetch failed', { cause: refused }), { endpoint: { baseUrl: 'https://api.example.com/v1' } }).message, /proxy/);
  });
}).timeout(20_000);
