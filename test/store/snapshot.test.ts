/** Snapshots: what goes in comes out, and what is damaged is refused before anything is made of it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import { openStore, restoreSnapshot, type Store } from '../../src/store/index.ts';
import { remove, watched, write } from './store-contract.ts';

let parent: string;
let path: string;
let store: Store;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'kubehive-snapshot-'));
  path = join(parent, 'backups', 'one.snapshot');
  store = await openStore({ clock: new VirtualClock() });
});
afterEach(async () => {
  await store.close();
  await rm(parent, { recursive: true, force: true });
});

async function fill(): Promise<void> {
  const { id } = await store.leaseGrant({ ttlSeconds: 60, id: 9 });
  for (let n = 0; n < 1500; n++) await write(store, `/k/${n % 700}`, `${n}`.repeat(50), n % 100 === 0 ? id : undefined);
  await remove(store, '/k/1');
  await store.compact(600);
}

test('a restored store equals the one of the snapshot, history included, and goes on from there', async () => {
  await fill();
  const before = await store.hash();
  const { revision, bytes } = await store.snapshot(path);
  expect(revision).toBe(1502);
  expect((await readFile(path)).length).toBe(bytes);
  await write(store, '/after', 'x');
  const directory = join(parent, 'restored');
  expect(await restoreSnapshot(path, directory)).toEqual({ revision });
  const restored = await openStore({ clock: new VirtualClock(), directory });
  try {
    expect(await restored.hash()).toEqual(before);
    expect(await restored.leaseTimeToLive(9)).toMatchObject({ remainingSeconds: 60 });
    expect((await restored.leaseTimeToLive(9)).keys.length).toBeGreaterThan(5);
    const past = watched(restored, { key: '/k/1', startRevision: 600 });
    await past.until(({ lines }) => lines.length === 3);
    expect(past.lines.at(-1)).toBe('delete /k/1@1502');
    expect(await write(restored, '/k/0', 'new')).toBe(1503);
  } finally {
    await restored.close();
  }
});

test('a snapshot taken while writes and a compaction go on is of one moment', async () => {
  await fill();
  const { hash, revision } = await store.hash();
  const taken = store.snapshot(path);
  for (let n = 0; n < 500; n++) void write(store, `/k/${n}`, 'changed');
  await store.compact((await store.status()).revision);
  expect((await taken).revision).toBe(revision);
  const directory = join(parent, 'restored');
  await restoreSnapshot(path, directory);
  const restored = await openStore({ clock: new VirtualClock(), directory });
  expect((await restored.hash()).hash).toBe(hash);
  await restored.close();
});

test('an empty store makes a snapshot too', async () => {
  expect((await store.snapshot(path)).revision).toBe(1);
  await restoreSnapshot(path, join(parent, 'restored'));
  const restored = await openStore({ clock: new VirtualClock(), directory: join(parent, 'restored') });
  expect(await restored.status()).toMatchObject({ revision: 1, keys: 0 });
  await restored.close();
});

test('a damaged or cut file is refused, and nothing is made of it', async () => {
  await fill();
  await store.snapshot(path);
  const whole = await readFile(path);
  const flipped = Buffer.from(whole);
  flipped[whole.length >> 1]! ^= 1;
  for (const damaged of [
    flipped,
    whole.subarray(0, whole.length - 100),
    whole.subarray(0, 10),
    Buffer.alloc(0),
    Buffer.from('something else, long enough to be looked at'),
  ]) {
    await writeFile(path, damaged);
    await expect(restoreSnapshot(path, join(parent, 'restored'))).rejects.toMatchObject({ code: 'Corrupt' });
  }
  expect(await readdir(parent)).toEqual(['backups']);
});

test('a directory that is not empty is refused', async () => {
  await store.snapshot(path);
  await expect(restoreSnapshot(path, join(parent, 'backups'))).rejects.toMatchObject({ code: 'InUse' });
});
