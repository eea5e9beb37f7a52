/** What a hostile or broken client may send and do: the right answer, bounded memory, and everybody else served meanwhile. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { apiserverChannels } from '../../../../src/client/protocol.ts';
import { createAuthority } from '../../../../src/cluster/pki.ts';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
let port = 0;
let securePort = 0;

beforeAll(async () => {
  const authority = await createAuthority(Date.now());
  const { certificate, key } = await authority.issue({ commonName: 'server', usage: 'server', hosts: ['127.0.0.1'] });
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    https: { host: '127.0.0.1', port: 0, certPem: certificate, keyPem: key },
    tokens: [{ token: 'admin', user: 'admin', groups: ['system:masters'] }],
    watchBufferBytesMax: 1024 * 1024,
  });
  const info = await server.system.bus.call('apiserver', apiserverChannels.info, {});
  port = info.http ?? 0;
  securePort = info.https ?? 0;
});

afterAll(() => server.stop());

interface Heard {
  readonly text: string;
  readonly closed: boolean;
}

/** Sends bytes as they are and gives what came back once that is enough, or once the server has closed. */
function raw(bytes: string | Buffer, isEnough: (text: string) => boolean = () => false): Promise<Heard> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const done = (closed: boolean) => {
      socket.destroy();
      resolve({ text, closed });
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isEnough(text)) done(false);
    });
    socket.on('close', () => done(true));
    socket.on('error', () => done(true));
    socket.write(bytes);
  });
}

const hasHead = (text: string): boolean => text.includes('\r\n\r\n');

const statuses = (text: string): string[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => match[1] as string);
const smuggled = 'GET /api/v1/namespaces/kube-system/secrets HTTP/1.1\r\nHost: a\r\n\r\n';
const alive = async () => expect((await server.http('GET', '/healthz')).status).toBe(200);

