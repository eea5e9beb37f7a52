/**
 * Refuses what would need a value of the store that cannot be read, because its key is missing: the object itself, lists that
 * hold it, and watches of its kind, which upstream's cache does not serve before it has read all of it.
 * @see staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go, staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go
 */
import { StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { resourceOf } from '../failures.ts';
import type { Server } from '../server.ts';

export function refuseUnreadable(call: Call, server: Server): void {
  const { unreadable } = server.caches;
  if (unreadable.size === 0) return;
  const { kind, namespace, name, verb } = call;
  const cache = server.cacheOf(kind);
  if (name !== undefined && (verb !== 'create' || call.subresource !== undefined)) {
    const reason = unreadable.get(cache.keyOf(namespace, name));
    if (reason !== undefined) throw StatusError.internalError(reason);
    return;
  }
  if (verb === 'create') return;
  const ofKind = [...unreadable.keys()].filter((key) => key.startsWith(cache.prefix)).sort();
  if (ofKind.length === 0) return;
  if (verb === 'watch' || (verb === 'list' && call.query['resourceVersion'] === '0'))
    throw StatusError.tooManyRequests('storage is (re)initializing', 1);
  const prefix = cache.namespaced && namespace !== undefined ? `${cache.prefix}${namespace}/` : cache.prefix;
  const key = ofKind.find((found) => found.startsWith(prefix));
  if (key === undefined) return;
  throw StatusError.internalError(`unable to transform key ${JSON.stringify(key)}: ${unreadable.get(key)}`);
}

/** A name is taken also by an object that cannot be read. */
export function refuseTaken(call: Call, key: string, name: string, server: Server): void {
  if (server.caches.unreadable.has(key)) throw StatusError.alreadyExists(resourceOf(call.kind), name);
}
