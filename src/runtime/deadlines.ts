/**
 * Deadlines of calls, in buckets: a call's deadline is rounded up by at most 1/16 of its length, so that the hundred thousand
 * calls in flight of a busy thread need a few dozen timers, and ending a call is one Set deletion.
 */
import type { Clock } from './types.ts';

export interface Expiring {
  bucket: Set<Expiring> | undefined;
  expire(): void;
}

export class Deadlines {
  private readonly buckets = new Map<number, Set<Expiring>>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `entry.expire()` is called once, `delayMs` (up to 1/16 more) from now, unless it is removed before. */
  add(entry: Expiring, delayMs: number): void {
    const now = this.clock.monotonic();
    const grain = delayMs < 32 ? 1 : 2 ** Math.floor(Math.log2(delayMs / 16));
    const due = Math.ceil((now + delayMs) / grain) * grain;
    let bucket = this.buckets.get(due);
    if (bucket === undefined) {
      bucket = new Set();
      this.buckets.set(due, bucket);
      this.clock.after(due - now, () => this.fire(due), { background: true });
    }
    bucket.add(entry);
    entry.bucket = bucket;
  }

  remove(entry: Expiring): void {
    entry.bucket?.delete(entry);
    entry.bucket = undefined;
  }

  private fire(due: number): void {
    const bucket = this.buckets.get(due);
    this.buckets.delete(due);
    for (const entry of bucket ?? []) {
      entry.bucket = undefined;
      entry.expire();
    }
  }
}
