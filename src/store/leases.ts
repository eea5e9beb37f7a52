/**
 * Leases: which exist, which keys are bound to each, and when each runs out. A lease whose time to live passes without being kept
 * alive is revoked. Time starts anew when the store is opened, as it does when etcd elects a leader.
 * @see upstream etcd `server/lease/lessor.go`
 */
import type { Clock, Timer } from '../runtime/index.ts';
import { InvalidRequestError, LeaseExistsError, LeaseNotFoundError } from './errors.ts';
import type { LogRecord } from './record.ts';
import type { Lease, LeaseTimeToLive } from './types.ts';

/** As etcd's: some 285 years. */
const ttlSecondsMax = 9_000_000_000;
/** Timers run at most so far ahead: Node's own do not take more. */
const timerMsMax = 2 ** 31 - 1;

interface LeaseState {
  readonly lease: Lease;
  readonly keys: Set<string>;
  /** On the monotonic clock. */
  expiresAtMs: number;
  /** When the heap looks at it; at or before `expiresAtMs`, since keeping alive does not touch the heap. */
  dueAtMs: number;
}

export class Leases {
  readonly #clock: Clock;
  readonly #onExpired: (ids: readonly number[]) => void;
  readonly #states = new Map<number, LeaseState>();
  /** A binary heap by `dueAtMs`. Revoked leases leave it when they come up. */
  readonly #heap: LeaseState[] = [];
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #last = 0;

  /** `onExpired` is to revoke the leases, which are still there. */
  constructor(clock: Clock, onExpired: (ids: readonly number[]) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#states.size;
  }

  /** Greatest id ever granted. */
  get last(): number {
    return this.#last;
  }

  has(id: number): boolean {
    return this.#states.has(id);
  }

  list(): Lease[] {
    return [...this.#states.values()].map((state) => state.lease).sort((left, right) => left.id - right.id);
  }

  /** Takes leases over from the log. `last` is the greatest id ever granted. */
  restore(leases: readonly Lease[], last: number): void {
    this.#last = last;
    for (const lease of leases) this.#insert(lease);
  }

  grant(ttlSeconds: number, wantedId: number | undefined): Lease {
    if (!Number.isFinite(ttlSeconds) || ttlSeconds <= 0) {
      throw new InvalidRequestError(`a lease's time to live must be above 0 seconds, not ${ttlSeconds}`);
    }
    if (ttlSeconds > ttlSecondsMax) throw new InvalidRequestError('too large lease TTL');
    const id = wantedId || this.#last + 1;
    if (!Number.isSafeInteger(id) || id < 0) throw new InvalidRequestError(`${id} is not a lease id`);
    if (this.#states.has(id)) throw new LeaseExistsError(id);
    const lease = { id, ttlSeconds };
    this.#last = Math.max(this.#last, id);
    this.#insert(lease);
    return lease;
  }

  keepAlive(id: number): Lease {
    const state = this.#state(id);
    state.expiresAtMs = this.#clock.monotonic() + state.lease.ttlSeconds * 1000;
    return state.lease;
  }

  timeToLive(id: number): LeaseTimeToLive {
    const { lease, keys, expiresAtMs } = this.#state(id);
    const remainingSeconds = Math.max(0, Math.ceil((expiresAtMs - this.#clock.monotonic()) / 1000));
    return { ...lease, remainingSeconds, keys: [...keys].sort() };
  }

  /** Forgets a lease; returns the keys that are bound to it, sorted. */
  revoke(id: number): string[] {
    const { keys } = this.#state(id);
    this.#states.delete(id);
    return [...keys].sort();
  }

  /** Binds a key as its newest record says. `before` is the record in force until now. */
  rebind(record: LogRecord, before: LogRecord | undefined): void {
    const lease = record.lease;
    const leaseBefore = before?.lease ?? 0;
    if (lease === leaseBefore) return;
    if (leaseBefore !== 0) this.#states.get(leaseBefore)?.keys.delete(record.key);
    if (lease !== 0) this.#states.get(lease)?.keys.add(record.key);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#states.clear();
    this.#heap.length = 0;
  }

  #state(id: number): LeaseState {
    const state = this.#states.get(id);
    if (state === undefined) throw new LeaseNotFoundError(id);
    return state;
  }

  #insert(lease: Lease): void {
    const atMs = this.#clock.monotonic() + lease.ttlSeconds * 1000;
    const state = { lease, keys: new Set<string>(), expiresAtMs: atMs, dueAtMs: atMs };
    this.#states.set(lease.id, state);
    heapPush(this.#heap, state);
    this.#arm();
  }

  /** Sees to it that the timer fires when the first lease is due. */
  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || first.dueAtMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = first.dueAtMs;
    const delayMs = Math.min(Math.max(0, first.dueAtMs - this.#clock.monotonic()), timerMsMax);
    this.#timer = this.#clock.after(delayMs, () => this.#expire(), { background: true });
  }

  #expire(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonic();
    const expired: number[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.dueAtMs <= nowMs; first = this.#heap[0]) {
      heapPop(this.#heap);
      if (this.#states.get(first.lease.id) !== first) continue;
      if (first.expiresAtMs <= nowMs) {
        expired.push(first.lease.id);
      } else {
        first.dueAtMs = first.expiresAtMs;
        heapPush(this.#heap, first);
      }
    }
    this.#arm();
    if (expired.length > 0) this.#onExpired(expired);
  }
}

function heapPush(heap: LeaseState[], state: LeaseState): void {
  let position = heap.push(state) - 1;
  while (position > 0) {
    const parent = (position - 1) >>> 1;
    if (heap[parent]!.dueAtMs <= state.dueAtMs) break;
    heap[position] = heap[parent]!;
    position = parent;
  }
  heap[position] = state;
}

function heapPop(heap: LeaseState[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let position = 0;
  for (;;) {
    let child = 2 * position + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.dueAtMs < heap[child]!.dueAtMs) child++;
    if (heap[child]!.dueAtMs >= last.dueAtMs) break;
    heap[position] = heap[child]!;
    position = child;
  }
  heap[position] = last;
}
