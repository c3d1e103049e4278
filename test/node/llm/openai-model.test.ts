import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { isCancelled } from '../../../src/core/errors.ts';
import { ModelError } from '../../../src/core/llm/model.ts';
import type { GenerateReply, GenerateRequest, ModelErrorCode } from '../../../src/core/llm/model.ts';
import { Accommodations } from '../../../src/node/llm/accommodations.ts';
import { OpenAiModel } from '../../../src/node/llm/openai-model.ts';
import type { OpenAiModelOptions } from '../../../src/node/llm/openai-model.ts';
import { DONE, GOOD, ScriptedServer, USAGE, closedPort, delta, json, stream } from './scripted-server.ts';
import type { Handler } from './scripted-server.ts';

const KEY = 'sk-test-4f9a8b7c6d5e';
const REQUEST: GenerateRequest = {
  purpose: 'completion',
  messages: [
    { role: 'system', content: 'You complete code.' },
    { role: 'user', content: 'def one():' },
  ],
  temperature: 0.2,
  maxTokens: 500,
};

const open: ScriptedServer[] = [];

async function serve(handler: Handler): Promise<{ server: ScriptedServer; url: string }> {
  const server = new ScriptedServer(handler);
  open.push(server);
  return { server, url: `${await server.listen()}/v1` };
}

function modelAt(baseUrl: string, options: Partial<OpenAiModelOptions> = {}): OpenAiModel {
  return new OpenAiModel({ endpoint: { baseUrl, apiKey: KEY }, model: 'wanted-model', backoffMs: 5, accommodations: new Accommodations(), ...options });
}

function ask(model: OpenAiModel, request: GenerateRequest = REQUEST, signal = new AbortController().signal, onText?: (piece: string) => void): Promise<GenerateReply> {
  return model.generate(request, { signal, ...(onText ? { onText } : {}) });
}

