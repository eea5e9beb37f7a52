import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../src/api/index.ts';
import { coreEvents, deployments, pods, replicaSets } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

function deployment(name: string, replicas: number, more: Partial<NonNullable<Deployment['spec']>> = {}): Deployment {
  return {
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'pause:1' }] },
      },
      ...more,
    },
  };
}

describe('deployment-controller', () => {
  let cluster: TestCluster;
  const sizes = async () => {
    const { items } = await cluster.client.list(replicaSets, { namespace });
    return items
      .map((set) => [set.metadata?.annotations?.['deployment.kubernetes.io/revision'], set.spec?.replicas])
      .sort();
  };
  const get = () => cluster.client.get(deployments, { namespace, name: 'web' });
  const setImage = (image: string) =>
    cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', {
      spec: { template: { spec: { containers: [{ name: 'c', image }] } } },
    });

  beforeEach(async () => {
    cluster = await startCluster(['deployment-controller', 'replicaset-controller']);
  });
  afterEach(() => cluster.stop());

  it('creates a ReplicaSet with its pods, and becomes available when they are ready', async () => {
    await cluster.client.create(deployments, deployment('web', 3));
    await cluster.system.settled();
    expect((await cluster.client.list(pods, { namespace })).items).toHaveLength(3);
    await cluster.runPods(namespace);
    const { status, metadata } = await get();
    expect(metadata?.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    });
    expect(status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ]);
    const { items } = await cluster.client.list(coreEvents, { namespace });
    const messages = items.map((event) => `${event.reason} ${event.message}`).sort();
    expect(messages).toHaveLength(4);
    expect(messages[0]).toMatch(/^ScalingReplicaSet Scaled up replica set web-[a-z0-9]+ from 0 to 3$/);
    expect(messages[1]).toMatch(/^SuccessfulCreate Created pod: web-[a-z0-9]+-[a-z0-9]{5}$/);
  });

  it('rolls over in the steps that surge and unavailable allow', async () => {
    const rollingUpdate = { maxSurge: 0, maxUnavailable: 2 };
    await cluster.client.create(
      deployments,
      deployment('web', 5, { strategy: { type: 'RollingUpdate', rollingUpdate } }),
    );
    await cluster.system.settled();
    await cluster.runPods(namespace);
    await setImage('pause:2');
    await cluster.system.settled();
    await cluster.finishDeletions(namespace);
    expect(await sizes()).toEqual([
      ['1', 3],
      ['2', 2],
    ]);
    await cluster.runPods(namespace);
    await cluster.finishDeletions(namespace);
    expect(await sizes()).toEqual([
      ['1', 1],
      ['2', 4],
    ]);
    await cluster.runPods(namespace);
    await cluster.finishDeletions(namespace);
    await cluster.runPods(namespace);
    expect(await sizes()).toEqual([
      ['1', 0],
      ['2', 5],
    ]);
    expect((await get()).metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
  });

  it('recreates only when the old pods are gone', async () => {
    await cluster.client.create(deployments, deployment('web', 2, { strategy: { type: 'Recreate' } }));
    await cluster.system.settled();
    await cluster.runPods(namespace);
    await setImage('pause:2');
    await cluster.system.settled();
    expect(await sizes()).toEqual([['1', 0]]);
    await cluster.finishDeletions(namespace);
    expect(await sizes()).toEqual([
      ['1', 0],
      ['2', 2],
    ]);
  });

  it('reports a rollout that makes no progress within its deadline', async () => {
    await cluster.client.create(deployments, deployment('web', 1, { progressDeadlineSeconds: 60 }));
    await cluster.system.settled();
    await cluster.system.advance(62_000);
    await cluster.system.settled();
    const progressing = (await get()).status?.conditions?.find(({ type }) => type === 'Progressing');
    expect(progressing).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
  });

  it('keeps no more old ReplicaSets than its history limit', async () => {
    await cluster.client.create(deployments, deployment('web', 0, { revisionHistoryLimit: 1 }));
    for (const image of ['pause:2', 'pause:3', 'pause:4']) {
      await cluster.system.settled();
      await setImage(image);
    }
    await cluster.system.settled();
    expect(await sizes()).toEqual([
      ['3', 0],
      ['4', 0],
    ]);
  });
});
