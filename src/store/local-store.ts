/**
 * The store in this thread: the parts put together. A transaction runs at once against the index; its records go to the open
 * group; when the group is durable the committed revision moves on, the watches are told, and the promises resolve. Readers
 * outside of transactions see the committed revision and nothing newer, so nobody ever sees a write that a crash can take back.
 */
import { Observable } from 'rxjs';
import { CommitQueue } from './commit-queue.ts';
import { AutoCompaction, Sweep } from './compaction.ts';
import {
  CompactedError,
  FutureRevisionError,
  InvalidRequestError,
  StoreClosedError,
  type StoreFailedError,
  StoreOverloadedError,
} from './errors.ts';
import { hashContents } from './hash.ts';
import { History } from './history.ts';
import { KeyIndex } from './key-index.ts';
import { Leases } from './leases.ts';
import { compactionOf, type LocalStoreOptions, limitsOf, type StoreLimits } from './local-options.ts';
import type { Log, LogBatch } from './log.ts';
import { checkRange, readRevision, select } from './range.ts';
import type { LogRecord } from './record.ts';
import { writeSnapshot } from './snapshot.ts';
import { deleteKeys, runTxn, type TxnTarget } from './txn.ts';
import type {
  Lease,
  LeaseTimeToLive,
  RangeRequest,
  RangeResult,
  Store,
  StoreHash,
  StoreStatus,
  TxnRequest,
  TxnResult,
  WatchBatch,
  WatchRequest,
} from './types.ts';
import { Values } from './values.ts';
import { WatchHub } from './watch-hub.ts';

/** A store over an opened log, which it owns from now on. Builds the index from what the log holds. */
export async function openLocalStore(log: Log, options: LocalStoreOptions): Promise<Store> {
  const store = new LocalStore(log, options);
  await store.load();
  return store;
}

class LocalStore implements Store {
  readonly #log: Log;
  readonly #options: LocalStoreOptions;
  readonly #index = new KeyIndex();
  readonly #history = new History();
  readonly #values: Values;
  readonly #leases: Leases;
  readonly #commits: CommitQueue;
  readonly #watches: WatchHub;
  readonly #sweep: Sweep;
  readonly #txnTarget: TxnTarget;
  readonly #limits: Required<StoreLimits>;
  #autoCompaction: AutoCompaction | undefined;
  /** Newest executed revision; the newest durable one is `#committedRevision`. etcd's first is 1 too. */
  #revision = 1;
  #committedRevision = 1;
  #compactRevision = 0;
  /** Bytes of keys and values of all records that are kept, and of those among them that are in force now. */
  #bytes = 0;
  #liveBytes = 0;
  #isClosed = false;
  #closed: Promise<void> | undefined;
  #failure: StoreFailedError | undefined;