async function failureOf(promise: Promise<unknown>, code: ModelErrorCode): Promise<ModelError> {
  const error = await promise.then(
    (value) => assert.fail(`expected ${code}, got ${JSON.stringify(value)}`),
    (e: unknown) => e,
  );
  assert.ok(error instanceof ModelError, `expected a ModelError, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.length > 10 && error.hint.length > 10);
  assert.ok(!`${error.message} ${error.hint}`.includes(KEY), 'the key must not be in a message');
  return error;
}

/** Answers with one status and body, always. */
function always(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    if (typeof body === 'string') {
      response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/html' : 'text/plain', ...headers });
      response.end(body);
    } else json(response, status, body, headers);
  };
}

describe('OpenAiModel', () => {
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close();
  });

  describe('an ordinary answer', () => {
    it('is streamed piece by piece and comes back whole, with the server\'s counts and model name', async () => {
      const { url, server } = await serve((_r, response) => stream(response, GOOD));
      const pieces: string[] = [];
      const reply = await ask(modelAt(url), REQUEST, undefined, (piece) => pieces.push(piece));
      assert.deepEqual(reply, { text: '```python\nreturn 1\n```', model: 'served-model', tokens: { prompt: 11, completion: 7 } });
      assert.deepEqual(pieces, ['```python\n', 'return 1\n```']);
      const { body, headers } = server.requests[0]!;
      assert.equal(headers.authorization, `Bearer ${KEY}`);
      assert.equal(body['model'], 'wanted-model');
      assert.equal(body['stream'], true);
      assert.equal(body['temperature'], 0.2);
      assert.equal(body['max_tokens'], 500);
      assert.deepEqual(body['stream_options'], { include_usage: true });
      assert.deepEqual(body['messages'], REQUEST.messages);
    });

    it('sends no Authorization header where there is no key, whatever the environment holds', async () => {
      const { url, server } = await serve((_r, response) => stream(response, GOOD));
      const before = { ...process.env };
      Object.assign(process.env, { OPENAI_API_KEY: 'sk-environment-1', OPENAI_ORG_ID: 'org-env', OPENAI_PROJECT_ID: 'proj-env' });
      try {
        await ask(new OpenAiModel({ endpoint: { baseUrl: url }, model: 'm' }));
      } finally {
        for (const name of ['OPENAI_API_KEY', 'OPENAI_ORG_ID', 'OPENAI_PROJECT_ID']) {
          if (before[name] === undefined) delete process.env[name];
          else process.env[name] = before[name];
        }
      }
      const { headers } = server.requests[0]!;
      assert.equal(headers.authorization, undefined);
      assert.equal(headers['openai-organization'], undefined);
      assert.equal(headers['openai-project'], undefined);
    });

    it('leaves temperature and limit out where the request has none', async () => {
      const { url, server } = await serve((_r, response) => stream(response, GOOD));
      await ask(modelAt(url), { purpose: 'completion', messages: REQUEST.messages });
      assert.ok(!('temperature' in server.requests[0]!.body));
      assert.ok(!('max_tokens' in server.requests[0]!.body));
    });

    it('keeps the connection for the next request', async () => {
      const { url, server } = await serve((_r, response) => stream(response, GOOD));
      const model = modelAt(url);
      await ask(model);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await ask(model);
      assert.equal(server.requests.length, 2);
      assert.equal(server.connectionCount, 1);
    });

    it('names the model and where it is', () => {
      const model = new OpenAiModel({ endpoint: { baseUrl: 'https://api.example.com/v1' }, model: 'm' });
      assert.equal(model.name, 'm');
      assert.equal(model.origin, 'api.example.com');
      assert.equal(new OpenAiModel({ endpoint: { baseUrl: 'http://127.0.0.1:1/v1' }, model: 'replay' }).origin, 'replay');
      assert.equal(new OpenAiModel({ endpoint: { baseUrl: 'https://evil.example/v1' }, model: 'replay' }).origin, 'evil.example');
    });
  });

  describe('dialects of servers', () => {
    const accepted: [string, string[], string?][] = [
      ['no usage', [delta('return 1', 'stop'), DONE]],
      ['no [DONE]', [delta('return 1'), delta('', 'stop')]],
      ['no finish reason but [DONE]', [delta('return 1'), DONE]],
      ['data: without a space', [delta('return 1', 'stop').replace('data: ', 'data:'), 'data:[DONE]\n\n']],
      ['CRLF line ends', [delta('return 1', 'stop').replaceAll('\n', '\r\n'), DONE.replaceAll('\n', '\r\n')]],
      ['comments as keep-alive', [': PROCESSING\n\n', ': PROCESSING\n\n', delta('return 1', 'stop'), DONE]],
      ['leading blank lines and a byte order mark', ['\uFEFF\n\n', delta('return 1', 'stop'), DONE]],
      ['a wrong content type', [delta('return 1', 'stop'), DONE], 'application/octet-stream'],
      ['reasoning in a field of its own', [delta('', null, { choices: [{ index: 0, delta: { reasoning_content: 'hm' } }] }), delta('return 1', 'stop'), DONE]],
      ['content as a list of parts', [delta('', 'stop', { choices: [{ index: 0, delta: { content: [{ type: 'text', text: 'return 1' }] }, finish_reason: 'stop' }] }), DONE]],
      ['null where a list should be', ['data: {"choices":null,"model":null}\n\n', delta('return 1', 'stop'), DONE]],
      ['events that are none', ['data: 42\n\n', 'data: null\n\n', delta('return 1', 'stop'), DONE]],
      ['an event cut into single bytes', [...[...delta('return 1', 'stop'), ...DONE]]],
    ];
    for (const [name, pieces, contentType] of accepted) {
      it(`takes ${name}`, async () => {
        const { url } = await serve((_r, response) => stream(response, pieces, contentType));
        const reply = await ask(modelAt(url));
        assert.equal(reply.text, 'return 1');
        assert.ok(reply.tokens.completion > 0 && reply.tokens.prompt > 0);
      });
    }

    it('takes a whole JSON reply from a server that does not stream', async () => {
      const { url } = await serve(always(200, { model: 'whole', choices: [{ index: 0, message: { role: 'assistant', content: 'return 1' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 2 } }));
      assert.deepEqual(await ask(modelAt(url)), { text: 'return 1', model: 'whole', tokens: { prompt: 3, completion: 2 } });
    });

    it('leaves <think> blocks as they are', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('<think>hm</think>return 1', 'stop'), DONE]));
      assert.equal((await ask(modelAt(url))).text, '<think>hm</think>return 1');
    });

    it('does not wait for a server that keeps the line open after its answer', async () => {
      const { url } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('return 1', 'stop'));
      });
      assert.equal((await ask(modelAt(url, { graceMs: 50 }))).text, 'return 1');
    });

    it('finds [DONE] in a text only where the protocol says so', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('x = "\\ndata: [DONE]"\n'), delta('cut')]));
      await failureOf(ask(modelAt(url)), 'model-cut');
    });
  });

  describe('what a server does not take', () => {
    const refusals: [string, (body: Record<string, unknown>) => unknown, (body: Record<string, unknown>) => boolean][] = [
      ['stream_options', (b) => b['stream_options'] && { error: { message: 'Unrecognized request argument supplied: stream_options', type: 'invalid_request_error', param: null, code: null } }, (b) => !('stream_options' in b)],
      ['stream_options (FastAPI)', (b) => b['stream_options'] && { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }] }, (b) => !('stream_options' in b)],
      ['temperature', (b) => b['temperature'] !== undefined && { error: { message: "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.", param: 'temperature', code: 'unsupported_value' } }, (b) => !('temperature' in b)],
      ['max_tokens', (b) => b['max_tokens'] !== undefined && { error: { message: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", param: 'max_tokens', code: 'unsupported_parameter' } }, (b) => b['max_completion_tokens'] === 500],
      ['a limit that is too high', (b) => b['max_tokens'] !== undefined && { error: { message: 'max_tokens is too large: 500. This model supports at most 256 completion tokens.', param: 'max_tokens', code: null } }, (b) => !('max_tokens' in b) && !('max_completion_tokens' in b)],
      ['streaming', (b) => b['stream'] === true && { error: { message: "Unsupported value: 'stream' does not support true with this model.", param: 'stream', code: 'unsupported_value' } }, (b) => b['stream'] === false],
      ['the system role', (b) => JSON.stringify(b['messages']).includes('"system"') && { error: { message: 'System role not supported', code: 400 } }, (b) => JSON.stringify(b['messages']) === JSON.stringify([{ role: 'user', content: 'You complete code.\n\ndef one():' }])],
    ];
    for (const [name, refusal, accommodated] of refusals) {
      it(`goes on without ${name}, and remembers it`, async () => {
        const { url, server } = await serve((request, response) => {
          const refused = refusal(request.body);
          if (refused) return json(response, 400, refused);
          if (request.body['stream'] === true) return stream(response, GOOD);
          return json(response, 200, { choices: [{ message: { content: 'return 1' }, finish_reason: 'stop' }] });
        });
        const accommodations = new Accommodations();
        await ask(modelAt(url, { accommodations }));
        assert.equal(server.requests.length, 2);
        assert.ok(accommodated(server.requests[1]!.body), JSON.stringify(server.requests[1]!.body));
        await ask(modelAt(url, { accommodations }));
        assert.equal(server.requests.length, 3, 'the second completion costs one request');
      });
    }

    it('learns several refusals in a row', async () => {
      const { url, server } = await serve((request, response) => {
        for (const name of ['stream_options', 'temperature', 'max_tokens']) {
          if (name in request.body) return json(response, 422, { error: { message: `Unknown parameter: ${name}`, param: name } });
        }
        return stream(response, GOOD);
      });
      await ask(modelAt(url));
      assert.equal(server.requests.length, 4);
    });

    it('does not repeat a request whose refusal is about something else', async () => {
      const { url, server } = await serve(always(400, { error: { message: 'messages[1].content is malformed', param: 'messages' } }));
      const error = await failureOf(ask(modelAt(url)), 'model-server');
      assert.match(error.message, /messages\[1\]\.content is malformed/);
      assert.equal(server.requests.length, 1);
    });

    it('gives up when the server keeps naming what is no longer sent', async () => {
      const { url, server } = await serve(always(400, { error: { message: 'temperature is not supported', param: 'temperature' } }));
      await failureOf(ask(modelAt(url)), 'model-server');
      assert.equal(server.requests.length, 2);
    });
  });

  describe('refusals', () => {
    it('401: says that the key is wrong, and does not repeat it', async () => {
      const { url, server } = await serve(always(401, { error: { message: `Incorrect API key provided: ${KEY}. Bearer ${KEY}`, code: 'invalid_api_key' } }));
      const error = await failureOf(ask(modelAt(url)), 'model-key');
      assert.match(error.hint, /Set API Key/);
      assert.equal(server.requests.length, 1);
    });

    it('401 without a key: says that none was sent', async () => {
      const { url } = await serve(always(401, { error: 'unauthorized' }));
      const error = await failureOf(ask(new OpenAiModel({ endpoint: { baseUrl: url }, model: 'm' })), 'model-key');
      assert.match(error.message, /none was sent/);
    });

    it('403: says that access is refused', async () => {
      const { url } = await serve(always(403, { error: { message: 'Country not supported' } }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-key')).message, /Country not supported/);
    });

    it('masks other keys that a server repeats', async () => {
      const { url } = await serve(always(401, { error: { message: 'bad key sk-proj-abcdefghijklmnop and eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc' } }));
      const error = await failureOf(ask(modelAt(url)), 'model-key');
      assert.ok(!/abcdefghij|eyJhbGci/.test(error.message), error.message);
    });

    it('404 for the model: lists the models that are there', async () => {
      const { url } = await serve((request, response) =>
        request.url === '/v1/models' ? json(response, 200, { data: [{ id: 'alpha' }, { id: 'beta' }] }) : json(response, 404, { error: { message: 'The model `wanted-model` does not exist', code: 'model_not_found' } }),
      );
      const error = await failureOf(ask(modelAt(url)), 'model-unknown');
      assert.match(error.message, /"wanted-model"/);
      assert.match(error.message, /alpha, beta/);
    });

    it('404 for the model: says so also where the list does not answer', async () => {
      const { url } = await serve(always(404, { error: { message: 'model "wanted-model" not found, try pulling it first' } }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-unknown')).hint, /ollama pull/);
    });

    it('404 for the address: asks whether /v1 is missing', async () => {
      const { url } = await serve(always(404, '404 page not found'));
      const error = await failureOf(ask(modelAt(url.replace('/v1', ''))), 'model-server');
      assert.match(error.hint, /\/v1/);
    });

    it('a web page instead of JSON: asks whether /v1 is missing', async () => {
      const { url } = await serve(always(200, '<!DOCTYPE html><html><body>Open WebUI</body></html>'));
      const error = await failureOf(ask(modelAt(url.replace('/v1', ''))), 'model-server');
      assert.match(error.message, /web page/);
      assert.match(error.hint, /\/v1 missing/);
    });

    it('a redirect is not followed: it would carry the code elsewhere', async () => {
      const other = await serve((_r, response) => stream(response, GOOD));
      const { url } = await serve((_r, response) => {
        response.writeHead(307, { location: `${other.url}/chat/completions?secret=1` });
        response.end();
      });
      const error = await failureOf(ask(modelAt(url)), 'model-refused');
      assert.match(error.message, /redirects/);
      assert.ok(error.message.includes(other.url) && !error.message.includes('secret'));
      assert.equal(other.server.requests.length, 0);
    });

    it('407: names the proxy', async () => {
      const { url } = await serve(always(407, 'Proxy Authentication Required'));
      assert.match((await failureOf(ask(modelAt(url)), 'model-refused')).message, /proxy/i);
    });

    for (const [name, status, body] of [
      ['OpenAI', 400, { error: { message: "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.", code: 'context_length_exceeded' } }],
      ['llama.cpp', 400, { error: { code: 400, message: 'the request exceeds the available context size. try increasing the context size', type: 'exceed_context_size_error' } }],
      ['vLLM', 400, { object: 'error', message: "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens in the messages. Please reduce the length of the messages.", code: 400 }],
      ['a body limit', 413, 'Payload Too Large'],
    ] as const) {
      it(`too long (${name})`, async () => {
        const { url, server } = await serve(always(status, body));
        await failureOf(ask(modelAt(url)), 'model-too-long');
        assert.equal(server.requests.length, 1);
      });
    }

    it('a content filter before the answer', async () => {
      const { url } = await serve(always(400, { error: { message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", code: 'content_filter' } }));
      await failureOf(ask(modelAt(url)), 'model-blocked');
    });

    it('a recording that the replay model does not have is not an unknown model', async () => {
      const { url, server } = await serve(always(404, { error: { message: 'The replay model has no recording for this request.', code: 'replay-no-recording' } }));
      const error = await failureOf(ask(modelAt(url)), 'model-server');
      assert.match(error.message, /no recording/);
      assert.match(error.hint, /Select Model/);
      assert.ok(server.requests.length <= 2);
    });

    it('does not let control characters or a flood of a server\'s text into a message', async () => {
      const { url } = await serve(always(400, { error: { message: `\u001b[31mred\u202e\n${'x'.repeat(5000)}` } }));
      const error = await failureOf(ask(modelAt(url)), 'model-server');
      assert.ok(error.message.length < 500);
      assert.ok(!/[\p{Cc}\p{Cf}]/u.test(error.message));
    });
  });

  describe('rate limits', () => {
    it('waits as long as Retry-After asks, then goes on', async () => {
      const { url, server } = await serve((_r, response, count) => (count === 1 ? json(response, 429, { error: { message: 'slow down' } }, { 'retry-after-ms': '20' }) : stream(response, GOOD)));
      assert.equal((await ask(modelAt(url))).model, 'served-model');
      assert.equal(server.requests.length, 2);
    });

    it('understands Retry-After in seconds and as a date', async () => {
      for (const value of ['0', new Date(Date.now() - 1000).toUTCString()]) {
        const { url } = await serve((_r, response, count) => (count === 1 ? json(response, 429, {}, { 'retry-after': value }) : stream(response, GOOD)));
        await ask(modelAt(url));
      }
    });

    it('backs off where no Retry-After came, and gives up after three tries', async () => {
      const { url, server } = await serve(always(429, { error: { message: 'slow down' } }));
      await failureOf(ask(modelAt(url)), 'model-rate-limit');
      assert.equal(server.requests.length, 3);
    });

    it('does not wait longer than it may, and names the wait', async () => {
      const { url, server } = await serve(always(429, { error: { message: 'slow down' } }, { 'retry-after': '90' }));
      const error = await failureOf(ask(modelAt(url)), 'model-rate-limit');
      assert.match(`${error.message} ${error.hint}`, /90 s/);
      assert.equal(server.requests.length, 1);
    });

    it('does not wait for a quota that is used up', async () => {
      const { url, server } = await serve(always(429, { error: { message: 'You exceeded your current quota, please check your plan and billing details.', code: 'insufficient_quota' } }, { 'retry-after': '1' }));
      const error = await failureOf(ask(modelAt(url)), 'model-rate-limit');
      assert.match(error.message, /quota/);
      assert.match(error.hint, /billing/);
      assert.equal(server.requests.length, 1);
    });

    it('402 is a quota too', async () => {
      const { url } = await serve(always(402, { error: { message: 'Insufficient Balance' } }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-rate-limit')).message, /quota/);
    });

    it('can be cancelled while it waits', async () => {
      const { url, server } = await serve(always(429, {}, { 'retry-after': '10' }));
      const controller = new AbortController();
      const answer = ask(modelAt(url), REQUEST, controller.signal);
      while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      setTimeout(() => controller.abort(), 20);
      await assert.rejects(answer, isCancelled);
    });
  });

  describe('server errors', () => {
    it('are tried once more', async () => {
      const { url, server } = await serve((_r, response, count) => (count === 1 ? json(response, 500, { error: { message: 'oops' } }) : stream(response, GOOD)));
      await ask(modelAt(url));
      assert.equal(server.requests.length, 2);
    });

    it('are reported when they repeat', async () => {
      const { url, server } = await serve(always(500, { error: { message: 'CUDA out of memory' } }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-server')).message, /500.*CUDA out of memory/);
      assert.equal(server.requests.length, 2);
    });

    it('of a gateway are named as such', async () => {
      const { url } = await serve(always(502, '<html><h1>502 Bad Gateway</h1></html>'));
      const error = await failureOf(ask(modelAt(url)), 'model-server');
      assert.match(error.message, /gateway or proxy/);
      assert.ok(!error.message.includes('<'));
    });

    it('inside a stream are reported, whatever their form', async () => {
      for (const event of ['data: {"error":{"message":"overloaded","code":"500"}}\n\n', 'data: {"error":"overloaded"}\n\n', 'data: {"object":"error","message":"overloaded","code":500}\n\n', 'event: error\ndata: {"message":"overloaded"}\n\n']) {
        const { url } = await serve((_r, response) => stream(response, [delta('ret'), event, DONE]));
        assert.match((await failureOf(ask(modelAt(url)), 'model-server')).message, /overloaded/);
      }
    });

    it('inside a 200 JSON reply are reported', async () => {
      const { url } = await serve(always(200, { error: { message: 'no such backend' } }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-server')).message, /no such backend/);
    });
  });

  describe('answers that are no use', () => {
    it('empty', async () => {
      for (const pieces of [[delta('', 'stop'), DONE], [delta('  \n', 'stop'), DONE], [DONE], ['']]) {
        const { url } = await serve((_r, response) => stream(response, pieces));
        await failureOf(ask(modelAt(url)), 'model-empty');
      }
    });

    it('only reasoning', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('', 'stop', { choices: [{ index: 0, delta: { reasoning_content: 'hm' }, finish_reason: 'stop' }] }), DONE]));
      assert.match((await failureOf(ask(modelAt(url)), 'model-empty')).message, /reasoned/);
    });

    it('cut by the length limit', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('return', 'length'), DONE]));
      const error = await failureOf(ask(modelAt(url)), 'model-cut');
      assert.match(error.message, /500 tokens/);
      assert.match(error.hint, /limit/);
    });

    it('all of the limit spent on reasoning', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('', 'length', { choices: [{ index: 0, delta: { reasoning: 'hm' }, finish_reason: 'length' }] }), DONE]));
      assert.match((await failureOf(ask(modelAt(url)), 'model-cut')).message, /reasoning/);
    });

    it('stopped by a content filter', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('ret', 'content_filter'), DONE]));
      await failureOf(ask(modelAt(url)), 'model-blocked');
    });

    it('declined', async () => {
      const { url } = await serve(always(200, { choices: [{ message: { content: null, refusal: 'I cannot help with that.' }, finish_reason: 'stop' }] }));
      assert.match((await failureOf(ask(modelAt(url)), 'model-blocked')).message, /I cannot help/);
    });

    it('a stream that ends without its end', async () => {
      const { url } = await serve((_r, response) => stream(response, [delta('return'), delta(' 1')]));
      await failureOf(ask(modelAt(url)), 'model-cut');
    });

    it('a connection that breaks in the middle is not tried again', async () => {
      const { url, server } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('return'), () => setTimeout(() => response.destroy(), 20));
      });
      await failureOf(ask(modelAt(url)), 'model-cut');
      assert.equal(server.requests.length, 1);
    });

    it('a connection that breaks before any answer is tried once more', async () => {
      const { url, server } = await serve((_r, response, count) => {
        if (count === 1) response.destroy();
        else stream(response, GOOD);
      });
      await ask(modelAt(url));
      assert.equal(server.requests.length, 2);
    });

    it('a connection that always breaks is reported', async () => {
      const { url, server } = await serve((_r, response) => response.destroy());
      await failureOf(ask(modelAt(url)), 'model-refused');
      assert.equal(server.requests.length, 2);
    });

    it('garbage in an event', async () => {
      const { url } = await serve((_r, response) => stream(response, ['data: {"choices": [\n\n']));
      await failureOf(ask(modelAt(url)), 'model-server');
    });

    it('garbage instead of JSON, plain text, and JSON of another kind', async () => {
      for (const body of ['{"choices": [', 'Ollama is running', '[]', '{"status":"ok"}', '"text"']) {
        const { url } = await serve(always(200, body));
        await failureOf(ask(modelAt(url)), 'model-server');
      }
    });

    it('a reply without end is dropped', async () => {
      const { url } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const piece = delta('x'.repeat(60_000));
        const more = (): void => {
          while (!response.destroyed && response.write(piece));
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      });
      await failureOf(ask(modelAt(url)), 'model-server');
    }).timeout(10_000);
  });

  describe('time', () => {
    it('gives up on a server that says nothing', async () => {
      const { url, server } = await serve(() => undefined);
      const error = await failureOf(ask(modelAt(url, { idleTimeoutMs: 60, loadTimeoutMs: 60 })), 'model-timeout');
      assert.match(error.message, /not begun/);
      await server.closedByClient;
    });

    it('gives up on a server that falls silent', async () => {
      const { url, server } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('return'));
      });
      const error = await failureOf(ask(modelAt(url, { idleTimeoutMs: 80, loadTimeoutMs: 5_000 })), 'model-timeout');
      assert.match(error.message, /middle/);
      await server.closedByClient;
    });

    it('does not give up while bytes come', async () => {
      const { url } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        let left = 6;
        const timer = setInterval(() => {
          if (left-- > 0) response.write(': still here\n\n');
          else {
            clearInterval(timer);
            response.end(GOOD.join(''));
          }
        }, 50);
      });
      assert.equal((await ask(modelAt(url, { idleTimeoutMs: 250, loadTimeoutMs: 250 }))).model, 'served-model');
    });
  });

  describe('cancel', () => {
    it('closes the connection while the answer streams', async () => {
      const { url, server } = await serve((_r, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(delta('return'));
      });
      const controller = new AbortController();
      const answer = ask(modelAt(url), REQUEST, controller.signal, () => controller.abort());
      await assert.rejects(answer, isCancelled);
      await server.closedByClient;
    });

    it('closes the connection while nothing has come yet', async () => {
      const { url, server } = await serve(() => undefined);
      const controller = new AbortController();
      const answer = ask(modelAt(url), REQUEST, controller.signal);
      while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort('any reason at all');
      await assert.rejects(answer, isCancelled);
      await server.closedByClient;
    });

    it('sends nothing when it came first', async () => {
      const { url, server } = await serve((_r, response) => stream(response, GOOD));
      await assert.rejects(ask(modelAt(url), REQUEST, AbortSignal.abort()), isCancelled);
      assert.equal(server.requests.length, 0);
    });

    it('an error of the caller\'s listener is not blamed on the model', async () => {
      const { url } = await serve((_r, response) => stream(response, GOOD));
      await assert.rejects(
        ask(modelAt(url), REQUEST, undefined, () => {
          throw new RangeError('mine');
        }),
        RangeError,
      );
    });
  });

  describe('connections that do not come about', () => {
    it('refused', async () => {
      const error = await failureOf(ask(modelAt(`http://127.0.0.1:${await closedPort()}/v1`)), 'model-refused');
      assert.match(error.message, /refused/);
      assert.match(error.hint, /ollama serve/);
    });

    it('a name that does not exist', async () => {
      const error = await failureOf(ask(modelAt('http://no-such-host.invalid/v1')), 'model-refused');
      assert.match(error.message, /no-such-host\.invalid/);
    });

    it('https to a server without TLS', async () => {
      const { url } = await serve((_r, response) => stream(response, GOOD));
      assert.match((await failureOf(ask(modelAt(url.replace('http:', 'https:'))), 'model-refused')).hint, /http:\/\//);
    });

    it('a port that fetch forbids', async () => {
      assert.match((await failureOf(ask(modelAt('http://127.0.0.1:6000/v1')), 'model-refused')).message, /port/);
    });

    describe('with a certificate of its own', () => {
      let folder: string;
      let server: https.Server;
      let port: number;

      before(async function () {
        folder = mkdtempSync(path.join(tmpdir(), 'safenote-tls-'));
        const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
        try {
          execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost'], { stdio: 'ignore' });
        } catch {
          this.skip();
        }
        server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => response.end('{}'));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        port = (server.address() as AddressInfo).port;
      });

      after(async () => {
        if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
        rmSync(folder, { recursive: true, force: true });
      });

      it('is not trusted', async () => {
        const error = await failureOf(ask(modelAt(`https://127.0.0.1:${port}/v1`)), 'model-refused');
        assert.match(error.message, /certificate/);
        assert.match(error.hint, /NODE_EXTRA_CA_CERTS/);
      });

      it('http to it says so', async () => {
        assert.match((await failureOf(ask(modelAt(`http://127.0.0.1:${port}/v1`)), 'model-refused')).hint, /https:\/\//);
      });
    });
  });

  describe('whatever a server sends', () => {
    const event = fc.oneof(
      fc.constantFrom(...GOOD, ': comment\n\n', 'event: error\n', '\n', '\r\n\r\n', 'data:', 'retry: 1\n', DONE, USAGE),
      fc.json().map((text) => `data: ${text}\n\n`),
      fc.string().map((text) => `data: ${text}\n\n`),
      fc.record({ choices: fc.array(fc.record({ delta: fc.record({ content: fc.oneof(fc.string(), fc.integer(), fc.constant(null)) }), finish_reason: fc.oneof(fc.constantFrom('stop', 'length', 'abort', null), fc.string()) })) }).map((value) => `data: ${JSON.stringify(value)}\n\n`),
      fc.string({ unit: 'binary' }),
    );

    it('the end is a reply or a ModelError, never anything else', async () => {
      const rejections: unknown[] = [];
      const note = (reason: unknown): void => void rejections.push(reason);
      process.on('unhandledRejection', note);
      let pieces: readonly string[] = [];
      let status = 200;
      let destroy = false;
      const { url } = await serve((_r, response) => {
        response.writeHead(status, { 'content-type': 'text/event-stream' });
        for (const piece of pieces) response.write(piece);
        if (destroy) response.destroy();
        else response.end();
      });
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(event, { maxLength: 8 }), fc.constantFrom(200, 200, 200, 200, 201, 302, 400, 404, 418, 429, 500), fc.boolean(), async (body, code, broken) => {
            pieces = body;
            status = code;
            destroy = broken;
            try {
              const reply = await ask(modelAt(url, { backoffMs: 0, idleTimeoutMs: 2_000, loadTimeoutMs: 2_000 }));
              assert.ok(reply.text.trim());
              assert.ok(Number.isFinite(reply.tokens.prompt) && Number.isFinite(reply.tokens.completion));
            } catch (error) {
              assert.ok(error instanceof ModelError, `not a ModelError: ${String(error)} ${error instanceof Error ? error.stack : ''}`);
            }
          }),
          { numRuns: 150 },
        );
        await new Promise((resolve) => setTimeout(resolve, 20));
        assert.deepEqual(rejections, []);
      } finally {
        process.off('unhandledRejection', note);
      }
    }).timeout(30_000);
  });
}).timeout(20_000);
