import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNotFound } from '../../../src/api/index.ts';
import { clusterRoles, configMaps, coreEvents, customResourceDefinitions } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

describe('garbage-collector-controller', () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster(['garbage-collector-controller']);
  });
  afterEach(() => cluster.stop());

  const owner = async (name: string) => {
    const made = await cluster.client.create(configMaps, { metadata: { name, namespace } });
    return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: made.metadata?.uid ?? '' };
  };
  const dependent = (name: string, ownerReferences: object[], finalizers?: string[]) =>
    cluster.client.create(configMaps, {
      metadata: { name, namespace, ownerReferences: ownerReferences as never, ...(finalizers ? { finalizers } : {}) },
    });
  const names = async () =>
    (await cluster.client.list(configMaps, { namespace })).items.map((item) => item.metadata?.name);

  it('deletes dependents when their owner is deleted', async () => {
    await dependent('child', [await owner('parent')]);
    await cluster.system.settled();
    await cluster.client.delete(configMaps, { namespace, name: 'parent' });
    await cluster.system.settled();
    expect(await names()).toEqual([]);
  });

  it('asks for the dependents only, once each, when it has seen their owner go', async () => {
    const parent = await owner('parent');
    for (const name of ['first', 'second', 'third']) await dependent(name, [parent]);
    await cluster.system.settled();
    await cluster.client.delete(configMaps, { namespace, name: 'parent' });
    await cluster.system.settled();
    expect(await names()).toEqual([]);
    expect(await cluster.readsOf('configmaps')).toBe(3);
  });

  it('deletes what was created for an owner that does not exist, and keeps what has a living one', async () => {
    const alive = await owner('alive');
    await dependent('dangling', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'none' }]);
    await dependent('impostor', [{ ...alive, uid: 'another' }]);
    await dependent('kept', [alive, { apiVersion: 'v1', kind: 'ConfigMap', name: 'nobody', uid: 'none' }]);
    await cluster.system.settled();
    expect(await names()).toEqual(['alive', 'kept']);
    const kept = await cluster.client.get(configMaps, { namespace, name: 'kept' });
    expect(kept.metadata?.ownerReferences).toEqual([alive]);
  });

  it('lets a foreground deletion wait for blocking dependents only', async () => {
    const parent = await owner('parent');
    await dependent('blocking', [{ ...parent, blockOwnerDeletion: true }], ['example.com/hold']);
    await cluster.system.settled();
    await cluster.client.delete(configMaps, { namespace, name: 'parent' }, { propagationPolicy: 'Foreground' });
    await cluster.system.settled();
    expect(await names()).toEqual(['blocking', 'parent']);
    await cluster.client.patch(configMaps, { namespace, name: 'blocking' }, 'merge', {
      metadata: { finalizers: null },
    });
    await cluster.system.settled();
    expect(await names()).toEqual([]);
  });

  it('cuts the references when dependents are to be orphaned', async () => {
    await dependent('child', [await owner('parent')]);
    await cluster.system.settled();
    await cluster.client.delete(configMaps, { namespace, name: 'parent' }, { propagationPolicy: 'Orphan' });
    await cluster.system.settled();
    await expect(cluster.client.get(configMaps, { namespace, name: 'parent' })).rejects.toSatisfy(isNotFound);
    const child = await cluster.client.get(configMaps, { namespace, name: 'child' });
    expect(child.metadata?.ownerReferences).toBeUndefined();
    const adds = (await cluster.system.metricsText())
      .split('\n')
      .filter((line) => line.startsWith('workqueue_adds_total{name="garbage_collector_attempt_to_orphan"'));
    expect(adds.map((line) => line.split(' ').pop())).toEqual(['1']);
  });

  it('breaks up objects that own each other', async () => {
    const first = await owner('first');
    const made = await dependent('second', [{ ...first, blockOwnerDeletion: true }]);
    const second = { apiVersion: 'v1', kind: 'ConfigMap', name: 'second', uid: made.metadata?.uid ?? '' };
    const ownerReferences = [{ ...second, blockOwnerDeletion: true }];
    await cluster.client.patch(configMaps, { namespace, name: 'first' }, 'merge', { metadata: { ownerReferences } });
    await cluster.system.settled();
    await cluster.client.delete(configMaps, { namespace, name: 'first' }, { propagationPolicy: 'Foreground' });
    await cluster.system.settled();
    expect(await names()).toEqual([]);
  });

  it('decides about dependents of a kind that nobody serves as soon as somebody does', async () => {
    await dependent('early', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'nobody', uid: 'none' }]);
    await cluster.system.settled();
    expect(await names()).toEqual(['early']);
    await cluster.client.create(customResourceDefinitions, {
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    });
    await cluster.system.settled();
    await cluster.system.advance(10_000);
    await cluster.system.settled();
    expect(await names()).toEqual([]);
  });

  it('keeps a cluster-scoped object with a namespaced owner and says why', async () => {
    const parent = await owner('parent');
    await cluster.system.settled();
    await cluster.client.create(clusterRoles, { metadata: { name: 'role', ownerReferences: [parent] } });
    await cluster.system.settled();
    await cluster.client.get(clusterRoles, { name: 'role' });
    const { items } = await cluster.client.list(coreEvents, { namespace: 'default' });
    expect(items.map(({ reason, message }) => [reason, message])).toEqual([
      [
        'OwnerRefInvalidNamespace',
        `ownerRef [v1/ConfigMap, namespace: , name: parent, uid: ${parent.uid}] does not exist in namespace ""`,
      ],
    ]);
  });
});
