import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNotFound, type Toleration } from '../../../src/api/index.ts';
import { coreEvents, leases, nodes, pods } from '../../../src/client/index.ts';
import { startCluster, type TestCluster } from './cluster.ts';

const namespace = 'default';

describe.each([false, true])('nodes that fall silent (controllers alone: %s)', (alone) => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await startCluster(
      ['node-lifecycle-controller', 'taint-eviction-controller', 'pod-garbage-collector-controller'],
      {},
      { alone },
    );
  });
  afterEach(() => cluster.stop());

  const renew = async (name: string) => {
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: `${new Date(cluster.system.clock.now()).toISOString().slice(0, 23)}000Z`,
    };
    const key = { namespace: 'kube-node-lease', name };
    const current = await cluster.client.get(leases, key).catch(() => undefined);
    if (current === undefined) await cluster.client.create(leases, { metadata: key, spec });
    else await cluster.client.update(leases, { ...current, spec });
  };
  const addPod = (name: string, nodeName: string, tolerations: Toleration[] = []) =>
    cluster.client.create(pods, {
      metadata: { name, namespace },
      spec: { nodeName, containers: [{ name: 'c', image: 'pause:1' }], tolerations },
    });
  const get = (name: string) => cluster.client.get(nodes, { name });
  const taints = async (name: string) => (await get(name)).spec?.taints?.map(({ key, effect }) => `${key}:${effect}`);
  const pass = async (seconds: number, ...renewing: string[]) => {
    for (let left = seconds; left > 0; left -= 10) {
      for (const name of renewing) await renew(name);
      await cluster.system.advance(10_000);
      await cluster.system.settled();
    }
  };

  it('become Unknown, are tainted, and lose their pods; those that renew their lease do not', async () => {
    await cluster.addNode('alive');
    await cluster.addNode('silent');
    await addPod('p', 'silent', [
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
    ]);
    await cluster.system.settled();
    await pass(40, 'alive');
    expect(await taints('silent')).toBeUndefined();
    await pass(30, 'alive');
    expect(await taints('silent')).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    expect(await taints('alive')).toBeUndefined();
    expect((await get('silent')).status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    await pass(40, 'alive');
    const pod = await cluster.client.get(pods, { namespace, name: 'p' });
    expect(pod.metadata?.deletionTimestamp).toBeDefined();
    expect(pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      reason: 'DeletionByTaintManager',
    });
  });

  it('keep their pods when every node is silent', async () => {
    await cluster.addNode('one');
    await cluster.addNode('two');
    await addPod('p', 'one');
    await pass(120);
    expect(await taints('one')).toEqual(['node.kubernetes.io/unreachable:NoSchedule']);
    expect((await cluster.client.get(pods, { namespace, name: 'p' })).metadata?.deletionTimestamp).toBeUndefined();
  });

  it('lose the taint again when they are ready, which cancels evictions', async () => {
    await cluster.addNode('n');
    const tolerations = [
      { key: 'k', operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds: 60 },
    ];
    await addPod('p', 'n', tolerations);
    await cluster.client.patch(nodes, { name: 'n' }, 'merge', {
      spec: { taints: [{ key: 'k', effect: 'NoExecute' }] },
    });
    await cluster.system.settled();
    await pass(20, 'n');
    await cluster.client.patch(nodes, { name: 'n' }, 'merge', { spec: { taints: null } });
    await pass(60, 'n');
    expect((await cluster.client.get(pods, { namespace, name: 'p' })).metadata?.deletionTimestamp).toBeUndefined();
    const { items } = await cluster.client.list(coreEvents, { namespace });
    expect(items.map(({ message }) => message)).toContain('Cancelling deletion of Pod default/p');
  });

  it.each([false, true])('lose their pods for good when they are deleted (running: %s)', async (running) => {
    await cluster.addNode('n');
    await addPod('p', 'n');
    if (running) await cluster.runPods(namespace);
    await cluster.system.settled();
    await cluster.client.delete(nodes, { name: 'n' });
    await pass(30);
    await cluster.client.get(pods, { namespace, name: 'p' });
    await pass(20);
    await expect(cluster.client.get(pods, { namespace, name: 'p' })).rejects.toSatisfy(isNotFound);
  });

  it('leave pods that something holds behind as failed, in the generation that was seen', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n');
    const finalizers = ['example.com/hold'];
    await cluster.client.patch(pods, { namespace, name: 'p' }, 'merge', { metadata: { finalizers } });
    await cluster.client.delete(nodes, { name: 'n' });
    await pass(50);
    const { metadata, status } = await cluster.client.get(pods, { namespace, name: 'p' });
    expect(metadata?.deletionTimestamp).toBeDefined();
    expect(status).toMatchObject({ phase: 'Failed', observedGeneration: 1 });
    expect(status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      observedGeneration: 1,
      reason: 'DeletionByPodGC',
      message: 'PodGC: node no longer exists',
    });
  });

  it('let go of the pods that are being deleted while they are out of service', { timeout: 60_000 }, async () => {
    await cluster.stop();
    cluster = await startCluster(['pod-garbage-collector-controller'], {}, { alone });
    const { client, system } = cluster;
    await cluster.addNode('n1');
    const containers = [{ name: 'c', image: 'pause:1' }];
    for (const name of ['stays', 'goes']) {
      await client.create(pods, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'n1', containers } });
    }
    await client.delete(pods, { namespace: 'default', name: 'goes' });
    const conditions = [{ type: 'Ready', status: 'Unknown' }];
    await client.patch(nodes, { name: 'n1' }, 'strategic', { status: { conditions } }, { subresource: 'status' });
    const taints = [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }];
    await client.patch(nodes, { name: 'n1' }, 'merge', { spec: { taints } });
    await system.settled();
    const names = async () => (await client.list(pods)).items.map(({ metadata }) => metadata?.name);
    expect(await names()).toEqual(['stays']);
    await client.delete(pods, { namespace: 'default', name: 'stays' });
    await system.advance(21_000);
    await system.settled();
    expect(await names()).toEqual([]);
  });

  const messages = async () => (await cluster.client.list(coreEvents)).items.map(({ message }) => message);
  const setReady = (name: string, status: string) =>
    cluster.client.patch(
      nodes,
      { name },
      'strategic',
      { status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime: heartbeat() }] } },
      { subresource: 'status' },
    );
  const heartbeat = () => `${new Date(cluster.system.clock.now()).toISOString().slice(0, 19)}Z`;
  const taint = async (name: string, ...taints: object[]) => {
    await cluster.client.patch(nodes, { name }, 'merge', { spec: { taints: taints.length === 0 ? null : taints } });
    await cluster.system.settled();
  };
  const isGoing = async (name: string) =>
    (await cluster.client.get(pods, { namespace, name })).metadata?.deletionTimestamp !== undefined;
  const tolerating = (key: string, tolerationSeconds?: number): Toleration => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });

  it('lose the taint that evicts when the last ready node falls silent, and get their time anew', async () => {
    await cluster.addNode('one');
    await cluster.addNode('two');
    await cluster.system.settled();
    await pass(70, 'two');
    expect(await taints('one')).toContain('node.kubernetes.io/unreachable:NoExecute');
    await pass(70);
    const noSchedule = ['node.kubernetes.io/unreachable:NoSchedule'];
    expect([await taints('one'), await taints('two')]).toEqual([noSchedule, noSchedule]);
    await setReady('two', 'True');
    // Whoever waited while nothing moved waits a whole turn.
    await pass(10, 'two');
    expect(await taints('one')).toEqual(noSchedule);
    await pass(10, 'two');
    expect(await taints('one')).toContain('node.kubernetes.io/unreachable:NoExecute');
    expect(await taints('two')).toBeUndefined();
  });

  it('leave the pods of a node that says itself that it is not ready to its kubelet', async () => {
    for (const name of ['alive', 'unwell', 'silent']) {
      await cluster.addNode(name);
      await addPod(`of-${name}`, name, [
        tolerating('node.kubernetes.io/not-ready'),
        tolerating('node.kubernetes.io/unreachable'),
      ]);
    }
    await cluster.runPods(namespace);
    await setReady('unwell', 'False');
    await pass(80, 'alive', 'unwell');
    const ready = async (name: string) => {
      const { status } = await cluster.client.get(pods, { namespace, name });
      return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    };
    expect([await ready('of-alive'), await ready('of-unwell'), await ready('of-silent')]).toEqual([
      'True',
      'True',
      'False',
    ]);
    expect(await messages()).toContain('Node silent status is now: NodeNotReady');
    expect(await messages()).not.toContain('Node unwell status is now: NodeNotReady');
  });

  it('say nothing of pods when somebody else says that they are Unknown, and add no condition then', async () => {
    await cluster.addNode('alive');
    await cluster.addNode('told');
    await addPod('p', 'told', [tolerating('node.kubernetes.io/unreachable')]);
    await cluster.runPods(namespace);
    await setReady('told', 'Unknown');
    await pass(120, 'alive');
    const { status } = await cluster.client.get(pods, { namespace, name: 'p' });
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect((await get('told')).status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
    expect(await messages()).not.toContain('Node told status is now: NodeNotReady');
  });

  it('let pods stay as the first toleration of each taint says, whatever the others say', async () => {
    await cluster.addNode('n');
    await addPod('long', 'n', [tolerating('k', 60), { operator: 'Exists', tolerationSeconds: 5, effect: 'NoExecute' }]);
    await addPod('always', 'n', [tolerating('k'), tolerating('k', 5)]);
    await addPod('never', 'n');
    await cluster.system.settled();
    await taint('n', { key: 'k', effect: 'NoExecute' });
    expect([await isGoing('never'), await isGoing('long'), await isGoing('always')]).toEqual([true, false, false]);
    await pass(50, 'n');
    expect(await isGoing('long')).toBe(false);
    await pass(20, 'n');
    expect([await isGoing('long'), await isGoing('always')]).toEqual([true, false]);
  });

  it('do not move an eviction that is due when another taint comes, except for one that is not tolerated', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n', [tolerating('first', 60), tolerating('second', 10)]);
    await cluster.system.settled();
    const [first, second, third] = ['first', 'second', 'third'].map((key) => ({ key, effect: 'NoExecute' }));
    await taint('n', first!);
    await pass(10, 'n');
    await taint('n', first!, second!);
    await pass(30, 'n');
    expect(await isGoing('p')).toBe(false);
    await taint('n', first!, second!, third!);
    expect(await isGoing('p')).toBe(true);
    const told = (await cluster.client.list(coreEvents, { namespace })).items.filter(
      ({ reason }) => reason === 'TaintManagerEviction',
    );
    expect(told.map(({ message }) => message).sort()).toEqual([
      'Cancelling deletion of Pod default/p',
      'Marking for deletion Pod default/p',
    ]);
    expect(told[0]?.involvedObject).toEqual({ apiVersion: 'v1', kind: 'Pod', name: 'p', namespace });
  });

  it('say that an eviction is off when somebody else deletes the pod before it is due', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n', [tolerating('k', 60)]);
    await cluster.system.settled();
    await taint('n', { key: 'k', effect: 'NoExecute' });
    await cluster.client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    await pass(10, 'n');
    expect(await messages()).toContain('Cancelling deletion of Pod default/p');
  });

  it('are tainted for eviction by the look after the one that calls them Unknown, one in ten seconds', async () => {
    const silent = ['s1', 's2'];
    for (const name of ['alive', 'well', 'fine', ...silent]) await cluster.addNode(name);
    await cluster.system.settled();
    const tainted = async () => {
      const found = await Promise.all(silent.map((name) => taints(name)));
      return found.filter((each) => each?.includes('node.kubernetes.io/unreachable:NoExecute')).length;
    };
    const isUnknown = async () => (await get('s1')).status?.conditions?.[0]?.status === 'Unknown';
    const step = async () => {
      for (const name of ['alive', 'well', 'fine']) await renew(name);
      await cluster.system.advance(1_000);
      await cluster.system.settled();
    };
    for (let left = 70; left > 0 && !(await isUnknown()); left--) await step();
    expect([await isUnknown(), await taints('s1'), await tainted()]).toEqual([
      true,
      ['node.kubernetes.io/unreachable:NoSchedule'],
      0,
    ]);
    for (let left = 5; left > 0; left--) await step();
    expect(await tainted()).toBe(1);
    for (let left = 9; left > 0; left--) await step();
    expect(await tainted()).toBe(1);
    await step();
    expect(await tainted()).toBe(2);
    const told = (await cluster.system.metricsText()).split('\n').filter((line) => line.startsWith('node_collector_'));
    expect(told).toContain('node_collector_evictions_total{zone=""} 2');
    expect(told).toContain('node_collector_unhealthy_nodes_in_zone{zone=""} 2');
  });

  it('are freed of the taint that evicts when they are seen first, and wait for their turn again', async () => {
    await cluster.stop();
    cluster = await startCluster([], {}, { alone });
    for (const name of ['alive', 'well', 'fine']) await cluster.addNode(name);
    const unwell = ['u1', 'u2'];
    for (const name of unwell) {
      await cluster.client.create(nodes, {
        metadata: { name },
        spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
        status: { conditions: [{ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: '' }] },
      });
    }
    await cluster.startController('node-lifecycle-controller');
    await cluster.system.settled();
    const tainted = async () => {
      const found = await Promise.all(unwell.map((name) => taints(name)));
      return found.filter((each) => each?.includes('node.kubernetes.io/not-ready:NoExecute')).length;
    };
    expect(await tainted()).toBe(1);
    expect(await messages()).toContain('Node u1 event: Registered Node u1 in Controller');
    await cluster.client.delete(nodes, { name: 'fine' });
    await pass(20);
    expect(await tainted()).toBe(2);
    expect(await messages()).toContain('Node fine event: Removing Node fine from Controller');
  });

  it('take pods along that are being deleted already', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n');
    await cluster.client.delete(pods, { namespace, name: 'p' });
    await cluster.system.settled();
    await taint('n', { key: 'k', effect: 'NoExecute' });
    expect(await messages()).toContain('Marking for deletion Pod default/p');
    const { status } = await cluster.client.get(pods, { namespace, name: 'p' });
    expect(status?.conditions?.map(({ reason }) => reason)).toContain('DeletionByTaintManager');
  });

  it('lose the pods that were about to go also after they are gone themselves', async () => {
    await cluster.stop();
    cluster = await startCluster(['taint-eviction-controller'], {}, { alone });
    await cluster.addNode('n');
    await addPod('p', 'n', [tolerating('k', 60)]);
    await taint('n', { key: 'k', effect: 'NoExecute' });
    await cluster.client.delete(nodes, { name: 'n' });
    await pass(50);
    expect(await isGoing('p')).toBe(false);
    await pass(20);
    expect(await isGoing('p')).toBe(true);
    expect(await messages()).not.toContain('Cancelling deletion of Pod default/p');
  });

  it('lose a pod that may not be deleted only when they or it change again', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n');
    await cluster.system.settled();
    const allow = await cluster.refuse('DELETE', '', 'pods');
    await taint('n', { key: 'k', effect: 'NoExecute' });
    await pass(10, 'n');
    await allow();
    await pass(600, 'n');
    expect(await isGoing('p')).toBe(false);
    await taint('n', { key: 'k', effect: 'NoExecute' }, { key: 'other', effect: 'NoExecute' });
    expect(await isGoing('p')).toBe(true);
  });

  it('do not hasten an eviction by a taint that is tolerated for no time', async () => {
    await cluster.addNode('n');
    await addPod('p', 'n', [tolerating('first', 60), tolerating('second', 0)]);
    await addPod('q', 'n', [tolerating('first'), tolerating('second', 0)]);
    await cluster.system.settled();
    const [first, second] = ['first', 'second'].map((key) => ({ key, effect: 'NoExecute' }));
    await taint('n', first!);
    await pass(10, 'n');
    await taint('n', first!, second!);
    expect([await isGoing('p'), await isGoing('q')]).toEqual([false, true]);
    await pass(60, 'n');
    expect(await isGoing('p')).toBe(true);
  });

  it('carry the unschedulable taint while they are cordoned', async () => {
    await cluster.addNode('n');
    await cluster.client.patch(nodes, { name: 'n' }, 'merge', { spec: { unschedulable: true } });
    await cluster.system.settled();
    expect(await taints('n')).toEqual(['node.kubernetes.io/unschedulable:NoSchedule']);
    await cluster.client.patch(nodes, { name: 'n' }, 'merge', { spec: { unschedulable: null } });
    await cluster.system.settled();
    expect(await taints('n')).toBeUndefined();
  });
});
