import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { listModels } from '../../../src/node/llm/endpoint.ts';
import { useProxyOfEnvironment } from '../../../src/node/llm/proxy.ts';
import { ScriptedServer, json } from './scripted-server.ts';

describe('the proxy of the environment', () => {
  const signal = new AbortController().signal;
  let target: ScriptedServer;
  let proxy: http.Server;
  let through: string[];
  let targetPort: number;

  before(async function () {
    if (typeof Reflect.get(http, 'setGlobalProxyFromEnv') !== 'function') this.skip();
    target = new ScriptedServer((_request, response) => json(response, 200, { data: [{ id: 'behind' }] }));
    targetPort = Number(new URL(await target.listen()).port);
    proxy = http.createServer((_request, response) => response.writeHead(405).end());
    // Whatever name is asked for, the way leads to the target.
    proxy.on('connect', (request, client: net.Socket) => {
      through.push(request.url ?? '');
      const upstream = net.connect(targetPort, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    });
    proxy.on('request', (request: http.IncomingMessage) => through.push(request.url ?? ''));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => (through = []));
  after(async () => {
    await target?.close();
    proxy?.closeAllConnections();
    if (proxy) await new Promise<void>((resolve) => proxy.close(() => resolve()));
  });

  it('is used, and is not once that was undone', async () => {
    const undo = useProxyOfEnvironment({ HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
    assert.ok(undo);
    try {
      await listModels({ baseUrl: 'http://no-such-host.invalid/v1' }, { signal }).catch(() => undefined);
      assert.equal(through.length, 1);
      assert.match(through[0] ?? '', /no-such-host\.invalid/);
    } finally {
      undo();
    }
    await assert.rejects(listModels({ baseUrl: 'http://no-such-host.invalid/v1' }, { signal }), /cannot be resolved/);
    assert.equal(through.length, 1);
  });

  it('is left aside for this machine', async () => {
    const undo = useProxyOfEnvironment({ HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
    try {
      assert.deepEqual(await listModels({ baseUrl: `http://127.0.0.1:${targetPort}/v1` }, { signal }), ['behind']);
      assert.equal(through.length, 0);
    } finally {
      undo?.();
    }
  });

  it('is left aside for hosts in NO_PROXY', async () => {
    const undo = useProxyOfEnvironment({ HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, no_proxy: 'no-such-host.invalid' });
    try {
      await assert.rejects(listModels({ baseUrl: 'http://no-such-host.invalid/v1' }, { signal }), /cannot be resolved/);
      assert.equal(through.length, 0);
    } finally {
      undo?.();
    }
  });

  it('is nothing to do where none is named', () => assert.equal(useProxyOfEnvironment({ PATH: '/bin' }), undefined));
}).timeout(20_000);
