/**
 * Events live for an hour. They are bound to leases that many events share, as upstream does, so that a storm of events does
 * not become a storm of leases.
 * @see staging/src/k8s.io/apiserver/pkg/storage/etcd3/lease_manager.go
 */
import type { KindDefinition } from '../../../src/api/index.ts';
import type { Clock } from '../../../src/runtime/index.ts';
import type { Store } from '../../../src/store/index.ts';

export interface EventLeases {
  /** The lease that an object of this kind is to be bound to; undefined for kinds that stay. Granting one takes a while. */
  leaseFor(kind: KindDefinition): Promise<number> | undefined;
}

const EVENTS = '/registry/events';
const REUSE_MS = 60_000;
const OBJECTS_MAX = 1000;

export function createEventLeases(store: Store, clock: Clock, ttlSeconds: number): EventLeases {
  let current: { readonly id: Promise<number>; readonly untilMs: number; objects: number } | undefined;
  return {
    leaseFor(kind) {
      if (kind.storagePrefix !== EVENTS) return undefined;
      const now = clock.now();
      if (current === undefined || now >= current.untilMs || current.objects >= OBJECTS_MAX) {
        // The lease outlives its last event's hour by the time for which it is handed out.
        const id = store.leaseGrant({ ttlSeconds: ttlSeconds + REUSE_MS / 1000 }).then((lease) => lease.id);
        current = { id, untilMs: now + REUSE_MS, objects: 0 };
        id.catch(() => {
          current = undefined;
        });
      }
      current.objects++;
      return current.id;
    },
  };
}
