/**
 * The contract of the store: etcd v3's model under etcd's names. One global revision; every key has its create revision, mod
 * revision and version; transactions are compares with a success and a failure branch; ranges and watches start at any
 * uncompacted revision. The local store and the remote one both implement {@link Store}, and one contract suite tests both.
 * @see https://etcd.io/docs/v3.6/learning/api/ and `api/etcdserverpb/rpc.proto` upstream
 */
import type { Observable } from 'rxjs';

/** A key with its value and its place in history. Shared with other readers: never change one, nor its value's bytes. */
export interface KeyValue {
  readonly key: string;
  /** Empty when only keys were asked for. */
  readonly value: Uint8Array;
  /** Revision of the put that brought the key into being. 0 in delete events. */
  readonly createRevision: number;
  /** Revision of the last change. */
  readonly modRevision: number;
  /** Puts since the creation: 1 for a new key, 0 in delete events. */
  readonly version: number;
  /** The lease that the key is bound to, 0 for none. */
  readonly lease: number;
}

/**
 * Which keys are meant: one key; all keys with a prefix (`''` is every key), from `startKey` on when given (for paging);
 * or the half-open range from `startKey` up to and without `endKey`. Keys order by their UTF-16 code units.
 */
export type KeySelection =
  | { readonly key: string }
  | { readonly prefix: string; readonly startKey?: string }
  | { readonly startKey: string; readonly endKey: string };

