import { describe, expect, it } from 'vitest';
import { type KubernetesObject, ObjectCache } from '../../src/client/index.ts';

const object = (name: string, namespace: string, labels: Record<string, string> = {}): KubernetesObject => ({
  metadata: { name, namespace, labels },
});
const names = (objects: KubernetesObject[]) => objects.map(({ metadata }) => metadata?.name).sort();

describe('ObjectCache', () => {
  it('finds objects by namespace and name and lists them by namespace', () => {
    const cache = new ObjectCache();
    cache.put(object('a', 'x'));
    cache.put(object('a', 'y'));
    cache.put(object('b', 'x'));
    expect(cache.size).toBe(3);
    expect(cache.get('x', 'a')?.metadata?.namespace).toBe('x');
    expect(cache.get('z', 'a')).toBeUndefined();
    expect(names(cache.list('x'))).toEqual(['a', 'b']);
    expect(names(cache.list())).toEqual(['a', 'a', 'b']);
  });

  it('answers what a put or a removal replaced', () => {
    const cache = new ObjectCache();
    const first = object('a', 'x');
    expect(cache.put(first)).toBeUndefined();
    expect(cache.put(object('a', 'x'))).toBe(first);
    expect(cache.remove('x', 'a')).toBeDefined();
    expect(cache.remove('x', 'a')).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('re-files an object when its index values change, and drops it from the index with its removal', () => {
    const cache = new ObjectCache();
    cache.put(object('a', 'x', { app: 'one' }));
    cache.addIndex('app', ({ metadata }) => [metadata?.labels?.['app'] ?? 'none']);
    expect(names(cache.byIndex('app', 'one'))).toEqual(['a']);
    cache.put(object('a', 'x', { app: 'two' }));
    cache.put(object('b', 'x'));
    expect(cache.byIndex('app', 'one')).toEqual([]);
    expect(names(cache.byIndex('app', 'two'))).toEqual(['a']);
    expect(names(cache.byIndex('app', 'none'))).toEqual(['b']);
    cache.remove('x', 'a');
    expect(cache.byIndex('app', 'two')).toEqual([]);
  });

  it('refuses to read an index that nobody added', () => {
    expect(() => new ObjectCache().byIndex('app', 'one')).toThrow('no index "app"');
  });
});
