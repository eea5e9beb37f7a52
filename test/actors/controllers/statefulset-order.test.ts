/** StatefulSets step by step: what their status says after each write, and what stands in a pod's way. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControllerRevision, OwnerReference, Pod, StatefulSetStatus } from '../../../src/api/index.ts';
import {
  controllerRevisions,
  coreEvents,
  persistentVolumeClaims,
  pods,
  resourceQuotas,
  statefulSets,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] } };
const volumeClaimTemplates = [
  { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
];
const key = { namespace, name: 'web' };
const claimKey = { namespace, name: 'data-web-0' };

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['statefulset-controller']);
});
afterEach(() => cluster.stop());

const settled = () => cluster.system.settled();
async function create(spec: object): Promise<void> {
  await cluster.client.create(statefulSets, {
    metadata: key,
    spec: { serviceName: 'web', replicas: 1, selector: { matchLabels: labels }, template, ...spec },
  });
  await settled();
}
const list = async (): Promise<Pod[]> => (await cluster.client.list(pods, { namespace })).items;
const messages = async (wanted: string) =>
  (await cluster.client.list(coreEvents, { namespace })).items
    .filter(({ reason }) => reason === wanted)
    .map(({ message }) => message);
const ownersOf = async () => (await cluster.client.get(persistentVolumeClaims, claimKey)).metadata?.ownerReferences;
const setImage = async (image: string) => {
  const containers = [{ name: 'c', image }];
  await cluster.client.patch(statefulSets, key, 'merge', { spec: { template: { spec: { containers } } } });
  await settled();
};

/** Collects what the set's status comes to say while `act` runs: replicas, ready, current and updated. */
async function statusesDuring(act: () => Promise<void>): Promise<(number | undefined)[][]> {
  const { resourceVersion } = await cluster.client.list(statefulSets, { namespace });
  const seen: StatefulSetStatus[] = [];
  const subscription = cluster.client.watch(statefulSets, { namespace, resourceVersion }).subscribe((event) => {
    if (event.type === 'BOOKMARK') return;
    const { status } = event.object;
    if (status?.observedGeneration !== undefined) seen.push(status);
  });
  try {
    await act();
    await settled();
  } finally {
    subscription.unsubscribe();
  }
  return seen.map((status) => [
    status.replicas,
    status.readyReplicas ?? 0,
    status.currentReplicas ?? 0,
    status.updatedReplicas ?? 0,
  ]);
}

