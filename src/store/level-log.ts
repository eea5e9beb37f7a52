/**
 * The log on disk, in a LevelDB directory that it holds alone. A group commit is one LevelDB batch, which is atomic.
 *
 *     position (12 bytes, first byte 0)   → record body            see record-codec.ts
 *     "m/format"                          → "1"
 *     "m/compact"                         → compact revision, decimal
 *     "m/lastLease"                       → greatest lease id ever granted, decimal
 *     "m/lease/" id                       → time to live in seconds, decimal
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Level } from 'level';
import { StoreCorruptError, StoreInUseError } from './errors.ts';
import type { Log, LogBatch, LogHeader } from './log.ts';
import type { LogRecord } from './record.ts';
import { emptyBytes } from './record.ts';
import { decodeRecord, encodeBody, encodePosition, valueOfBody } from './record-codec.ts';
import type { Durability, Lease } from './types.ts';

type Database = Level<Uint8Array, Uint8Array>;

const formatKey = Buffer.from('m/format');
const compactKey = Buffer.from('m/compact');
const lastLeaseKey = Buffer.from('m/lastLease');
const leasePrefix = 'm/lease/';
const format = '1';
/** Keys of records begin with a 0 byte, all others with "m". */
const recordsEnd = Buffer.from([1]);
/** So many records are read at once when the log is scanned. */
const scanRecordsMax = 1000;

/** Opens the directory, making it when it is not there. Fails with `InUse` when another store has it open. */
export async function openLevelLog(directory: string, durability: Exclude<Durability, 'memory'>): Promise<Log> {
  const path = resolve(directory);
  await mkdir(path, { recursive: true });
  const database: Database = new Level(path, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    // Group commits of some megabytes should not each turn a memtable over.
    writeBufferSize: 16 * 1024 * 1024,
    cacheSize: 32 * 1024 * 1024,
  });
  try {
    await database.open();
  } catch (error) {
    throw openError(path, error);
  }
  const there = await database.get(formatKey);
  if (there !== undefined && textOf(there) !== format) {
    await database.close();
    throw new StoreCorruptError(`the data directory ${path} has format ${textOf(there)}; this release reads ${format}`);
  }
  if (there === undefined) {
    const [firstKey] = await database.keys({ limit: 1 }).all();
    if (firstKey !== undefined) {
      await database.close();
      throw new StoreCorruptError(`the directory ${path} holds a database that is not a store's`);
    }
    await database.put(formatKey, Buffer.from(format), { sync: true });
  }
  return new LevelLog(database, durability);
}

class LevelLog implements Log {
  readonly durability: Durability;
  readonly isResident = false;
  readonly #database: Database;
  readonly #isSync: boolean;

  constructor(database: Database, durability: Durability) {
    this.#database = database;
    this.durability = durability;
    this.#isSync = durability === 'sync';
  }

  append(batch: LogBatch): Promise<void> {
    const operations: ({ type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array })[] = [];
    const put = (key: Uint8Array, value: Uint8Array): unknown => operations.push({ type: 'put', key, value });
    for (const record of batch.records) {
      put(encodePosition(record.revision, record.sub), encodeBody(record, record.value ?? emptyBytes));
    }
    for (const record of batch.dropped)
      operations.push({ type: 'del', key: encodePosition(record.revision, record.sub) });
    for (const { id, ttlSeconds } of batch.leasesGranted) {
      put(Buffer.from(leasePrefix + id), Buffer.from(String(ttlSeconds)));
    }
    if (batch.lastLease !== undefined) put(lastLeaseKey, Buffer.from(String(batch.lastLease)));
    for (const id of batch.leasesRevoked) operations.push({ type: 'del', key: Buffer.from(leasePrefix + id) });
    if (batch.compactRevision !== undefined) put(compactKey, Buffer.from(String(batch.compactRevision)));
    return this.#database.batch(operations, { sync: this.#isSync });
  }

  readSync(record: LogRecord): Uint8Array {
    const body = this.#database.getSync(encodePosition(record.revision, record.sub));
    if (body === undefined) throw missing(record);
    return valueOfBody(body);
  }

  async read(records: readonly LogRecord[]): Promise<readonly Uint8Array[]> {
    // Taken before the first await: what compaction drops from now on can still be read.
    const snapshot = this.#database.snapshot();
    try {
      const keys = records.map((record) => encodePosition(record.revision, record.sub));
      const bodies = await this.#database.getMany(keys, { snapshot });
      return bodies.map((body, index) => {
        if (body === undefined) throw missing(records[index]!);
        return valueOfBody(body);
      });
    } finally {
      await snapshot.close();
    }
  }

  async header(): Promise<LogHeader> {
    const [compacted, lastLease] = await this.#database.getMany([compactKey, lastLeaseKey]);
    const leases: Lease[] = [];
    const range = { gte: Buffer.from(leasePrefix), lt: Buffer.from('m/lease0') };
    for (const [key, value] of await this.#database.iterator(range).all()) {
      leases.push({ id: Number(textOf(key).slice(leasePrefix.length)), ttlSeconds: numberOf(value) });
    }
    return { compactRevision: numberOf(compacted), leases, lastLease: numberOf(lastLease) };
  }

  async scan(visit: (records: readonly LogRecord[]) => void): Promise<void> {
    const iterator = this.#database.iterator({ lt: recordsEnd, highWaterMarkBytes: 1024 * 1024 });
    try {
      for (;;) {
        const entries = await iterator.nextv(scanRecordsMax);
        if (entries.length === 0) return;
        visit(entries.map(([position, body]) => decodeRecord(position, body)));
      }
    } finally {
      await iterator.close();
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function numberOf(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  const number = Number(textOf(bytes));
  if (!Number.isFinite(number)) throw new StoreCorruptError(`the log holds ${textOf(bytes)} where a number belongs`);
  return number;
}

function missing(record: LogRecord): StoreCorruptError {
  return new StoreCorruptError(`the log has no record at revision ${record.revision}.${record.sub}`);
}

function openError(path: string, error: unknown): Error {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') return new StoreInUseError(path, { cause: error });
  const reason = cause instanceof Error ? cause.message : String(error);
  return new StoreCorruptError(`the data directory ${path} cannot be opened: ${reason}`, { cause: error });
}
