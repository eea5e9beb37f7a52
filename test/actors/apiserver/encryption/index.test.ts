import { expect, it } from 'vitest';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import { reasonUnreadable } from '../../../../actors/apiserver/cache/unreadable.ts';
import { createEncryption, type EncryptionOption } from '../../../../actors/apiserver/encryption/index.ts';
import { createKindRegistry } from '../../../../src/api/index.ts';
import { type Log, pack, seededRandom, VirtualClock } from '../../../../src/runtime/index.ts';
import { openStore, type Store } from '../../../../src/store/index.ts';

const secret = (fill: number, bytes = 32) => Buffer.alloc(bytes, fill).toString('base64');
const keys = (...names: string[]) => ({ keys: names.map((name) => ({ name, secret: secret(name.charCodeAt(0)) })) });
const registry = createKindRegistry();
const KEY = '/registry/secrets/default/pw';
const bytes = Buffer.from('hunter2 hunter2');

const clock = new VirtualClock();
const quiet = () => undefined;
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const place = { clock, log: SILENT, random: seededRandom(1), registry, recovered: () => undefined };
const memory = () => openStore({ clock } as never);
const encryptionOf = (plain: Store, providers: EncryptionOption['providers'], resources = ['secrets']) =>
  createEncryption(plain, [{ resources, providers }], place);
const over = async (options: EncryptionOption['providers'], resources = ['secrets']) => {
  const plain = await memory();
  return { plain, encrypted: await encryptionOf(plain, options, resources) };
};
/** Why the value of a key cannot be read. */
const refusal = async (store: Store, key = KEY) =>
  reasonUnreadable((await store.range({ key })).kvs[0]?.value ?? new Uint8Array());
const put = (key: string) => ({ success: [{ type: 'put' as const, key, value: bytes }] });

it.each([
  ['aesgcm', { aesgcm: keys('one') }],
  ['aescbc', { aescbc: keys('one') }],
  ['secretbox', { secretbox: keys('one') }],
])('keeps values sealed with %s and reads them back', async (name, provider) => {
  const { plain, encrypted } = await over([provider, { identity: {} }]);
  await encrypted.store.txn(put(KEY));
  await encrypted.store.txn(put('/registry/configmaps/default/open'));
  const stored = (await plain.range({ key: KEY })).kvs[0]?.value as Uint8Array;
  expect(Buffer.from(stored).toString('latin1')).toMatch(new RegExp(`^k8s:enc:${name}:v1:one:`));
  expect(Buffer.from(stored).includes('hunter2')).toBe(false);
  expect(Buffer.from((await encrypted.store.range({ key: KEY })).kvs[0]?.value ?? [])).toEqual(bytes);
  const open = (await plain.range({ key: '/registry/configmaps/default/open' })).kvs[0]?.value;
  expect(Buffer.from(open ?? [])).toEqual(bytes);
});

it('reads with old keys, writes with the first, and tells which values are old', async () => {
  const { plain, encrypted } = await over([{ aesgcm: keys('old') }]);
  await encrypted.store.txn(put(KEY));
  const rotated = await encryptionOf(plain, [{ secretbox: keys('new') }, { aesgcm: keys('old') }]);
  expect(Buffer.from((await rotated.store.range({ key: KEY })).kvs[0]?.value ?? [])).toEqual(bytes);
  expect(rotated.isStale(KEY)).toBe(true);
  await rotated.store.txn(put(KEY));
  await rotated.store.range({ key: KEY });
  expect(rotated.isStale(KEY)).toBe(false);
  const stored = Buffer.from((await plain.range({ key: KEY })).kvs[0]?.value ?? []).toString('latin1');
  expect(stored).toMatch(/^k8s:enc:secretbox:v1:new:/);
});

