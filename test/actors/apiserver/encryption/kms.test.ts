/** Values sealed with the keys of a plugin that is reached over its socket. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reasonUnreadable } from '../../../../actors/apiserver/cache/unreadable.ts';
import { createEncryption, type Encryption } from '../../../../actors/apiserver/encryption/index.ts';
import { createKindRegistry } from '../../../../src/api/index.ts';
import { type Log, seededRandom, VirtualClock } from '../../../../src/runtime/index.ts';
import { openStore, type Store } from '../../../../src/store/index.ts';
import { type KmsPlugin, startKmsPlugin } from '../../../support/kms-plugin.ts';

const KEY = '/registry/secrets/default/pw';
const VALUE = Buffer.from('hunter2 hunter2');
const MINUTE = 60_000;
const quiet = () => undefined;
const SILENT: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const registry = createKindRegistry();

let plugin: KmsPlugin;
let clock: VirtualClock;
let plain: Store;
let opened: Encryption[];
beforeEach(async () => {
  plugin = await startKmsPlugin();
  clock = new VirtualClock();
  plain = await openStore({ clock } as never);
  opened = [];
});
afterEach(async () => {
  for (const encryption of opened) encryption.close();
  await plugin.stop();
});

async function open(recovered = quiet): Promise<Encryption> {
  const kms = { name: 'plug', endpoint: plugin.endpoint, timeoutMs: 3000 };
  const place = { clock, log: SILENT, random: seededRandom(opened.length + 1), registry, recovered };
  const encryption = await createEncryption(plain, [{ resources: ['secrets'], providers: [{ kms }] }], place);
  opened.push(encryption);
  return encryption;
}
const put = (store: Store, key = KEY) => store.txn({ success: [{ type: 'put', key, value: VALUE }] });
const read = async (store: Store, key = KEY) => Buffer.from((await store.range({ key })).kvs[0]?.value ?? []);
const stored = async (key = KEY) => (await read(plain, key)).toString('latin1');

describe('a value sealed with KMS v2', () => {
  it('is in the store under the name of its provider, and read back without asking the plugin', async () => {
    const { store, health } = await open();
    expect(health()).toBeUndefined();
    await put(store);
    expect(await stored()).toMatch(/^k8s:enc:kms:v2:plug:/);
    expect(await stored()).not.toContain('hunter2');
    expect(await read(store)).toEqual(VALUE);
    expect(plugin.calls).toEqual(['Status', 'Encrypt']);
  });

  it('is read after a restart with one question for all values of a seed', async () => {
    const { store } = await open();
    await put(store);
    await put(store, `${KEY}2`);
    const again = await open();
    plugin.calls.length = 0;
    const { kvs } = await again.store.range({ prefix: '/registry/secrets/' });
    expect(kvs.map(({ value }) => Buffer.from(value))).toEqual([VALUE, VALUE]);
    expect(plugin.calls).toEqual(['Decrypt']);
    expect(again.isStale(KEY)).toBe(false);
  });

  it('is told of by watches in order, also while its key is asked for', async () => {
    const { store } = await open();
    const { revision } = await put(store);
    await plain.txn({ success: [{ type: 'put', key: '/registry/pods/default/p', value: VALUE }] });
    const again = await open();
    const seen: string[] = [];
    const feed = again.store.watch({ prefix: '/registry/', startRevision: revision }).subscribe(({ events }) => {
      for (const { kv } of events) seen.push(`${kv.key} ${Buffer.from(kv.value)}`);
    });
    await vi.waitFor(() => expect(seen).toHaveLength(2), MINUTE);
    feed.unsubscribe();
    expect(seen).toEqual([`${KEY} ${VALUE}`, `/registry/pods/default/p ${VALUE}`]);
  });

  it('is old once the plugin has another key', async () => {
    const { store, isStale } = await open();
    await put(store);
    await read(store);
    expect(isStale(KEY)).toBe(false);
    plugin.keyId = 'key-2';
    await clock.advance(MINUTE);
    await vi.waitFor(() => expect(isStale(KEY)).toBe(true), MINUTE);
    expect(await read(store)).toEqual(VALUE);
    await put(store);
    await read(store);
    expect(isStale(KEY)).toBe(false);
    expect(await stored()).toContain('key-2');
  });

  it('cannot be read at another place', async () => {
    const { store } = await open();
    await put(store);
    await plain.txn({ success: [{ type: 'put', key: `${KEY}2`, value: await read(plain) }] });
    expect(reasonUnreadable(await read(store, `${KEY}2`))).toBe('cipher: message authentication failed');
  });
});

describe('a plugin', () => {
  it('that does not answer is told of, and what was sealed waits for it', async () => {
    await put((await open()).store);
    await plugin.stop();
    let recovered = 0;
    const encryption = await open(() => {
      recovered++;
    });
    expect(encryption.health()).toMatch(
      /^kmsv2 Provider plug is not healthy, error: rpc error: code = Unavailable desc = connect ENOENT/,
    );
    expect(reasonUnreadable(await read(encryption.store))).toMatch(/^failed to decrypt DEK, error: rpc error/);
    await expect(put(encryption.store)).rejects.toThrow('kmsv2 Provider plug is not healthy');
    await plugin.start();
    await clock.advance(10_000);
    await vi.waitFor(() => expect(recovered).toBe(1), MINUTE);
    expect(encryption.health()).toBeUndefined();
    expect(await read(encryption.store)).toEqual(VALUE);
  });

  it('that says it is not well is believed; after three minutes nothing is written any more', async () => {
    const { store, health } = await open();
    plugin.healthz = 'the vault is sealed';
    await clock.advance(MINUTE);
    await vi.waitFor(() => expect(health()).toContain('got unexpected healthz status: the vault is sealed'), MINUTE);
    await put(store);
    await clock.advance(3 * MINUTE);
    await expect(put(store)).rejects.toThrow(
      /^Internal error occurred: encryptedDEKSource with keyID hash "sha256:\w{64}" expired at /,
    );
    expect(await read(store)).toEqual(VALUE);
  });

  it('that has lost a key says so for the values of that key', async () => {
    plugin.keyId = 'key-lost';
    await put((await open()).store);
    plugin.keyId = 'key-1';
    const { store } = await open();
    expect(reasonUnreadable(await read(store))).toBe(
      'failed to decrypt DEK, error: rpc error: code = NotFound desc = no such key',
    );
  });

  it('that hangs is given up after its timeout', async () => {
    plugin.silent = true;
    const opening = open();
    await vi.waitFor(async () => {
      await clock.advance(1000);
      const later = new Promise<void>((resolve) => setImmediate(resolve));
      const outcome = await Promise.race([opening, later]);
      expect(outcome === undefined ? 'not yet' : outcome.health()).toContain('context deadline exceeded');
    }, MINUTE);
  });
});
