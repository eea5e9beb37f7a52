/** Exec, attach, port-forward and proxies over real connections: WebSockets of every protocol, SPDY, and clients that misbehave. */
import { connect, type Socket } from 'node:net';
import { createDeflate } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { spdyDictionary } from '../../../../actors/apiserver/streams/spdy-headers.ts';
import { kubeletActor } from '../../../../actors/kubelet/index.ts';
import { createBusClient, pods } from '../../../../src/client/index.ts';
import { startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
let address = '';
let port = 0;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    serviceAccountAdmission: false,
    tokens: [{ token: 'reader', user: 'reader' }],
  });
  port = Number(new URL(server.url).port);
  address = `ws://127.0.0.1:${port}`;
  await server.system.start({
    definition: kubeletActor,
    address: 'kubelet/node-1',
    options: { nodeName: 'node-1' },
    identity: { user: 'system:node:node-1', groups: ['system:nodes'], userAgent: 'kubelet' },
  });
  const client = createBusClient(
    server.system.connect('test', { user: 'test', groups: ['system:masters'], userAgent: 't' }).bus,
  );
  const make = (name: string, spec: object, annotations = {}) =>
    client.create(pods, {
      metadata: { name, namespace: 'default', annotations },
      spec: { nodeName: 'node-1', ...spec },
    } as never);
  await make(
    'web',
    { containers: [{ name: 'c', image: 'nginx', ports: [{ containerPort: 80 }] }] },
    { 'kubehive.io/port-7': 'echo' },
  );
  await make('two', {
    containers: [
      { name: 'a', image: 'i' },
      { name: 'b', image: 'i' },
    ],
  });
  await make('done', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i', command: ['true'] }] });
  await make('lost', { nodeName: 'nowhere', containers: [{ name: 'c', image: 'i' }] });
  await eventually(
    async () => (await server.http('GET', '/api/v1/namespaces/default/pods/web')).body.status.phase === 'Running',
  );
  await eventually(
    async () => (await server.http('GET', '/api/v1/namespaces/default/pods/done')).body.status.phase === 'Succeeded',
  );
  const { podIP } = (await server.http('GET', '/api/v1/namespaces/default/pods/web')).body.status;
  for (const [name, targetRef] of [
    ['front', { kind: 'Pod', name: 'web', namespace: 'default' }],
    ['foreign', undefined],
  ] as const) {
    const made = await server.http('POST', '/api/v1/namespaces/default/services', {
      metadata: { name },
      spec: { ports: [{ name: 'http', port: 80 }] },
    });
    expect(made.status, made.text).toBe(201);
    const ready = { addresses: [podIP], conditions: { ready: true }, targetRef };
    const slice = await server.http('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80 }],
      endpoints: [{ ...ready, addresses: ['10.1.1.1'], conditions: { ready: false } }, ready],
    });
    expect(slice.status, slice.text).toBe(201);
  }
});

afterAll(() => server.stop());

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('never came true');
}

const exec = (command: readonly string[], more = '') =>
  `/api/v1/namespaces/default/pods/web/exec?${command.map((word) => `command=${encodeURIComponent(word)}`).join('&')}&stdout=true&stderr=true${more}`;

interface Conversation {
  readonly socket: WebSocket;
  readonly channels: Map<number, string>;
  readonly closed: Promise<number>;
  /** The HTTP status with which the upgrade was refused. */
  readonly refused: Promise<{ status: number; text: string }>;
}

function talk(path: string, protocol: string | undefined, headers: Record<string, string> = {}): Conversation {
  const socket = new WebSocket(address + path, protocol === undefined ? [] : [protocol], { headers });
  const channels = new Map<number, string>();
  const base64 = protocol?.includes('base64') === true;
  socket.on('message', (data: Buffer) => {
    const number = base64 ? (data[0] as number) - 48 : (data[0] as number);
    const content = base64 ? Buffer.from(data.toString('latin1', 1), 'base64') : data.subarray(1);
    channels.set(number, (channels.get(number) ?? '') + content.toString('latin1'));
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const refused = new Promise<{ status: number; text: string }>((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
  });
  return { socket, channels, closed, refused };
}

const send = (socket: WebSocket, channel: number, text: string) =>
  socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));

