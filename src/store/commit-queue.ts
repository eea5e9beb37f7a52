/**
 * Group commit: the writes of one turn, and those that arrive while the log is busy with the batch before, share one append.
 *
 *     txn, txn, txn → open batch → log.append → committed: watchers are told, then the promises resolve
 *
 * One batch is in flight at a time, so commits happen in revision order. A failed append is final: everything that waits is
 * rejected, and so is everything after it.
 */
import type { Activity } from '../runtime/index.ts';
import { StoreFailedError } from './errors.ts';
import { type Log, LogBatch } from './log.ts';

/** Whoever waits for a batch to be durable. */
interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

class Group {
  readonly batch = new LogBatch();
  readonly waiters: Waiter[] = [];
}

export interface CommitQueueOptions {
  readonly log: Log;
  /** Calls back at the end of the turn. */
  readonly atTurnEnd: (flush: () => void) => void;
  /** A batch is durable: runs before the promises of those who wait resolve. */
  readonly onCommitted: (batch: LogBatch) => void;
  readonly onFailed: (error: StoreFailedError) => void;
  /** Begun while the log writes: whoever waits for quiet waits for the disk too. */
  readonly activity?: Activity | undefined;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #open = new Group();
  #inFlight: Group | undefined;
  #isScheduled = false;
  #failure: StoreFailedError | undefined;
  #pendingBytes = 0;
  #pendingWaiters = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Bytes of writes that are not durable yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** How many wait. */
  get pendingWaiters(): number {
    return this.#pendingWaiters;
  }

  get isIdle(): boolean {
    return this.#inFlight === undefined && this.#open.batch.isEmpty;
  }

  /** The batch to add writes to. Whoever adds calls {@link commit}. */
  get openBatch(): LogBatch {
    return this.#open.batch;
  }

  /** Sees to it that the open batch is written, and calls the waiter back when it is durable. */
  commit(bytes: number, resolve: () => void, reject: (error: unknown) => void): void {
    if (this.#failure !== undefined) {
      reject(this.#failure);
      return;
    }
    this.#pendingBytes += bytes;
    this.#open.batch.bytes += bytes;
    this.#open.waiters.push({ resolve, reject });
    this.#pendingWaiters++;
    this.#schedule();
  }

  /** Resolves once everything that was added so far is durable. */
  settle(resolve: () => void, reject: (error: unknown) => void): void {
    if (this.#failure !== undefined) {
      reject(this.#failure);
      return;
    }
    const group = this.#open.batch.isEmpty ? this.#inFlight : this.#open;
    if (group === undefined) resolve();
    else group.waiters.push({ resolve, reject });
    if (group !== undefined) this.#pendingWaiters++;
  }

  /** Gives up: nothing more is written, and everybody who waits is rejected. */
  fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const failure = new StoreFailedError(cause);
    this.#failure = failure;
    const waiters = [...(this.#inFlight?.waiters ?? []), ...this.#open.waiters];
    this.#inFlight = undefined;
    this.#open = new Group();
    this.#pendingWaiters = 0;
    this.#options.onFailed(failure);
    for (const waiter of waiters) waiter.reject(failure);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight !== undefined) return;
    this.#isScheduled = true;
    this.#options.atTurnEnd(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#inFlight !== undefined || this.#failure !== undefined) return;
    const group = this.#open;
    if (group.batch.isEmpty) return;
    this.#open = new Group();
    this.#inFlight = group;
    let appended: Promise<void> | undefined;
    try {
      appended = this.#options.log.append(group.batch);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (appended === undefined) {
      this.#finish(group);
      return;
    }
    const { activity } = this.#options;
    activity?.begin();
    appended
      .then(
        () => this.#finish(group),
        (error: unknown) => this.fail(error),
      )
      .finally(() => activity?.end());
  }

  #finish(group: Group): void {
    if (this.#failure !== undefined) return;
    this.#inFlight = undefined;
    this.#pendingBytes -= group.batch.bytes;
    this.#pendingWaiters -= group.waiters.length;
    this.#options.onCommitted(group.batch);
    for (const waiter of group.waiters) waiter.resolve();
    // What gathered while the log was busy has waited long enough: it is not held back to the end of a turn.
    if (!this.#open.batch.isEmpty) this.#flush();
  }
}
