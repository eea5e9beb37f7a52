/** A store that passes everything on to another: what decorators of a store start from. */
import type { Store } from './types.ts';

export function forwarded(store: Store): Store {
  return {
    txn: (request) => store.txn(request),
    range: (request) => store.range(request),
    watch: (request) => store.watch(request),
    compact: (revision) => store.compact(revision),
    leaseGrant: (request) => store.leaseGrant(request),
    leaseRevoke: (id) => store.leaseRevoke(id),
    leaseKeepAlive: (id) => store.leaseKeepAlive(id),
    leaseTimeToLive: (id) => store.leaseTimeToLive(id),
    leases: () => store.leases(),
    status: () => store.status(),
    hash: (revision) => store.hash(revision),
    snapshot: (path) => store.snapshot(path),
    close: () => store.close(),
  };
}
