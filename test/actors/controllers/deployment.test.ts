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

  describe('asked to roll back by annotation', () => {
    const rollBackTo = (revision: string) =>
      cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', {
        metadata: { annotations: { 'deprecated.deployment.rollback.to': revision } },
      });
    const said = async () => {
      const { items } = await cluster.client.list(coreEvents, { namespace });
      return items
        .filter(({ reason }) => reason?.startsWith('DeploymentRollback'))
        .map(({ type, reason, message }) => `${type} ${reason} ${message}`);
    };
    const setCause = (cause: string, image: string) =>
      cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', {
        metadata: { annotations: { 'kubernetes.io/change-cause': cause } },
        spec: { template: { spec: { containers: [{ name: 'c', image }] } } },
      });
    const imageAndAnnotations = async () => {
      const { metadata, spec } = await get();
      return [spec?.template?.spec?.containers?.[0]?.image, metadata?.annotations];
    };

    beforeEach(async () => {
      await cluster.client.create(deployments, deployment('web', 0));
      for (const version of [2, 3]) {
        await cluster.system.settled();
        await setCause(`release ${version}`, `pause:${version}`);
      }
      await cluster.system.settled();
    });

    it.each([
      ['1', 'pause:1', 1, { 'deployment.kubernetes.io/revision': '4' }],
      ['+2', 'pause:2', 2, { 'deployment.kubernetes.io/revision': '4', 'kubernetes.io/change-cause': 'release 2' }],
      ['0', 'pause:2', 2, { 'deployment.kubernetes.io/revision': '4', 'kubernetes.io/change-cause': 'release 2' }],
    ])('%s: has the template and the annotations of that revision', async (asked, image, revision, annotations) => {
      await rollBackTo(asked);
      await cluster.system.settled();
      await cluster.system.advance(2_000);
      await cluster.system.settled();
      expect(await imageAndAnnotations()).toEqual([image, annotations]);
      expect(await said()).toEqual([`Normal DeploymentRollback Rolled back deployment "web" to revision ${revision}`]);
      expect(Object.fromEntries(await sizes())).toHaveProperty('4');
    });

    it.each([
      ['9', 'Warning DeploymentRollbackRevisionNotFound Unable to find the revision to rollback to.'],
      [
        '3',
        'Warning DeploymentRollbackTemplateUnchanged The rollback revision contains the same template as current deployment "web"',
      ],
    ])('%s: says why it stays, and forgets that it was asked', async (asked, event) => {
      await rollBackTo(asked);
      await cluster.system.settled();
      await cluster.system.advance(2_000);
      await cluster.system.settled();
      const annotations = { 'deployment.kubernetes.io/revision': '3', 'kubernetes.io/change-cause': 'release 3' };
      expect(await imageAndAnnotations()).toEqual(['pause:3', annotations]);
      expect(await said()).toEqual([event]);
    });

    it('waits while the Deployment is paused', async () => {
      const pause = (paused: boolean) =>
        cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', { spec: { paused } });
      await pause(true);
      await rollBackTo('1');
      await cluster.system.settled();
      expect((await imageAndAnnotations())[0]).toBe('pause:3');
      expect((await get()).metadata?.annotations).toHaveProperty(['deprecated.deployment.rollback.to'], '1');
      await pause(false);
      await cluster.system.settled();
      expect((await imageAndAnnotations())[0]).toBe('pause:1');
    });

    it('finds no revision before the first', async () => {
      await cluster.client.create(deployments, {
        ...deployment('other', 0),
        metadata: { name: 'other', namespace, annotations: { 'deprecated.deployment.rollback.to': '0' } },
      });
      await cluster.system.settled();
      await cluster.system.advance(2_000);
      await cluster.system.settled();
      expect(await said()).toEqual(['Warning DeploymentRollbackRevisionNotFound Unable to find last revision.']);
      const other = await cluster.client.get(deployments, { namespace, name: 'other' });
      expect(other.metadata?.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    });
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

  it('keeps old ReplicaSets while it is paused and is asked to roll back', async () => {
    await cluster.client.create(deployments, deployment('web', 1, { revisionHistoryLimit: 0, paused: false }));
    await cluster.system.settled();
    await cluster.runPods(namespace);
    const patch = (paused: boolean, to: string | null) =>
      cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', {
        metadata: { annotations: { 'deprecated.deployment.rollback.to': to } },
        spec: { paused },
      });
    await patch(true, '1');
    await cluster.system.settled();
    const old = { metadata: { name: 'old', namespace, labels: { app: 'web' } } };
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'old:1' }] } };
    const spec = { replicas: 0, selector: { matchLabels: { app: 'web' } }, template };
    await cluster.client.create(replicaSets, { ...old, spec });
    await cluster.system.settled();
    expect(await sizes()).toHaveLength(2);
    await patch(true, null);
    await cluster.system.settled();
    expect(await sizes()).toHaveLength(1);
  });

  it('gives its annotations to its ReplicaSet also while it is being deleted', async () => {
    const held = deployment('web', 1);
    await cluster.client.create(deployments, {
      ...held,
      metadata: { ...held.metadata, finalizers: ['example.com/x'] },
    });
    await cluster.system.settled();
    await cluster.client.delete(deployments, { namespace, name: 'web' });
    await cluster.client.patch(deployments, { namespace, name: 'web' }, 'merge', {
      metadata: { annotations: { note: 'last words' } },
    });
    await cluster.system.settled();
    const { items } = await cluster.client.list(replicaSets, { namespace });
    expect(items.map(({ metadata }) => metadata?.annotations?.['note'])).toEqual(['last words']);
  });
});
