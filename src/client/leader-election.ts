/**
 * Leader election over a Lease: of several processes that run the same component one works at a time. Off unless asked for:
 * inside one cluster process every component runs once.
 *
 * @see client-go/tools/leaderelection
 */
import { formatMicroTime, isConflict, isNotFound, type Lease } from '../api/index.ts';
import type { ActorContext } from '../runtime/index.ts';
import type { EventRecorder } from './event-recorder.ts';
import { leases } from './resources.ts';
import type { Client, ObjectKey } from './types.ts';

export interface LeaderElectionOptions {
  readonly lease: { readonly namespace: string; readonly name: string };
  /** Unique for each candidate. */
  readonly identity: string;
  /** How long a leader that does not renew is believed. Default 15 000. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for this long gives up. Default 10 000. */
  readonly renewDeadlineMs?: number;
  /** Default 2 000. */
  readonly retryPeriodMs?: number;
  /** Gives the Lease up when stopped, so that the next candidate need not wait. */
  readonly releaseOnStop?: boolean;
  readonly events?: EventRecorder;
  /** The signal aborts when the leadership is lost. */
  onStarted(signal: AbortSignal): void;
  onStopped?(): void;
}

export interface LeaderElector {
  readonly isLeader: boolean;
  /** Holder of the Lease as last seen; empty when nobody. */
  readonly leader: string;
  /** Resolves when the actor's signal aborts or the leadership was lost. */
  run(): Promise<void>;
}

export function createLeaderElector(
  client: Client,
  context: ActorContext,
  options: LeaderElectionOptions,
): LeaderElector {
  const { clock, random, signal, log } = context;
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000, identity } = options;
  const key: ObjectKey = options.lease;
  let leader = '';
  let leading = false;
  /** The Lease as last seen and when: other candidates' clocks are not trusted, only that the Lease changes. */
  let seen: Lease | undefined;
  let seenAtMs = 0;

  async function tryAcquireOrRenew(): Promise<boolean> {
    const now = formatMicroTime(clock.now());
    try {
      const current = await client.get(leases, key, { signal });
      if (seen?.metadata?.resourceVersion !== current.metadata?.resourceVersion) {
        seen = current;
        seenAtMs = clock.monotonic();
      }
      const holder = current.spec?.holderIdentity ?? '';
      leader = holder;
      const believedMs = (current.spec?.leaseDurationSeconds ?? 0) * 1000;
      if (holder !== '' && holder !== identity && seenAtMs + believedMs > clock.monotonic()) return false;
      const transitions = current.spec?.leaseTransitions ?? 0;
      const mine = holder === identity;
      const { acquireTime = now } = current.spec ?? {};
      current.spec = {
        ...current.spec,
        holderIdentity: identity,
        leaseDurationSeconds: leaseDurationMs / 1000,
        acquireTime: mine ? acquireTime : now,
        renewTime: now,
        leaseTransitions: mine ? transitions : transitions + 1,
      };
      seen = await client.update(leases, current, { signal });
    } catch (error) {
      if (isConflict(error)) return false;
      if (!isNotFound(error)) throw error;
      seen = await client.create(leases, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { ...options.lease },
        spec: {
          holderIdentity: identity,
          leaseDurationSeconds: leaseDurationMs / 1000,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: 0,
        },
      });
    }
    seenAtMs = clock.monotonic();
    leader = identity;
    return true;
  }

  const attempt = () =>
    tryAcquireOrRenew().catch((error: unknown) => {
      if (!signal.aborted) log.debug('lease not renewed', { lease: options.lease.name, error: String(error) });
      return false;
    });

  const pause = () => clock.sleep(retryPeriodMs * (1 + random.next() * 0.2), { background: true, signal });

  const report = (what: string) =>
    seen === undefined ? undefined : options.events?.event(seen, 'Normal', 'LeaderElection', `${identity} ${what}`);

  async function holdLeadership(): Promise<void> {
    let renewedMs = clock.monotonic();
    while (clock.monotonic() - renewedMs < renewDeadlineMs) {
      await pause();
      if (await attempt()) renewedMs = clock.monotonic();
    }
  }

  async function release(): Promise<void> {
    const current = await client.get(leases, key);
    if (current.spec?.holderIdentity !== identity) return;
    current.spec = {
      ...current.spec,
      holderIdentity: '',
      leaseDurationSeconds: 1,
      renewTime: formatMicroTime(clock.now()),
    };
    await client.update(leases, current);
  }

  return {
    get isLeader() {
      return leading;
    },
    get leader() {
      return leader;
    },
    async run() {
      const term = new AbortController();
      try {
        while (!(await attempt())) await pause();
        leading = true;
        report('became leader');
        options.onStarted(term.signal);
        await holdLeadership();
        report('stopped leading');
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        const led = leading;
        leading = false;
        term.abort();
        if (led) options.onStopped?.();
        if (led && signal.aborted && options.releaseOnStop) {
          await release().catch((error: unknown) => log.debug('lease not released', { error: String(error) }));
        }
      }
    },
  };
}