it('sets apart at the start what has lost its key, until it is written anew or the key is back', async () => {
  const { plain, encrypted } = await over([{ aesgcm: keys('old') }]);
  const object = (text: string) => pack({ metadata: { name: 'pw', namespace: 'default' }, data: { text } });
  const write = (store: Store, text: string) =>
    store.txn({ success: [{ type: 'put', key: KEY, value: object(text) }] });
  const start = async (store: Store) => {
    const options = { root: '/registry/', changesMax: 100, replayRevisionsMax: 100, indexes: {} };
    const caches = new Caches(options, new VirtualClock());
    const cache = caches.cacheOf('/registry/secrets', true);
    await caches.start(store, (error) => {
      throw error;
    });
    caches.stop();
    return { caches, cache, text: cache.get(KEY)?.object['data'], since: cache.changes.since(0).length };
  };
  await write(encrypted.store, 'first');
  await write(encrypted.store, 'second');
  const only = await encryptionOf(plain, [{ secretbox: keys('new') }]);
  const { caches, cache, text } = await start(only.store);
  expect(text).toBeUndefined();
  expect([...caches.unreadable]).toEqual([[KEY, 'no matching prefix found']]);
  await only.configure([{ resources: ['secrets'], providers: [{ secretbox: keys('new') }, { aesgcm: keys('old') }] }]);
  await caches.readAgain(only.store);
  expect(caches.unreadable.size).toBe(0);
  expect(cache.get(KEY)?.object['data']).toEqual({ text: 'second' });
  expect(only.isStale(KEY)).toBe(true);
  await write(only.store, 'third');
  const last = await encryptionOf(plain, [{ secretbox: keys('new') }]);
  expect(await start(last.store)).toMatchObject({ text: { text: 'third' }, since: 0 });
  await write(last.store, 'fourth');
  expect(await start(last.store)).toMatchObject({ text: { text: 'fourth' } });
});

it("says in upstream's words why a value cannot be read", async () => {
  const { plain, encrypted } = await over([{ aesgcm: keys('one') }]);
  await encrypted.store.txn(put(KEY));
  const seenBy = async (...providers: EncryptionOption['providers']) =>
    refusal((await encryptionOf(plain, providers)).store);
  expect(await seenBy({ identity: {} })).toBe('no matching prefix found');
  expect(await seenBy({ aescbc: keys('one') }, { identity: {} })).toBe('no matching prefix found');
  expect(await seenBy({ aesgcm: keys('two') })).toBe('no matching key was found for the provided AES transformer');
  const wrong = { keys: [{ name: 'one', secret: secret(9) }] };
  expect(await seenBy({ aesgcm: wrong })).toBe('cipher: message authentication failed');
  expect(await seenBy({ aesgcm: wrong }, { aesgcm: keys('two') })).toBe(
    '[cipher: message authentication failed, no matching key was found for the provided AES transformer]',
  );
  expect(await seenBy({ aesgcm: wrong }, { aesgcm: keys('one') })).toBeUndefined();
  expect(await refusal(plain)).toBe('identity transformer tried to read encrypted data');
});

it('reads values at their own place alone, and plain ones only where that is said', async () => {
  const { plain, encrypted } = await over([{ aesgcm: keys('one') }]);
  await encrypted.store.txn(put(KEY));
  const value = (await plain.range({ key: KEY })).kvs[0]?.value as Uint8Array;
  await plain.txn({ success: [{ type: 'put', key: `${KEY}2`, value }] });
  expect(await refusal(encrypted.store, `${KEY}2`)).toBe('cipher: message authentication failed');
  await plain.txn(put(`${KEY}3`));
  expect(await refusal(encrypted.store, `${KEY}3`)).toBe('no matching prefix found');
  const both = await encryptionOf(plain, [{ aesgcm: keys('one') }, { identity: {} }]);
  expect(await refusal(both.store, `${KEY}3`)).toBeUndefined();
  expect(both.isStale(`${KEY}3`)).toBe(true);
});

it('has an exact name before a wildcard, and every entry of that name', async () => {
  const plain = await memory();
  const { store } = await createEncryption(
    plain,
    [
      { resources: ['secrets'], providers: [{ aesgcm: keys('a') }] },
      { resources: ['secrets', 'configmaps'], providers: [{ aescbc: keys('b') }] },
      { resources: ['*.'], providers: [{ secretbox: keys('c') }] },
    ],
    place,
  );
  const sealedBy = async (key: string) => {
    await store.txn(put(key));
    return Buffer.from((await plain.range({ key })).kvs[0]?.value ?? [])
      .toString('latin1')
      .split(':')
      .slice(2, 5);
  };
  expect(await sealedBy(KEY)).toMatchObject(['aesgcm', 'v1', 'a']);
  expect(await sealedBy('/registry/configmaps/a/b')).toMatchObject(['aescbc', 'v1', 'b']);
  expect((await sealedBy('/registry/pods/a/b'))[0]).toBe('secretbox');
});

it('takes wildcards', async () => {
  const { plain, encrypted } = await over([{ aescbc: keys('one') }], ['*.apps', 'widgets.example.com']);
  const sealed = async (key: string) => {
    await encrypted.store.txn(put(key));
    return Buffer.from((await plain.range({ key })).kvs[0]?.value ?? [])
      .toString('latin1')
      .startsWith('k8s:enc:');
  };
  expect(await sealed('/registry/deployments/default/web')).toBe(true);
  expect(await sealed('/registry/example.com/widgets/default/w')).toBe(true);
  expect(await sealed('/registry/pods/default/p')).toBe(false);
});
