/** What only a log on disk can do wrong: be used twice, be something else, come back changed. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/index.ts';
import { put, remove, text, watched, write } from './store-contract.ts';

let parent: string;
let directory: string;
const stores: Store[] = [];
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kubehive-level-'));
  directory = join(parent, 'not', 'yet', 'there');
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await rm(parent, { recursive: true, force: true });
});

async function open(more: Partial<StoreOptions> = {}, clock = new VirtualClock()): Promise<Store> {
  const store = await openStore({ clock, directory, durability: 'os', compaction: false, ...more });
  stores.push(store);
  return store;
}

test('makes the directory, and syncs by default', async () => {
  const store = await openStore({ clock: new VirtualClock(), directory });
  stores.push(store);
  expect((await store.status()).durability).toBe('sync');
});

test('a second store on a directory is refused, and the message names the directory', async () => {
  const store = await open();
  await expect(open()).rejects.toMatchObject({
    code: 'InUse',
    message: `the data directory ${directory} is in use by another store; stop that one first, or choose another directory`,
    details: { directory },
  });
  await store.close();
  await open();
});

test('comes back with everything: keys, revisions, history, leases, compaction', async () => {
  const first = await open();
  const lease = await first.leaseGrant({ ttlSeconds: 60 });
  const gone = await first.leaseGrant({ ttlSeconds: 60 });
  await first.leaseRevoke(gone.id);
  await write(first, '/a', '1');
  await write(first, '/a', '2', lease.id);
  await first.txn({ success: [put('/b', 'x'), put('/c', 'y')] });
  await remove(first, '/b');
  await first.compact(3);
  const { hash } = await first.hash();
  await first.close();

  const clock = new VirtualClock();
  const second = await open({}, clock);
  expect(await second.status()).toMatchObject({ revision: 5, compactRevision: 3, keys: 2, leases: 1 });
  expect((await second.hash()).hash).toBe(hash);
  const [a] = (await second.range({ key: '/a' })).kvs;
  expect([text(a!.value), a!.createRevision, a!.modRevision, a!.version, a!.lease]).toEqual(['2', 2, 3, 2, lease.id]);
  expect((await second.range({ prefix: '', revision: 4 })).kvs.map((kv) => kv.key)).toEqual(['/a', '/b', '/c']);
  await expect(second.range({ key: '/a', revision: 2 })).rejects.toMatchObject({ code: 'Compacted' });
  const past = watched(second, { prefix: '', startRevision: 3 });
  await past.until(({ lines }) => lines.length === 4);
  expect(past.lines).toEqual(['put /a=2@3', 'put /b=x@4', 'put /c=y@4', 'delete /b@5']);
  expect(await second.leaseTimeToLive(lease.id)).toEqual({ ...lease, remainingSeconds: 60, keys: ['/a'] });
  expect((await second.leaseGrant({ ttlSeconds: 1 })).id).toBe(gone.id + 1);
  await clock.advance(61_000);
  await expect(second.leaseKeepAlive(lease.id)).rejects.toMatchObject({ code: 'LeaseNotFound' });
  // An empty transaction is done when everything before it is durable, the lease's end included.
  await second.txn({});
  expect((await second.range({ prefix: '' })).kvs.map((kv) => kv.key)).toEqual(['/c']);
});

test('the delete that a compaction stopped at is still told, and its revision never comes again', async () => {
  const first = await open();
  await write(first, '/a', '1');
  await remove(first, '/a');
  await first.compact(3);
  await first.hash();
  await first.close();
  const second = await open();
  const past = watched(second, { prefix: '', startRevision: 3 });
  await past.until(({ lines }) => lines.length === 1);
  expect(past.lines).toEqual(['delete /a@3']);
  expect(await write(second, '/a', '2')).toBe(4);
  expect((await second.range({ key: '/a' })).kvs[0]!.version).toBe(1);
});

test('what a compaction had not swept up when the process ended is swept at the next opening', async () => {
  const first = await open();
  for (let n = 0; n < 5000; n++) void write(first, `/k/${n % 5}`, `${n}`);
  await write(first, '/end', '');
  // Closed before the sweep, which goes on turn by turn, can have gone far.
  const compacted = first.compact(5002);
  await first.close();
  await compacted;
  const second = await open();
  expect(await second.status()).toMatchObject({ compactRevision: 5002, keys: 6, historyRecords: 1 });
  const { hash } = await second.hash();
  await second.close();
  const third = await open();
  expect((await third.hash()).hash).toBe(hash);
  expect((await third.status()).bytes).toBeLessThan(100);
});

test('values beyond the cache are read from disk: by ranges, watches, transactions and hashes', async () => {
  const store = await open({ limits: { cacheBytesMax: 1000 } });
  const value = (n: number): string => `${n}`.padEnd(100, 'x');
  for (let n = 0; n < 200; n++) await write(store, `/k/${String(n).padStart(3, '0')}`, value(n));
  await remove(store, '/k/150');
  expect((await store.status()).cachedBytes).toBeLessThanOrEqual(1000);
  const all = await store.range({ prefix: '/k/' });
  expect(all.kvs.map((kv) => text(kv.value))).toEqual(
    Array.from({ length: 200 }, (_, n) => value(n)).filter((_, n) => n !== 150),
  );
  expect((await store.status()).cachedBytes).toBeLessThanOrEqual(1000);
  const past = watched(store, { prefix: '/k/', startRevision: 2, prevKv: true });
  // The watch is reading from disk while this goes on.
  for (let n = 0; n < 20; n++) await write(store, '/k/000', value(1000 + n));
  await past.until(({ lines }) => lines.length === 221);
  expect(past.lines[200]).toBe(`delete /k/150@202 was ${value(150)}`);
  expect(past.lines[201]).toBe(`put /k/000=${value(1000)}@203 was ${value(0)}`);
  const { succeeded } = await store.txn({
    compare: [{ key: '/k/007', target: 'value', operator: '=', operand: new TextEncoder().encode(value(7)) }],
  });
  expect(succeeded).toBe(true);
  const { hash } = await store.hash();
  await store.close();
  expect((await (await open()).hash()).hash).toBe(hash);
});

test('refuses a directory that holds something else, and a newer format', async () => {
  const other = new Level(join(parent, 'other'));
  await other.put('hello', 'world');
  await other.close();
  await expect(open({ directory: join(parent, 'other') })).rejects.toMatchObject({ code: 'Corrupt' });
  const newer = new Level(join(parent, 'newer'));
  await newer.put('m/format', '2');
  await newer.close();
  await expect(open({ directory: join(parent, 'newer') })).rejects.toThrow('has format 2; this release reads 1');
  await mkdir(join(parent, 'file'));
  await writeFile(join(parent, 'file', 'CURRENT'), 'nonsense');
  await expect(open({ directory: join(parent, 'file') })).rejects.toMatchObject({ code: 'Corrupt' });
});

test('a durability that contradicts the directory is refused', async () => {
  await expect(open({ durability: 'memory' })).rejects.toMatchObject({ code: 'InvalidRequest' });
  await expect(openStore({ clock: new VirtualClock(), durability: 'sync' })).rejects.toMatchObject({
    code: 'InvalidRequest',
  });
});

test('a watch that compaction overtakes while it reads from disk ends with the error', async () => {
  const store = await open({ limits: { cacheBytesMax: 0 } });
  for (let n = 0; n < 3000; n++) void write(store, `/k/${n}`, 'x');
  const { revision } = await store.txn({ success: [put('/end', '')] });
  const past = watched(store, { prefix: '', startRevision: 2 });
  await store.compact(revision);
  await past.until(({ error }) => error !== undefined);
  expect(past.error).toMatchObject({ code: 'Compacted', compactRevision: revision });
  // What it was told until then is whole and in order.
  expect(past.lines).toEqual(Array.from({ length: past.lines.length }, (_, n) => `put /k/${n}=x@${n + 2}`));
});

test('a hash or snapshot that the end of the store overtakes fails with Closed, and hangs nowhere', async () => {
  const store = await open({ limits: { cacheBytesMax: 0 } });
  for (let n = 0; n < 5000; n++) void write(store, `/k/${n % 100}`, 'x');
  const { revision } = await store.txn({ success: [put('/end', '')] });
  const reading = Promise.allSettled([store.hash(), store.snapshot(join(parent, 'one.snapshot'))]);
  void store.compact(revision);
  const waiting = Promise.allSettled([store.hash(), store.snapshot(join(parent, 'two.snapshot'))]);
  await store.close();
  for (const outcome of [...(await reading), ...(await waiting)]) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'Closed' });
  }
  expect((await waiting).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
});
