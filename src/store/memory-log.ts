/** The log that keeps everything in memory, for embedding: nothing survives the store. */
import { StoreCorruptError } from './errors.ts';
import type { Log, LogBatch, LogHeader } from './log.ts';
import type { LogRecord } from './record.ts';
import type { Lease } from './types.ts';

export class MemoryLog implements Log {
  readonly durability = 'memory';
  readonly isResident = true;
  /** By revision; insertion order is log order. A transaction with one write, the usual kind, needs no array. */
  readonly #byRevision = new Map<number, LogRecord | LogRecord[]>();
  readonly #leases = new Map<number, Lease>();
  #compactRevision = 0;
  #lastLease = 0;

  append(batch: LogBatch): undefined {
    for (const record of batch.records) {
      const there = this.#byRevision.get(record.revision);
      if (there === undefined) this.#byRevision.set(record.revision, record);
      else if (Array.isArray(there)) there.push(record);
      else this.#byRevision.set(record.revision, [there, record]);
    }
    for (const record of batch.dropped) this.#drop(record);
    for (const lease of batch.leasesGranted) this.#leases.set(lease.id, lease);
    if (batch.lastLease !== undefined) this.#lastLease = batch.lastLease;
    for (const id of batch.leasesRevoked) this.#leases.delete(id);
    if (batch.compactRevision !== undefined) this.#compactRevision = batch.compactRevision;
  }

  readSync(record: LogRecord): Uint8Array {
    const there = this.#byRevision.get(record.revision);
    const found = Array.isArray(there) ? there.find((each) => each.sub === record.sub) : there;
    if (found?.value === undefined || found.sub !== record.sub) {
      throw new StoreCorruptError(`the log has no record at revision ${record.revision}.${record.sub}`);
    }
    return found.value;
  }

  async read(records: readonly LogRecord[]): Promise<readonly Uint8Array[]> {
    return records.map((record) => this.readSync(record));
  }

  async header(): Promise<LogHeader> {
    return { compactRevision: this.#compactRevision, leases: [...this.#leases.values()], lastLease: this.#lastLease };
  }

  async scan(visit: (records: readonly LogRecord[]) => void): Promise<void> {
    for (const there of this.#byRevision.values()) visit(Array.isArray(there) ? there : [there]);
  }

  async close(): Promise<void> {
    this.#byRevision.clear();
    this.#leases.clear();
  }

  #drop(record: LogRecord): void {
    const there = this.#byRevision.get(record.revision);
    if (there === undefined) return;
    const left = (Array.isArray(there) ? there : [there]).filter((each) => each.sub !== record.sub);
    if (left.length === 0) this.#byRevision.delete(record.revision);
    else this.#byRevision.set(record.revision, left);
  }
}
