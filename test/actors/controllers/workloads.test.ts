import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Pod, PodTemplateSpec } from '../../../src/api/index.ts';
import {
  controllerRevisions,
  daemonSets,
  jobs,
  nodes,
  pods,
  replicaSets,
  replicationControllers,
  resourceQuotas,
  statefulSets,
} from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';
const template = (image = 'pause:1', more: object = {}): PodTemplateSpec => ({
  metadata: { labels: { app: 'web' } },
  spec: { nodeName: 'n1', containers: [{ name: 'c', image }], ...more },
});
const selector = { matchLabels: { app: 'web' } };
const metadata = { name: 'web', namespace };

let cluster: TestCluster;
afterEach(() => cluster.stop());
const listPods = async (): Promise<Pod[]> => (await cluster.client.list(pods, { namespace })).items;
const podNames = async () => (await listPods()).map((pod) => pod.metadata?.name);
const settled = () => cluster.system.settled();

describe.each([true, false])('a replica controller that asks for what it needs alone: %s', (alone) => {
  it('deletes unassigned pods first, then pending, unready, cheap, crowded and restarted ones', async () => {
    cluster = await startCluster(['replicaset-controller'], {}, { alone });
    const sidecar = { initContainers: [{ name: 'side', image: 'pause:1', restartPolicy: 'Always' }] };
    const ready = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] };
    const running = { phase: 'Running', ...ready };
    const restarted = (restartCount: number) => ({ name: 'c', image: '', imageID: '', ready: true, restartCount });
    // From the one that stays to the one that goes first.
    const shapes: readonly { nodeName?: string; cost?: string; spec?: object; status: object }[] = [
      { nodeName: 'n4', cost: '10', status: running },
      { nodeName: 'n7', status: running },
      {
        nodeName: 'n2',
        spec: sidecar,
        status: { ...running, initContainerStatuses: [{ ...restarted(2), name: 'side' }] },
      },
      { nodeName: 'n3', status: { ...running, containerStatuses: [restarted(3)] } },
      { nodeName: 'n4', status: running },
      { nodeName: 'n1', cost: '-1', status: running },
      { nodeName: 'n5', status: { phase: 'Running' } },
      { nodeName: 'n6', status: { phase: 'Pending', ...ready } },
      { status: running },
    ];
    for (const [at, { nodeName, cost, spec, status }] of shapes.entries()) {
      const annotations = cost === undefined ? {} : { 'controller.kubernetes.io/pod-deletion-cost': cost };
      const made = { name: `p${at}`, namespace, labels: { app: 'web' }, annotations };
      await cluster.client.create(pods, { ...template('pause:1', { ...spec, nodeName }), metadata: made } as Pod);
      await cluster.client.patch(pods, made, 'merge', { status }, { subresource: 'status' });
    }
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd', controller: true };
    await cluster.client.create(replicaSets, {
      metadata: { ...metadata, ownerReferences: [deployment] },
      spec: { replicas: shapes.length, selector, template: template() },
    });
    await settled();
    for (let replicas = shapes.length - 1; replicas > 0; replicas--) {
      await cluster.client.patch(replicaSets, { namespace, name: 'web' }, 'merge', { spec: { replicas } });
      await settled();
      await cluster.finishDeletions(namespace);
      expect(await podNames()).toEqual(shapes.slice(0, replicas).map((_, at) => `p${at}`));
    }
  });
});

