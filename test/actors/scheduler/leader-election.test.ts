/** Schedulers that elect a leader: one works, a stolen lease stops it, and work goes on when the lease can be had again. */
import { afterEach, expect, test } from 'vitest';
import { apiserverActor } from '../../../actors/apiserver/index.ts';
import { schedulerActor } from '../../../actors/scheduler/index.ts';
import { storeActor } from '../../../actors/store/index.ts';
import { formatMicroTime, type Pod } from '../../../src/api/index.ts';
import { type Client, createBusClient, leases, nodes, pods } from '../../../src/client/index.ts';
import { ActorSystem } from '../../../src/runtime/index.ts';
import { makeNode } from '../../support/scheduling.ts';

let system: ActorSystem;
let client: Client;
afterEach(() => system.stop());

const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
const configuration = {
  leaderElection: { leaderElect: true, leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s' },
};

async function start(schedulers: number): Promise<void> {
  system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, log: () => {} });
  const identity = { user: 'system:kube-scheduler', groups: ['system:masters'], userAgent: 'kube-scheduler' };
  await system.start([
    { definition: storeActor },
    { definition: apiserverActor, options: { serviceAccountAdmission: false } },
    ...Array.from({ length: schedulers }, (_, i) => ({
      definition: schedulerActor,
      address: `scheduler-${i}`,
      options: { configuration },
      identity,
      restart: { restartsMax: 100 },
    })),
  ] as Parameters<ActorSystem['start']>[0]);
  const connection = await system.connect('test', { user: 'admin', groups: ['system:masters'], userAgent: 'test' });
  client = createBusClient(connection.bus);
  await client.create(nodes, makeNode('n1'));
  await client.patch(nodes, { name: 'n1' }, 'merge', { spec: { taints: null } });
  await system.advance(5000);
}

const addPod = (name: string) =>
  client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  } as Pod);
const nodeOf = async (name: string) => (await client.get(pods, { namespace: 'default', name })).spec?.nodeName;
const holder = async () => (await client.get(leases, lease)).spec?.holderIdentity ?? '';

/** Somebody else writes itself into the lease. */
async function steal(): Promise<void> {
  const current = await client.get(leases, lease);
  const renewTime = formatMicroTime(system.clock.now());
  await client.update(leases, { ...current, spec: { ...current.spec, holderIdentity: 'thief', renewTime } });
}

test('the leader schedules', async () => {
  await start(1);
  expect(await holder()).toMatch(/^kube-scheduler_/);
  await addPod('p');
  await system.settled();
  expect(await nodeOf('p')).toBe('n1');
});

test('a stolen lease stops the leader; once the thief is silent it goes on', async () => {
  await start(1);
  await steal();
  // For as long as it may believe that it leads it goes on; then it has to have stopped.
  for (let waited = 0; waited < 14; waited++) {
    await system.advance(1000);
    await steal();
  }
  await addPod('p');
  await system.advance(5000);
  expect(await nodeOf('p')).toBeUndefined();
  expect(await holder()).toBe('thief');
  await system.advance(60_000);
  expect(await holder()).toMatch(/^kube-scheduler_/);
  expect(await nodeOf('p')).toBe('n1');
});

test('of two one works, and the other takes over when it is killed', async () => {
  await start(2);
  const first = await holder();
  expect(first).toMatch(/^kube-scheduler_/);
  await addPod('before');
  await system.settled();
  expect(await nodeOf('before')).toBe('n1');
  await Promise.all([system.kill('scheduler-0'), system.kill('scheduler-1')]);
  await addPod('after');
  await system.advance(60_000);
  expect(await nodeOf('after')).toBe('n1');
  expect(await holder()).not.toBe(first);
});
