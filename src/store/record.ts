/**
 * One change of one key, as the log, the key index and the history share it: there is one object for each, and only its
 * `value` ever changes, when the cache lets go of bytes that the log can read again.
 */
import type { KeyValue, WatchEvent } from './types.ts';

export const emptyBytes = new Uint8Array(0);

/** A put or (with `version` 0) a delete. Its place in the log is `revision` and `sub`: the nth change of its transaction. */
export class LogRecord {
  readonly key: string;
  readonly revision: number;
  readonly sub: number;
  /** 0 for a delete. */
  readonly createRevision: number;
  /** 0 for a delete. */
  readonly version: number;
  readonly lease: number;
  /** Bytes of the value. */
  readonly valueBytes: number;
  /** Undefined while only the log holds it. */
  value: Uint8Array | undefined;
  /** Read since the cache last looked: it stays for another round. */
  touched = false;

  constructor(
    key: string,
    revision: number,
    sub: number,
    createRevision: number,
    version: number,
    lease: number,
    value: Uint8Array,
  ) {
    this.key = key;
    this.revision = revision;
    this.sub = sub;
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease;
    this.valueBytes = value.length;
    this.value = value;
  }

  get isDelete(): boolean {
    return this.version === 0;
  }

  /** What this counts for in `status().bytes`. */
  get bytes(): number {
    return this.key.length + this.valueBytes;
  }
}

/** The record as readers see it. */
export function keyValueOf(record: LogRecord, value: Uint8Array): KeyValue {
  return {
    key: record.key,
    value,
    createRevision: record.createRevision,
    modRevision: record.revision,
    version: record.version,
    lease: record.lease,
  };
}

/** The record as watchers see it. */
export function eventOf(record: LogRecord, value: Uint8Array, prevKv?: KeyValue): WatchEvent {
  const type = record.isDelete ? 'delete' : 'put';
  const kv = keyValueOf(record, value);
  return prevKv === undefined ? { type, kv } : { type, kv, prevKv };
}
