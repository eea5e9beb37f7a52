import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pod, startServer, type TestServer } from '../fixtures.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ http: { host: '127.0.0.1', port: 0 }, serviceAccountAdmission: false });
  await server.http('POST', '/api/v1/namespaces/default/limitranges', {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'limits' },
    spec: { limits: [{ type: 'Container', default: { cpu: '500m' }, max: { cpu: '1' } }] },
  });
});
afterAll(() => server.stop());

const create = (name: string, resources: object) =>
  server.http(
    'POST',
    '/api/v1/namespaces/default/pods',
    pod(name, { spec: { containers: [{ name: 'c', image: 'i', resources }] } }),
  );

describe('LimitRanger', () => {
  it('fills in defaults and says so in an annotation', async () => {
    const { status, body } = await create('plain', {});
    expect(status).toBe(201);
    expect(body.spec.containers[0].resources).toEqual({ limits: { cpu: '500m' }, requests: { cpu: '500m' } });
    expect(body.metadata.annotations['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu request for container c; cpu limit for container c',
    );
  });

  it('refuses what is beyond the bounds', async () => {
    const { status, body } = await create('large', { limits: { cpu: '2' } });
    expect(status).toBe(403);
    expect(body.message).toBe('pods "large" is forbidden: maximum cpu usage per Container is 1, but limit is 2');
  });
});

describe('LimitRanges', () => {
  it('say each thing once, and only the first that is broken says anything', async () => {
    const limit = (name: string, limits: object[]) =>
      server.http('POST', '/api/v1/namespaces/several/limitranges', {
        apiVersion: 'v1',
        kind: 'LimitRange',
        metadata: { name },
        spec: { limits },
      });
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'several' },
    });
    await limit('first', [
      { type: 'Container', max: { cpu: '1' } },
      { type: 'Pod', max: { cpu: '3' } },
    ]);
    await limit('second', [{ type: 'Container', max: { memory: '1Gi' } }]);
    const container = (name: string) => ({ name, image: 'i', resources: { limits: { cpu: '2', memory: '2Gi' } } });
    const refused = await server.http(
      'POST',
      '/api/v1/namespaces/several/pods',
      pod('p', {
        metadata: { name: 'p', namespace: 'several' },
        spec: { containers: [container('a'), container('b')] },
      }),
    );
    expect(refused.body.message).toBe(
      'pods "p" is forbidden: [maximum cpu usage per Container is 1, but limit is 2, maximum cpu usage per Pod is 3, but limit is 4]',
    );
  });

  it('count an init container together with the sidecars before it', async () => {
    await server.http('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'sidecars' },
    });
    await server.http('POST', '/api/v1/namespaces/sidecars/limitranges', {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'l' },
      spec: { limits: [{ type: 'Pod', max: { cpu: '3' } }] },
    });
    const container = (name: string, cpu: string) => ({ name, image: 'i', resources: { limits: { cpu } } });
    const refused = await server.http(
      'POST',
      '/api/v1/namespaces/sidecars/pods',
      pod('p', {
        metadata: { name: 'p', namespace: 'sidecars' },
        spec: {
          initContainers: [{ ...container('side', '1500m'), restartPolicy: 'Always' }, container('init', '2')],
          containers: [container('main', '1')],
        },
      }),
    );
    expect(refused.body.message).toBe('pods "p" is forbidden: maximum cpu usage per Pod is 3, but limit is 3500m');
  });
});

describe('defaults of classes', () => {
  it('are those marked as default, where none is named', async () => {
    const storageClass = (name: string, isDefault: string) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': isDefault } },
      provisioner: 'example.com/none',
    });
    await server.http('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass('fast', 'true'));
    await server.http('POST', '/apis/storage.k8s.io/v1/storageclasses', storageClass('slow', 'false'));
    const claim = (name: string, more: object) => ({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
    });
    const path = '/api/v1/namespaces/default/persistentvolumeclaims';
    expect((await server.http('POST', path, claim('unnamed', {}))).body.spec.storageClassName).toBe('fast');
    expect((await server.http('POST', path, claim('none', { storageClassName: '' }))).body.spec.storageClassName).toBe(
      '',
    );
  });

  it('is the newest of ingress classes, for ingresses that name none in either way', async () => {
    const GROUP = '/apis/networking.k8s.io/v1';
    await server.http('POST', `${GROUP}/ingressclasses`, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'usual', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'example.com/none' },
    });
    const create = async (name: string, annotations: object, spec: object) => {
      const { status, body } = await server.http('POST', `${GROUP}/namespaces/default/ingresses`, {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name, annotations },
        spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } }, ...spec },
      });
      expect(status).toBe(201);
      return body.spec.ingressClassName;
    };
    expect(await create('unnamed', {}, {})).toBe('usual');
    expect(await create('named', {}, { ingressClassName: 'other' })).toBe('other');
    expect(await create('annotated', { 'kubernetes.io/ingress.class': 'old' }, {})).toBeUndefined();
  });
});
