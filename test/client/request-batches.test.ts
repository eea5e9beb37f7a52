/** Requests of one turn as one message: what is sent, and that each keeps its own answer. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { isConflict, isNotFound, isServiceUnavailable } from '../../src/api/index.ts';
import { type Client, configMaps, createBusClient, pods } from '../../src/client/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';

const pod = (name: string) => ({
  metadata: { namespace: 'default', name },
  spec: { containers: [{ name: 'web', image: 'web' }] },
});
const bindingTo = (node: string, name: string) => ({
  apiVersion: 'v1',
  kind: 'Binding',
  metadata: { namespace: 'default', name },
  target: { kind: 'Node', name: node },
});

let system: ActorSystem;
let client: Client;
let calls: string[];
const bind = (name: string, node: string) =>
  client.post(pods, { namespace: 'default', name }, 'binding', bindingTo(node, name));

beforeEach(async () => {
  system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
  await system.start([
    { definition: storeActor },
    { definition: apiserverActor, options: { disabledAdmissionPlugins: ['ServiceAccount'] } },
  ]);
  const { bus } = await system.connect('test', { user: 'admin', groups: ['system:masters'] });
  client = createBusClient(bus, { batched: true });
  calls = [];
  system.tap(({ from, kind, channel }) => {
    if (from === 'test' && kind === 'call') calls.push(channel);
  });
});
afterEach(() => system.stop());

describe('requests of one turn', () => {
  it('go as one message, and each has its own answer or refusal', async () => {
    await Promise.all(['a', 'b', 'c'].map((name) => client.create(pods, pod(name))));
    await bind('b', 'node-0');
    calls.length = 0;
    const [a, b, c, missing] = await Promise.allSettled([
      bind('a', 'node-1'),
      bind('b', 'node-1'),
      bind('c', 'node-2'),
      bind('missing', 'node-1'),
    ]);
    expect(calls).toEqual(['api.batch']);
    expect(a).toMatchObject({ status: 'fulfilled', value: { kind: 'Status', status: 'Success' } });
    expect(c).toMatchObject({ status: 'fulfilled' });
    expect(b?.status === 'rejected' && isConflict(b.reason)).toBe(true);
    expect(missing?.status === 'rejected' && isNotFound(missing.reason)).toBe(true);
    const listed = await client.list(pods, { namespace: 'default' });
    expect(listed.items.map(({ metadata, spec }) => [metadata?.name, spec?.nodeName])).toEqual([
      ['a', 'node-1'],
      ['b', 'node-0'],
      ['c', 'node-2'],
    ]);
  });

  it('goes as it is when it is the only one, or can be cancelled', async () => {
    await client.create(configMaps, { metadata: { namespace: 'default', name: 'alone' } });
    const { signal } = new AbortController();
    await Promise.all(
      ['x', 'y'].map((name) => client.create(configMaps, { metadata: { namespace: 'default', name } }, { signal })),
    );
    expect(calls).toEqual(['api.request', 'api.request', 'api.request']);
  });

  it('become several messages when they are many, and all are answered', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `many-${index}`);
    const made = await Promise.all(
      names.map((name) => client.create(configMaps, { metadata: { namespace: 'default', name } })),
    );
    expect(made.map(({ metadata }) => metadata?.name)).toEqual(names);
    expect(calls).toEqual(['api.batch', 'api.batch', 'api.batch', 'api.batch']);
  });

  it('are all refused as unavailable when the API server has gone', async () => {
    await system.remove('apiserver');
    const outcomes = await Promise.allSettled([bind('a', 'node-1'), bind('b', 'node-1')]);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && isServiceUnavailable(outcome.reason)).toBe(true);
    }
  });
});
