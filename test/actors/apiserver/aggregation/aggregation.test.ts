/** APIServices with a real HTTPS server behind them, found by external name, and what is said of those that cannot be reached. */
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBusClient, type KubernetesObject, type Resource } from '../../../../src/client/index.ts';
import { type CertificateAuthority, createAuthority } from '../../../../src/cluster/pki.ts';
import { startServer, type TestServer } from '../fixtures.ts';

const group = 'metrics.example.com';
const list = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${group}/v1`,
  resources: [
    {
      name: 'gauges',
      singularName: 'gauge',
      namespaced: true,
      kind: 'Gauge',
      verbs: ['get', 'list'],
      shortNames: ['ga'],
    },
    { name: 'gauges/status', singularName: '', namespaced: true, kind: 'Gauge', verbs: ['get'] },
  ],
};
const gauge = { apiVersion: `${group}/v1`, kind: 'Gauge', metadata: { name: 'one', namespace: 'default' }, value: 7 };

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly peer: string | undefined;
  readonly body: string;
}

const ownAddress = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal && !one.address.startsWith('169.254.'))?.address;

let extension: Server;
let authority: CertificateAuthority;
let frontProxy: CertificateAuthority;
let server: TestServer;
let port = 0;
const seen: Seen[] = [];

const answers: Record<string, unknown> = {
  [`/apis/${group}/v1`]: list,
  [`/apis/${group}/v3`]: list,
  [`/apis/${group}/v1/namespaces/default/gauges/one`]: gauge,
  [`/apis/${group}/v1/namespaces/apps/gauges`]: { kind: 'GaugeList', apiVersion: `${group}/v1`, items: [gauge] },
  '/openapi/v3': { paths: { [`apis/${group}/v1`]: { serverRelativeURL: `/openapi/v3/apis/${group}/v1?hash=AB` } } },
  [`/openapi/v3/apis/${group}/v1`]: { openapi: '3.0.0', info: { title: 'Gauges' }, paths: {} },
  '/openapi/v2': {
    swagger: '2.0',
    paths: { [`/apis/${group}/v1/gauges`]: {}, '/somewhere/else': {} },
    definitions: { 'com.example.Gauge': { type: 'object' } },
  },
};

beforeAll(async () => {
  authority = await createAuthority(Date.now());
  frontProxy = await createAuthority(Date.now());
  const serving = await authority.issue({ commonName: 'gauges', usage: 'server', hosts: ['gauges.apps.svc'] });
  const client = await frontProxy.issue({ commonName: 'front-proxy-client', usage: 'client' });
  extension = createServer(
    {
      cert: serving.certificate,
      key: serving.key,
      ca: frontProxy.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const peer = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
      const url = request.url ?? '';
      seen.push({ method: request.method ?? '', url, headers: request.headers, peer: String(peer), body });
      if (url.endsWith('/moved')) {
        response.writeHead(302, { location: 'https://elsewhere.example.com/' }).end('gone');
        return;
      }
      const answer = answers[url.split('?')[0] ?? ''];
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json', 'x-from': 'gauges' });
      response.end(JSON.stringify(answer ?? { kind: 'Status', code: 404 }));
    },
  );
  extension.on('upgrade', (request, socket: Duplex) => {
    const user = String(request.headers['x-remote-user']);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(`${user} said ${chunk.toString()}`));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => extension.listen(0, resolve));
  port = (extension.address() as AddressInfo).port;
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: [{ token: 'jane', user: 'jane', uid: 'u1', groups: ['devs', 'ops'] }],
    proxyClient: { certPem: client.certificate, keyPem: client.key, caPem: frontProxy.certificate },
  });
  await server.http('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } });
});

afterAll(async () => {
  await server.stop();
  extension.closeAllConnections();
  extension.close();
});

const apiService = (version: string, spec: object) => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: `${version}.${group}` },
  spec: { group, version, groupPriorityMinimum: 100, versionPriority: 10, ...spec },
});

async function condition(
  name: string,
  until: (one: Record<string, string>) => boolean,
): Promise<Record<string, string>> {
  for (;;) {
    const { body } = await server.http('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`);
    const found = body.status?.conditions?.find(({ type }: { type: string }) => type === 'Available');
    if (found !== undefined && until(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const create = async (path: string, body: object) => {
  const answer = await server.http('POST', path, body);
  expect(answer.status, answer.text).toBe(201);
};

describe('an APIService', () => {
  it('is available from the start when this server serves it itself', async () => {
    const found = await condition('v1.apps', () => true);
    expect(found).toMatchObject({ status: 'True', reason: 'Local', message: 'Local APIServices are always available' });
  });

  it('says why the server behind it cannot be reached, and becomes available when it can', async () => {
    await create(
      '/apis/apiregistration.k8s.io/v1/apiservices',
      apiService('v1', {
        service: { name: 'gauges', namespace: 'apps', port },
        caBundle: Buffer.from(authority.certificate).toString('base64'),
      }),
    );
    expect(await condition(`v1.${group}`, () => true)).toMatchObject({
      status: 'False',
      reason: 'ServiceNotFound',
      message: 'service/gauges in "apps" is not present',
    });
    const refused = await server.http('GET', `/apis/${group}/v1/gauges`);
    expect([refused.status, refused.text]).toEqual([503, 'service unavailable\n']);
    expect(refused.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    await create('/api/v1/namespaces/apps/services', {
      metadata: { name: 'gauges' },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    const found = await condition(`v1.${group}`, ({ status }) => status === 'True');
    expect(found).toMatchObject({ reason: 'Passed', message: 'all checks passed' });
  });

  it("tells the other reasons by upstream's names", async () => {
    const services = '/api/v1/namespaces/apps/services';
    await create(services, { metadata: { name: 'local' }, spec: { ports: [{ name: 'https', port: 443 }] } });
    const cases = [
      [
        'v2',
        { name: 'local', namespace: 'apps', port: 444 },
        'ServicePortError',
        'service/local in "apps" is not listening on port 444',
      ],
      [
        'v3',
        { name: 'local', namespace: 'apps' },
        'EndpointsNotFound',
        'cannot find endpointslices for service/local in "apps"',
      ],
    ] as const;
    for (const [version, service, reason, message] of cases) {
      await create(
        '/apis/apiregistration.k8s.io/v1/apiservices',
        apiService(version, { service, insecureSkipTLSVerify: true }),
      );
      expect(await condition(`${version}.${group}`, () => true)).toMatchObject({ status: 'False', reason, message });
    }
    const slice = (ready: boolean) => ({
      metadata: { name: 'local-1', labels: { 'kubernetes.io/service-name': 'local' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.9.8.7'], conditions: { ready }, targetRef: { kind: 'Pod', name: 'p' } }],
      ports: [{ name: 'https', port: 443 }],
    });
    await create('/apis/discovery.k8s.io/v1/namespaces/apps/endpointslices', slice(false));
    expect(await condition(`v3.${group}`, ({ reason }) => reason !== 'EndpointsNotFound')).toMatchObject({
      reason: 'MissingEndpoints',
      message: 'endpointslices for service/local in "apps" have no addresses with port name "https"',
    });
    await server.http('PUT', '/apis/discovery.k8s.io/v1/namespaces/apps/endpointslices/local-1', slice(true));
    const failed = await condition(`v3.${group}`, ({ reason }) => reason !== 'MissingEndpoints');
    expect(failed['reason']).toBe('FailedDiscoveryCheck');
    expect(failed['message']).toMatch(
      /^failing or missing response from https:\/\/10\.96\.\d+\.\d+:443\/apis\/.*: dial tcp 10\.9\.8\.7:443: connect: connection refused$/,
    );
    for (const version of ['v2', 'v3'])
      await server.http('DELETE', `/apis/apiregistration.k8s.io/v1/apiservices/${version}.${group}`);
  });
});

describe('a request for what another server serves', () => {
  it("arrives there with the user in headers, by the front proxy's certificate", async () => {
    await create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'gauges' },
      rules: [{ apiGroups: [group], resources: ['gauges'], verbs: ['get'] }],
    });
    await create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: 'gauges' },
      subjects: [{ kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' }],
      roleRef: { kind: 'ClusterRole', name: 'gauges', apiGroup: 'rbac.authorization.k8s.io' },
    });
    const path = `/apis/${group}/v1/namespaces/default/gauges/one`;
    const answer = await server.http('GET', `${path}?watch=0`, undefined, {
      authorization: 'Bearer jane',
      'x-remote-user': 'root',
    });
    expect(answer.body).toEqual(gauge);
    expect(answer.headers.get('x-from')).toBe('gauges');
    const { headers, url, peer } = seen.at(-1) as Seen;
    expect([url, peer]).toEqual([`${path}?watch=0`, 'front-proxy-client']);
    expect(headers).toMatchObject({
      'x-remote-user': 'jane',
      'x-remote-uid': 'u1',
      'x-remote-group': 'devs, ops, system:authenticated',
    });
    expect(headers['authorization']).toBeUndefined();
  });

  it('with a body arrives whole', async () => {
    const text = JSON.stringify({ filler: 'x'.repeat(200_000) });
    const answer = await server.http('POST', `/apis/${group}/v1/namespaces/default/gauges`, text);
    expect(answer.status).toBe(404);
    expect(seen.at(-1)).toMatchObject({ method: 'POST', body: text });
  });

  it('is not led elsewhere', async () => {
    const path = `/apis/${group}/v1/namespaces/default/gauges/moved`;
    const answer = await fetch(server.url + path, { redirect: 'manual' });
    expect([answer.status, await answer.text()]).toEqual([
      502,
      'the backend attempted to redirect this request, which is not permitted',
    ]);
    expect(answer.headers.get('location')).toBeNull();
  });

  it('becomes another protocol when both sides agree', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.write(
      `GET /apis/${group}/v1/namespaces/default/gauges/one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    while (!text.includes('\r\n\r\n')) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    socket.write('hello');
    while (!text.endsWith('admin said hello')) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
  });

  it('arrives there over the bus, too, when it is a read', async () => {
    const gauges: Resource<KubernetesObject & { value?: number }> = {
      group,
      version: 'v1',
      resource: 'gauges',
      kind: 'Gauge',
      namespaced: true,
    };
    const found = await server.client.get(gauges, { namespace: 'default', name: 'one' });
    expect(found.value).toBe(7);
    expect(seen.at(-1)?.headers['x-remote-user']).toBe('system:admin');
    const listed = await server.client.list(gauges, { namespace: 'apps', labelSelector: 'a=b' });
    expect(listed.items.map(({ metadata }) => metadata?.name)).toEqual(['one']);
    expect(seen.at(-1)?.url).toBe(`/apis/${group}/v1/namespaces/apps/gauges?labelSelector=a%3Db`);
    const absent = server.client.get(gauges, { namespace: 'default', name: 'two' });
    await expect(absent).rejects.toThrow('the server could not find the requested resource');
    const nobody = createBusClient((await server.system.connect('nobody', { user: 'nobody', groups: [] })).bus);
    await expect(nobody.get(gauges, { namespace: 'default', name: 'one' })).rejects.toThrow(
      'gauges.metrics.example.com "one" is forbidden: User "nobody" cannot get resource "gauges"',
    );
  });

  it('is refused here for who may not', async () => {
    const answer = await server.http('GET', `/apis/${group}/v1/namespaces/default/gauges`, undefined, {
      authorization: 'Bearer jane',
    });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toContain(
      'User "jane" cannot list resource "gauges" in API group "metrics.example.com"',
    );
  });
});

describe('what another server serves', () => {
  it('is in plain and aggregated discovery', async () => {
    const { body: groups } = await server.http('GET', '/apis');
    expect(groups.groups.at(-1)).toEqual({
      name: group,
      versions: [{ groupVersion: `${group}/v1`, version: 'v1' }],
      preferredVersion: { groupVersion: `${group}/v1`, version: 'v1' },
    });
    expect((await server.http('GET', `/apis/${group}`)).body).toMatchObject({ kind: 'APIGroup', name: group });
    expect((await server.http('GET', `/apis/${group}/v1`)).body).toEqual(list);
    const { text } = await server.http('GET', '/apis', undefined, {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    const item = JSON.parse(text).items.find((one: { metadata: { name: string } }) => one.metadata.name === group);
    expect(item.versions).toEqual([
      {
        version: 'v1',
        freshness: 'Current',
        resources: [
          {
            resource: 'gauges',
            responseKind: { group, version: 'v1', kind: 'Gauge' },
            scope: 'Namespaced',
            singularResource: 'gauge',
            verbs: ['get', 'list'],
            shortNames: ['ga'],
            subresources: [
              { subresource: 'status', responseKind: { group, version: 'v1', kind: 'Gauge' }, verbs: ['get'] },
            ],
          },
        ],
      },
    ]);
  });

  it('is in the OpenAPI documents', async () => {
    const index = JSON.parse((await server.http('GET', '/openapi/v3')).text);
    expect(index.paths[`apis/${group}/v1`].serverRelativeURL).toBe(`/openapi/v3/apis/${group}/v1?hash=AB`);
    expect((await server.http('GET', `/openapi/v3/apis/${group}/v1`)).body.info.title).toBe('Gauges');
    const { body } = await server.http('GET', '/openapi/v2');
    expect(body.definitions['com.example.Gauge']).toEqual({ type: 'object' });
    expect(body.definitions['io.k8s.api.core.v1.Pod']).toBeDefined();
    expect(body.paths['/somewhere/else']).toBeUndefined();
  });
});

it('a CustomResourceDefinition has an APIService for each version that it serves, for as long as it does', async () => {
  const definition = {
    metadata: { name: 'widgets.shop.example.com' },
    spec: {
      group: 'shop.example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
  await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  expect(await condition('v1.shop.example.com', () => true)).toMatchObject({ status: 'True', reason: 'Local' });
  await server.http('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com');
  for (;;) {
    const { status } = await server.http('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.shop.example.com');
    if (status === 404) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
});

it('shows metrics.k8s.io as a cluster with metrics-server does, and answers it', async () => {
  const own = await startServer({ http: { host: '127.0.0.1', port: 0 }, resourceMetrics: true });
  const path = '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io';
  for (;;) {
    const { body } = await own.http('GET', path);
    expect(body.spec.service).toEqual({ name: 'metrics-server', namespace: 'kube-system', port: 443 });
    const [found] = body.status?.conditions ?? [];
    if (found !== undefined) {
      expect(found).toMatchObject({
        type: 'Available',
        status: 'True',
        reason: 'Passed',
        message: 'all checks passed',
      });
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  expect((await own.http('GET', '/apis/metrics.k8s.io/v1beta1/nodes')).body.kind).toBe('NodeMetricsList');
  const { body } = await own.http('GET', '/apis');
  expect(body.groups.filter(({ name }: { name: string }) => name === 'metrics.k8s.io')).toHaveLength(1);
  await own.stop();
});

// EndpointSlices may not name a loopback address: this machine needs another one.
it.skipIf(ownAddress === undefined)('a request arrives at an endpoint of the Service, while there is one', async () => {
  await create('/api/v1/namespaces/apps/services', {
    metadata: { name: 'sliced' },
    spec: { ports: [{ port: 443 }] },
  });
  const slices = '/apis/discovery.k8s.io/v1/namespaces/apps/endpointslices';
  await create(slices, {
    metadata: { name: 'sliced', labels: { 'kubernetes.io/service-name': 'sliced' } },
    addressType: 'IPv4',
    ports: [{ name: '', port }],
    endpoints: [{ addresses: [ownAddress], conditions: { ready: true } }],
  });
  await create(
    '/apis/apiregistration.k8s.io/v1/apiservices',
    apiService('v3', { service: { namespace: 'apps', name: 'sliced' }, insecureSkipTLSVerify: true }),
  );
  await condition(`v3.${group}`, ({ status }) => status === 'True');
  expect((await server.http('GET', `/apis/${group}/v3`)).body).toEqual(list);
  expect(seen.at(-1)?.url).toBe(`/apis/${group}/v3`);
  await server.http('DELETE', `${slices}/sliced`);
  const gone = await condition(`v3.${group}`, ({ status }) => status === 'False');
  expect(gone).toMatchObject({
    reason: 'EndpointsNotFound',
    message: 'cannot find endpointslices for service/sliced in "apps"',
  });
  const refused = await server.http('GET', `/apis/${group}/v3/gauges`);
  expect([refused.status, refused.text]).toEqual([503, 'service unavailable\n']);
});
