/**
 * The log under the store: every change by its revision, the leases, and how far compaction went. The memory log and the
 * LevelDB log implement it, and one contract suite tests both. A log knows nothing of keys in order, transactions or watches.
 */
import type { LogRecord } from './record.ts';
import type { Durability, Lease } from './types.ts';

/** What one group commit writes: all of it or nothing. */
export class LogBatch {
  /** In log order. */
  readonly records: LogRecord[] = [];
  /** Records that compaction dropped. */
  readonly dropped: LogRecord[] = [];
  readonly leasesGranted: Lease[] = [];
  readonly leasesRevoked: number[] = [];
  /** Greatest lease id ever granted, when it has changed. */
  lastLease: number | undefined = undefined;
  compactRevision: number | undefined = undefined;
  /** Bytes of keys and values of `records`. */
  bytes = 0;

  get isEmpty(): boolean {
    return (
      this.records.length === 0 &&
      this.dropped.length === 0 &&
      this.leasesGranted.length === 0 &&
      this.leasesRevoked.length === 0 &&
      this.compactRevision === undefined
    );
  }
}

/** What a log holds beside its records. */
export interface LogHeader {
  readonly compactRevision: number;
  readonly leases: readonly Lease[];
  /** Greatest lease id ever granted: ids are not used twice. */
  readonly lastLease: number;
}

export interface Log {
  readonly durability: Durability;
  /** Whether values stay in memory anyway, so that letting go of them frees nothing. */
  readonly isResident: boolean;
  /**
   * Writes a batch atomically, durable as `durability` says once the promise resolves. A log that is done at once returns
   * undefined. Batches are appended one after another, never two at a time.
   */
  append(batch: LogBatch): Promise<void> | undefined;
  /** Reads the value of a record that was appended and not dropped, blocking. Throws `Corrupt` when it is not there. */
  readSync(record: LogRecord): Uint8Array;
  /** Reads the values of many, as of the call: records dropped afterwards still count. */
  read(records: readonly LogRecord[]): Promise<readonly Uint8Array[]>;
  header(): Promise<LogHeader>;
  /** Calls back with all records in log order, some at a time. */
  scan(visit: (records: readonly LogRecord[]) => void): Promise<void>;
  close(): Promise<void>;
}