describe('a request of two meanings', () => {
  it.each([
    [
      'a length and chunks',
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'two lengths',
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    ],
    ['a signed length', `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n${smuggled}`],
    [
      'an unknown transfer coding',
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    [
      'a disguised transfer coding',
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ['a folded header', `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 0\r\n\r\n${smuggled}`],
    ['a bare line feed', `GET /healthz HTTP/1.1\nHost: a\n\n${smuggled}`],
    [
      'a chunk of a wrong size',
      `POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n${smuggled}`,
    ],
    ['a method that is none', `G\u0000T /healthz HTTP/1.1\r\nHost: a\r\n\r\n${smuggled}`],
  ])('by %s is answered once, with a refusal, and its connection closed', async (_name, bytes) => {
    const { text, closed } = await raw(bytes);
    expect(statuses(text).length).toBeLessThanOrEqual(1);
    for (const status of statuses(text)) expect(status).toBe('400');
    expect(text).not.toContain('SecretList');
    expect(closed).toBe(true);
    await alive();
  });

  it('by an upgrade that brings a body does not hang and is not read as a second request', async () => {
    const body = JSON.stringify(configMap('upgraded'));
    const head = `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    for (const protocol of ['websocket', 'h2c', 'spdy/3.1', 'nonsense']) {
      const { text } = await raw(`${head}Connection: Upgrade, close\r\nUpgrade: ${protocol}\r\n\r\n${body}`);
      expect(statuses(text), protocol).toHaveLength(1);
      expect(['201', '409'], protocol).toContain(statuses(text)[0]);
    }
  });
});

describe('a path with tricks', () => {
  it.each([
    '/api/v1/../v1/namespaces',
    '/api/v1/namespaces/default/../kube-system/secrets',
    '/api/v1/namespaces/default%2f..%2fkube-system/secrets',
    '/api/v1/namespaces/..%2fkube-system/configmaps/x',
    '/api/v1/namespaces/%2e%2e/secrets',
    '//api/v1/namespaces',
    '/api//v1/namespaces',
    '/api/v1//namespaces',
    '/api/v1/namespaces//secrets',
    '/api/v1/namespaces/default/secrets/',
    '/api/v1/namespaces/default/secrets//x',
    '/api/v1/namespaces/%zz/secrets',
    '/api/v1/namespaces/%00/secrets',
    '/api/v1/namespaces/default/configmaps/%ff%fe',
    '/api/v1/namespaces/__proto__/configmaps/constructor',
    '/apis/__proto__/v1/x',
    '/apis/constructor',
    '/apis/apps/__proto__/deployments',
    '/openapi/v3/../../etc/passwd',
    '/openapi/v3/apis/__proto__/v1',
    '/api/v1/nodes/..%2f..%2fx/proxy/%2e%2e/%2e%2e/metrics',
    '/kubehive/../healthz',
    `/${'a/'.repeat(20_000)}`,
    'http://elsewhere.example.com/api/v1/namespaces/default',
    '*',
  ])('%s is answered like any other', async (path) => {
    const { text } = await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const [status] = statuses(text);
    expect(status, text.slice(0, 200)).toMatch(/^(200|301|4\d\d)$/);
    expect(text).not.toContain('root:');
  });
});

describe('too much of something', () => {
  it('headers of two megabytes are refused with 431', async () => {
    const { text } = await raw(
      `GET /healthz HTTP/1.1\r\nHost: a\r\nX-Bomb: ${'a'.repeat(2 * 1024 * 1024)}\r\n\r\n`,
      hasHead,
    );
    expect(statuses(text)).toEqual(['431']);
    await alive();
  });

  it('thousands of headers are survived', async () => {
    const headers = Array.from({ length: 10_000 }, (_, at) => `x-${at}: ${at}`).join('\r\n');
    const { text } = await raw(`GET /healthz HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`, hasHead);
    expect(statuses(text)[0]).toMatch(/^(200|431)$/);
  });

  it('bodies are read up to three mebibytes and refused beyond', async () => {
    const limit = 3 * 1024 * 1024;
    const empty = JSON.stringify(configMap('full', { a: '' }));
    const full = JSON.stringify(configMap('full', { a: 'x'.repeat(limit - empty.length) }));
    expect(full).toHaveLength(limit);
    // Read whole, and then refused for what a ConfigMap may hold.
    expect((await server.http('POST', '/api/v1/namespaces/default/configmaps', full)).status).toBe(422);
    const beyond = await server.http('POST', '/api/v1/namespaces/default/configmaps', ' '.repeat(limit + 1));
    expect(beyond.status).toBe(413);
    expect(beyond.body).toMatchObject({ reason: 'RequestEntityTooLarge', code: 413 });
    const chunked = `POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const piece = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
    expect(statuses((await raw(`${chunked}${piece.repeat(4)}0\r\n\r\n`, hasHead)).text)).toEqual(['413']);
  });

  it('JSON that is nested without end is refused', async () => {
    const deep = `{"metadata":{"name":"x"},"data":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
    expect((await server.http('POST', '/api/v1/namespaces/default/configmaps', deep)).status).toBe(400);
    const yaml = `a: ${'['.repeat(20_000)}`;
    const answer = await server.http('POST', '/api/v1/namespaces/default/configmaps', yaml, {
      'content-type': 'application/yaml',
    });
    expect(answer.status).toBe(400);
  });
});

describe('a client that takes its time', () => {
  it('with its headers or its body holds up nobody else', async () => {
    const sockets: Socket[] = [];
    for (let at = 0; at < 200; at++) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        at % 2 === 0
          ? 'GET /api/v1/pods HTTP/1.1\r\nHost: a\r\nX-Slow: '
          : 'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
      );
      sockets.push(socket);
    }
    await alive();
    expect((await server.http('GET', '/api/v1/namespaces')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });

  it('is told so in the end, and hung up on', async () => {
    const hurried = await startServer({
      http: { host: '127.0.0.1', port: 0 },
      httpTimeouts: { headersMs: 200, requestMs: 400 },
    });
    const finished = (bytes: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(hurried.url).port), '127.0.0.1');
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString();
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(text));
        socket.write(bytes);
      });
    const [headers, body] = await Promise.all([
      finished('GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: '),
      finished(
        'POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      ),
    ]);
    expect(headers).toMatch(/^HTTP\/1\.1 408 /);
    expect(body).toMatch(/^HTTP\/1\.1 (408|504) /);
    await hurried.stop();
  });

  it('and never reads its watch is hung up on, while others see every event', async () => {
    const namespace = 'unread';
    await server.http('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const stuck = connect(port, '127.0.0.1');
    const hungUp = new Promise<void>((resolve) => {
      stuck.on('close', () => resolve());
      stuck.on('error', () => resolve());
    });
    stuck.write(`GET ${path}?watch=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    stuck.pause();
    const reading = await fetch(`${server.url}${path}?watch=1`);
    let seen = 0;
    // Ends with an error when the server stops: what counts is how many events it has seen by then.
    void (async () => {
      let rest = '';
      for await (const chunk of reading.body as unknown as AsyncIterable<Uint8Array>) {
        const parts = (rest + Buffer.from(chunk).toString()).split('\n');
        rest = parts.pop() ?? '';
        seen += parts.length;
      }
    })().catch(() => undefined);
    const data = { filler: 'x'.repeat(200_000) };
    const count = 80;
    for (let at = 0; at < count; at++) {
      const body = { ...configMap(`c-${at}`, data), metadata: { name: `c-${at}`, namespace } };
      expect((await server.http('POST', path, body)).status).toBe(201);
    }
    await vi.waitFor(() => expect(seen).toBe(count), 60_000);
    stuck.resume();
    await hungUp;
    await alive();
  });
});

describe('a client that asks for what there is not', () => {
  const configMaps = '/api/v1/namespaces/default/configmaps';

  it('is told which types of bodies are read', async () => {
    const body = JSON.stringify(configMap('typed'));
    const { status, body: refusal } = await server.http('POST', configMaps, body, { 'content-type': 'text/plain' });
    expect(status).toBe(415);
    expect(refusal).toMatchObject({
      reason: 'UnsupportedMediaType',
      message:
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
    const patch = await server.http('PATCH', `${configMaps}/typed`, '{}', { 'content-type': 'text/plain' });
    expect(patch.status).toBe(415);
  });

  it('is told which types of answers there are', async () => {
    const accept = 'application/json;as=Nonsense;v=v1;g=meta.k8s.io';
    const { status, body } = await server.http('GET', configMaps, undefined, { accept });
    expect(status).toBe(406);
    expect(body).toMatchObject({
      reason: 'NotAcceptable',
      message:
        'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    });
  });

  it('does not have its bodies expanded', async () => {
    const response = await fetch(server.url + configMaps, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
    });
    expect(response.status).toBe(400);
    await alive();
  });
});

describe('HTTP/2', () => {
  const session = (): ClientHttp2Session => {
    const made = connectHttp2(`https://127.0.0.1:${securePort}`, { rejectUnauthorized: false });
    made.on('error', () => undefined);
    return made;
  };

  it('refuses headers beyond its limit', async () => {
    const made = session();
    const stream = made.request({ ':path': '/healthz', 'x-bomb': 'a'.repeat(2 * 1024 * 1024) });
    const ended = new Promise<string>((resolve) => {
      stream.on('response', (headers) => resolve(String(headers[':status'])));
      stream.on('error', (error) => resolve(error.message));
      stream.on('close', () => resolve('closed'));
    });
    expect(await ended).not.toBe('200');
    made.destroy();
    await alive();
  });

  it('survives streams that are reset as soon as they are opened', async () => {
    const made = session();
    const gone = new Promise<void>((resolve) => made.on('close', () => resolve()));
    for (let at = 0; at < 2000 && !made.closed && !made.destroyed; at++) {
      const stream = made.request({ ':path': '/api/v1/namespaces', authorization: 'Bearer admin' });
      stream.on('error', () => undefined);
      stream.close(8);
    }
    made.destroy();
    await gone;
    await alive();
  });

  it('hangs up on a stream whose watch is never read', { timeout: 120_000 }, async () => {
    const namespace = 'unread-2';
    await server.http('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const made = session();
    const before = await watchers();
    const stream = made.request({ ':path': `${path}?watch=1`, authorization: 'Bearer admin' });
    stream.on('error', () => undefined);
    await new Promise<void>((resolve) => stream.on('response', () => resolve()));
    stream.pause();
    expect(await watchers()).toBe(before + 1);
    const data = { filler: 'x'.repeat(200_000) };
    for (let at = 0; at < 40; at++) {
      const body = { ...configMap(`c-${at}`, data), metadata: { name: `c-${at}`, namespace } };
      expect((await server.http('POST', path, body)).status).toBe(201);
    }
    await vi.waitFor(async () => expect(await watchers()).toBe(before), 60_000);
    made.destroy();
  });
});

/** How many watches go on at the server, as it counts itself. */
async function watchers(): Promise<number> {
  const { text } = await server.http('GET', '/metrics');
  return Number(/^apiserver_longrunning_requests(?:\{.*\})? (\d+)$/m.exec(text)?.[1] ?? 0);
}

describe('very many idle watches', () => {
  const watches = 10_000;
  const perSession = 500;

  it('cost little memory each, and all go when their clients go', { timeout: 120_000 }, async () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const idle = await watchers();
    const before = used();
    const sessions: ClientHttp2Session[] = [];
    for (let at = 0; at < watches / perSession; at++) {
      const session = connectHttp2(`https://127.0.0.1:${securePort}`, { rejectUnauthorized: false });
      session.on('error', () => undefined);
      sessions.push(session);
      await Promise.all(
        Array.from(
          { length: perSession },
          () =>
            new Promise<void>((resolve, reject) => {
              const stream = session.request({
                ':path': '/api/v1/namespaces/idle/secrets?watch=1&resourceVersion=0',
                authorization: 'Bearer admin',
              });
              stream.on('response', (headers) =>
                headers[':status'] === 200 ? resolve() : reject(new Error(`status ${headers[':status']}`)),
              );
              stream.on('error', reject);
            }),
        ),
      );
    }
    // Both ends of every watch live in this process.
    const each = (used() - before) / watches;
    expect(each).toBeLessThan(40 * 1024);
    expect(await watchers()).toBe(idle + watches);
    expect((await server.http('POST', '/api/v1/namespaces/default/configmaps', configMap('meanwhile'))).status).toBe(
      201,
    );
    for (const session of sessions) session.destroy();
    await vi.waitFor(async () => expect(await watchers()).toBe(idle), 60_000);
    await vi.waitFor(() => expect(used() - before).toBeLessThan(64 * 1024 * 1024), 60_000);
    await alive();
  });
});
