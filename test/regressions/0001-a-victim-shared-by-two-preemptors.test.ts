/**
 * Two pods preempt at once and choose one victim in common. The first deletes it while the second still evicts its
 * other victim, so that the deletion that should wake the second up is over before it waits for it: it stayed gated
 * for good.
 */
import { expect, test } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { schedulerActor } from '../../actors/scheduler/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import type { Pod } from '../../src/api/index.ts';
import { createBusClient, nodes, pods } from '../../src/client/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { makeNode } from '../support/scheduling.ts';

test('both preemptors find their place', async () => {
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 9, log: () => {} });
  const identity = { user: 'system:kube-scheduler', groups: ['system:masters'], userAgent: 'kube-scheduler' };
  await system.start([
    { definition: storeActor },
    { definition: apiserverActor, options: { serviceAccountAdmission: false } },
    { definition: schedulerActor, identity },
  ]);
  const { bus } = await system.connect('test', { user: 'admin', groups: ['system:masters'], userAgent: 'test' });
  const client = createBusClient(bus);
  const namespace = 'default';
  const add = (names: string[], urgent: boolean) =>
    Promise.all(
      names.map((name) =>
        client.create(pods, {
          metadata: { name, namespace },
          spec: {
            terminationGracePeriodSeconds: 0,
            ...(urgent ? { priorityClassName: 'system-cluster-critical' } : {}),
            containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '700m' } } }],
          },
        } as Pod),
      ),
    );
  await client.create(nodes, makeNode('n0', {}, {}, { cpu: '2' }));
  await client.patch(nodes, { name: 'n0' }, 'merge', { spec: { taints: null } });
  await add(['low-0', 'low-1'], false);
  await system.settled();
  await add(['high-0', 'high-1'], true);
  await system.settled();
  await system.advance(20_000);
  await system.settled();
  const { items } = await client.list(pods, { namespace });
  expect(items.map(({ metadata, spec }) => [metadata?.name, spec?.nodeName])).toEqual([
    ['high-0', 'n0'],
    ['high-1', 'n0'],
  ]);
  await system.stop();
});