  constructor(log: Log, options: LocalStoreOptions) {
    const limits = limitsOf(options.limits);
    this.#log = log;
    this.#options = options;
    this.#limits = limits;
    this.#values = new Values(log, limits.cacheBytesMax);
    this.#leases = new Leases(options.clock, (ids) => this.#revokeExpired(ids));
    const byTurn = options.group === undefined ? !log.isResident : options.group === 'turn';
    this.#commits = new CommitQueue({
      log,
      atTurnEnd: byTurn ? (flush) => options.clock.turn(flush) : queueMicrotask,
      onCommitted: (batch) => this.#onCommitted(batch),
      onFailed: (error) => this.#onFailed(error),
      activity: options.activity,
    });
    const committedRevision = (): number => this.#committedRevision;
    const compactRevision = (): number => this.#compactRevision;
    const shared = { clock: options.clock, history: this.#history, index: this.#index, values: this.#values };
    this.#watches = new WatchHub({ ...shared, committedRevision, compactRevision });
    this.#sweep = new Sweep({ ...shared, dropped: (records) => this.#dropFromLog(records) });
    const currentRevision = (): number => this.#revision;
    const leases = this.#leases;
    this.#txnTarget = {
      index: this.#index,
      values: this.#values,
      get revision() {
        return currentRevision();
      },
      get compactRevision() {
        return compactRevision();
      },
      hasLease: (id) => leases.has(id),
      apply: (record) => this.#apply(record),
    };
  }

  /** Reads the whole log. What a compaction before the last stop left to be swept is dropped now. */
  async load(): Promise<void> {
    const header = await this.#log.header();
    this.#compactRevision = header.compactRevision;
    this.#leases.restore(header.leases, header.lastLease);
    const left: LogRecord[] = [];
    await this.#log.scan((records) => {
      for (const record of records) {
        this.#take(record);
        this.#revision = record.revision;
        if (record.revision > header.compactRevision) continue;
        for (const dropped of this.#index.compact(record.key, header.compactRevision)) left.push(dropped);
      }
      this.#values.persisted(this.#revision);
    });
    this.#committedRevision = Math.max(this.#revision, header.compactRevision);
    this.#revision = this.#committedRevision;
    this.#history.dropFirst(this.#history.positionOf(this.#compactRevision));
    if (left.length > 0) this.#dropFromLog(left);
    const policy = this.#options.compaction;
    if (policy === false) return;
    this.#autoCompaction = new AutoCompaction(
      {
        clock: this.#options.clock,
        history: this.#history,
        historyBytes: () => this.#bytes - this.#liveBytes,
        committedRevision: () => this.#committedRevision,
        compactRevision: () => this.#compactRevision,
        isSweeping: () => !this.#sweep.isIdle,
        compact: (revision) => this.#startCompaction(revision, ignore, ignore),
      },
      compactionOf(policy),
    );
  }

  txn(request: TxnRequest): Promise<TxnResult> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      if (this.#commits.pendingBytes > this.#limits.pendingBytesMax) throw new StoreOverloadedError();
      const bytesBefore = this.#commits.openBatch.bytes;
      const recordsBefore = this.#commits.openBatch.records.length;
      let outcome: ReturnType<typeof runTxn>;
      try {
        outcome = runTxn(this.#txnTarget, request, this.#limits);
      } catch (error) {
        // Half a transaction in the open batch must never be written.
        if (this.#commits.openBatch.records.length > recordsBefore) this.#commits.fail(error);
        throw error;
      }
      const { succeeded, results, changes } = outcome;
      if (changes > 0) this.#revision++;
      const result = { succeeded, revision: this.#revision, results };
      const done = (): void => resolve(result);
      if (changes > 0) this.#commits.commit(this.#commits.openBatch.bytes - bytesBefore, done, reject);
      else this.#commits.settle(done, reject);
    });
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    this.#checkOpen();
    checkRange(request);
    const revision = this.#committedRevision;
    const readAt = readRevision(request.revision, revision, this.#compactRevision);
    const { records, count, more } = select(this.#index, this.#values, request, readAt);
    const loaded = this.#values.load(records, request.keysOnly === true);
    const kvs = loaded instanceof Promise ? await loaded : loaded;
    return { revision, kvs, count, more };
  }

  watch(request: WatchRequest): Observable<WatchBatch> {
    return new Observable((subscriber) => {
      try {
        this.#checkOpen();
        return this.#watches.add(subscriber, request);
      } catch (error) {
        subscriber.error(error);
        return undefined;
      }
    });
  }

  compact(revision: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      if (!Number.isSafeInteger(revision) || revision < 0) {
        throw new InvalidRequestError(`revision ${revision} is not a revision`);
      }
      if (revision <= this.#compactRevision) throw new CompactedError(this.#compactRevision);
      if (revision > this.#committedRevision) throw new FutureRevisionError(this.#committedRevision);
      this.#startCompaction(revision, resolve, reject);
    });
  }

  leaseGrant(request: { readonly ttlSeconds: number; readonly id?: number }): Promise<Lease> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const lease = this.#leases.grant(request.ttlSeconds, request.id);
      const batch = this.#commits.openBatch;
      batch.leasesGranted.push(lease);
      batch.lastLease = this.#leases.last;
      this.#commits.commit(0, () => resolve(lease), reject);
    });
  }

  leaseRevoke(id: number): Promise<{ readonly revision: number }> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const bytes = this.#revoke([id]);
      const revision = this.#revision;
      this.#commits.commit(bytes, () => resolve({ revision }), reject);
    });
  }

  async leaseKeepAlive(id: number): Promise<Lease> {
    this.#checkOpen();
    return this.#leases.keepAlive(id);
  }

  async leaseTimeToLive(id: number): Promise<LeaseTimeToLive> {
    this.#checkOpen();
    return this.#leases.timeToLive(id);
  }

  async leases(): Promise<readonly Lease[]> {
    this.#checkOpen();
    return this.#leases.list();
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen();
    return {
      revision: this.#committedRevision,
      compactRevision: this.#compactRevision,
      keys: this.#index.size,
      bytes: this.#bytes,
      cachedBytes: this.#values.bytes,
      historyRecords: this.#history.length,
      leases: this.#leases.size,
      watchers: this.#watches.size,
      pendingTxns: this.#commits.pendingWaiters,
      durability: this.#log.durability,
    };
  }

  async hash(revision?: number): Promise<StoreHash> {
    this.#checkOpen();
    return this.#whileUnswept(async () => {
      const readAt = readRevision(revision, this.#committedRevision, this.#compactRevision);
      const compactRevision = this.#compactRevision;
      const hash = await hashContents(this.#recordsUpTo(readAt), this.#values, compactRevision);
      return { hash, revision: readAt, compactRevision };
    });
  }

  async snapshot(path: string): Promise<{ readonly revision: number; readonly bytes: number }> {
    this.#checkOpen();
    return this.#whileUnswept(async () => {
      const revision = this.#committedRevision;
      const header = {
        compactRevision: this.#compactRevision,
        leases: this.#leases.list(),
        lastLease: this.#leases.last,
      };
      const records = this.#recordsUpTo(revision).sort(
        (left, right) => left.revision - right.revision || left.sub - right.sub,
      );
      const bytes = await writeSnapshot(path, header, revision, records, this.#values);
      return { revision, bytes };
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    this.#autoCompaction?.stop();
    this.#sweep.stop();
    this.#leases.close();
    // A failed log has rejected everybody already; there is nothing left to wait for.
    await new Promise<void>((resolve) => this.#commits.settle(resolve, () => resolve()));
    this.#watches.close(new StoreClosedError());
    await this.#log.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StoreClosedError();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Enters a new record everywhere: index, history, leases, accounts, and the batch to be written. */
  #apply(record: LogRecord): void {
    this.#take(record);
    const batch = this.#commits.openBatch;
    batch.records.push(record);
    batch.bytes += record.bytes;
  }

  #take(record: LogRecord): void {
    const before = this.#index.current(record.key);
    this.#index.add(record);
    this.#history.push(record);
    this.#leases.rebind(record, before);
    this.#values.admit(record);
    this.#bytes += record.bytes;
    if (before !== undefined) this.#liveBytes -= before.bytes;
    if (!record.isDelete) this.#liveBytes += record.bytes;
  }

  #onCommitted(batch: LogBatch): void {
    const last = batch.records[batch.records.length - 1];
    if (last === undefined) return;
    this.#committedRevision = last.revision;
    this.#values.persisted(last.revision);
    this.#watches.publish(batch.records);
    this.#autoCompaction?.afterCommit();
  }

  #onFailed(error: StoreFailedError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#autoCompaction?.stop();
    this.#sweep.stop();
    this.#leases.close();
    this.#watches.close(error);
    this.#options.onFailed?.(error);
  }

  #startCompaction(revision: number, resolve: () => void, reject: (error: unknown) => void): void {
    this.#compactRevision = revision;
    this.#commits.openBatch.compactRevision = revision;
    this.#commits.commit(0, resolve, reject);
    this.#sweep.start(revision);
  }

  #dropFromLog(records: readonly LogRecord[]): void {
    const batch = this.#commits.openBatch;
    for (const record of records) {
      this.#bytes -= record.bytes;
      this.#values.forget(record);
      batch.dropped.push(record);
    }
    this.#commits.commit(0, ignore, ignore);
  }

  /** Ends leases and deletes their keys, in one revision. Returns the bytes added to the open batch. */
  #revoke(ids: readonly number[]): number {
    const batch = this.#commits.openBatch;
    const bytesBefore = batch.bytes;
    const keys = ids.flatMap((id) => this.#leases.revoke(id));
    if (deleteKeys(this.#txnTarget, keys) > 0) this.#revision++;
    batch.leasesRevoked.push(...ids);
    return batch.bytes - bytesBefore;
  }

  /** Each lease ends in a revision of its own, as in etcd. */
  #revokeExpired(ids: readonly number[]): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    for (const id of ids) this.#commits.commit(this.#revoke([id]), ignore, ignore);
  }

  #recordsUpTo(revision: number): LogRecord[] {
    const records: LogRecord[] = [];
    for (const record of this.#index.versions()) if (record.revision <= revision) records.push(record);
    return records;
  }

  /** Runs a reader of everything between two sweeps. */
  async #whileUnswept<T>(read: () => Promise<T>): Promise<T> {
    await this.#sweep.finished();
    this.#checkOpen();
    const resume = this.#sweep.pause();
    try {
      return await read();
    } catch (error) {
      this.#checkOpen();
      throw error;
    } finally {
      resume();
    }
  }
}

/** For those who do not wait: a failure to write reaches them through `onFailed`. */
function ignore(): void {}