describe('the status of a StatefulSet', () => {
  it('counts a pod when it is seen, not when it is made', async () => {
    const statuses = await statusesDuring(async () => {
      await create({ replicas: 2 });
      await cluster.runPods(namespace);
      await cluster.runPods(namespace);
    });
    expect(statuses).toEqual([
      [0, 0, 0, 0],
      [1, 0, 1, 1],
      [1, 1, 1, 1],
      [2, 1, 2, 2],
      [2, 2, 2, 2],
    ]);
  });

  it('takes a pod from the current ones as soon as it is deleted for the update', async () => {
    await create({ replicas: 2, podManagementPolicy: 'Parallel' });
    await cluster.runPods(namespace);
    const statuses = await statusesDuring(() => setImage('pause:2'));
    expect(statuses.slice(0, 2)).toEqual([
      [2, 2, 2, 2],
      [2, 2, 1, 0],
    ]);
  });

  it('keeps nothing of what others wrote into it', async () => {
    await create({});
    const conditions = [{ type: 'Mine', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
    await cluster.client.patch(statefulSets, key, 'merge', { status: { conditions } }, { subresource: 'status' });
    await settled();
    expect((await cluster.client.get(statefulSets, key)).status?.conditions).toMatchObject([{ type: 'Mine' }]);
    await cluster.runPods(namespace);
    const { status } = await cluster.client.get(statefulSets, key);
    expect([status?.readyReplicas, status?.conditions]).toEqual([1, undefined]);
  });
});

describe('the revisions of a StatefulSet', () => {
  const list = async () => (await cluster.client.list(controllerRevisions, { namespace })).items;

  it('have the names that upstream gives them', async () => {
    const metadata = { labels: { app: 'foo' }, annotations: { test: 'value' } };
    const spec = { containers: [{ name: 'test', image: 'test' }] };
    await create({ replicas: 0, selector: { matchLabels: { app: 'foo' } }, template: { metadata, spec } });
    expect((await list()).map(({ metadata }) => metadata?.name)).toEqual(['web-776999688b']);
  });

  it('take another name where theirs is taken, and keep the label of the first', async () => {
    await create({ replicas: 0 });
    const [{ metadata } = {} as ControllerRevision] = await list();
    const { name = '', labels: revisionLabels } = metadata ?? {};
    await cluster.client.delete(statefulSets, key);
    await cluster.client.delete(controllerRevisions, { namespace, name });
    await cluster.client.create(controllerRevisions, { metadata: { name, namespace }, data: {}, revision: 1 });
    await create({ replicas: 0 });
    const made = (await list()).find((revision) => revision.metadata?.name !== name);
    expect(made?.metadata?.labels).toEqual(revisionLabels);
    const { status } = await cluster.client.get(statefulSets, key);
    expect([status?.collisionCount, status?.updateRevision]).toEqual([1, made?.metadata?.name]);
  });

  it('stay its own when their labels are taken away, and count no more', async () => {
    await create({});
    const [{ metadata } = {} as ControllerRevision] = await list();
    const name = metadata?.name ?? '';
    await cluster.client.patch(controllerRevisions, { namespace, name }, 'merge', { metadata: { labels: null } });
    await cluster.runPods(namespace);
    const revision = await cluster.client.get(controllerRevisions, { namespace, name });
    expect(revision.metadata?.ownerReferences).toHaveLength(1);
  });
});

describe('a pod of a StatefulSet', () => {
  it('has the prefix of its name, as upstream leaves it there', async () => {
    await create({});
    expect((await list()).map(({ metadata }) => [metadata?.name, metadata?.generateName])).toEqual([['web-0', 'web-']]);
  });

  it('is released when its name is none of the set', async () => {
    await create({});
    const owner = (await list())[0]?.metadata?.ownerReferences ?? [];
    const metadata = { name: 'stranger', namespace, labels, ownerReferences: owner };
    await cluster.client.create(pods, { metadata, spec: template.spec } as Pod);
    await settled();
    const stranger = await cluster.client.get(pods, { namespace, name: 'stranger' });
    expect(stranger.metadata?.ownerReferences).toBeUndefined();
  });

  it('is not given the label of its index back while it has that of its name', async () => {
    await create({});
    await cluster.runPods(namespace);
    const metadata = { labels: { 'apps.kubernetes.io/pod-index': null } };
    await cluster.client.patch(pods, { namespace, name: 'web-0' }, 'merge', { metadata });
    await settled();
    expect((await list())[0]?.metadata?.labels).not.toHaveProperty('apps.kubernetes.io/pod-index');
    expect(await messages('SuccessfulUpdate')).toEqual([]);
  });

  it('that lacks the volumes of its claims cannot be mended, which is told', async () => {
    await cluster.client.create(pods, { metadata: { name: 'web-0', namespace, labels }, spec: template.spec } as Pod);
    await create({ volumeClaimTemplates });
    await cluster.runPods(namespace);
    await cluster.system.advance(1_000);
    const [message = ''] = await messages('FailedUpdate');
    expect(message).toMatch(
      /^Update Pod web-0 in StatefulSet web failed error: Pod "web-0" is invalid: spec: Forbidden/,
    );
  });

  it('waits for a claim that is being deleted to be gone', async () => {
    const finalizers = ['example.com/held'];
    const metadata = { ...claimKey, finalizers };
    await cluster.client.create(persistentVolumeClaims, { metadata, spec: volumeClaimTemplates[0]!.spec });
    await cluster.client.delete(persistentVolumeClaims, claimKey);
    await create({ volumeClaimTemplates });
    await cluster.system.advance(100);
    expect(await list()).toEqual([]);
    expect((await messages('FailedCreate'))[0]).toBe(
      'Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
    );
  });

  it('that is refused keeps those of later batches from being tried, and pods that are there count in batches', async () => {
    const spec = { podManagementPolicy: 'Parallel', volumeClaimTemplates: [] };
    await create(spec);
    const hard = { pods: '1' };
    const quota = await cluster.client.create(resourceQuotas, { metadata: { name: 'q', namespace }, spec: { hard } });
    const status = { hard, used: { pods: '1' } };
    await cluster.client.update(resourceQuotas, { ...quota, status }, { subresource: 'status' });
    await cluster.client.patch(statefulSets, key, 'merge', { spec: { replicas: 4 } });
    await settled();
    const why = (name: string) =>
      `Create Pod ${name} in StatefulSet web failed error: pods "${name}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`;
    expect([...new Set(await messages('FailedCreate'))].sort()).toEqual([why('web-1'), why('web-2')]);
  });
});

describe('the claims of a StatefulSet', () => {
  const retention = { whenDeleted: 'Delete', whenScaled: 'Retain' };

  it('are nobody\u2019s when they are made, and the set\u2019s when their pod is there', async () => {
    const seen: (readonly OwnerReference[] | undefined)[] = [];
    const { resourceVersion } = await cluster.client.list(persistentVolumeClaims, { namespace });
    const subscription = cluster.client
      .watch(persistentVolumeClaims, { namespace, resourceVersion })
      .subscribe((event) => {
        if (event.type !== 'BOOKMARK') seen.push(event.object.metadata?.ownerReferences);
      });
    await create({ volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: retention });
    subscription.unsubscribe();
    expect(seen).toMatchObject([undefined, [{ kind: 'StatefulSet', name: 'web', controller: true }]]);
    expect(await messages('SuccessfulUpdate')).toEqual([]);
  });

  it('that somebody else manages are left to them, which is told', async () => {
    const manager = { apiVersion: 'v1', kind: 'ConfigMap', name: 'm', uid: 'm', controller: true };
    const metadata = { ...claimKey, ownerReferences: [manager] };
    await cluster.client.create(persistentVolumeClaims, { metadata, spec: volumeClaimTemplates[0]!.spec });
    await create({ volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: retention });
    expect(await ownersOf()).toMatchObject([{ kind: 'ConfigMap' }]);
    expect((await messages('ConflictingController'))[0]).toBe(
      'PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim',
    );
  });
});