describe('exec over a WebSocket', () => {
  it.each(['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])(
    'of %s carries output and the status',
    async (protocol) => {
      const { channels, closed } = talk(exec(['sh', '-c', 'echo out; echo err >&2; exit 3']), protocol);
      expect(await closed).toBe(1000);
      expect(channels.get(1)).toBe('out\n');
      expect(channels.get(2)).toBe('err\n');
      expect(JSON.parse(channels.get(3) ?? '')).toMatchObject({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '3' }] },
      });
    },
  );

  it('of the first protocols tells the failure as text, and success by nothing', async () => {
    for (const protocol of [undefined, 'channel.k8s.io']) {
      const good = talk(exec(['echo', 'x']), protocol);
      await good.closed;
      expect(good.channels.get(1)).toBe('x\n');
      expect(good.channels.get(3) ?? '').toBe('');
      const bad = talk(exec(['false']), protocol);
      await bad.closed;
      expect(bad.channels.get(3)).toContain('exit code 1');
    }
  });

  it('reads input until the client closes the channel', async () => {
    const { socket, channels, closed } = talk(exec(['cat'], '&stdin=true'), 'v5.channel.k8s.io');
    await new Promise((resolve) => socket.on('open', resolve));
    const large = 'x'.repeat(700_000);
    send(socket, 0, 'first ');
    send(socket, 0, large);
    socket.send(Buffer.from([255, 0]));
    await closed;
    expect(channels.get(1)).toBe(`first ${large}`);
    expect(JSON.parse(channels.get(3) ?? '')).toEqual({ metadata: {}, status: 'Success' });
  });

  it('says in the error channel what cannot be started, once more wrapped for v5', async () => {
    const words = 'executable file not found in $PATH';
    for (const [protocol, prefix] of [
      ['v4.channel.k8s.io', 'Internal error occurred: error executing command in container: '],
      ['v5.channel.k8s.io', 'Internal error occurred: Internal error occurred: error executing command in container: '],
    ] as const) {
      const { channels, closed } = talk(exec(['vim']), protocol);
      await closed;
      const { message } = JSON.parse(channels.get(3) ?? '') as { message: string };
      expect(message.startsWith(prefix), message).toBe(true);
      expect(message).toContain(words);
    }
  });

  it('ends what runs when the client goes', async () => {
    const { socket } = talk(exec(['sh', '-c', 'sleep 1000']), 'v5.channel.k8s.io');
    await new Promise((resolve) => socket.on('open', resolve));
    socket.terminate();
    const again = talk(exec(['echo', 'still here']), 'v5.channel.k8s.io');
    await again.closed;
    expect(again.channels.get(1)).toBe('still here\n');
  });

  it('takes a terminal whose size changes', async () => {
    const { socket, channels, closed } = talk(exec(['sh'], '&stdin=true&tty=true'), 'v5.channel.k8s.io');
    await new Promise((resolve) => socket.on('open', resolve));
    send(socket, 4, '{"Width":120,"Height":40}');
    send(socket, 4, 'nonsense');
    send(socket, 0, 'echo hello\rexit 2\r');
    await closed;
    expect(channels.get(1)).toContain('\r\nhello\r\n');
    expect(channels.get(3)).toContain('exit code 2');
  });
});

