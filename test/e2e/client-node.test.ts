/** The JavaScript client library of Kubernetes, as its users use it: CRUD, an informer, and a watch that outlives the server. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type Up, up } from '../support/up.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubehive-client-node-'));
// A fixed port, so that a client finds the server again after its restart.
const port = 20_000 + (process.pid % 20_000);
const start = () => up(['--nodes', '2', '--data-dir', join(directory, 'data'), '--secure-port', String(port)]);

const connect = (cluster: Up): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  return config;
};

const configMap = (name: string, data: Record<string, string>): V1ConfigMap => ({
  metadata: { name, labels: { app: 'e2e' } },
  data,
});

describe('@kubernetes/client-node', () => {
  let cluster: Up;
  let config: KubeConfig;
  let core: CoreV1Api;
  const namespace = 'default';

  beforeAll(async () => {
    cluster = await start();
    config = connect(cluster);
    core = config.makeApiClient(CoreV1Api);
  });
  afterAll(async () => {
    expect(await cluster.stop(), cluster.output()).toBe(0);
  });

  it('creates, reads, replaces, patches, lists and deletes', async () => {
    const created = await core.createNamespacedConfigMap({ namespace, body: configMap('crud', { a: '1' }) });
    expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
    created.data = { a: '2' };
    const replaced = await core.replaceNamespacedConfigMap({ namespace, name: 'crud', body: created });
    expect(replaced.metadata?.resourceVersion).not.toBe(created.metadata?.resourceVersion);
    await expect(core.replaceNamespacedConfigMap({ namespace, name: 'crud', body: created })).rejects.toMatchObject({
      code: 409,
    });
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: 'crud', body: { data: { b: '3' } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(patched.data).toEqual({ a: '2', b: '3' });
    const { items } = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=e2e' });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(['crud']);
    await core.deleteNamespacedConfigMap({ namespace, name: 'crud' });
    await expect(core.readNamespacedConfigMap({ namespace, name: 'crud' })).rejects.toMatchObject({ code: 404 });
  });

  it('runs a Deployment', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'web' },
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: 'web' } },
          template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
        },
      },
    });
    await eventually(
      async () => (await apps.readNamespacedDeployment({ namespace, name: 'web' })).status?.readyReplicas === 3,
    );
    const objects = KubernetesObjectApi.makeApiClient(config);
    const read = await objects.read({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'web' },
    });
    expect(read.metadata?.name).toBe('web');
  });

  it('keeps an informer up to date', async () => {
    const seen: string[] = [];
    const informer = makeInformer(
      config,
      `/api/v1/namespaces/${namespace}/configmaps`,
      () => core.listNamespacedConfigMap({ namespace, labelSelector: 'app=e2e' }),
      'app=e2e',
    );
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, (object) => seen.push(`${verb} ${object.metadata?.name} ${object.data?.['a'] ?? ''}`));
    informer.on('error', () => undefined);
    await informer.start();
    const made = await core.createNamespacedConfigMap({ namespace, body: configMap('informed', { a: '1' }) });
    made.data = { a: '2' };
    await core.replaceNamespacedConfigMap({ namespace, name: 'informed', body: made });
    await core.deleteNamespacedConfigMap({ namespace, name: 'informed' });
    await eventually(async () => seen.length >= 3);
    await informer.stop();
    expect(seen).toEqual(['add informed 1', 'update informed 2', 'delete informed 2']);
  });

  it('resumes a watch where it was after the server came back on the same data directory', async () => {
    const watched = async (resourceVersion: string, count: number): Promise<string[]> => {
      const names: string[] = [];
      let stop: { abort(): void } | undefined;
      await new Promise<void>((resolve, reject) => {
        new Watch(config)
          .watch(
            `/api/v1/namespaces/${namespace}/configmaps`,
            { resourceVersion, labelSelector: 'app=e2e' },
            (type: string, object: V1ConfigMap) => {
              names.push(`${type} ${object.metadata?.name}`);
              if (names.length === count) resolve();
            },
            (error) => (names.length < count ? reject(error ?? new Error('the watch ended early')) : resolve()),
          )
          .then((controller) => {
            stop = controller;
          }, reject);
      });
      stop?.abort();
      return names;
    };
    const before = (await core.listNamespacedConfigMap({ namespace })).metadata?.resourceVersion ?? '';
    await core.createNamespacedConfigMap({ namespace, body: configMap('first', {}) });
    expect(await watched(before, 1)).toEqual(['ADDED first']);
    const { metadata } = await core.readNamespacedConfigMap({ namespace, name: 'first' });
    await core.createNamespacedConfigMap({ namespace, body: configMap('second', {}) });
    expect(await cluster.stop()).toBe(0);
    cluster = await start();
    config = connect(cluster);
    core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedConfigMap({ namespace, body: configMap('third', {}) });
    // Nothing twice, nothing missed: neither what came before the stop nor what came after it.
    expect(await watched(metadata?.resourceVersion ?? '', 2)).toEqual(['ADDED second', 'ADDED third']);
    const { items } = await core.listNamespacedPod({ namespace, labelSelector: 'app=web' });
    expect(items).toHaveLength(3);
  });
});
