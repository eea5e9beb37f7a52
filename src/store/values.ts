/**
 * The values of records, wherever they are: in memory, or in the log. Over a log on disk the bytes in memory are bounded; which
 * stay is decided by second chance: the oldest goes, unless it was read since it was last looked at.
 */

import type { Log } from './log.ts';
import { emptyBytes, keyValueOf, type LogRecord } from './record.ts';
import type { KeyValue } from './types.ts';

/** So few missing values are read at once, blocking; more are read without holding the thread up. */
const blockingReadsMax = 8;
/** Dropped slots are cut off the queue once there are so many. */
const droppedSlotsMax = 4096;

export class Values {
  readonly #log: Log;
  readonly #bytesMax: number;
  #queue: LogRecord[] = [];
  #first = 0;
  #bytes = 0;
  #durableRevision = 0;

  constructor(log: Log, bytesMax: number) {
    this.#log = log;
    this.#bytesMax = bytesMax;
  }

  /** Bytes of values held in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes note of a record that has its value, the newest. */
  admit(record: LogRecord): void {
    this.#bytes += record.valueBytes;
    if (!this.#log.isResident && record.valueBytes > 0) this.#queue.push(record);
  }

  /** Takes note that a record was dropped by compaction. */
  forget(record: LogRecord): void {
    if (record.value === undefined) return;
    this.#bytes -= record.valueBytes;
    record.value = undefined;
  }

  /** Everything up to `revision` is in the log now, and may be let go of. */
  persisted(revision: number): void {
    this.#durableRevision = revision;
    this.#trim();
  }

  /** The record's value, read from the log if need be. */
  get(record: LogRecord): Uint8Array {
    if (record.version === 0) return emptyBytes;
    record.touched = true;
    if (record.value !== undefined) return record.value;
    const value = this.#log.readSync(record);
    record.value = value;
    this.admit(record);
    this.#trim();
    return value;
  }

  /** The records as readers see them, blocking for what is not in memory. */
  keyValues(records: readonly LogRecord[], keysOnly: boolean): KeyValue[] {
    return records.map((record) => keyValueOf(record, keysOnly ? emptyBytes : this.get(record)));
  }

  /** As {@link keyValues}; a promise when so many values are missing that reading them should not hold the thread up. */
  load(records: readonly LogRecord[], keysOnly: boolean): KeyValue[] | Promise<KeyValue[]> {
    if (keysOnly || this.#log.isResident) return this.keyValues(records, keysOnly);
    const missing = records.filter((record) => record.value === undefined);
    if (missing.length <= blockingReadsMax) return this.keyValues(records, keysOnly);
    // The bytes in memory are taken hold of now: while the log reads, the cache may let go of them.
    const present = records.map((record) => record.value);
    return this.#log.read(missing).then((read) => {
      let next = 0;
      return records.map((record, index) => keyValueOf(record, present[index] ?? read[next++]!));
    });
  }

  /** Lets go of values beyond the bound, but of none that the log does not have yet. */
  #trim(): void {
    if (this.#log.isResident) return;
    while (this.#bytes > this.#bytesMax && this.#first < this.#queue.length) {
      const record = this.#queue[this.#first]!;
      if (record.revision > this.#durableRevision) break;
      this.#first++;
      if (record.value === undefined) continue;
      if (record.touched) {
        record.touched = false;
        this.#queue.push(record);
      } else {
        this.forget(record);
      }
    }
    if (this.#first >= droppedSlotsMax && this.#first * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
  }
}
