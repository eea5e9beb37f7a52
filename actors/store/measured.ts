/** Counts and times what a store does, under etcd's metric names where etcd has them. */
import { tap } from 'rxjs';
import type { ActorContext } from '../../src/runtime/index.ts';
import { forwarded, type Store } from '../../src/store/index.ts';

const secondsBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** How often the gauges are set. */
const gaugesIntervalMs = 5_000;

/** The same store, measured. */
export function measured(store: Store, context: Pick<ActorContext, 'clock' | 'metrics'>): Store {
  const { clock, metrics } = context;
  const txns = metrics.counter('etcd_mvcc_txn_total', 'Transactions seen by the store.');
  const ranges = metrics.counter('etcd_mvcc_range_total', 'Ranges seen by the store.');
  const events = metrics.counter('etcd_debugging_mvcc_events_total', 'Events sent to watches.');
  const commits = metrics.histogram(
    'kubehive_store_txn_duration_seconds',
    'From the arrival of a transaction until it is durable and its watches are told.',
    secondsBuckets,
  );
  const gauges = {
    revision: metrics.gauge('etcd_debugging_mvcc_current_revision', 'The newest acknowledged revision.'),
    compactRevision: metrics.gauge('etcd_debugging_mvcc_compact_revision', 'The revision that was last compacted to.'),
    keys: metrics.gauge('etcd_debugging_mvcc_keys_total', 'Live keys.'),
    bytes: metrics.gauge('etcd_mvcc_db_total_size_in_use_in_bytes', 'Keys and values of all that is kept.'),
    cachedBytes: metrics.gauge('kubehive_store_cached_bytes', 'Values held in memory.'),
    leases: metrics.gauge('etcd_debugging_lease_total', 'Leases.'),
    watchers: metrics.gauge('etcd_debugging_mvcc_watcher_total', 'Open watches.'),
    pendingTxns: metrics.gauge('kubehive_store_pending_txns', 'Transactions that are executed and not yet durable.'),
  };
  const setGauges = async (): Promise<void> => {
    const status = await store.status();
    for (const [name, gauge] of Object.entries(gauges)) gauge.set(status[name as keyof typeof gauges]);
  };
  const timer = clock.every(gaugesIntervalMs, () => void setGauges().catch(() => timer.cancel()), { background: true });
  return {
    ...forwarded(store),
    async txn(request) {
      txns.add();
      const startMs = clock.monotonic();
      try {
        return await store.txn(request);
      } finally {
        commits.observe((clock.monotonic() - startMs) / 1000);
      }
    },
    range(request) {
      ranges.add();
      return store.range(request);
    },
    watch: (request) => store.watch(request).pipe(tap((batch) => events.add(batch.events.length))),
  };
}
