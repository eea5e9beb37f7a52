import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiserverActor } from '../../actors/apiserver/index.ts';
import { storeActor } from '../../actors/store/index.ts';
import { isConflict, isNotFound, isServiceUnavailable } from '../../src/api/index.ts';
import {
  apiserverChannels,
  configMaps,
  createHttpClient,
  type HttpClient,
  type WatchEvent,
} from '../../src/client/index.ts';
import { ActorSystem, memorySink } from '../../src/runtime/index.ts';

describe('the client over HTTP', () => {
  let system: ActorSystem;
  let client: HttpClient;
  const namespace = 'default';
  const admin = { user: 'admin', groups: ['system:masters'] };

  beforeEach(async () => {
    system = new ActorSystem({ placement: 'inline', seed: 1, log: memorySink() });
    const options = { http: { host: '127.0.0.1', port: 0 }, httpUser: admin };
    await system.start([{ definition: storeActor }, { definition: apiserverActor, options }]);
    const { http } = await system.bus.call('apiserver', apiserverChannels.info, {});
    client = createHttpClient({ server: `http://127.0.0.1:${http}` });
  });
  afterEach(async () => {
    client.close();
    await system.stop();
  });

  it('creates, reads, updates, patches, lists and deletes', async () => {
    const made = await client.create(configMaps, { metadata: { name: 'a', namespace }, data: { key: '1' } });
    expect(made.metadata?.uid).toBeDefined();
    const updated = await client.update(configMaps, { ...made, data: { key: '2' } });
    await expect(client.update(configMaps, { ...made, data: { key: '3' } })).rejects.toSatisfy(isConflict);
    const key = { namespace, name: 'a' };
    const patched = await client.patch(configMaps, key, 'merge', { data: { other: '4' } });
    expect(patched.data).toEqual({ key: '2', other: '4' });
    expect(patched.metadata?.resourceVersion).not.toBe(updated.metadata?.resourceVersion);
    const { items } = await client.list(configMaps, { namespace });
    expect(items.map(({ kind, metadata }) => [kind, metadata?.name])).toContainEqual(['ConfigMap', 'a']);
    await client.delete(configMaps, key);
    await expect(client.get(configMaps, key)).rejects.toSatisfy(isNotFound);
  });

  it('streams a watch from a resourceVersion on, and ends it when nobody listens', async () => {
    const { resourceVersion } = await client.list(configMaps, { namespace });
    const seen: WatchEvent<{ data?: Record<string, string> | undefined }>[] = [];
    const done = new Promise<void>((resolve, reject) => {
      const subscription = client.watch(configMaps, { namespace, resourceVersion }).subscribe({
        next(event) {
          seen.push(event);
          if (seen.length < 2) return;
          subscription.unsubscribe();
          resolve();
        },
        error: reject,
      });
    });
    await client.create(configMaps, { metadata: { name: 'a', namespace }, data: { text: 'äöü\n' } });
    await client.delete(configMaps, { namespace, name: 'a' });
    await done;
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED']);
    expect(seen[0]).toMatchObject({ object: { data: { text: 'äöü\n' } } });
  });

  it('rejects with ServiceUnavailable when nobody listens on the port', async () => {
    const nowhere = createHttpClient({ server: 'http://127.0.0.1:1' });
    await expect(nowhere.list(configMaps)).rejects.toSatisfy(isServiceUnavailable);
    nowhere.close();
  });
});