describe('replica controllers', () => {
  beforeEach(async () => {
    cluster = await startCluster(['replicaset-controller', 'replicationcontroller-controller']);
  });

  it('adopt matching orphans and release pods that stop matching', async () => {
    const lonely = { name: 'lone', namespace, labels: { app: 'web' } };
    await cluster.client.create(pods, { ...template(), metadata: lonely } as Pod);
    await cluster.client.create(replicaSets, { metadata, spec: { replicas: 2, selector, template: template() } });
    await settled();
    expect(await podNames()).toHaveLength(2);
    await cluster.client.patch(pods, { namespace, name: 'lone' }, 'merge', { metadata: { labels: { app: 'other' } } });
    await settled();
    expect(await podNames()).toHaveLength(3);
    const lone = await cluster.client.get(pods, { namespace, name: 'lone' });
    expect(lone.metadata?.ownerReferences).toBeUndefined();
  });

  it('delete the pods first that are not running, and cheap ones before dear ones', async () => {
    await cluster.client.create(replicationControllers, { metadata, spec: { replicas: 3, template: template() } });
    await settled();
    const [first, second] = await podNames();
    await cluster.runPods(namespace, (pod) => pod.metadata?.name === first || pod.metadata?.name === second);
    const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '10' };
    await cluster.client.patch(pods, { namespace, name: first ?? '' }, 'merge', { metadata: { annotations } });
    for (const replicas of [2, 1]) {
      await cluster.client.patch(replicationControllers, { namespace, name: 'web' }, 'merge', { spec: { replicas } });
      await settled();
      await cluster.finishDeletions(namespace);
    }
    expect(await podNames()).toEqual([first]);
  });
});

describe('statefulset-controller', () => {
  beforeEach(async () => {
    cluster = await startCluster(['statefulset-controller']);
  });
  const create = (more: object = {}) =>
    cluster.client.create(statefulSets, {
      metadata,
      spec: { serviceName: 'web', replicas: 3, selector, template: template(), ...more },
    });

  it('creates pods in order, each when the one before is ready', async () => {
    await create();
    for (const expected of [['web-0'], ['web-0', 'web-1'], ['web-0', 'web-1', 'web-2']]) {
      await settled();
      expect(await podNames()).toEqual(expected);
      await cluster.runPods(namespace);
    }
  });

  it('replaces pods from the highest ordinal down and keeps those below the partition', async () => {
    await create({
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
    });
    await settled();
    await cluster.runPods(namespace);
    await cluster.client.patch(statefulSets, { namespace, name: 'web' }, 'merge', {
      spec: { template: template('pause:2') },
    });
    for (let round = 0; round < 4; round++) {
      await settled();
      await cluster.finishDeletions(namespace);
      await cluster.runPods(namespace);
    }
    const images = (await listPods()).map((pod) => [pod.metadata?.name, pod.spec?.containers[0]?.image]);
    expect(images).toEqual([
      ['web-0', 'pause:1'],
      ['web-1', 'pause:2'],
      ['web-2', 'pause:2'],
    ]);
    const { items } = await cluster.client.list(controllerRevisions, { namespace });
    expect(items.map(({ revision }) => revision).sort()).toEqual([1, 2]);
  });
});

describe('statefulset-controller with maxUnavailable', () => {
  it('replaces one after the other all the same, as long as the gate is off', async () => {
    cluster = await startCluster(['statefulset-controller']);
    await cluster.client.create(statefulSets, {
      metadata,
      spec: {
        serviceName: 'web',
        replicas: 5,
        selector,
        template: template(),
        podManagementPolicy: 'Parallel',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } },
      },
    });
    await settled();
    await cluster.runPods(namespace);
    await cluster.client.patch(statefulSets, { namespace, name: 'web' }, 'merge', {
      spec: { template: template('pause:2') },
    });
    await settled();
    await cluster.finishDeletions(namespace);
    const updated = async () =>
      (await listPods()).filter((pod) => pod.spec?.containers[0]?.image === 'pause:2').map((pod) => pod.metadata?.name);
    expect(await updated()).toEqual(['web-4']);
    await cluster.runPods(namespace);
    await cluster.finishDeletions(namespace);
    expect(await updated()).toEqual(['web-3', 'web-4']);
  });
});

