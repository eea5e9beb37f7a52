import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
  for (const [name, labels] of [
    ['strict', { 'pod-security.kubernetes.io/enforce': 'restricted' }],
    ['base', { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/warn': 'restricted' }],
  ] as const) {
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
  }
});
afterAll(() => server.stop());

const create = (namespace: string, name: string, spec: object) =>
  server.http('POST', `/api/v1/namespaces/${namespace}/pods`, pod(name, { metadata: { namespace, name }, spec }));

const safe = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    { name: 'c', image: 'i', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
  ],
};

describe('PodSecurity', () => {
  it('refuses what the level of the namespace does not allow', async () => {
    const { status, body } = await create('strict', 'p', {});
    expect(status).toBe(403);
    expect(body.message).toBe(
      'pods "p" is forbidden: violates PodSecurity "restricted:latest": ' +
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    expect((await create('strict', 'safe', safe)).status).toBe(201);
  });

  it('refuses at the baseline and warns of what is stricter', async () => {
    const host = await create('base', 'host', { hostNetwork: true, hostPID: true });
    expect(host.body.message).toBe(
      'pods "host" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true, hostPID=true)',
    );
    const plain = await create('base', 'plain', {});
    expect(plain.status).toBe(201);
    expect(plain.headers.get('warning')).toContain('would violate PodSecurity \\"restricted:latest\\"');
    expect((await create('base', 'safe', safe)).headers.get('warning')).toBeNull();
  });

  it('leaves namespaces without its labels alone', async () => {
    expect((await create('default', 'any', { hostNetwork: true })).status).toBe(201);
  });
});