export interface RangeOptions {
  /** Read as of this revision. Default (or 0): the newest acknowledged one. */
  readonly revision?: number;
  /** At most so many keys; 0 or absent means all. `count` counts past it. */
  readonly limit?: number;
  /** Leave the values out. */
  readonly keysOnly?: boolean;
  /** Only `count` is wanted. */
  readonly countOnly?: boolean;
  /** Default: by key, ascending. Any other order reads the whole selection before the limit applies. */
  readonly sort?: {
    readonly by: 'key' | 'version' | 'create' | 'mod' | 'value';
    readonly order?: 'ascend' | 'descend';
  };
  /** Bounds on the keys' revisions, both ends inclusive. They narrow `kvs`, not `count`, as in etcd. */
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export type RangeRequest = KeySelection & RangeOptions;

export interface RangeResult {
  /** The store's newest acknowledged revision: watch from the one after it to go on without gap or duplicate. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Keys in the selection at that revision, whatever the limit. */
  readonly count: number;
  /** Whether the limit cut keys off. */
  readonly more: boolean;
}

export type CompareOperator = '=' | '!=' | '<' | '>';

/**
 * A condition of a transaction. Over several keys it must hold for each. A key that does not exist compares as 0 in the number
 * targets, and never holds for a value.
 */
export type Compare = KeySelection & { readonly operator: CompareOperator } & (
    | { readonly target: 'mod' | 'create' | 'version' | 'lease'; readonly operand: number }
    | { readonly target: 'value'; readonly operand: Uint8Array }
  );

export interface PutOperation {
  readonly type: 'put';
  readonly key: string;
  /** Kept as it is: the caller must not change these bytes afterwards. */
  readonly value: Uint8Array;
  /** Binds the key to a lease; absent or 0 unbinds it. */
  readonly lease?: number;
  /** Return what was there before. */
  readonly prevKv?: boolean;
}
export type DeleteOperation = { readonly type: 'delete'; readonly prevKv?: boolean } & KeySelection;
export type RangeOperation = { readonly type: 'range' } & RangeRequest;
export type Operation = PutOperation | DeleteOperation | RangeOperation;

/**
 * Atomic: when every compare holds the `success` operations run, otherwise the `failure` ones. All writes of a transaction
 * share one revision; a key is written at most once. Ranges see the writes before them.
 */
export interface TxnRequest {
  readonly compare?: readonly Compare[];
  readonly success?: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export type OperationResult =
  | { readonly type: 'put'; readonly prevKv?: KeyValue }
  | { readonly type: 'delete'; readonly deleted: number; readonly prevKvs?: readonly KeyValue[] }
  | { readonly type: 'range'; readonly kvs: readonly KeyValue[]; readonly count: number; readonly more: boolean };

/** A lost race is a value: `succeeded` is false, and a range in the failure branch brings the current object along. */
export interface TxnResult {
  readonly succeeded: boolean;
  /** The store's revision after the transaction: the writes' own when it wrote, else the newest there was. */
  readonly revision: number;
  /** One result for each operation of the branch that ran, in order. */
  readonly results: readonly OperationResult[];
}

export type WatchRequest = KeySelection & {
  /** First revision wanted. Default (or 0): the one after the newest acknowledged. May lie in the future. */
  readonly startRevision?: number;
  /** Bring the value before the event along, where compaction has left it. */
  readonly prevKv?: boolean;
  /** After so long without a batch, one with `progress` says how far the watch has come. Default: never. */
  readonly progressIntervalMs?: number;
  /** Events to leave out. */
  readonly filters?: readonly ('noPut' | 'noDelete')[];
};

export interface WatchEvent {
  readonly type: 'put' | 'delete';
  /** For a delete: the key and the delete's revision, with an empty value. */
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}

/** Events in revision order, one or more revisions at once. All events of one revision are in the same batch. */
export interface WatchBatch {
  /** Every event of the selection up to and with this revision has been told. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  /** Set on the marks that `progressIntervalMs` asks for; they carry no event. */
  readonly progress?: true;
}

export interface Lease {
  readonly id: number;
  /** As granted, in seconds. */
  readonly ttlSeconds: number;
}

export interface LeaseTimeToLive extends Lease {
  /** What is left, in whole seconds, rounded up. */
  readonly remainingSeconds: number;
  /** Bound keys, sorted. */
  readonly keys: readonly string[];
}

export interface StoreStatus {
  /** Newest acknowledged revision. A new store begins at 1, as etcd does. */
  readonly revision: number;
  /** Reads below it fail with `Compacted`. 0 when nothing was compacted yet. */
  readonly compactRevision: number;
  /** Live keys. */
  readonly keys: number;
  /** Bytes of keys and values of everything kept: live keys and uncompacted history. */
  readonly bytes: number;
  /** Bytes of values held in memory. */
  readonly cachedBytes: number;
  /** Changes since the last compaction that can still be watched or read. */
  readonly historyRecords: number;
  readonly leases: number;
  readonly watchers: number;
  /** Transactions that are executed and not yet durable. */
  readonly pendingTxns: number;
  readonly durability: Durability;
}

/** Equal hashes at equal revisions mean equal contents: live keys, and history after the compact revision. */
export interface StoreHash {
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
  readonly revision: number;
  readonly compactRevision: number;
}

/**
 * What an acknowledged write survives. `sync`: a loss of power (it is on disk); `os`: the death of the process;
 * `memory`: nothing (there is no directory).
 */
export type Durability = 'sync' | 'os' | 'memory';

/**
 * The store. Transactions take effect one after another in the order of the calls; each promise resolves when its writes are
 * durable. Watchers are told of a revision after it is durable and before any reply that carries that revision (or a later
 * one) resolves. Failures are {@link StoreError}s, told apart by `code`.
 */
export interface Store {
  /** Fails with `LeaseNotFound`, `InvalidRequest`, `RequestTooLarge`, `Overloaded`; ranges as {@link range}. */
  txn(request: TxnRequest): Promise<TxnResult>;
  /** Fails with `Compacted` or `FutureRevision` for a revision that cannot be read. */
  range(request: RangeRequest): Promise<RangeResult>;
  /**
   * Cold: each subscription is a watch. Errors with `Compacted` when the start (or a watch that lags) was compacted away,
   * and with `Closed` at the store's end. Never completes.
   */
  watch(request: WatchRequest): Observable<WatchBatch>;
  /** Drops history below `revision`. Fails with `Compacted` when that was done already, with `FutureRevision` beyond the newest. */
  compact(revision: number): Promise<void>;
  /** Fails with `LeaseExists` when the wanted id is taken. An id is chosen when none is given. */
  leaseGrant(request: { readonly ttlSeconds: number; readonly id?: number }): Promise<Lease>;
  /** Deletes the bound keys, all in one revision, and the lease. Fails with `LeaseNotFound`. */
  leaseRevoke(id: number): Promise<{ readonly revision: number }>;
  /** Starts the time to live anew. Fails with `LeaseNotFound`. */
  leaseKeepAlive(id: number): Promise<Lease>;
  /** Fails with `LeaseNotFound`. */
  leaseTimeToLive(id: number): Promise<LeaseTimeToLive>;
  leases(): Promise<readonly Lease[]>;
  status(): Promise<StoreStatus>;
  /** Hashes everything up to `revision` (default: the newest). Fails as {@link range} does. */
  hash(revision?: number): Promise<StoreHash>;
  /** Writes everything as of now to a new file at `path` on the store's machine; `restoreSnapshot` reads it. */
  snapshot(path: string): Promise<{ readonly revision: number; readonly bytes: number }>;
  /** Waits for pending writes, ends the watches, frees the directory. Everything afterwards fails with `Closed`. */
  close(): Promise<void>;
}