describe('daemonset-controller', () => {
  beforeEach(async () => {
    cluster = await startCluster(['daemonset-controller', 'node-lifecycle-controller']);
    await cluster.addNode('n1');
    await cluster.addNode('n2', { disk: 'ssd' });
  });

  it('keeps one pod for each node that fits, as nodes come and change', async () => {
    const spec = { containers: [{ name: 'c', image: 'pause:1' }], nodeSelector: { disk: 'ssd' } };
    await cluster.client.create(daemonSets, {
      metadata,
      spec: { selector, template: { metadata: { labels: { app: 'web' } }, spec } },
    });
    await settled();
    expect(await podNames()).toHaveLength(1);
    await cluster.client.patch(nodes, { name: 'n1' }, 'merge', { metadata: { labels: { disk: 'ssd' } } });
    await settled();
    expect(await podNames()).toHaveLength(2);
    await cluster.client.patch(nodes, { name: 'n2' }, 'merge', { metadata: { labels: { disk: null } } });
    await settled();
    expect(await podNames()).toHaveLength(1);
    expect((await cluster.client.get(daemonSets, { namespace, name: 'web' })).status).toMatchObject({
      desiredNumberScheduled: 1,
      currentNumberScheduled: 1,
      numberMisscheduled: 0,
    });
  });

  it('counts revisions that pods still have among the old ones that it keeps', async () => {
    const template = (image: string) => ({
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image }] },
    });
    const updateStrategy = { type: 'OnDelete' };
    await cluster.client.create(daemonSets, {
      metadata,
      spec: { selector, updateStrategy, revisionHistoryLimit: 1, template: template('pause:1') },
    });
    await settled();
    for (const image of ['pause:2', 'pause:3']) {
      await cluster.client.patch(daemonSets, { namespace, name: 'web' }, 'merge', {
        spec: { template: template(image) },
      });
      await settled();
    }
    const { items } = await cluster.client.list(controllerRevisions, { namespace });
    expect(items.map(({ revision }) => revision).sort()).toEqual([1, 3]);
  });
});

describe('a daemon pod that fails', () => {
  it('is replaced at once the first time, and later after a wait that doubles', async () => {
    cluster = await startCluster(['daemonset-controller', 'node-lifecycle-controller']);
    await cluster.addNode('n1');
    const spec = { containers: [{ name: 'c', image: 'pause:1' }] };
    await cluster.client.create(daemonSets, {
      metadata,
      spec: { selector, template: { metadata: { labels: { app: 'web' } }, spec } },
    });
    await settled();
    const fail = async () => {
      const [name = ''] = await podNames();
      const status = { phase: 'Failed' };
      await cluster.client.patch(pods, { namespace, name }, 'merge', { status }, { subresource: 'status' });
      await settled();
      return name;
    };
    const first = await fail();
    expect(await podNames()).not.toContain(first);
    const second = await fail();
    expect(await podNames()).toEqual([second]);
    await cluster.system.advance(1_000);
    await settled();
    expect(await podNames()).not.toContain(second);
    const third = await fail();
    await cluster.system.advance(1_500);
    await settled();
    expect(await podNames()).toEqual([third]);
    await cluster.system.advance(600);
    await settled();
    expect(await podNames()).not.toContain(third);
  });
});

