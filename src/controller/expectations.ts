/**
 * What a controller still expects to see after its own creates and deletes. Its cache lags behind its writes: until what it
 * did has come back, it must not count again, or it would create too many. Expectations that never come true are dropped
 * after five minutes.
 *
 * @see kubernetes/pkg/controller/controller_utils.go
 */
import type { Clock } from '../runtime/index.ts';
import type { Key } from './types.ts';

interface Expectation {
  creations: number;
  /** Keys of the objects whose deletion is expected. */
  readonly deletions: Set<string>;
  readonly sinceMs: number;
}

const expiryMs = 300_000;

export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<Key, Expectation>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the controller may act on `key`: everything expected has come, or waited too long. */
  satisfied(key: Key): boolean {
    const expectation = this.#byKey.get(key);
    if (expectation === undefined) return true;
    if (expectation.creations <= 0 && expectation.deletions.size === 0) return true;
    return this.#clock.monotonic() - expectation.sinceMs > expiryMs;
  }

  /** Replaces what was expected before. */
  expect(key: Key, creations: number, deletions: readonly string[]): void {
    this.#byKey.set(key, { creations, deletions: new Set(deletions), sinceMs: this.#clock.monotonic() });
  }

  expectCreations(key: Key, count: number): void {
    this.expect(key, count, []);
  }

  expectDeletions(key: Key, objects: readonly string[]): void {
    this.expect(key, 0, objects);
  }

  /** Expects more beside what is expected already, before it is done; the wait starts anew. */
  raise(key: Key, creations: number, ...deletions: readonly string[]): void {
    const before = this.#byKey.get(key);
    const left = before === undefined || this.satisfied(key) ? undefined : before;
    this.expect(key, Math.max(0, left?.creations ?? 0) + creations, [...(left?.deletions ?? []), ...deletions]);
  }

  /** A creation was seen, or failed and will not be seen. */
  creationObserved(key: Key): void {
    const expectation = this.#byKey.get(key);
    if (expectation !== undefined) expectation.creations--;
  }

  /** The deletion of `object` was seen (a deletionTimestamp is enough), or failed. */
  deletionObserved(key: Key, object: string): void {
    this.#byKey.get(key)?.deletions.delete(object);
  }

  forget(key: Key): void {
    this.#byKey.delete(key);
  }
}
