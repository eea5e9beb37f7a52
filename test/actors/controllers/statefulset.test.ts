/** StatefulSets where something is not as it should be: finished pods, missing claims, pods that nobody would know. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../src/api/index.ts';
import { coreEvents, persistentVolumeClaims, pods, statefulSets } from '../../../src/client/index.ts';
import { timeMs } from '../../../src/controller/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] } };
const volumeClaimTemplates = [
  { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
];

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startCluster(['statefulset-controller']);
});
afterEach(() => cluster.stop());

async function create(spec: object): Promise<void> {
  await cluster.client.create(statefulSets, {
    metadata: { name: 'web', namespace },
    spec: { serviceName: 'web', replicas: 3, selector: { matchLabels: labels }, template, ...spec },
  });
  await cluster.system.settled();
}
const list = async (): Promise<Pod[]> => (await cluster.client.list(pods, { namespace })).items;
const names = async () => (await list()).map(({ metadata }) => metadata?.name);
const end = async (name: string, phase: string) => {
  await cluster.client.patch(pods, { namespace, name }, 'merge', { status: { phase } }, { subresource: 'status' });
  await cluster.system.settled();
};
const terminating = async () =>
  (await list())
    .filter(({ metadata }) => metadata?.deletionTimestamp !== undefined)
    .map(({ metadata }) => metadata?.name);

describe('a parallel StatefulSet', () => {
  it('makes all pods at once, and replaces all that have finished, with no event but those of the pods', async () => {
    await create({ podManagementPolicy: 'Parallel', replicas: 5 });
    expect(await names()).toEqual(['web-0', 'web-1', 'web-2', 'web-3', 'web-4']);
    await cluster.runPods(namespace);
    await end('web-1', 'Failed');
    await end('web-3', 'Succeeded');
    await cluster.finishDeletions(namespace);
    expect((await list()).map(({ status }) => status?.phase)).toEqual([
      'Running',
      'Pending',
      'Running',
      'Pending',
      'Running',
    ]);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect([...new Set(items.map(({ reason }) => reason))].sort()).toEqual(['SuccessfulCreate', 'SuccessfulDelete']);
  });

  it('waits for an updated pod to be available before it replaces the next', async () => {
    await create({ podManagementPolicy: 'Parallel', minReadySeconds: 30 });
    await cluster.runPods(namespace);
    await cluster.system.advance(31_000);
    const changed = { ...template, spec: { ...template.spec, containers: [{ name: 'c', image: 'pause:2' }] } };
    await cluster.client.patch(statefulSets, { namespace, name: 'web' }, 'merge', { spec: { template: changed } });
    await cluster.system.settled();
    expect(await terminating()).toEqual(['web-2']);
    await cluster.finishDeletions(namespace);
    await cluster.runPods(namespace);
    await cluster.system.advance(40_000);
    await cluster.system.settled();
    expect(await terminating()).toEqual(['web-1']);
    const [, first, second] = await list();
    const readyMs = timeMs(second?.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime);
    const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = first?.metadata ?? {};
    expect(timeMs(deletionTimestamp) - deletionGracePeriodSeconds * 1000 - readyMs).toBeGreaterThanOrEqual(30_000);
  });
});

describe('an update of a StatefulSet', () => {
  const maxUnavailable = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2, partition: 1 } };
  const change = async (image: string) => {
    const changed = { ...template, spec: { ...template.spec, containers: [{ name: 'c', image }] } };
    await cluster.client.patch(statefulSets, { namespace, name: 'web' }, 'merge', { spec: { template: changed } });
    await cluster.system.settled();
  };
  const strategy = async () =>
    (await cluster.client.get(statefulSets, { namespace, name: 'web' })).spec?.updateStrategy?.rollingUpdate;
  const parallel = { podManagementPolicy: 'Parallel', replicas: 5 };

  it('replaces one pod at a time, whatever is asked for, where the feature is off', async () => {
    await create({ ...parallel, updateStrategy: maxUnavailable });
    await cluster.runPods(namespace);
    await change('pause:2');
    expect(await strategy()).toEqual({ partition: 1 });
    expect(await terminating()).toEqual(['web-4']);
  });

  it('replaces as many as may be missing where it is on, down to the partition', async () => {
    await cluster.stop();
    cluster = await startCluster(['statefulset-controller'], { features: ['MaxUnavailableStatefulSet'] });
    await create({ ...parallel, updateStrategy: maxUnavailable });
    await cluster.runPods(namespace);
    await change('pause:2');
    expect(await terminating()).toEqual(['web-3', 'web-4']);
    await cluster.finishDeletions(namespace);
    expect(await terminating()).toEqual([]);
    await cluster.runPods(namespace);
    expect(await terminating()).toEqual(['web-1', 'web-2']);
    await cluster.finishDeletions(namespace);
    await cluster.runPods(namespace);
    expect((await list()).map(({ spec }) => spec?.containers[0]?.image)).toEqual([
      'pause:1',
      ...Array(4).fill('pause:2'),
    ]);
  });

  it('counts pods that are unwell among those that are missing, and takes a share of none for one', async () => {
    await cluster.stop();
    cluster = await startCluster(['statefulset-controller'], { features: ['MaxUnavailableStatefulSet'] });
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } };
    await create({ ...parallel, updateStrategy });
    await cluster.runPods(namespace, ({ metadata }) => metadata?.name !== 'web-0');
    await change('pause:2');
    expect(await terminating()).toEqual([]);
    await cluster.runPods(namespace);
    expect(await terminating()).toEqual(['web-4']);
  });

  it('is told of one pod where the feature is on and nothing is asked for', async () => {
    await cluster.stop();
    cluster = await startCluster(['statefulset-controller'], { features: ['MaxUnavailableStatefulSet'] });
    await create({});
    expect(await strategy()).toEqual({ maxUnavailable: 1, partition: 0 });
  });
});

describe('a pod of a StatefulSet', () => {
  it('gets a claim again that was deleted while it is pending', async () => {
    await create({ replicas: 1, volumeClaimTemplates });
    const key = { namespace, name: 'data-web-0' };
    await cluster.client.patch(persistentVolumeClaims, key, 'merge', { metadata: { finalizers: null } });
    await cluster.client.delete(persistentVolumeClaims, key);
    await cluster.client.patch(pods, { namespace, name: 'web-0' }, 'merge', { metadata: { annotations: { a: 'b' } } });
    await cluster.system.settled();
    expect((await cluster.client.get(persistentVolumeClaims, key)).metadata?.deletionTimestamp).toBeUndefined();
  });

  it('gets the labels back that say which one it is', async () => {
    await create({ replicas: 1 });
    await cluster.runPods(namespace);
    const metadata = { labels: { 'statefulset.kubernetes.io/pod-name': null } };
    await cluster.client.patch(pods, { namespace, name: 'web-0' }, 'merge', { metadata });
    await cluster.system.settled();
    expect((await list())[0]?.metadata?.labels).toMatchObject({ 'statefulset.kubernetes.io/pod-name': 'web-0' });
  });

  it('counts as updated when its claims change their owner', async () => {
    await create({ replicas: 1, volumeClaimTemplates });
    await cluster.runPods(namespace);
    await cluster.system.settled();
    const spec = { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } };
    await cluster.client.patch(statefulSets, { namespace, name: 'web' }, 'merge', { spec });
    await cluster.system.advance(1_000);
    await cluster.system.settled();
    const claim = await cluster.client.get(persistentVolumeClaims, { namespace, name: 'data-web-0' });
    expect(claim.metadata?.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'web', controller: true }]);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.filter(({ reason }) => /Update/.test(reason ?? '')).map(({ message }) => message)).toEqual([
      'Update Pod web-0 in StatefulSet web successful',
    ]);
  });

  it('is not made as long as its claim is to go with the one before', async () => {
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Delete' };
    await create({ replicas: 1, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy });
    const key = { namespace, name: 'data-web-0' };
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'gone', controller: true };
    await cluster.client.patch(persistentVolumeClaims, key, 'merge', { metadata: { ownerReferences: [owner] } });
    await cluster.client.delete(pods, { namespace, name: 'web-0' }, { gracePeriodSeconds: 0 });
    await cluster.system.advance(3_000);
    expect(await names()).toEqual([]);
    await cluster.client.patch(persistentVolumeClaims, key, 'merge', { metadata: { ownerReferences: null } });
    await cluster.system.advance(3_000);
    await cluster.system.settled();
    expect(await names()).toEqual(['web-0']);
  });
});
