/** The store as an actor: what a crash leaves, what a watch does about it, and what it reports. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { storeActor } from '../../../actors/store/index.ts';
import { ActorSystem, isBusError, memorySink } from '../../../src/runtime/index.ts';
import { openStore, remoteStore, type Store } from '../../../src/store/index.ts';
import { text, watched, write } from '../../store/store-contract.ts';

let directory: string;
let system: ActorSystem;
let store: Store;
const log = memorySink();
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubehive-store-actor-'));
  system = new ActorSystem({ placement: 'inline', log });
  await system.start({ definition: storeActor, options: { directory, durability: 'os' } });
  store = remoteStore(system.bus, 'store');
});
afterEach(async () => {
  await system.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Calls until the actor is back. */
async function retried<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!isBusError(error, 'ServiceUnavailable') || tries > 500) throw error;
      await delay(5);
    }
  }
}

test('comes back after a crash with all that was acknowledged, and a watch goes on where it was', async () => {
  const before = watched(store, { prefix: '/k/' });
  for (let n = 0; n < 10; n++) await write(store, `/k/${n}`, 'before');
  await system.kill('store');
  await before.until(({ error }) => error !== undefined);
  expect(before.error).toMatchObject({ code: 'ServiceUnavailable' });
  const seen = before.batches.at(-1)!.revision;
  expect(await retried(() => write(store, '/k/10', 'after'))).toBe(12);
  const after = watched(store, { prefix: '/k/', startRevision: seen + 1 });
  await after.until(({ lines }) => before.lines.length + lines.length >= 11);
  expect([...before.lines, ...after.lines].map((line) => line.split('@')[1])).toEqual(
    Array.from({ length: 11 }, (_, n) => String(n + 2)),
  );
  expect((await store.range({ prefix: '/k/', sort: { by: 'mod' } })).kvs.map((kv) => text(kv.value))).toEqual([
    ...Array(10).fill('before'),
    'after',
  ]);
});

test('crashes under load, again and again, lose nothing that was acknowledged', async () => {
  const acknowledged = new Map<string, number>();
  let isDone = false;
  const writer = async (name: number): Promise<void> => {
    for (let n = 0; !isDone; n++) {
      const key = `/w/${name}`;
      const sent = await write(store, key, String(n)).catch((error: unknown) => {
        if (!isBusError(error, 'ServiceUnavailable')) throw error;
      });
      if (sent === undefined) await delay(2);
      else acknowledged.set(key, n);
    }
  };
  const writers = Array.from({ length: 8 }, (_, n) => writer(n));
  for (let round = 0; round < 5; round++) {
    await delay(30);
    await system.kill('store');
  }
  await delay(50);
  isDone = true;
  await Promise.all(writers);
  const { kvs } = await retried(() => store.range({ prefix: '/w/' }));
  for (const kv of kvs) expect(Number(text(kv.value))).toBeGreaterThanOrEqual(acknowledged.get(kv.key)!);
  expect(kvs.length).toBe(8);
});

test('frees its directory when it stops', async () => {
  await write(store, '/a', '1');
  await system.remove('store');
  const clock = system.clock;
  const again = await openStore({ clock, directory });
  expect((await again.status()).keys).toBe(1);
  await again.close();
});

test('a second one on the same directory does not start, and says why', async () => {
  const second = system.start({
    definition: storeActor,
    address: 'store-2',
    options: { directory },
    restart: { restartsMax: 0 },
  });
  await expect(second).rejects.toThrow(`the data directory ${directory} is in use by another store`);
});

test('counts and times its work', async () => {
  for (let n = 0; n < 3; n++) await write(store, '/a', 'x');
  await store.range({ key: '/a' });
  const metrics = await system.metricsText();
  expect(metrics).toMatch(/^etcd_mvcc_txn_total.* 3$/m);
  expect(metrics).toMatch(/^etcd_mvcc_range_total.* 1$/m);
  expect(metrics).toMatch(/^kubehive_store_txn_duration_seconds_count.* 3$/m);
});

test('a settled system has written what it had to, also under virtual time', async () => {
  const quiet = new ActorSystem({ placement: 'inline', clock: 'virtual', seed: 1, log });
  const options = { directory: join(directory, 'virtual') };
  await quiet.start({ definition: storeActor, options });
  const there = remoteStore(quiet.bus, 'store');
  const { id } = await there.leaseGrant({ ttlSeconds: 5 });
  await write(there, '/a', '1', id);
  await quiet.advance(6000);
  await quiet.settled();
  expect(await there.status()).toMatchObject({ revision: 3, keys: 0, leases: 0, pendingTxns: 0 });
  await quiet.stop();
});