describe('job-controller', () => {
  beforeEach(async () => {
    cluster = await startCluster(['job-controller', 'ttl-after-finished-controller']);
  });
  const create = (more: object) =>
    cluster.client.create(jobs, {
      metadata,
      spec: { template: template('pause:1', { restartPolicy: 'Never' }), ...more },
    });
  const get = () => cluster.client.get(jobs, { namespace, name: 'web' });
  const finish = async (phase: 'Succeeded' | 'Failed', count = 100) => {
    const running = (await listPods()).filter((pod) => pod.status?.phase === 'Pending').slice(0, count);
    for (const { metadata: pod } of running) {
      await cluster.client.patch(
        pods,
        { namespace, name: pod?.name ?? '' },
        'merge',
        { status: { phase } },
        { subresource: 'status' },
      );
    }
    await settled();
  };

  it('runs as many pods as asked for until enough have succeeded, and counts each once', async () => {
    await create({ completions: 3, parallelism: 2 });
    await settled();
    expect(await podNames()).toHaveLength(2);
    await finish('Succeeded');
    expect(await podNames()).toHaveLength(3);
    await finish('Succeeded');
    const { status } = await get();
    expect(status).toMatchObject({ succeeded: 3, uncountedTerminatedPods: {} });
    expect(status?.conditions?.map(({ type }) => type)).toEqual(['SuccessCriteriaMet', 'Complete']);
    expect((await listPods()).flatMap((pod) => pod.metadata?.finalizers ?? [])).toEqual([]);
  });

  it('fails when more pods failed than its backoff limit', async () => {
    await create({ backoffLimit: 1 });
    await settled();
    await finish('Failed');
    await finish('Failed');
    const { status } = await get();
    expect(status?.failed).toBe(2);
    expect(status?.conditions?.at(-1)).toMatchObject({ type: 'Failed', reason: 'BackoffLimitExceeded' });
  });

  it('gives each pod of an indexed Job its index, and tries a failed index again', async () => {
    await create({ completions: 2, parallelism: 2, completionMode: 'Indexed' });
    await settled();
    const index = (pod: Pod) => pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index'];
    expect((await listPods()).map(index).sort()).toEqual(['0', '1']);
    await finish('Failed', 1);
    await finish('Succeeded');
    expect((await get()).status).toMatchObject({ completedIndexes: '0,1', succeeded: 2, failed: 1 });
  });

  it('deletes a finished Job when its time is over', async () => {
    await create({ ttlSecondsAfterFinished: 60 });
    await settled();
    await finish('Succeeded');
    await cluster.system.advance(30_000);
    expect((await get()).metadata?.deletionTimestamp).toBeUndefined();
    await cluster.system.advance(31_000);
    await settled();
    expect((await get()).metadata?.deletionTimestamp).toBeDefined();
  });

  it('is kept when it does not say when it ended', async () => {
    await create({ ttlSecondsAfterFinished: 1, managedBy: 'example.com/other' });
    const startTime = new Date(cluster.system.clock.now()).toISOString();
    const conditions = ['FailureTarget', 'Failed'].map((type) => ({ type, status: 'True' }));
    const at = { namespace, name: 'web' };
    await cluster.client.patch(jobs, at, 'merge', { status: { startTime, conditions } }, { subresource: 'status' });
    await settled();
    await cluster.system.advance(5_000);
    await settled();
    expect((await get()).metadata?.deletionTimestamp).toBeUndefined();
  });
});

describe('sets whose pods are refused', () => {
  beforeEach(async () => {
    cluster = await startCluster(['statefulset-controller', 'daemonset-controller', 'node-lifecycle-controller']);
    await cluster.addNode('n1');
    const quota = { metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } };
    const created = await cluster.client.create(resourceQuotas, quota);
    const status = { hard: { pods: '0' }, used: { pods: '0' } };
    await cluster.client.update(resourceQuotas, { ...created, status }, { subresource: 'status' });
  });

  it('a StatefulSet says what it is at', async () => {
    const spec = { replicas: 1, serviceName: 'web', selector, template: template() };
    await cluster.client.create(statefulSets, { metadata, spec });
    await settled();
    const { status } = await cluster.client.get(statefulSets, metadata);
    expect(await podNames()).toEqual([]);
    expect(status).toMatchObject({ observedGeneration: 1, replicas: 0, collisionCount: 0 });
    expect(status?.updateRevision).toMatch(/^web-/);
  });

  it('a DaemonSet counts the nodes that lack a pod', async () => {
    await cluster.client.create(daemonSets, { metadata, spec: { selector, template: template() } });
    await settled();
    const { status } = await cluster.client.get(daemonSets, metadata);
    expect(await podNames()).toEqual([]);
    expect(status).toMatchObject({ observedGeneration: 1, desiredNumberScheduled: 1, numberUnavailable: 1 });
  });
});
