import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;
const pods = '/api/v1/namespaces/default/pods';
const merge = { 'content-type': 'application/merge-patch+json' };

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 } });
  const account = (name: string, more: object = {}, annotations?: object) =>
    server.http('POST', '/api/v1/namespaces/default/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
      ...more,
    });
  await account('default');
  await account('puller', { imagePullSecrets: [{ name: 'registry' }], automountServiceAccountToken: false });
  await account('strict', { secrets: [{ name: 'known' }] }, { 'kubernetes.io/enforce-mountable-secrets': 'true' });
  await server.http('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: 'kata' },
    handler: 'kata',
    overhead: { podFixed: { cpu: '100m' } },
    scheduling: { nodeSelector: { runtime: 'kata' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
  });
});
afterAll(() => server.stop());

const create = async (name: string, spec: object, metadata: object = {}) =>
  server.http('POST', pods, pod(name, { spec, metadata }));

describe('ServiceAccount', () => {
  it('mounts the token of the account, unless it does not want that, and takes its pull secrets', async () => {
    const { body } = await create('mounted', {});
    expect(body.spec.containers[0].volumeMounts[0].mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
    const pulled = await create('pulled', { serviceAccountName: 'puller' });
    expect(pulled.body.spec.volumes).toBeUndefined();
    expect(pulled.body.spec.imagePullSecrets).toEqual([{ name: 'registry' }]);
  });

  it('refuses accounts that are not there, by the name that the pod is going to have', async () => {
    const answer = await server.http('POST', pods, {
      ...pod('', { spec: { serviceAccountName: 'none' } }),
      metadata: { generateName: 'web-' },
    });
    expect(answer.body.message).toBe(
      'pods "web-" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
    );
  });

  it('holds the pods of strict accounts to the secrets that these list', async () => {
    const volume = (secretName: string) => ({
      serviceAccountName: 'strict',
      volumes: [{ name: 's', secret: { secretName } }],
    });
    expect((await create('known', volume('known'))).status).toBe(201);
    expect((await create('unknown', volume('unknown'))).body.message).toBe(
      'pods "unknown" is forbidden: volume with secret.secretName="unknown" is not allowed because service account strict does not reference that secret',
    );
    const env = [{ name: 'E', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }];
    const variable = { serviceAccountName: 'strict', containers: [{ name: 'c', image: 'i', env }] };
    expect((await create('variable', variable)).body.message).toContain(
      'container c with envVar E referencing secret.secretName="other" is not allowed',
    );
  });
});

describe('RuntimeClass', () => {
  it('brings overhead, node selector and tolerations', async () => {
    const { body } = await create('kata', { runtimeClassName: 'kata', nodeSelector: { own: 'x' } });
    expect(body.spec).toMatchObject({ overhead: { cpu: '100m' }, nodeSelector: { own: 'x', runtime: 'kata' } });
    expect(body.spec.tolerations).toContainEqual({ key: 'kata', operator: 'Exists' });
  });

  it.each([
    [{ runtimeClassName: 'none' }, 'pod rejected: RuntimeClass "none" not found'],
    [
      { runtimeClassName: 'kata', overhead: { cpu: '1' } },
      "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ],
    [{ overhead: { cpu: '1' } }, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'],
    [
      { runtimeClassName: 'kata', nodeSelector: { runtime: 'runc' } },
      'conflict: runtimeClass.scheduling.nodeSelector[runtime] = kata; pod.spec.nodeSelector[runtime] = runc',
    ],
  ])('refuses %o', async (spec, message) => {
    const { status, body } = await create('refused', spec);
    expect(status).toBe(403);
    expect(body.message).toBe(`pods "refused" is forbidden: ${message}`);
  });
});

describe('NamespaceLifecycle', () => {
  it('lets nothing new into a namespace that is not there or is going', async () => {
    expect(
      (
        await server.http(
          'POST',
          '/api/v1/namespaces/nope/pods',
          pod('p', { metadata: { name: 'p', namespace: 'nope' }, spec: { containers: [] } }),
        )
      ).body.message,
    ).toBe('namespaces "nope" not found');
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'going', finalizers: ['example.com/wait'] },
    });
    await server.http('POST', '/api/v1/namespaces/going/serviceaccounts', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
    });
    await server.http(
      'POST',
      '/api/v1/namespaces/going/pods',
      pod('p', { metadata: { name: 'p', namespace: 'going' } }),
    );
    await server.http('DELETE', '/api/v1/namespaces/going');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
    const { status, body } = await server.http('POST', '/api/v1/namespaces/going/pods/p/eviction', eviction);
    expect(status).toBe(403);
    expect(body.message).toBe(
      'pods "p" is forbidden: unable to create new content in namespace going because it is being terminated',
    );
    expect(body.details.causes[0].reason).toBe('NamespaceTerminating');
  });

  it('keeps the namespaces of the system', async () => {
    expect((await server.http('DELETE', '/api/v1/namespaces/default')).body.message).toBe(
      'namespaces "default" is forbidden: this namespace may not be deleted',
    );
  });
});

describe('PodTopologyLabels', () => {
  it('gives a pod the zone of the node that it is bound to', async () => {
    await server.http('POST', '/api/v1/nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'zoned', labels: { 'topology.kubernetes.io/zone': 'z1', other: 'x' } },
    });
    await create('bound', {});
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'zoned' },
    };
    expect((await server.http('POST', `${pods}/bound/binding`, binding)).status).toBe(201);
    expect((await server.http('GET', `${pods}/bound`)).body.metadata.labels).toEqual({
      'topology.kubernetes.io/zone': 'z1',
    });
  });
});

describe('PersistentVolumeClaimResize', () => {
  it('lets a claim grow where its class says so', async () => {
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    for (const [name, grows] of [
      ['rigid', false],
      ['elastic', true],
    ] as const) {
      await server.http('POST', '/apis/storage.k8s.io/v1/storageclasses', {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name },
        provisioner: 'example.com/p',
        allowVolumeExpansion: grows,
      });
      await server.http('POST', claims, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: name,
          volumeName: 'v',
          resources: { requests: { storage: '1Gi' } },
        },
      });
      await server.http(
        'PATCH',
        `${claims}/${name}/status`,
        { status: { phase: 'Bound', capacity: { storage: '1Gi' } } },
        merge,
      );
    }
    const grow = (name: string) =>
      server.http('PATCH', `${claims}/${name}`, { spec: { resources: { requests: { storage: '2Gi' } } } }, merge);
    expect((await grow('elastic')).status).toBe(200);
    expect((await grow('rigid')).body.message).toBe(
      'persistentvolumeclaims "rigid" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  });
});

describe('NodeDeclaredFeatureValidator', () => {
  it('lets a bound pod change only where its node is known', async () => {
    const amounts = (cpu: string) => ({ requests: { cpu }, limits: { cpu: '1' } });
    const spec = (cpu: string) => ({ containers: [{ name: 'c', image: 'i', resources: amounts(cpu) }] });
    await create('far', { ...spec('100m'), nodeName: 'unknown' });
    const resize = () => server.http('PATCH', `${pods}/far/resize`, { spec: spec('200m') }, merge);
    const refused = await resize();
    expect([refused.status, refused.body.message]).toEqual([403, 'pods "far" is forbidden: node "unknown" not found']);
    expect((await server.http('PATCH', `${pods}/far`, { metadata: { labels: { a: 'b' } } }, merge)).status).toBe(200);
    await server.http('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'unknown' } });
    expect((await resize()).status).toBe(200);
  });
});
