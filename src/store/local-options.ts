/** What a store in this thread can be told, and what holds when it is not. */
import type { Activity, Clock } from '../runtime/index.ts';
import type { CompactionPolicy } from './compaction.ts';
import type { StoreFailedError } from './errors.ts';

/** Every bound of a store. */
export interface StoreLimits {
  /** Operations in a branch of a transaction, and its compares. Default 128. */
  readonly operationsMax?: number;
  /** Bytes of keys and values in a transaction. Default 1.5 MiB; one past it fails with `RequestTooLarge`. */
  readonly requestBytesMax?: number;
  /** Bytes of writes that may wait for the disk. Default 128 MiB; beyond it transactions fail with `Overloaded`. */
  readonly pendingBytesMax?: number;
  /** Bytes of values held in memory over a log on disk. Default 256 MiB. The memory log holds all. */
  readonly cacheBytesMax?: number;
}

export interface LocalStoreOptions {
  readonly clock: Clock;
  /** False turns automatic compaction off. */
  readonly compaction?: CompactionPolicy | false;
  readonly limits?: StoreLimits;
  /** Where the writes of a group are taken together: at the end of the turn, or (over a memory log the default) of the microtask. */
  readonly group?: 'turn' | 'microtask';
  /** Where writes to disk that are under way are counted as work left to do: an actor gives its context's. */
  readonly activity?: Activity;
  /** Told when the log can no longer be written: the store has stopped by then. */
  readonly onFailed?: (error: StoreFailedError) => void;
}

const mebibyte = 1024 * 1024;

/** The limits, with defaults for those that are not given. */
export function limitsOf(limits: StoreLimits = {}): Required<StoreLimits> {
  return {
    operationsMax: limits.operationsMax ?? 128,
    requestBytesMax: limits.requestBytesMax ?? 1.5 * mebibyte,
    pendingBytesMax: limits.pendingBytesMax ?? 128 * mebibyte,
    cacheBytesMax: limits.cacheBytesMax ?? 256 * mebibyte,
  };
}

/** The policy, with defaults for what is not given. */
export function compactionOf(policy: CompactionPolicy = {}): Required<CompactionPolicy> {
  return {
    intervalMs: policy.intervalMs ?? 300_000,
    recordsMax: policy.recordsMax ?? 500_000,
    bytesMax: policy.bytesMax ?? 512 * mebibyte,
  };
}
