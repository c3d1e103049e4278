import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { downloadModel, downloadOf, fetchFiles } from '../../../src/node/embedding/download-model.ts';
import type { DownloadProgress } from '../../../src/node/embedding/download-model.ts';
import { KNOWN_MODELS } from '../../../src/node/embedding/models.ts';
import type { ModelSource } from '../../../src/node/embedding/models.ts';

const CONFIG = Buffer.from('{"hidden_size": 768}');
const WEIGHTS = Buffer.alloc(200_000, 'safenote ');
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const SOURCE: ModelSource = {
  repository: 'someone/a-model',
  revision: 'abc123',
  licence: 'MIT',
  files: [
    { path: 'config.json', bytes: CONFIG.length, sha256: sha256(CONFIG) },
    { path: 'onnx/model_quantized.onnx', bytes: WEIGHTS.length, sha256: sha256(WEIGHTS) },
  ],
};

describe('downloading a model', () => {
  let folder: string;
  let server: Server;
  let baseUrl: string;
  let requests: { url: string; range: string | undefined }[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  const content = (url: string | undefined): Buffer | undefined =>
    url === '/someone/a-model/resolve/abc123/config.json' ? CONFIG : url === '/someone/a-model/resolve/abc123/onnx/model_quantized.onnx' ? WEIGHTS : undefined;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const body = content(request.url);
    if (!body) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
    response.end(body.subarray(from));
  };

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-model-'));
    requests = [];
    answer = serve;
    server = createServer((request, response) => {
      requests.push({ url: request.url ?? '', range: request.headers.range });
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const target = (): string => path.join(folder, 'onnx/model_quantized.onnx');
  const partial = (): string => `${target()}.${sha256(WEIGHTS).slice(0, 8)}.part`;
  const rejects = (promise: Promise<void>, code: string, message: RegExp): Promise<void> =>
    assert.rejects(promise, (error: Error & { code?: string; hint?: string }) => error.code === code && message.test(error.message) && (error.hint ?? '').length > 10);

  it('fetches every file and tells how far it is', async () => {
    const seen: DownloadProgress[] = [];
    await fetchFiles(SOURCE, folder, { baseUrl, onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(readFileSync(target()), WEIGHTS);
    assert.deepEqual(readFileSync(path.join(folder, 'config.json')), CONFIG);
    assert.deepEqual(readdirSync(path.join(folder, 'onnx')), ['model_quantized.onnx']);
    const total = CONFIG.length + WEIGHTS.length;
    assert.ok(seen.length >= 2 && seen.every((progress, at) => progress.totalBytes === total && progress.receivedBytes >= (seen[at - 1]?.receivedBytes ?? 0)));
    assert.equal(seen.at(-1)?.receivedBytes, total);
  });

  it('asks for nothing when all is there', async () => {
    await fetchFiles(SOURCE, folder, { baseUrl });
    requests = [];
    await fetchFiles(SOURCE, folder, { baseUrl });
    assert.deepEqual(requests, []);
  });

  it('fetches a file again that was changed on disk', async () => {
    await fetchFiles(SOURCE, folder, { baseUrl });
    writeFileSync(path.join(folder, 'config.json'), 'x'.repeat(CONFIG.length));
    await fetchFiles(SOURCE, folder, { baseUrl });
    assert.deepEqual(readFileSync(path.join(folder, 'config.json')), CONFIG);
  });

  it('continues where it was interrupted', async () => {
    mkdirSync(path.join(folder, 'onnx'));
    writeFileSync(partial(), WEIGHTS.subarray(0, 50_000));
    await fetchFiles(SOURCE, folder, { baseUrl });
    assert.equal(requests.at(-1)?.range, 'bytes=50000-');
    assert.deepEqual(readFileSync(target()), WEIGHTS);
  });

  it('begins anew where the server does not continue', async () => {
    mkdirSync(path.join(folder, 'onnx'));
    writeFileSync(partial(), WEIGHTS.subarray(0, 50_000));
    answer = (request, response) => response.end(content(request.url));
    await fetchFiles(SOURCE, folder, { baseUrl });
    assert.deepEqual(readFileSync(target()), WEIGHTS);
  });

  it('keeps what has arrived when the connection breaks, and goes on from there', async () => {
    answer = (request, response) => {
      if (!request.url?.endsWith('.onnx')) return serve(request, response);
      response.writeHead(200, { 'content-length': WEIGHTS.length });
      response.write(WEIGHTS.subarray(0, 80_000), () => setTimeout(() => response.destroy(), 50));
    };
    await rejects(fetchFiles(SOURCE, folder, { baseUrl }), 'download-failed', /connection ended/);
    assert.ok(!existsSync(target()));
    answer = serve;
    await fetchFiles(SOURCE, folder, { baseUrl });
    assert.equal(requests.at(-1)?.range, 'bytes=80000-');
    assert.deepEqual(readFileSync(target()), WEIGHTS);
  });

  it('never gives its name to a file with another hash', async () => {
    answer = (request, response) => {
      const body = Buffer.from(content(request.url)!);
      body[body.length - 1] = 1;
      response.end(body);
    };
    await rejects(fetchFiles(SOURCE, folder, { baseUrl }), 'download-damaged', /config\.json .*sha256/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('stops a server that sends more than was published', async () => {
    answer = (_request, response) => response.end(Buffer.alloc(CONFIG.length + 1));
    await rejects(fetchFiles(SOURCE, folder, { baseUrl }), 'download-failed', /larger than/);
  });

  it('can be cancelled, and closes the connection', async () => {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      answer = (request, response) => {
        if (!request.url?.endsWith('.onnx')) return serve(request, response);
        response.on('close', () => resolve());
        response.write(WEIGHTS.subarray(0, 10_000), () => setTimeout(() => controller.abort(), 20));
      };
    });
    await assert.rejects(fetchFiles(SOURCE, folder, { baseUrl, signal: controller.signal }), { name: 'AbortError' });
    await closed;
    assert.ok(!existsSync(target()));
  });

  it('gives up on a server that falls silent', async () => {
    answer = (request, response) => {
      if (!request.url?.endsWith('.onnx')) return serve(request, response);
      response.write(WEIGHTS.subarray(0, 10_000));
    };
    await rejects(fetchFiles(SOURCE, folder, { baseUrl, idleMs: 200 }), 'download-failed', /nothing arrived/);
  });

  it('says what the server answered, or that there is none', async () => {
    answer = (_request, response) => void response.writeHead(503).end();
    await rejects(fetchFiles(SOURCE, folder, { baseUrl }), 'download-failed', /127\.0\.0\.1:\d+: the server answered 503/);
    await rejects(fetchFiles(SOURCE, folder, { baseUrl: 'http://127.0.0.1:9' }), 'download-failed', /could not be fetched/);
  });

  it('is offered only for models with a source, each file pinned', async () => {
    assert.equal(downloadOf('all-MiniLM-L6-v2'), undefined);
    await assert.rejects(downloadModel({ modelId: 'nobody/nothing', folder }), { code: 'unknown-model' });
    for (const model of Object.values(KNOWN_MODELS)) {
      if (!model.source) continue;
      assert.match(model.source.revision, /^[0-9a-f]{40}$/);
      for (const file of model.source.files) assert.ok(/^[0-9a-f]{64}$/.test(file.sha256) && file.bytes > 0 && !file.path.includes('..'));
    }
  });
});
