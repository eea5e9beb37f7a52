/** The scheduler actor against a real API server and store, inline under the virtual clock. */
import { afterEach, expect, test } from 'vitest';
import { apiserverActor } from '../../../actors/apiserver/index.ts';
import { schedulerActor } from '../../../actors/scheduler/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import type { Node, Pod } from '../../../src/api/index.ts';
import { type Client, createBusClient, events, nodes, pods } from '../../../src/client/index.ts';
import { ActorSystem, type LogRecord, memorySink } from '../../../src/runtime/index.ts';
import { makeNode, makePod, type PodShape } from '../../support/scheduling.ts';

let system: ActorSystem;
let client: Client;
let logs: readonly LogRecord[];

async function start(options: { configuration?: unknown } = {}): Promise<void> {
  const sink = memorySink();
  logs = sink.records;
  system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, log: sink });
  const identity = { user: 'system:kube-scheduler', groups: ['system:masters'], userAgent: 'kube-scheduler' };
  await system.start([
    { definition: storeActor },
    { definition: apiserverActor, options: { serviceAccountAdmission: false } },
    { definition: schedulerActor, options, identity },
  ]);
  const connection = await system.connect('test', { user: 'admin', groups: ['system:masters'], userAgent: 'test' });
  client = createBusClient(connection.bus);
  await system.settled();
}

afterEach(() => system.stop());

/** New nodes are tainted not-ready until a controller sees them ready; here nobody else would take the taint away. */
const addNode = async (node: Node) => {
  await client.create(nodes, node);
  await client.patch(nodes, { name: node.metadata!.name! }, 'merge', { spec: { taints: null } });
};

const create = (name: string, shape: PodShape = {}) => {
  const { metadata, spec } = makePod(name, shape);
  const { uid: _uid, generation: _generation, ...meta } = metadata!;
  const { priority: _priority, ...rest } = spec!;
  return client.create(pods, { metadata: meta, spec: rest } as Pod);
};
const get = (name: string) => client.get(pods, { namespace: 'default', name });
const eventsOf = async (name: string) => {
  const { items } = await client.list(events, { namespace: 'default' });
  return items.filter(({ regarding }) => regarding?.name === name);
};

test('a pod is bound, and an event says where', async () => {
  await start();
  await addNode(makeNode('n1'));
  await create('p');
  await system.settled();
  const pod = await get('p');
  expect(pod.spec?.nodeName).toBe('n1');
  expect(pod.status?.conditions).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  expect(await eventsOf('p')).toMatchObject([
    {
      type: 'Normal',
      reason: 'Scheduled',
      action: 'Binding',
      note: 'Successfully assigned default/p to n1',
      reportingController: 'default-scheduler',
    },
  ]);
  expect(logs.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});

test('a pod that fits nowhere is told why, and is bound when room appears', async () => {
  await start();
  await addNode(makeNode('n1', {}, {}, { cpu: '1' }));
  await create('full', { requests: { cpu: '800m' } });
  await system.settled();
  await create('p', { requests: { cpu: '800m' } });
  await system.settled();
  const message =
    '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
  expect((await get('p')).status?.conditions).toMatchObject([
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, observedGeneration: 1 },
  ]);
  expect(await eventsOf('p')).toMatchObject([
    { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note: message },
  ]);
  await client.delete(pods, { namespace: 'default', name: 'full' }, { gracePeriodSeconds: 0 });
  await system.settled();
  expect((await get('p')).spec?.nodeName).toBe('n1');
});

test('no node is given more pods than it has room for', async () => {
  await start();
  for (let i = 0; i < 10; i++) await addNode(makeNode(`n${i}`, {}, {}, { pods: '20' }));
  await Promise.all(Array.from({ length: 205 }, (_, i) => create(`p-${i}`)));
  await system.settled();
  const { items } = await client.list(pods, { namespace: 'default' });
  const counts = new Map<string, number>();
  for (const { spec } of items) counts.set(spec?.nodeName ?? '', (counts.get(spec?.nodeName ?? '') ?? 0) + 1);
  expect(counts.get('')).toBe(5);
  counts.delete('');
  expect([...counts.values()]).toEqual(Array.from({ length: 10 }, () => 20));
});

test('a pod of higher priority preempts: nominated node, condition, events, and then the node', async () => {
  await start();
  await addNode(makeNode('n1', {}, {}, { cpu: '1' }));
  await create('victim', { requests: { cpu: '800m' } });
  await system.settled();
  await create('p', { requests: { cpu: '800m' }, priorityClassName: 'system-cluster-critical', namespace: 'default' });
  await system.settled();
  const victim = await get('victim');
  expect(victim.metadata?.deletionTimestamp).toBeDefined();
  expect(victim.status?.conditions).toMatchObject([
    { type: 'PodScheduled', status: 'True' },
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    },
  ]);
  const preemptor = await get('p');
  expect(preemptor.status?.nominatedNodeName).toBe('n1');
  expect(preemptor.spec?.nodeName).toBeUndefined();
  expect((await eventsOf('victim')).map(({ reason, note }) => [reason, note])).toContainEqual([
    'Preempted',
    `Preempted by pod ${preemptor.metadata?.uid} on node n1`,
  ]);
  await client.delete(pods, { namespace: 'default', name: 'victim' }, { gracePeriodSeconds: 0 });
  await system.settled();
  expect((await get('p')).spec?.nodeName).toBe('n1');
});

test('as many preemptors as nodes all get their place', async () => {
  await start();
  for (let i = 0; i < 5; i++) await addNode(makeNode(`n${i}`));
  const low = { requests: { cpu: '900m' }, terminationGracePeriodSeconds: 0 };
  await Promise.all(Array.from({ length: 20 }, (_, i) => create(`low-${i}`, low)));
  await system.settled();
  const high = { requests: { cpu: '3' }, priorityClassName: 'system-cluster-critical' };
  await Promise.all(Array.from({ length: 5 }, (_, i) => create(`high-${i}`, high)));
  await system.settled();
  const { items } = await client.list(pods, { namespace: 'default' });
  const placed = items.filter(({ metadata }) => metadata?.name?.startsWith('high')).map(({ spec }) => spec?.nodeName);
  expect(placed.sort()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
  expect(items.length).toBe(10);
});

test('pods of other schedulers are left alone', async () => {
  await start();
  await addNode(makeNode('n1'));
  await create('p', { schedulerName: 'somebody-else' });
  await system.settled();
  const pod = await get('p');
  expect(pod.spec?.nodeName).toBeUndefined();
  expect(pod.status?.conditions ?? []).toEqual([]);
});

test('a restarted scheduler goes on where it was', async () => {
  await start();
  await addNode(makeNode('n1', {}, {}, { cpu: '1' }));
  await create('a', { requests: { cpu: '800m' } });
  await create('b', { requests: { cpu: '800m' } });
  await system.settled();
  await system.kill('scheduler');
  await addNode(makeNode('n2', {}, {}, { cpu: '1' }));
  await system.settled();
  const placed = [(await get('a')).spec?.nodeName, (await get('b')).spec?.nodeName].sort();
  expect(placed).toEqual(['n1', 'n2']);
});
