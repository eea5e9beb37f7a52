/** Paths that mean one thing to a careless authorizer and another to a careless server: what they would reach stays hidden. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiserverChannels } from '../../../../src/client/protocol.ts';
import { startServer, type TestServer } from '../fixtures.ts';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const crown = Buffer.from('crown-jewels').toString('base64');
let server: TestServer;
let port = 0;

beforeAll(async () => {
  server = await startServer({
    http: { host: '127.0.0.1', port: 0 },
    tokens: [{ token: 'jane', user: 'jane', groups: ['dev'] }],
    serviceAccountAdmission: false,
  });
  port = (await server.system.bus.call('apiserver', apiserverChannels.info, {})).http ?? 0;
  const secret = (name: string, data: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, data });
  await server.http('POST', '/api/v1/namespaces/kube-system/secrets', secret('crown', { a: crown }));
  await server.http('POST', '/api/v1/namespaces/default/secrets', secret('own', {}));
  const subjects = [{ kind: 'User', name: 'jane' }];
  const made = [
    await server.http('POST', `${RBAC}/namespaces/default/roles`, {
      metadata: { name: 'own' },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    }),
    await server.http('POST', `${RBAC}/namespaces/default/rolebindings`, {
      metadata: { name: 'own' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'own' },
      subjects,
    }),
    await server.http('POST', `${RBAC}/clusterroles`, {
      metadata: { name: 'open' },
      rules: [{ nonResourceURLs: ['/healthz*', '/open/*'], verbs: ['*'] }],
    }),
    await server.http('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name: 'open' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'open' },
      subjects,
    }),
  ];
  expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
});
afterAll(() => server.stop());

/** Sends the path as it is: other clients put it right first. */
function ask(path: string, headers = ''): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(text));
    socket.on('error', () => undefined);
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer jane\r\n${headers}Connection: close\r\n\r\n`,
    );
  });
}

const inKubeSystem = '/api/v1/namespaces/kube-system/secrets/crown';

describe('who may do everything in one namespace and read /open/*', () => {
  it('reads there, and the administrator reads the other Secret', async () => {
    expect(await ask('/api/v1/namespaces/default/secrets/own')).toMatch(/^HTTP\/1.1 200/);
    expect((await server.http('GET', inKubeSystem)).body.data.a).toBe(crown);
    expect((await server.http('GET', '/metrics')).text).toContain('apiserver_request_total');
    expect(await ask('/healthz')).toMatch(/^HTTP\/1.1 200/);
  });

  it.each([
    inKubeSystem,
    '/api/v1/../v1/namespaces/kube-system/secrets/crown',
    '/api/v1/namespaces/default/../kube-system/secrets/crown',
    '/api/v1/namespaces/default/%2e%2e/kube-system/secrets/crown',
    '/api/v1/namespaces/default/secrets/../../kube-system/secrets/crown',
    '/api/v1/namespaces/default/secrets/..%2f..%2fkube-system%2fsecrets%2fcrown',
    '/api/v1/namespaces/default/secrets/..%2f..%2fkube-system%2fcrown',
    '/api/v1/namespaces/default/secrets/..%2fkube-system%2fcrown',
    '/api/v1/namespaces/default%2f..%2fkube-system/secrets/crown',
    '/api/v1/namespaces/default%2fsecrets%2f..%2f..%2fkube-system/secrets/crown',
    '/api/v1/namespaces/default%00kube-system/secrets/crown',
    '/api/v1/namespaces/kube-system%00default/secrets/crown',
    '/api/v1/namespaces/kube-system%20/secrets/crown',
    '/api/v1/namespaces/KUBE-SYSTEM/secrets/crown',
    '/api/v1/namespaces/kube-system/Secrets/crown',
    '/API/v1/namespaces/kube-system/secrets/crown',
    '//api/v1/namespaces/kube-system/secrets/crown',
    '/api//v1/namespaces/kube-system/secrets/crown',
    '/api/v1/namespaces//kube-system/secrets/crown',
    '/api/v1/namespaces/kube-system//secrets/crown',
    '/api/v1/namespaces/kube-system/secrets//crown',
    '/api/v1/namespaces/kube-system/secrets/crown/',
    '/api/v1/namespaces/kube-system/secrets/crown;/../../default/secrets/own',
    '/api/v1/namespaces/kube-system/secrets/crown?namespace=default',
    '/api/v1/namespaces/kube-system/secrets/crown#/namespaces/default',
    '/api/v1/namespaces/default/secrets?namespace=kube-system',
    '/api/v1/namespaces/default/secrets?fieldSelector=metadata.namespace%3Dkube-system',
    '/api/v1/namespaces/default/secrets?continue=kube-system%2fcrown',
    '/api/v1/namespaces/default/secrets/own/../crown',
    '/api/v1/namespaces/%6bube-system/secrets/crown',
    '/api/v1/namespaces/%256bube-system/secrets/crown',
    '/api/v1/watch/namespaces/kube-system/secrets/crown',
    '/api/v1/secrets',
    '/api/v1/secrets?namespace=default',
    '/api/v1/namespaces/default/pods/..%2f..%2f..%2fsecrets/proxy/crown',
    '/healthz/../api/v1/namespaces/kube-system/secrets/crown',
    '/healthz/..%2fapi/v1/namespaces/kube-system/secrets/crown',
    '/open/../api/v1/namespaces/kube-system/secrets/crown',
    '/open/%2e%2e/api/v1/namespaces/kube-system/secrets/crown',
    '/open/../metrics',
    '/open/..%2fmetrics',
    '/open//../metrics',
    '/healthz/../metrics',
    '/healthz..%2fmetrics',
    '//metrics',
    '/./metrics',
    '/metrics/',
    '/metrics;/healthz',
    '/metrics%00/healthz',
    '/Metrics',
    '/%6detrics',
    `http://elsewhere.example.com${inKubeSystem}`,
  ])('learns nothing from %s', async (path) => {
    const text = await ask(path);
    expect(text).toMatch(/^HTTP\/1\.1 \d{3} /);
    expect(text).not.toContain(crown);
    expect(text).not.toContain('apiserver_request_total');
  });

  it.each(['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Prefix', 'X-HTTP-Method-Override'])(
    'is not believed in %s',
    async (header) => {
      const text = await ask('/api/v1/namespaces/default/secrets/own', `${header}: ${inKubeSystem}\r\n`);
      expect(text).not.toContain(crown);
    },
  );
});