describe('what cannot be connected', () => {
  const path = (pod: string, query = 'command=ls') => `/api/v1/namespaces/default/pods/${pod}/exec?${query}`;

  it.each([
    ['no upgrade', 'web', 'command=ls', 400, 'Upgrade request required'],
    [
      'two containers and none named',
      'two',
      'command=ls',
      400,
      'a container name must be specified for pod two, choose one of: [a b]',
    ],
    ['an unknown container', 'web', 'command=ls&container=x', 400, 'container x is not valid for pod web'],
    ['an unknown pod', 'nobody', 'command=ls', 404, 'pods "nobody" not found'],
    [
      'no stream at all',
      'web',
      'command=ls&stdout=false&stderr=false',
      400,
      'you must specify at least 1 of stdin, stdout, stderr',
    ],
  ])('%s is refused', async (_name, pod, query, status, message) => {
    const answer = await server.http('GET', path(pod, query));
    expect([answer.status, answer.body.message]).toEqual([status, message]);
  });

  it('a container that does not run is not found', async () => {
    const old = await talk(path('done'), 'v4.channel.k8s.io').refused;
    expect(old).toEqual({ status: 500, text: 'container not found ("c")' });
    const { channels, closed } = talk(path('done'), 'v5.channel.k8s.io');
    await closed;
    expect(JSON.parse(channels.get(3) ?? '').message).toBe(
      'Internal error occurred: unable to upgrade connection: container not found ("c")',
    );
  });

  it('a node without a kubelet cannot be dialled', async () => {
    const { status, text } = await talk(path('lost'), 'v4.channel.k8s.io').refused;
    expect([status, JSON.parse(text).message]).toEqual([
      500,
      'error dialing backend: dial tcp nowhere:10250: connect: connection refused',
    ]);
    const log = await server.http('GET', '/api/v1/namespaces/default/pods/lost/log');
    expect([log.status, log.body.message]).toEqual([
      500,
      'Get "https://nowhere:10250/containerLogs/default/lost/c": dial tcp nowhere:10250: connect: connection refused',
    ]);
  });

  it('a protocol that nobody speaks is named', async () => {
    const { status, text } = await talk(exec(['ls']), 'v9.channel.k8s.io').refused;
    expect(status).toBe(400);
    expect(text).toContain('client supports [v9.channel.k8s.io], server accepts [v5.channel.k8s.io v4.channel.k8s.io');
  });

  it('who may only read pods gets no shell', async () => {
    const rules = [{ apiGroups: [''], resources: ['pods/exec'], verbs: ['get'] }];
    await server.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'get-exec' },
      rules,
    });
    await server.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'get-exec' },
      subjects: [{ kind: 'User', name: 'reader', apiGroup: 'rbac.authorization.k8s.io' }],
      roleRef: { kind: 'ClusterRole', name: 'get-exec', apiGroup: 'rbac.authorization.k8s.io' },
    });
    const { status, text } = await talk(exec(['ls']), 'v5.channel.k8s.io', { authorization: 'Bearer reader' }).refused;
    expect(status).toBe(403);
    expect(text).toContain('User \\"reader\\" cannot create resource \\"pods/exec\\"');
  });
});

describe('an upgrade that is none', () => {
  const ask = (path: string, headers: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => resolve(text));
      socket.on('close', () => resolve(text));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
      setTimeout(() => socket.destroy(), 1500);
    });

  it.each([
    [
      'without a key',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n',
    ],
    [
      'with a short key',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: abc\r\nSec-WebSocket-Version: 13\r\n',
    ],
    [
      'of an old version',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 3\r\n',
    ],
  ])('%s is refused and leaves the server as it was', async (_name, headers) => {
    const text = await ask(exec(['sleep', '5']), headers);
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await server.http('GET', '/healthz')).status).toBe(200);
  });

  it('to HTTP/2 in clear text is answered in HTTP/1.1, and so is one for what is no stream', async () => {
    const wish = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    expect(await ask('/version', wish)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"gitVersion"/);
    const webSocket =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
    expect(await ask('/api/v1/namespaces/default', webSocket)).toMatch(
      /^HTTP\/1\.1 200 OK[\s\S]*"kind":\s*"Namespace"/,
    );
  });
});

