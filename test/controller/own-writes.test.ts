import { describe, expect, it } from 'vitest';
import { configMaps, type KubernetesObject, type Lister } from '../../src/client/index.ts';
import { OwnWrites } from '../../src/controller/index.ts';

/** A cache of one ConfigMap, at a version or absent, and a client that answers with another version. */
function setUp(cached: number | undefined, written: number) {
  let version = cached;
  const object = (at: number): KubernetesObject => ({
    metadata: { namespace: 'n', name: 'a', resourceVersion: String(at) },
  });
  const lister = {
    get: () => (version === undefined ? undefined : object(version)),
  } as unknown as Lister<KubernetesObject>;
  const writes = new OwnWrites(configMaps, lister);
  const client = writes.follow({ update: async () => object(written) } as never);
  return { writes, client, see: (at: number | undefined) => (version = at) };
}

describe('own writes', () => {
  it('make a key stale until the cache shows them', async () => {
    const { writes, client, see } = setUp(5, 7);
    expect(writes.isStale('n/a')).toBe(false);
    await client.update(configMaps, { metadata: { namespace: 'n', name: 'a' } });
    expect(writes.isStale('n/a')).toBe(true);
    see(6);
    expect(writes.isStale('n/a')).toBe(true);
    see(7);
    expect(writes.isStale('n/a')).toBe(false);
  });

  it('do not hold up the key of an object that is gone', async () => {
    const { writes, client } = setUp(undefined, 7);
    await client.update(configMaps, { metadata: { namespace: 'n', name: 'a' } });
    expect(writes.isStale('n/a')).toBe(false);
  });

  it('of other objects and resources mean nothing', async () => {
    const { writes, client } = setUp(5, 7);
    await client.update({ ...configMaps, resource: 'secrets' }, { metadata: { namespace: 'n', name: 'a' } });
    expect(writes.isStale('n/a')).toBe(false);
    expect(writes.isStale('n/b')).toBe(false);
  });
});
