/** The HTTP door: verbs, forms of answers, refusals, and whatever a client may send by mistake or on purpose. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, startServer, type TestServer } from '../fixtures.ts';

const CMS = '/api/v1/namespaces/default/configmaps';
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: [{ token: 'secret', user: 'jane', groups: ['devs'] }],
  });
});
afterAll(() => server.stop());

describe('verbs', () => {
  it('creates, gets, lists, patches and deletes', async () => {
    const created = await server.http('POST', CMS, configMap('verbs', { a: '1' }));
    expect(created.status).toBe(201);
    expect(created.headers.get('content-type')).toBe('application/json');
    expect(created.headers.get('audit-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } });
    const got = await server.http('GET', `${CMS}/verbs`);
    expect(got.body).toEqual(created.body);
    const list = await server.http('GET', CMS);
    expect(list.body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    const item = list.body.items.find((one: { metadata: { name: string } }) => one.metadata.name === 'verbs');
    expect(item.kind).toBeUndefined();
    const patched = await server.http(
      'PATCH',
      `${CMS}/verbs`,
      { data: { b: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(patched.body.data).toEqual({ a: '1', b: '2' });
    const deleted = await server.http('DELETE', `${CMS}/verbs`);
    expect(deleted.body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'verbs', kind: 'configmaps' },
    });
    expect((await server.http('GET', `${CMS}/verbs`)).body).toMatchObject({ reason: 'NotFound', code: 404 });
  });

  it('generates a name, and finds another one when it is taken', async () => {
    const body = { ...configMap(''), metadata: { generateName: 'gen-', namespace: 'default' } };
    const names = await Promise.all(Array.from({ length: 30 }, () => server.http('POST', CMS, body)));
    expect(new Set(names.map((answer) => answer.body.metadata.name)).size).toBe(30);
    for (const { body: made } of names) expect(made.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('refuses a name that is taken at once, whatever it could have been made of', async () => {
    const body = { ...configMap('gen-0'), metadata: { name: 'gen-0', generateName: 'gen-' } };
    expect((await server.http('POST', CMS, body)).status).toBe(201);
    const message =
      'configmaps "gen-0" already exists, the server was not able to generate a unique name for the object';
    expect((await server.http('POST', CMS, body)).body).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
      message,
      details: { retryAfterSeconds: 1 },
    });
    const held = { metadata: { finalizers: ['example.com/held'] } };
    await server.http('PATCH', `${CMS}/gen-0`, held, { 'content-type': 'application/merge-patch+json' });
    await server.http('DELETE', `${CMS}/gen-0`);
    expect((await server.http('POST', CMS, body)).body.message).toBe(`object is being deleted: ${message}`);
  });

  it('does not store a dry run', async () => {
    expect((await server.http('POST', `${CMS}?dryRun=All`, configMap('dry'))).status).toBe(201);
    expect((await server.http('GET', `${CMS}/dry`)).status).toBe(404);
  });

  it('gives a Service an address and an IPAddress of its own, and takes them back', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { ports: [{ port: 80 }], type: 'NodePort' },
    };
    const { body } = await server.http('POST', '/api/v1/namespaces/default/services', service);
    expect(body.spec.clusterIP).toMatch(/^10\.96\./);
    expect(body.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000);
    const address = `/apis/networking.k8s.io/v1/ipaddresses/${body.spec.clusterIP}`;
    expect((await server.http('GET', address)).body.spec.parentRef).toMatchObject({ resource: 'services', name: 's' });
    const taken = {
      ...service,
      metadata: { name: 't' },
      spec: { ports: [{ port: 80 }], clusterIP: body.spec.clusterIP },
    };
    expect((await server.http('POST', '/api/v1/namespaces/default/services', taken)).body.message).toContain(
      'provided IP is already allocated',
    );
    await server.http('DELETE', '/api/v1/namespaces/default/services/s');
    expect((await server.http('GET', address)).status).toBe(404);
    expect((await server.http('POST', '/api/v1/namespaces/default/services', taken)).status).toBe(201);
  });
});

describe('lists', () => {
  beforeAll(async () => {
    for (const name of ['l-a', 'l-b', 'l-c', 'l-d', 'l-e'])
      await server.http('POST', CMS, configMap(name, {}, { list: 'yes' }));
  });

  it('come in pages that show what the first one showed', async () => {
    const first = await server.http('GET', `${CMS}?labelSelector=list&limit=2`);
    expect(first.body.items).toHaveLength(2);
    await server.http('DELETE', `${CMS}/l-d`);
    const second = await server.http(
      'GET',
      `${CMS}?labelSelector=list&limit=2&continue=${first.body.metadata.continue}`,
    );
    const third = await server.http(
      'GET',
      `${CMS}?labelSelector=list&limit=2&continue=${second.body.metadata.continue}`,
    );
    const names = [first, second, third].flatMap(({ body }) =>
      body.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    );
    expect(names).toEqual(['l-a', 'l-b', 'l-c', 'l-d', 'l-e']);
    expect(new Set([first, second, third].map(({ body }) => body.metadata.resourceVersion)).size).toBe(1);
    expect(third.body.metadata.continue).toBeUndefined();
  });

  it('come as tables, as metadata, and as YAML', async () => {
    const table = await server.http('GET', `${CMS}?labelSelector=list`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    });
    expect(table.body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(table.body.rows[0]).toMatchObject({ object: { kind: 'PartialObjectMetadata' } });
    const metadata = await server.http('GET', CMS, undefined, {
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
    });
    expect(metadata.body.kind).toBe('PartialObjectMetadataList');
    const yaml = await server.http('GET', `${CMS}/l-a`, undefined, { accept: 'application/yaml' });
    expect(yaml.headers.get('content-type')).toBe('application/yaml');
    expect(yaml.text).toContain('kind: ConfigMap\n');
    expect((await server.http('GET', CMS, undefined, { accept: 'image/png' })).status).toBe(406);
  });

  it('come as the table of the subresource: a scale has its own columns', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    const labels = { app: 'scaled' };
    await server.http('POST', deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'scaled' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'i' }] } },
      },
    });
    const { body } = await server.http('GET', `${deployments}/scaled/scale`, undefined, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      'Name',
      'Desired',
      'Available',
      'Age',
    ]);
    expect(body.rows[0].cells.slice(0, 3)).toEqual(['scaled', 3, 0]);
    expect(body.metadata.resourceVersion).toMatch(/^\d+$/);
    await server.http('DELETE', `${deployments}/scaled`);
    const absent = await server.http('GET', `${deployments}/scaled/scale`);
    expect(absent.status).toBe(404);
    expect(absent.body).toMatchObject({
      message: 'deployments.apps "scaled" not found',
      details: { name: 'scaled', group: 'apps', kind: 'deployments' },
    });
    const scale = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'scaled', namespace: 'default' } };
    const put = await server.http('PUT', `${deployments}/scaled/scale`, { ...scale, spec: { replicas: 1 } });
    expect(put.body).toMatchObject({ message: 'deployments/scale.apps "scaled" not found' });
    const sets = await server.http('GET', '/apis/apps/v1/namespaces/default/replicasets/scaled/scale');
    expect(sets.body).toMatchObject({ message: 'replicasets/scale.apps "scaled" not found' });
  });

  it('are compressed when they are large', async () => {
    await server.http('POST', CMS, configMap('large', { x: 'y'.repeat(300_000) }));
    const answer = await server.http('GET', CMS, undefined, { 'accept-encoding': 'gzip' });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(answer.body.kind).toBe('ConfigMapList');
    await server.http('DELETE', `${CMS}/large`);
  });
});

describe('watches', () => {
  async function events(
    path: string,
    count: number,
    during: () => Promise<unknown>,
  ): Promise<{ type: string; object: { metadata: { name: string }; code?: number } }[]> {
    const response = await fetch(server.url + path);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await during();
    let text = '';
    while (text.split('\n').length <= count) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
    await reader.cancel();
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  it('tell what happens from a resourceVersion on, through a selector', async () => {
    const { body } = await server.http('GET', CMS);
    const path = `${CMS}?watch=1&labelSelector=w%3D1&resourceVersion=${body.metadata.resourceVersion}`;
    const seen = await events(path, 4, async () => {
      await server.http('POST', CMS, configMap('w-a', {}, { w: '1' }));
      await server.http('POST', CMS, configMap('w-b', {}, { w: '2' }));
      for (const w of ['2', '1']) {
        await server.http(
          'PATCH',
          `${CMS}/w-a`,
          { metadata: { labels: { w } } },
          { 'content-type': 'application/merge-patch+json' },
        );
      }
      await server.http('DELETE', `${CMS}/w-a`);
    });
    expect(seen.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual([
      'ADDED w-a',
      'DELETED w-a',
      'ADDED w-a',
      'DELETED w-a',
    ]);
  });

  it('end the initial events with a bookmark', async () => {
    const path = `${CMS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dw-b`;
    const [added, bookmark] = await events(path, 2, async () => undefined);
    expect(added?.type).toBe('ADDED');
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  it('are refused with 410 as an event when they begin before what is remembered', async () => {
    const small = await startServer({ http: { host: '127.0.0.1', port: 0 }, watchCacheChangesMax: 4 });
    try {
      for (let index = 0; index < 12; index++) await small.http('POST', CMS, configMap(`x-${index}`));
      const answer = await small.http('GET', `${CMS}?watch=1&resourceVersion=2&timeoutSeconds=1`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
      expect(answer.body.object.message).toMatch(/^too old resource version: 2 \(\d+\)$/);
    } finally {
      await small.stop();
    }
  });
});

describe('who asks', () => {
  const whoami = (headers: Record<string, string>) =>
    server.http(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      headers,
    );

  it('is told by a token, and a wrong one is refused everywhere', async () => {
    const { body } = await whoami({ authorization: 'Bearer secret' });
    expect(body.status.userInfo).toEqual({ username: 'jane', groups: ['devs', 'system:authenticated'] });
    expect((await whoami({ authorization: 'Bearer guess' })).body).toMatchObject({ code: 401, reason: 'Unauthorized' });
    expect((await server.http('GET', '/api', undefined, { authorization: 'Bearer guess' })).status).toBe(401);
  });

  it('can act as somebody else', async () => {
    const { body } = await whoami({ 'impersonate-user': 'system:serviceaccount:a:b' });
    expect(body.status.userInfo).toEqual({
      username: 'system:serviceaccount:a:b',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    });
  });

  it('can be a service account with a token that this server signed', async () => {
    await server.http('POST', '/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot' },
    });
    const { body } = await server.http('POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const me = await whoami({ authorization: `Bearer ${body.status.token}` });
    expect(me.body.status.userInfo.username).toBe('system:serviceaccount:default:robot');
    const forged = `${body.status.token.slice(0, -6)}AAAAAA`;
    expect((await whoami({ authorization: `Bearer ${forged}` })).status).toBe(401);
  });
});

describe('malformed input gets a Status and never an exception', () => {
  const cases: [string, string, string, unknown, Record<string, string>, number][] = [
    ['bad JSON', 'POST', CMS, '{"a":', {}, 400],
    ['an array', 'POST', CMS, '[]', {}, 400],
    ['a string for an object', 'POST', CMS, { ...configMap('x'), metadata: 'x' }, {}, 400],
    ['a number for a string', 'POST', CMS, { ...configMap('x'), data: { a: 1 } }, {}, 400],
    ['another kind', 'POST', CMS, { apiVersion: 'v1', kind: 'Nope', metadata: { name: 'x' } }, {}, 400],
    ['another namespace', 'POST', CMS, { ...configMap('x'), metadata: { name: 'x', namespace: 'other' } }, {}, 400],
    ['no name', 'POST', CMS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }, {}, 422],
    ['an unknown media type', 'POST', CMS, 'x', { 'content-type': 'text/plain' }, 415],
    ['a body beyond 3 MiB', 'POST', CMS, configMap('x', { a: 'b'.repeat(3 * 1024 * 1024) }), {}, 413],
    [
      'deep nesting',
      'POST',
      CMS,
      `{"metadata":{"name":"x"},"data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      {},
      400,
    ],
    ['a bad label selector', 'GET', `${CMS}?labelSelector=a%28`, undefined, {}, 400],
    ['a bad field selector', 'GET', `${CMS}?fieldSelector=nope%3Dx`, undefined, {}, 400],
    ['a bad resourceVersion', 'GET', `${CMS}?resourceVersion=abc`, undefined, {}, 400],
    ['a bad continue token', 'GET', `${CMS}?limit=1&continue=%21`, undefined, {}, 400],
    ['an unknown resource', 'GET', '/api/v1/nopes', undefined, {}, 404],
    ['an unknown group', 'GET', '/apis/nope.example.com/v1/things', undefined, {}, 404],
    ['an unknown path', 'GET', '/nope', undefined, {}, 404],
    ['a percent sign that means nothing', 'GET', `${CMS}/%zz`, undefined, {}, 404],
    ['a method that is not served', 'PUT', CMS, {}, {}, 405],
    [
      'an unknown namespace',
      'POST',
      '/api/v1/namespaces/none/configmaps',
      { ...configMap('x'), metadata: { name: 'x' } },
      {},
      404,
    ],
    ['a bad patch', 'PATCH', `${CMS}/l-a`, '{', { 'content-type': 'application/merge-patch+json' }, 400],
    ['protobuf that is none', 'POST', CMS, 'hello', { 'content-type': 'application/vnd.kubernetes.protobuf' }, 400],
  ];
  it.each(cases)('%s', async (_name, method, path, body, headers, code) => {
    const answer = await server.http(method, path, body, headers);
    expect(answer.status).toBe(code);
    // Paths that no group of the server has are answered in plain text, as upstream does.
    if (path === '/nope' || path.startsWith('/apis/nope')) expect(answer.text).toBe('404 page not found\n');
    else expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', code });
  });

  it('keys that name a prototype do not reach one', async () => {
    const text =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"x","constructor":"y"}}';
    expect((await server.http('POST', CMS, text)).status).toBe(201);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('garbage on the wire closes the connection and nothing else', async () => {
    const port = Number(new URL(server.url).port);
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('\u0016\u0003\u0001 nonsense\r\n\r\n'));
      socket.on('close', () => resolve());
      socket.on('error', () => resolve());
      socket.resume();
    });
    expect((await server.http('GET', '/healthz')).text).toBe('ok');
  });
});

describe('plain paths', () => {
  it('tell version, health and metrics', async () => {
    expect((await server.http('GET', '/version')).body).toMatchObject({
      gitVersion: 'v1.36.2',
      major: '1',
      minor: '36',
    });
    const health = await server.http('GET', '/readyz?verbose');
    expect(health.text).toContain('[+]etcd ok\n');
    expect(health.text).toMatch(/readyz check passed\n$/);
    expect((await server.http('GET', '/healthz/etcd')).text).toBe('ok');
    expect((await server.http('GET', '/metrics')).text).toContain('apiserver_request_total{');
  });

  it('tell what is served, plain and aggregated', async () => {
    expect((await server.http('GET', '/api/v1')).body.resources.length).toBeGreaterThan(20);
    const aggregated = await server.http('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    expect(aggregated.body.kind).toBe('APIGroupDiscoveryList');
    const again = await server.http('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      'if-none-match': String(aggregated.headers.get('etag')),
    });
    expect(again.status).toBe(304);
    expect((await server.http('GET', '/openapi/v3/apis/apps/v1')).body.openapi).toBe('3.0.0');
  });
});
