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

describe('namespaces under PodSecurity', () => {
  const label = (name: string, labels: object) =>
    server.http(
      'PATCH',
      `/api/v1/namespaces/${name}`,
      { metadata: { labels } },
      { 'content-type': 'application/merge-patch+json' },
    );
  const LABEL = 'pod-security.kubernetes.io/';

  it('take no labels that are wrong', async () => {
    const { status, body } = await label('default', { [`${LABEL}enforce`]: 'hard', [`${LABEL}audit-version`]: '1.20' });
    expect(status).toBe(422);
    expect(body.message).toBe(
      'Namespace "default" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "hard": must be one of privileged, baseline, restricted, ' +
        'metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: "1.20": must be "latest" or "v1.x"]',
    );
  });

  it('are warned of pods that are there already, by what they have in common', async () => {
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'later' },
    });
    for (const name of ['b', 'a']) await create('later', name, {});
    await create('later', 'net', { hostNetwork: true });
    await create('later', 'safe', safe);
    const { headers } = await label('later', {
      [`${LABEL}enforce`]: 'restricted',
      [`${LABEL}enforce-version`]: 'v1.30',
    });
    const common = 'allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile';
    expect(headers.get('warning')).toBe(
      [
        '299 - "existing pods in namespace \\"later\\" violate the new PodSecurity enforce level \\"restricted:v1.30\\""',
        `299 - "a (and 1 other pod): ${common}"`,
        '299 - "net: host namespaces, allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"',
      ].join(', '),
    );
    expect((await label('later', { [`${LABEL}enforce`]: 'baseline' })).headers.get('warning')).toBeNull();
  });

  it('who enforce a level are warned of it by workloads too', async () => {
    const { status, headers } = await server.http('POST', '/apis/apps/v1/namespaces/strict/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    expect(status).toBe(201);
    expect(headers.get('warning')).toContain('would violate PodSecurity \\"restricted:latest\\"');
  });

  it('judge by the version that they name, also annotations and probes', async () => {
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'probes', labels: { [`${LABEL}enforce`]: 'baseline' } },
    });
    const probed = {
      containers: [{ name: 'c', image: 'i', livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } }],
    };
    expect((await create('probes', 'p', probed)).body.message).toBe(
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    );
    await label('probes', { [`${LABEL}enforce-version`]: 'v1.33' });
    expect((await create('probes', 'p', probed)).status).toBe(201);
  });
});

describe('PodSecurity as configured', () => {
  it('has defaults for namespaces without labels, and exemptions', async () => {
    const configured = await startServer({
      http: { host: '127.0.0.1', port: 0 },
      serviceAccountAdmission: false,
      admissionConfiguration: {
        PodSecurity: {
          defaults: { enforce: 'baseline', 'enforce-version': 'latest' },
          exemptions: { namespaces: ['kube-public'], runtimeClasses: [], usernames: [] },
        },
      },
    });
    const send = (namespace: string) =>
      configured.http(
        'POST',
        `/api/v1/namespaces/${namespace}/pods`,
        pod('p', { metadata: { namespace, name: 'p' }, spec: { hostPID: true } }),
      );
    expect((await send('default')).body.message).toContain(
      'violates PodSecurity "baseline:latest": host namespaces (hostPID=true)',
    );
    expect((await send('kube-public')).status).toBe(201);
    await configured.stop();
  });
});
