/** The contract of the store once more, over the bus: the store actor and its remote view, in one thread. */
import { afterEach, describe, expect, test } from 'vitest';
import { storeActor } from '../../actors/store/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';
import { remoteStore } from '../../src/store/index.ts';
import { bytes, describeStore, put, text, watched, write } from './store-contract.ts';

describeStore('the store over the bus', async (options = {}) => {
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1 });
  await system.start({ definition: storeActor, options });
  const store = remoteStore(system.bus, 'store');
  const stop = async (): Promise<void> => {
    await store.close();
    await system.stop();
  };
  return { store, advance: (ms) => system.advance(ms), stop };
});

describe('a remote store', () => {
  let system: ActorSystem;
  afterEach(() => system.stop());

  test('fails with what the bus says while the store is down, and its watches end', async () => {
    system = new ActorSystem({ placement: 'inline' });
    await system.start({ definition: storeActor });
    const store = remoteStore(system.bus, 'store');
    await write(store, '/a', '1');
    const watch = watched(store, { prefix: '' });
    await write(store, '/a', '2');
    await system.remove('store');
    await watch.until(({ error }) => error !== undefined);
    expect(watch.lines).toEqual(['put /a=2@3']);
    expect(watch.error).toMatchObject({ code: 'ServiceUnavailable' });
    await expect(store.range({ key: '/a' })).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  });

  test('keeps values that are its own: the message that brought one may change afterwards', async () => {
    system = new ActorSystem({ placement: 'inline' });
    await system.start({ definition: storeActor });
    const store = remoteStore(system.bus, 'store');
    const value = bytes('before');
    const done = store.txn({ success: [{ type: 'put', key: '/a', value }] });
    value.fill(0);
    await done;
    await Promise.all(Array.from({ length: 2000 }, (_, n) => write(store, `/n/${n}`, 'x'.repeat(100))));
    expect(text((await store.range({ key: '/a' })).kvs[0]!.value)).toBe('before');
  });

  test('survives malformed requests, each refused by itself', async () => {
    system = new ActorSystem({ placement: 'inline' });
    await system.start({ definition: storeActor });
    const store = remoteStore(system.bus, 'store');
    const malformed: unknown[] = [
      null,
      7,
      'x',
      { success: 7 },
      { success: [null] },
      { compare: [{}] },
      { success: [{ type: 'put' }] },
    ];
    for (const request of malformed) {
      await expect(store.txn(request as never)).rejects.toMatchObject({ code: 'InvalidRequest' });
      if (request !== null)
        await expect(store.range(request as never)).rejects.toMatchObject({ code: 'InvalidRequest' });
    }
    expect((await store.txn({ success: [put('/a', '1')] })).revision).toBe(2);
    expect((await system.inspect()).find((actor) => actor.address === 'store')).toMatchObject({ restarts: 0 });
  });

  test('a watch that does not keep up is ended, and nobody else waits for it', async () => {
    system = new ActorSystem({ placement: 'inline' });
    await system.start({ definition: storeActor });
    const { bus } = system.connect('slow');
    // The slow one never says that it has processed anything.
    system.intercept(({ from, kind }) => (from === 'slow' && kind === 'credit' ? 'drop' : 'deliver'));
    const store = remoteStore(system.bus, 'store');
    const slow = watched(remoteStore(bus, 'store'), { prefix: '' });
    const good = watched(store, { prefix: '' });
    const value = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 80; n++) await write(store, '/a', value);
    await slow.until(({ error }) => error !== undefined);
    expect(slow.error).toMatchObject({ code: 'ResourceExhausted' });
    expect(slow.lines.length).toBeLessThan(5);
    expect(good.lines.length).toBe(80);
    expect((await store.status()).watchers).toBe(1);
  });
});
