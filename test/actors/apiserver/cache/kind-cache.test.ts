/** The parts of the watch cache: sorted keys, the ring of changes, routing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeRing } from '../../../../actors/apiserver/cache/change-ring.ts';
import { copyOf, Entry } from '../../../../actors/apiserver/cache/entry.ts';
import { KindCache } from '../../../../actors/apiserver/cache/kind-cache.ts';
import { SortedKeys } from '../../../../actors/apiserver/cache/sorted-keys.ts';
import type { WatchEventType, Watcher } from '../../../../actors/apiserver/cache/watch-router.ts';
import type { ApiObject } from '../../../../src/api/index.ts';
import { pack } from '../../../../src/runtime/index.ts';

function object(name: string, nodeName: string, labels: Record<string, string> = {}): ApiObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns', labels }, spec: { nodeName } };
}

function cacheOf(): KindCache {
  return new KindCache({
    prefix: '/registry/pods/',
    namespaced: true,
    changesMax: 100,
    floor: 0,
    indexOf: (entry) => (entry.object['spec'] as { nodeName: string }).nodeName,
  });
}

function entry(
  cache: KindCache,
  name: string,
  revision: number,
  nodeName: string,
  labels?: Record<string, string>,
): Entry {
  return new Entry(cache.placeOf(`/registry/pods/ns/${name}`), revision, undefined, object(name, nodeName, labels));
}

/** Collects what it is told as `TYPE name@revision`. */
function recorder(): Watcher & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    deliver: (type: WatchEventType, { name, revision }: Entry) => seen.push(`${type} ${name}@${revision}`),
    flush: () => undefined,
    bookmark: () => undefined,
    end: () => undefined,
  };
}

describe('SortedKeys', () => {
  it('is sorted and without repetition after any additions and removals', () => {
    const step = fc.record({ add: fc.boolean(), key: fc.string({ maxLength: 1 }), read: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const keys = new SortedKeys();
        const model = new Set<string>();
        for (const { add, key, read } of steps) {
          if (add && !model.has(key)) {
            keys.add(key);
            model.add(key);
          } else if (!add && model.delete(key)) keys.delete(key);
          if (read) expect(keys.sorted()).toEqual([...model].sort());
        }
        expect(keys.sorted()).toEqual([...model].sort());
        expect(keys.size).toBe(model.size);
      }),
    );
  });
});

describe('ChangeRing', () => {
  it('forgets the oldest changes and raises its floor to the last forgotten one', () => {
    const ring = new ChangeRing(4, 0);
    for (let revision = 1; revision <= 8; revision++) ring.push({ revision, entry: undefined, previous: undefined });
    expect(ring.floor).toBe(4);
    expect(ring.since(4).map((change) => change.revision)).toEqual([5, 6, 7, 8]);
    expect(ring.since(6).map((change) => change.revision)).toEqual([7, 8]);
    expect(ring.since(8)).toEqual([]);
  });
});

describe('Entry', () => {
  it('gives the same object from bytes as it had, with its resourceVersion and without it in the bytes', () => {
    const made = new Entry({ key: 'k', namespace: 'ns', name: 'p' }, 7, undefined, object('p', 'n'));
    const bytes = pack(object('p', 'n'));
    const read = new Entry({ key: 'k', namespace: 'ns', name: 'p' }, 7, bytes);
    expect(read.object).toEqual(made.object);
    expect(read.object.metadata['resourceVersion']).toBe('7');
    expect(JSON.parse(read.json.toString())).toEqual({ metadata: read.object.metadata, spec: { nodeName: 'n' } });
  });

  it('is decoded again after it was retired', () => {
    const retired = new Entry({ key: 'k', namespace: 'ns', name: 'p' }, 7, pack(object('p', 'n')));
    const before = copyOf(retired.object);
    retired.retire();
    expect(retired.object).toEqual(before);
  });
});

describe('routing', () => {
  it('tells a watcher of an indexed value what comes, changes and goes, whatever others do', () => {
    const cache = cacheOf();
    const onNode = recorder();
    const interest = (indexed: string) => ({
      namespace: undefined,
      name: undefined,
      indexed,
      selector: `node ${indexed}`,
      matches: (one: Entry) => (one.object['spec'] as { nodeName: string }).nodeName === indexed,
    });
    const remove = cache.router.add(interest('n1'), onNode);
    cache.put(entry(cache, 'a', 1, ''));
    cache.put(entry(cache, 'a', 2, 'n1'));
    cache.put(entry(cache, 'b', 3, 'n2'));
    cache.put(entry(cache, 'a', 4, 'n1'));
    cache.put(entry(cache, 'a', 5, 'n2'));
    expect(onNode.seen).toEqual(['ADDED a@2', 'MODIFIED a@4', 'DELETED a@5']);
    remove();
    cache.put(entry(cache, 'c', 6, 'n1'));
    expect(onNode.seen).toHaveLength(3);
    expect(cache.router.size).toBe(0);
  });

  it('asks a selector once for all watchers that share it', () => {
    const cache = cacheOf();
    let asked = 0;
    const interest = {
      namespace: undefined,
      name: undefined,
      indexed: undefined,
      selector: 'app=x',
      matches: () => {
        asked++;
        return true;
      },
    };
    const watchers = Array.from({ length: 50 }, recorder);
    for (const watcher of watchers) cache.router.add(interest, watcher);
    cache.put(entry(cache, 'a', 1, 'n'));
    expect(asked).toBe(1);
    for (const watcher of watchers) expect(watcher.seen).toEqual(['ADDED a@1']);
  });

  it('lists by namespace and by index in the order of keys', () => {
    const cache = cacheOf();
    for (const name of ['c', 'a', 'b']) cache.put(entry(cache, name, 1, name === 'b' ? 'n2' : 'n1'));
    expect(cache.list('ns').map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(cache.listIndexed('n1').map(({ name }) => name)).toEqual(['a', 'c']);
    cache.delete('/registry/pods/ns/a', 2);
    expect(cache.listIndexed('n1').map(({ name }) => name)).toEqual(['c']);
    expect(cache.list('other')).toEqual([]);
  });
});
