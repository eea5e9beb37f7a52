/**
 * The uncompacted changes in revision order, in memory: watches that start in the past read it, and compaction walks it.
 * Values may be elsewhere; the records say where.
 */
import type { LogRecord } from './record.ts';

/** Dropped slots are cut off the array once they make up half of it and at least so many. */
const droppedSlotsMax = 1024;

export class History {
  #records: LogRecord[] = [];
  #first = 0;

  get length(): number {
    return this.#records.length - this.#first;
  }

  /** The record at `position`, where 0 is the oldest. */
  get(position: number): LogRecord | undefined {
    return this.#records[this.#first + position];
  }

  /** Adds the newest record. */
  push(record: LogRecord): void {
    this.#records.push(record);
  }

  /** The position of the first record of `revision` or later. */
  positionOf(revision: number): number {
    let low = this.#first;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records[middle]!.revision < revision) low = middle + 1;
      else high = middle;
    }
    return low - this.#first;
  }

  /** Forgets the oldest `count` records. */
  dropFirst(count: number): void {
    this.#first += count;
    if (this.#first >= droppedSlotsMax && this.#first * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#first);
      this.#first = 0;
    }
  }
}
