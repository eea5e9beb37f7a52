/** Pod groups: all or nothing, while the gates and the alpha version of the API are on. */
import { afterEach, expect, test } from 'vitest';
import type { Pod } from '../../../../src/api/index.ts';
import { nodes, podGroups, pods } from '../../../../src/client/index.ts';
import { makeNode } from '../../../support/scheduling.ts';
import { type SchedulingCluster, startSchedulingCluster } from '../../../support/scheduling-cluster.ts';

let fixture: SchedulingCluster;
afterEach(() => fixture.cluster.stop());

const both = { GenericWorkload: true, GangScheduling: true };
const namespace = 'default';

async function start(featureGates: Record<string, boolean> = both): Promise<void> {
  fixture = await startSchedulingCluster({
    featureGates,
    ...(featureGates['GenericWorkload'] ? { runtimeConfig: { 'scheduling.k8s.io/v1alpha2': 'true' } } : {}),
  });
}

const addGroup = (name: string, minCount: number) =>
  fixture.cluster.client.create(podGroups, {
    metadata: { name, namespace },
    spec: { schedulingPolicy: { gang: { minCount } } },
  });

const addNode = (name: string, cpu: string) => fixture.cluster.client.create(nodes, makeNode(name, {}, {}, { cpu }));

const addPod = (name: string, podGroupName: string, cpu = '1', more: Partial<Pod['spec']> = {}) =>
  fixture.cluster.client.create(pods, {
    metadata: { name, namespace },
    spec: {
      schedulingGroup: { podGroupName },
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
      ...more,
    },
  } as Pod);

const isPlaced = async (name: string) => Boolean((await fixture.pod(name)).spec?.nodeName);

test('no pod of a gang is attempted before its group and enough of its pods are here', async () => {
  await start();
  await addNode('n1', '8');
  await addPod('a', 'gang');
  await addGroup('gang', 2);
  await addPod('other', 'loners');
  await addGroup('loners', 1);
  expect(await fixture.nodeOf('other')).toBe('n1');
  expect(await isPlaced('a')).toBe(false);
  await addPod('b', 'gang');
  expect(await fixture.nodeOf('a')).toBe('n1');
  expect(await fixture.nodeOf('b')).toBe('n1');
});

test('a gang that does not fit as a whole takes nothing, and its pods say why', async () => {
  await start();
  await addNode('n1', '2');
  await addGroup('gang', 3);
  for (const name of ['a', 'b', 'c']) await addPod(name, 'gang');
  const messages = await Promise.all(['a', 'b', 'c'].map((name) => fixture.messageOf(name)));
  expect(messages.filter((text) => text === 'waiting for minCount pods from a gang to be scheduled')).toHaveLength(2);
  expect(messages.filter((text) => text.startsWith('0/1 nodes are available: 1 Insufficient cpu.'))).toHaveLength(1);
  for (const name of ['a', 'b', 'c']) expect(await isPlaced(name)).toBe(false);
  // What they did not take is there for others.
  await fixture.cluster.client.create(pods, {
    metadata: { name: 'single', namespace },
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }] },
  });
  expect(await fixture.nodeOf('single')).toBe('n1');
  await addNode('n2', '2');
  for (const name of ['a', 'b', 'c']) expect(await fixture.nodeOf(name)).toMatch(/^n/);
});

test('pods beyond the quorum do not hold the others back', async () => {
  await start();
  await addNode('n1', '2');
  await addGroup('gang', 2);
  for (const name of ['a', 'b', 'c']) await addPod(name, 'gang');
  const placed = await fixture.eventually('two placed pods', async () => {
    const found = [];
    for (const name of ['a', 'b', 'c']) if (await isPlaced(name)) found.push(name);
    return found.length === 2 && found;
  });
  const last = ['a', 'b', 'c'].find((name) => !placed.includes(name))!;
  expect(await fixture.messageOf(last)).toContain('Insufficient cpu');
});

test('a group made anew with a smaller quorum lets its pods through', async () => {
  await start();
  await addNode('n1', '8');
  await addGroup('gang', 3);
  await addPod('a', 'gang');
  await addPod('b', 'gang');
  await addPod('other', 'loners');
  await addGroup('loners', 1);
  await fixture.nodeOf('other');
  expect(await isPlaced('a')).toBe(false);
  const { client } = fixture.cluster;
  // Nobody else takes off the finalizer that keeps a group while it has pods.
  await client.patch(podGroups, { namespace, name: 'gang' }, 'merge', { metadata: { finalizers: null } });
  await client.delete(podGroups, { namespace, name: 'gang' });
  await addGroup('gang', 2);
  expect(await fixture.nodeOf('a')).toBe('n1');
  expect(await fixture.nodeOf('b')).toBe('n1');
});

test('a gang of higher priority makes room for all its pods before any is bound', async () => {
  await start();
  await addNode('n1', '1');
  await addNode('n2', '1');
  const { client } = fixture.cluster;
  for (const name of ['low-1', 'low-2']) {
    await client.create(pods, {
      metadata: { name, namespace },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1' } } }],
      },
    });
    await fixture.nodeOf(name);
  }
  await addGroup('gang', 2);
  const urgent = { priorityClassName: 'system-cluster-critical' };
  await addPod('a', 'gang', '1', urgent);
  await addPod('b', 'gang', '1', urgent);
  // Nobody plays the kubelet here: what is evicted goes as soon as it is asked to.
  await fixture.eventually('both victims evicted', async () => {
    const { items } = await client.list(pods, { namespace });
    for (const { metadata } of items) {
      if (!metadata?.deletionTimestamp) continue;
      await client.delete(pods, { namespace, name: metadata.name! }, { gracePeriodSeconds: 0 }).catch(() => undefined);
    }
    return !items.some(({ metadata }) => metadata?.name?.startsWith('low'));
  });
  expect([await fixture.nodeOf('a'), await fixture.nodeOf('b')].sort()).toEqual(['n1', 'n2']);
});

test('with the gates off pods of a group are pods like any other', async () => {
  await start({});
  await addNode('n1', '8');
  await addPod('a', 'gang');
  expect(await fixture.nodeOf('a')).toBe('n1');
});