describe('a port', () => {
  const forward = '/api/v1/namespaces/default/pods/web/portforward';

  it('is forwarded over channels that begin with its number', async () => {
    const { socket, channels } = talk(`${forward}?ports=7`, 'v4.channel.k8s.io');
    await new Promise((resolve) => socket.on('open', resolve));
    send(socket, 0, 'ping');
    await eventually(() => channels.get(0) === '\u0007\u0000ping');
    expect(channels.get(1)).toBe('\u0007\u0000');
    socket.close();
  });

  it('that nothing listens on is refused in the error channel', async () => {
    const { channels, closed } = talk(`${forward}?ports=81`, 'v4.channel.k8s.io');
    await closed;
    expect(channels.get(1)).toMatch(/^Q\0error forwarding port 81 to pod web, uid : .*connection refused/);
  });

  it('that is none is refused before', async () => {
    expect((await talk(`${forward}?ports=99999`, 'v4.channel.k8s.io').refused).status).toBe(400);
    expect((await talk(forward, 'v4.channel.k8s.io').refused).status).toBe(400);
  });

  it('is proxied to with every method, and links are put below the proxy', async () => {
    const proxied = '/api/v1/namespaces/default/pods/web/proxy';
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await server.http(
        method,
        `${proxied}/a%2Fb/c?x=1&x=2`,
        method === 'OPTIONS' ? undefined : 'a body',
        {
          'content-type': 'text/plain',
          authorization: 'Basic c2VjcmV0OnNlY3JldA==',
        },
      );
      expect(answer.status, answer.text).toBe(200);
      expect(answer.text).toContain(`${method} /a%2Fb/c?x=1&x=2 HTTP/1.1`);
      expect(answer.text).not.toContain('c2VjcmV0');
    }
    const bare = await fetch(server.url + proxied, { redirect: 'manual' });
    expect([bare.status, bare.headers.get('location')]).toEqual([301, `${proxied}/`]);
    await server.http(
      'PATCH',
      '/api/v1/namespaces/default/pods/web',
      JSON.stringify({ metadata: { annotations: { 'kubehive.io/port-80': 'http: fixed' } } }),
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    await eventually(async () => (await server.http('GET', `${proxied}/`)).text === 'fixed');
  });

  it.each([
    ['pods/web:81/proxy/', 503, /^error trying to reach service: dial tcp [\d.]+:81: connect: connection refused$/],
    ['pods/a:b:c:d/proxy/', 400, /^invalid pod request "a:b:c:d"$/],
    ['pods/ftp:web:80/proxy/', 400, /^invalid pod request "ftp:web:80"$/],
    ['services/none/proxy/', 503, /^no endpoints available for service "none"$/],
    ['services/none:80/proxy/', 404, /^services "none" not found$/],
    ['services/front:81/proxy/', 503, /^no service port 81 found for service "front"$/],
    ['services/front:nowhere/proxy/', 503, /^no endpoints available for service "front"$/],
    ['services/a:b:c:d/proxy/', 400, /^invalid service request "a:b:c:d"$/],
    ['nodes/none/proxy/', 404, /^nodes "none" not found$/],
  ])("%s is refused in upstream's words", async (path, status, message) => {
    const answer = await server.http('GET', `/api/v1/${path.startsWith('nodes/') ? '' : 'namespaces/default/'}${path}`);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toMatch(message);
  });

  it('of a service is that of a ready pod among its EndpointSlices, by number or name, with a scheme or without', async () => {
    const services = '/api/v1/namespaces/default/services';
    for (const service of ['front:80', 'http:front:80', 'front:http', ':front:http']) {
      const answer = await server.http('GET', `${services}/${service}/proxy/a?b=c`);
      expect([service, answer.status, answer.text]).toEqual([service, 200, 'fixed']);
    }
    // Nobody may have a request sent to any address by writing a slice: it has to be a pod's.
    expect((await server.http('GET', `${services}/foreign/proxy/`)).body.message).toBe(
      'no endpoints available for service "foreign"',
    );
  });

  it('of the node is its kubelet', async () => {
    const get = (path: string) => server.http('GET', `/api/v1/nodes/node-1/proxy${path}`);
    expect((await get('/healthz')).text).toBe('ok');
    expect((await get('/pods')).body.items.map((one: { metadata: { name: string } }) => one.metadata.name)).toContain(
      'web',
    );
    expect((await get('/stats/summary')).body.pods.length).toBeGreaterThan(0);
    expect((await get('/metrics/resource')).text).toContain('node_cpu_usage_seconds_total');
    expect((await get('/containerLogs/default/web/c')).text).toContain('c of default/web');
    expect((await get('/nothing')).status).toBe(404);
    expect((await server.http('GET', '/api/v1/nodes/node-1:9100/proxy/')).body.message).toContain(
      ':9100: connect: connection refused',
    );
  });
});

