import { expect, it } from 'vitest';
import { Caches } from '../../../../actors/apiserver/cache/caches.ts';
import {
  createEncryption,
  type EncryptionOption,
  refuseEncrypted,
} from '../../../../actors/apiserver/encryption/index.ts';
import { createKindRegistry } from '../../../../src/api/index.ts';
import { pack, VirtualClock } from '../../../../src/runtime/index.ts';
import { openStore, type Store } from '../../../../src/store/index.ts';

const secret = (fill: number, bytes = 32) => Buffer.alloc(bytes, fill).toString('base64');
const keys = (...names: string[]) => ({ keys: names.map((name) => ({ name, secret: secret(name.charCodeAt(0)) })) });
const registry = createKindRegistry();
const KEY = '/registry/secrets/default/pw';
const bytes = Buffer.from('hunter2 hunter2');

const memory = () => openStore({ clock: new VirtualClock() } as never);
const over = async (options: EncryptionOption['providers'], resources = ['secrets']) => {
  const plain = await memory();
  return { plain, encrypted: createEncryption(plain, [{ resources, providers: options }], registry) };
};
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
  const rotated = createEncryption(
    plain,
    [{ resources: ['secrets'], providers: [{ secretbox: keys('new') }, { aesgcm: keys('old') }] }],
    registry,
  );
  expect(Buffer.from((await rotated.store.range({ key: KEY })).kvs[0]?.value ?? [])).toEqual(bytes);
  expect(rotated.isStale(KEY)).toBe(true);
  await rotated.store.txn(put(KEY));
  await rotated.store.range({ key: KEY });
  expect(rotated.isStale(KEY)).toBe(false);
  const stored = Buffer.from((await plain.range({ key: KEY })).kvs[0]?.value ?? []).toString('latin1');
  expect(stored).toMatch(/^k8s:enc:secretbox:v1:new:/);
});

it('starts without an old key once everything was written anew, and not before', async () => {
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
    return { text: cache.get(KEY)?.object['data'], since: cache.changes.since(0).length };
  };
  await write(encrypted.store, 'first');
  await write(encrypted.store, 'second');
  const only = createEncryption(plain, [{ resources: ['secrets'], providers: [{ secretbox: keys('new') }] }], registry);
  await expect(start(only.store)).rejects.toThrow('encrypted with key "old" of aesgcm');
  await write(only.store, 'third');
  expect(await start(only.store)).toEqual({ text: { text: 'third' }, since: 0 });
  await write(only.store, 'fourth');
  expect(await start(only.store)).toMatchObject({ text: { text: 'fourth' } });
});

it('refuses values whose key it does not have, and values moved to another place', async () => {
  const { plain, encrypted } = await over([{ aesgcm: keys('one') }]);
  await encrypted.store.txn(put(KEY));
  const other = createEncryption(plain, [{ resources: ['secrets'], providers: [{ identity: {} }] }], registry);
  await expect(other.store.range({ key: KEY })).rejects.toThrow('encrypted with key "one" of aesgcm');
  await expect(refuseEncrypted(plain).range({ key: KEY })).rejects.toThrow('encrypted with key "one"');
  const value = (await plain.range({ key: KEY })).kvs[0]?.value as Uint8Array;
  await plain.txn({ success: [{ type: 'put', key: `${KEY}2`, value }] });
  await expect(encrypted.store.range({ key: `${KEY}2` })).rejects.toThrow('encrypted with key "one"');
});

it('takes wildcards, and keys of the right length only', async () => {
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
  const short = { aesgcm: { keys: [{ name: 'k', secret: secret(1, 10) }] } };
  expect(() => createEncryption(plain, [{ resources: ['secrets'], providers: [short] }], registry)).toThrow(
    'the secret of key "k" has 10 bytes; it takes 16, 24 or 32',
  );
});
