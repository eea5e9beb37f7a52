/** What budgets say about pods of all sorts of controllers, and of none. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PodDisruptionBudget } from '../../../src/api/index.ts';
import {
  coreEvents,
  customResourceDefinitions,
  deployments,
  type KubernetesObject,
  podDisruptionBudgets,
  pods,
  type Resource,
  replicaSets,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const labels = { app: 'web' };
const selector = { matchLabels: labels };
const metadata = { name: 'web', namespace };
const containers = [{ name: 'c', image: 'pause:1' }];
const template = { metadata: { labels }, spec: { containers } };
const foos: Resource<KubernetesObject> = {
  group: 'ex.com',
  version: 'v1',
  resource: 'foos',
  kind: 'Foo',
  namespaced: true,
};

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['deployment-controller', 'replicaset-controller', 'disruption-controller']);
});
afterEach(() => cluster.stop());

const budget = async (spec: PodDisruptionBudget['spec']) => {
  await cluster.client.create(podDisruptionBudgets, { metadata, spec: { selector, ...spec } });
  await cluster.system.settled();
};
const statusOf = async () => (await cluster.client.get(podDisruptionBudgets, metadata)).status;
const events = async (kind = 'PodDisruptionBudget') =>
  (await cluster.client.list(coreEvents, { namespace })).items
    .filter(({ involvedObject }) => involvedObject.kind === kind)
    .map(({ reason, message }) => `${reason}: ${message}`);
const ownedBy = (apiVersion: string, kind: string, name: string, uid: string) => ({
  metadata: { name: 'owned', namespace, labels, ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] },
  spec: { containers },
});

describe('a budget', () => {
  it('allows as many evictions as it leaves of a Deployment', async () => {
    await cluster.client.create(deployments, { metadata, spec: { replicas: 4, selector, template } });
    await budget({ maxUnavailable: '50%' });
    await cluster.runPods(namespace);
    expect(await statusOf()).toMatchObject({
      currentHealthy: 4,
      desiredHealthy: 2,
      expectedPods: 4,
      disruptionsAllowed: 2,
    });
  });

  it('counts the ReplicaSet when its Deployment is another one by now', async () => {
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'gone', controller: true }];
    await cluster.client.create(replicaSets, {
      metadata: { ...metadata, ownerReferences },
      spec: { replicas: 3, selector, template },
    });
    await budget({ maxUnavailable: 1 });
    expect(await statusOf()).toMatchObject({ expectedPods: 3, desiredHealthy: 2 });
  });

  it('says of pods without a controller that it cannot count on them, and is no failure', async () => {
    await cluster.client.create(pods, { metadata: { name: 'alone', namespace, labels }, spec: { containers } });
    await budget({ maxUnavailable: 1 });
    const status = await statusOf();
    expect(status).toMatchObject({ expectedPods: 0, desiredHealthy: 0, disruptionsAllowed: 0 });
    expect(status?.conditions?.[0]?.reason).toBe('InsufficientPods');
    expect(await events()).toEqual([
      'UnmanagedPods: Pods selected by this PodDisruptionBudget (selector: &LabelSelector{MatchLabels:map[string]string{app: web,},' +
        'MatchExpressions:[]LabelSelectorRequirement{},}) were found to be unmanaged. As a result, the status of the PDB cannot be ' +
        'calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" ' +
        'field of the PDB to an integer value.',
    ]);
  });

  it('takes a number of pods as it is, whoever controls them', async () => {
    await cluster.client.create(pods, { metadata: { name: 'alone', namespace, labels }, spec: { containers } });
    await budget({ minAvailable: 1 });
    await cluster.runPods(namespace);
    expect(await statusOf()).toMatchObject({ expectedPods: 1, desiredHealthy: 1, currentHealthy: 1 });
    expect(await events()).toEqual([]);
  });

  it.each([
    ['v1', 'ConfigMap', 'configmaps does not implement the scale subresource'],
    ['apps/v1', 'StatefulSet', 'found no controllers for pod "owned"'],
    ['ex.com/v1', 'Bar', 'no matches for kind "Bar" in version "ex.com/v1"'],
  ])('cannot tell how many pods a %s %s wants that is not there', async (apiVersion, kind, message) => {
    await cluster.client.create(pods, ownedBy(apiVersion, kind, 'x', 'absent'));
    await budget({ minAvailable: '50%' });
    const status = await statusOf();
    expect(status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'SyncFailed', message });
    expect(status?.observedGeneration).toBeUndefined();
    expect(await events()).toEqual([
      `CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${message}`,
    ]);
  });

  it('asks custom kinds for their scale', async () => {
    await cluster.client.create(customResourceDefinitions, {
      metadata: { name: 'foos.ex.com' },
      spec: {
        group: 'ex.com',
        scope: 'Namespaced',
        names: { plural: 'foos', kind: 'Foo' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            subresources: { scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
          },
        ],
      },
    });
    await cluster.system.advance(5_000);
    await cluster.system.settled();
    const foo = { apiVersion: 'ex.com/v1', kind: 'Foo', metadata, spec: { replicas: 7 } };
    const { metadata: made } = await cluster.client.create(foos, foo);
    await cluster.client.create(pods, ownedBy('ex.com/v1', 'Foo', 'web', made?.uid ?? ''));
    await budget({ maxUnavailable: 2 });
    expect(await statusOf()).toMatchObject({ expectedPods: 7, desiredHealthy: 5 });
  });
});

describe('the status of a budget', () => {
  const alone = { namespace, name: 'alone' };
  const makeAlone = () => cluster.client.create(pods, { metadata: { ...alone, labels }, spec: { containers } });

  it('keeps what others say in it', async () => {
    await makeAlone();
    await budget({ minAvailable: 1 });
    const lastTransitionTime = '2026-01-01T00:00:00Z';
    const other = { type: 'Mine', status: 'True', reason: 'Because', message: '', lastTransitionTime };
    const conditions = [other, ...((await statusOf())?.conditions ?? [])];
    await cluster.client.patch(
      podDisruptionBudgets,
      metadata,
      'merge',
      { status: { conditions } },
      { subresource: 'status' },
    );
    await cluster.runPods(namespace);
    await cluster.client.create(pods, { metadata: { name: 'second', namespace, labels }, spec: { containers } });
    await cluster.system.settled();
    await cluster.runPods(namespace);
    const status = await statusOf();
    expect(status?.disruptionsAllowed).toBe(1);
    expect(status?.conditions?.map(({ type, status: state }) => `${type}=${state}`)).toEqual([
      'Mine=True',
      'DisruptionAllowed=True',
    ]);
  });

  it('still tells of a failure when all numbers are as before it', async () => {
    await makeAlone();
    await budget({ maxUnavailable: 1 });
    expect((await statusOf())?.conditions?.[0]?.reason).toBe('InsufficientPods');
    await cluster.client.create(pods, ownedBy('v1', 'ConfigMap', 'x', 'absent'));
    await cluster.system.settled();
    expect((await statusOf())?.conditions?.[0]?.reason).toBe('SyncFailed');
    await cluster.client.delete(pods, { namespace, name: 'owned' }, { gracePeriodSeconds: 0 });
    await cluster.system.settled();
    expect((await statusOf())?.conditions?.[0]?.reason).toBe('SyncFailed');
  });

  it('forgets the eviction of a pod that it does not select any more', async () => {
    await makeAlone();
    await budget({ minAvailable: 0 });
    const disruptedPods = { alone: '2026-01-01T00:00:00Z' };
    const patch = { status: { disruptedPods } };
    await cluster.client.patch(podDisruptionBudgets, metadata, 'merge', patch, { subresource: 'status' });
    await cluster.system.settled();
    expect((await statusOf())?.disruptedPods).toEqual(disruptedPods);
    await cluster.client.patch(pods, alone, 'merge', { metadata: { labels: { app: 'other' } } });
    await cluster.system.settled();
    expect((await statusOf())?.disruptedPods).toBeUndefined();
    await cluster.client.create(podDisruptionBudgets, {
      metadata: { name: 'other', namespace },
      spec: { selector: { matchLabels: { app: 'other' } }, minAvailable: 0 },
    });
    await cluster.client.patch(pods, alone, 'merge', { metadata: { labels: { app: 'web' } } });
    await cluster.system.settled();
    expect(await events('Pod')).toEqual([]);
  });
});

describe('a pod that was to be disrupted', () => {
  const disrupted = async (reason: string) => {
    await cluster.client.create(pods, { metadata: { name: 'alone', namespace, labels }, spec: { containers } });
    await budget({ minAvailable: 1 });
    const lastTransitionTime = new Date(cluster.system.clock.now()).toISOString();
    const status = {
      conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'm', lastTransitionTime }],
    };
    const at = { namespace, name: 'alone' };
    await cluster.client.patch(pods, at, 'strategic', { status }, { subresource: 'status' });
    await cluster.system.settled();
    const condition = async () => {
      const found = (await cluster.client.get(pods, at)).status?.conditions;
      return found?.find(({ type }) => type === 'DisruptionTarget');
    };
    await cluster.system.advance(100_000);
    expect((await condition())?.status).toBe('True');
    await cluster.system.advance(30_000);
    await cluster.system.settled();
    return await condition();
  };

  it('and is still there after two minutes is not any more', async () => {
    const condition = await disrupted('EvictionByEvictionAPI');
    expect(condition).toMatchObject({ status: 'False', observedGeneration: 1 });
    expect(condition?.reason).toBeUndefined();
  });

  it('by its kubelet stays so', async () => {
    expect(await disrupted('TerminationByKubelet')).toMatchObject({ status: 'True' });
  });

  it('and was not deleted is told of, and counts again', async () => {
    await cluster.client.create(pods, { metadata: { name: 'alone', namespace, labels }, spec: { containers } });
    await budget({ minAvailable: 0 });
    await cluster.runPods(namespace);
    const disruptedPods = { alone: new Date(cluster.system.clock.now()).toISOString().replace(/\.\d+/, '') };
    const patch = { status: { disruptedPods } };
    await cluster.client.patch(podDisruptionBudgets, metadata, 'merge', patch, { subresource: 'status' });
    await cluster.system.settled();
    expect(await statusOf()).toMatchObject({ currentHealthy: 0, disruptedPods });
    await cluster.system.advance(125_000);
    await cluster.system.settled();
    expect(await statusOf()).toMatchObject({ currentHealthy: 1 });
    expect(await events('Pod')).toEqual([
      "NotDeleted: Pod was expected by PDB default/default to be deleted but it wasn't",
    ]);
  });
});