/** A client of SPDY as small as the test needs. */
class SpdyClient {
  readonly socket: Socket;
  readonly received = new Map<number, string>();
  readonly ended = new Set<number>();
  status = '';
  closed = false;
  readonly #deflate = createDeflate({ dictionary: spdyDictionary });
  #compressed: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string, headers: string) {
    this.#deflate.on('data', (chunk: Buffer) => this.#compressed.push(chunk));
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
    this.socket.on('data', (chunk) => this.#take(chunk as Buffer));
    this.socket.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n${headers}\r\n`,
    );
  }

  async open(id: number, headers: Record<string, string>): Promise<void> {
    const texts = Object.entries(headers).flat();
    const number = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    this.#deflate.write(
      Buffer.concat([number(texts.length / 2), ...texts.flatMap((text) => [number(text.length), Buffer.from(text)])]),
    );
    await new Promise<void>((resolve) => {
      this.#deflate.flush(() => resolve());
    });
    const block = Buffer.concat(this.#compressed);
    this.#compressed = [];
    this.#control(1, Buffer.concat([number(id), number(0), Buffer.alloc(2), block]));
  }

  data(id: number, text: string, fin = false): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id);
    head[4] = fin ? 1 : 0;
    head.writeUIntBE(Buffer.byteLength(text), 5, 3);
    this.socket.write(Buffer.concat([head, Buffer.from(text)]));
  }

  ping(): void {
    this.#control(6, Buffer.from([0, 0, 0, 9]));
  }

  #control(type: number, body: Buffer): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE((0x80030000 | type) >>> 0);
    head.writeUIntBE(body.length, 5, 3);
    this.socket.write(Buffer.concat([head, body]));
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (this.status === '') {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = this.#rest.toString('latin1', 0, end);
      this.#rest = this.#rest.subarray(end + 4);
    }
    while (this.#rest.length >= 8) {
      const length = this.#rest.readUIntBE(5, 3);
      if (this.#rest.length < 8 + length) return;
      const first = this.#rest.readUInt32BE(0);
      const body = this.#rest.subarray(8, 8 + length);
      if (first >>> 31 === 0) {
        this.received.set(first, (this.received.get(first) ?? '') + body.toString());
        if (this.#rest[4] === 1) this.ended.add(first);
      } else this.received.set(-(first & 0xffff), body.toString('hex'));
      this.#rest = this.#rest.subarray(8 + length);
    }
  }
}

describe('SPDY', () => {
  const versions = 'X-Stream-Protocol-Version: v5.channel.k8s.io\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n';

  it('carries exec: streams by their type, pings, half-closed input', async () => {
    const client = new SpdyClient(exec(['cat'], '&stdin=true'), versions);
    await eventually(() => client.status !== '');
    expect(client.status).toContain('101 Switching Protocols');
    expect(client.status).toContain('X-Stream-Protocol-Version: v4.channel.k8s.io');
    await client.open(1, { streamtype: 'error' });
    await client.open(3, { streamtype: 'stdin' });
    await client.open(5, { streamtype: 'stdout' });
    await client.open(7, { streamtype: 'stderr' });
    client.ping();
    client.data(3, 'some input', true);
    await eventually(() => client.closed);
    expect(client.received.get(-6)).toBe('00000009');
    expect(client.received.get(5)).toBe('some input');
    expect(JSON.parse(client.received.get(1) ?? '')).toEqual({ metadata: {}, status: 'Success' });
    expect([...client.ended].sort()).toEqual([1, 5, 7]);
  });

  it('forwards ports by pairs of streams, several on one connection', async () => {
    const client = new SpdyClient(
      '/api/v1/namespaces/default/pods/web/portforward',
      'X-Stream-Protocol-Version: portforward.k8s.io\r\n',
    );
    for (const [at, number] of [7, 7, 81].entries()) {
      const headers = { port: String(number), requestid: String(at) };
      await client.open(at * 4 + 1, { streamtype: 'error', ...headers });
      await client.open(at * 4 + 3, { streamtype: 'data', ...headers });
    }
    client.data(3, 'first', true);
    client.data(7, 'second', true);
    await eventually(
      () => client.received.get(3) === 'first' && client.received.get(7) === 'second' && client.ended.has(9),
    );
    expect(client.received.get(9)).toContain('connection refused');
    client.socket.destroy();
  });

  it.each([
    ['no frames at all', Buffer.from('GET /~~~ HTTP/1.1\r\n\r\n'.repeat(10))],
    ['a frame without end', Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff, ...new Array(100).fill(1)])],
    [
      'headers that are not compressed',
      Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 20, 0, 0, 0, 1, ...new Array(16).fill(7)]),
    ],
    ['another version', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
    [
      'a stream with an even number',
      Buffer.from([0x80, 3, 0, 3, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 5, 0x80, 9, 9, 9, 0, 0, 0, 0]),
    ],
  ])('with %s is hung up on', async (_name, bytes) => {
    const client = new SpdyClient(exec(['cat'], '&stdin=true'), versions);
    await eventually(() => client.status !== '');
    client.socket.write(bytes);
    await eventually(() => client.closed);
    expect((await server.http('GET', '/healthz')).status).toBe(200);
  });
});
