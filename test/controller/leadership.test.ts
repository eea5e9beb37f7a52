import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { controllerActor, controllerManagerActor } from '../../actors/controllers/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { type Client, createBusClient, leases, pods, replicaSets } from '../../src/client/index.ts';
import { ActorSystem, memorySink } from '../../src/runtime/index.ts';

const namespace = 'default';
const identity = { user: 'admin', groups: ['system:masters'], userAgent: 'test' };
const lease = { namespace: 'kube-system', name: 'kube-controller-manager' };

describe('two controller processes on one API server', () => {
  let system: ActorSystem;
  let client: Client;
  /** Calls to the API server by the sets' ReplicaSet controllers, with their virtual times. */
  let acted: { readonly set: string; readonly timeMs: number }[];

  const addSet = async (set: string) => {
    await system.start({
      definition: controllerManagerActor,
      address: `${set}/manager`,
      options: { identity: set },
      identity,
    });
    await system.start({
      definition: controllerActor,
      address: `${set}/replicaset-controller`,
      options: { controller: 'replicaset-controller', leader: `${set}/manager` },
      identity,
    });
  };
  const scale = (replicas: number) =>
    client.patch(replicaSets, { namespace, name: 'web' }, 'merge', { spec: { replicas } });
  const podCount = async () => (await client.list(pods, { namespace })).items.length;
  const settle = async (ms: number) => {
    await system.advance(ms);
    await system.settled();
  };
  const setsSince = (fromMs: number) => [
    ...new Set(acted.filter(({ timeMs }) => timeMs >= fromMs).map(({ set }) => set)),
  ];

  beforeEach(async () => {
    system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 3, log: memorySink() });
    acted = [];
    system.tap(({ from, kind }) => {
      const [set = '', actor] = from.split('/');
      if (kind === 'call' && actor === 'replicaset-controller') acted.push({ set, timeMs: system.clock.monotonic() });
    });
    await system.start([
      { definition: storeActor },
      { definition: apiserverActor, options: { serviceAccountAdmission: false } },
    ]);
    client = createBusClient((await system.connect('test', identity)).bus);
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'pause:1' }] } };
    await client.create(replicaSets, {
      metadata: { name: 'web', namespace },
      spec: { replicas: 2, selector: { matchLabels: { a: 'b' } }, template },
    });
    await addSet('a');
    await settle(5_000);
    await addSet('b');
    await settle(5_000);
  });
  afterEach(() => system.stop());

  it('never act both: the second waits while the first holds the Lease', async () => {
    expect((await client.get(leases, lease)).spec?.holderIdentity).toBe('a');
    await scale(5);
    await settle(10_000);
    expect(await podCount()).toBe(5);
    expect(setsSince(0)).toEqual(['a']);
  });

  it('change over at once when the first stops and gives the Lease back', async () => {
    const fromMs = system.clock.monotonic();
    await system.remove('a/replicaset-controller');
    await system.remove('a/manager');
    await scale(3);
    await settle(6_000);
    expect((await client.get(leases, lease)).spec?.holderIdentity).toBe('b');
    expect(await podCount()).toBe(3);
    expect(setsSince(fromMs)).toEqual(['b']);
  });

  it('change over when the first is cut off, and only after it has stopped acting', { timeout: 180_000 }, async () => {
    const cutMs = system.clock.monotonic();
    // Nothing that the first one's manager sends arrives any more; its controllers still reach the API server.
    system.intercept(({ from, to }) => (from === 'a/manager' && to === 'apiserver' ? 'drop' : 'deliver'));
    for (let replicas = 3; replicas <= 16; replicas++) {
      await scale(replicas);
      await settle(2_700);
    }
    expect(await podCount()).toBe(16);
    const lastOfFirst = Math.max(...acted.filter(({ set }) => set === 'a').map(({ timeMs }) => timeMs));
    const firstOfSecond = Math.min(...acted.filter(({ set }) => set === 'b').map(({ timeMs }) => timeMs));
    expect(firstOfSecond).toBeGreaterThan(lastOfFirst);
    expect(lastOfFirst - cutMs).toBeLessThan(15_000);
    expect((await client.get(leases, lease)).spec?.holderIdentity).toBe('b');
  });
});
