/** What every log does: the same cases over the memory log and the LevelDB log. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLevelLog } from '../../src/store/level-log.ts';
import { type Log, LogBatch } from '../../src/store/log.ts';
import { MemoryLog } from '../../src/store/memory-log.ts';
import { LogRecord } from '../../src/store/record.ts';
import { bytes, text } from './store-contract.ts';

const record = (revision: number, sub: number, key: string, value: string): LogRecord =>
  new LogRecord(key, revision, sub, revision, 1, 0, bytes(value));

const batchOf = (...records: LogRecord[]): LogBatch => {
  const batch = new LogBatch();
  batch.records.push(...records);
  return batch;
};

const scanned = async (log: Log): Promise<string[]> => {
  const lines: string[] = [];
  await log.scan((records) => {
    for (const each of records) lines.push(`${each.revision}.${each.sub} ${each.key}=${text(each.value!)}`);
  });
  return lines;
};

describe.each(['memory', 'os', 'sync'] as const)('the log of durability %s', (durability) => {
  let log: Log;
  let directory = '';
  beforeEach(async () => {
    if (durability === 'memory') log = new MemoryLog();
    else {
      directory = await mkdtemp(join(tmpdir(), 'kubehive-log-'));
      log = await openLevelLog(directory, durability);
    }
  });
  afterEach(async () => {
    await log.close();
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  });

  test('is empty when it is new', async () => {
    expect(log.durability).toBe(durability);
    expect(await scanned(log)).toEqual([]);
    expect(await log.header()).toEqual({ compactRevision: 0, leases: [], lastLease: 0 });
  });

  test('gives records back in log order, across the byte boundaries of revisions', async () => {
    const revisions = [2, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER];
    for (const revision of revisions) {
      await log.append(batchOf(record(revision, 0, '/a', `${revision}`), record(revision, 1, '/ä€😀', 'b')));
    }
    expect(await scanned(log)).toEqual(revisions.flatMap((each) => [`${each}.0 /a=${each}`, `${each}.1 /ä€😀=b`]));
  });

  test('keeps every field of a record', async () => {
    const kept = new LogRecord('/a', 9, 3, 5, 4, 77, bytes('value'));
    const deleted = new LogRecord('/b', 9, 4, 0, 0, 0, bytes(''));
    await log.append(batchOf(kept, deleted));
    const found: LogRecord[] = [];
    await log.scan((records) => found.push(...records));
    expect(found[0]).toMatchObject({
      key: '/a',
      revision: 9,
      sub: 3,
      createRevision: 5,
      version: 4,
      lease: 77,
      valueBytes: 5,
    });
    expect([found[1]!.isDelete, found[1]!.key]).toEqual([true, '/b']);
  });

  test('reads values one by one and many at once, and says when one is not there', async () => {
    const records = Array.from({ length: 20 }, (_, n) => record(2 + (n >> 1), n & 1, `/${n}`, `value ${n}`));
    await log.append(batchOf(...records));
    expect(text(log.readSync(records[7]!))).toBe('value 7');
    expect((await log.read([records[3]!, records[12]!])).map(text)).toEqual(['value 3', 'value 12']);
    const missing = record(99, 0, '/x', '');
    expect(() => log.readSync(missing)).toThrow(expect.objectContaining({ code: 'Corrupt' }));
    await expect(log.read([records[0]!, missing])).rejects.toMatchObject({ code: 'Corrupt' });
  });

  test('drops what it is told to, one change of a transaction or the whole', async () => {
    const [a, b, c, d] = [
      record(2, 0, '/a', '1'),
      record(2, 1, '/b', '1'),
      record(3, 0, '/c', '1'),
      record(4, 0, '/d', '1'),
    ];
    await log.append(batchOf(a, b, c, d));
    const batch = new LogBatch();
    batch.dropped.push(a, c);
    await log.append(batch);
    expect(await scanned(log)).toEqual(['2.1 /b=1', '4.0 /d=1']);
    const again = new LogBatch();
    again.dropped.push(a, b);
    await log.append(again);
    expect(await scanned(log)).toEqual(['4.0 /d=1']);
  });

  test('keeps leases and the compact revision', async () => {
    const batch = new LogBatch();
    batch.leasesGranted.push({ id: 7, ttlSeconds: 10 }, { id: 12, ttlSeconds: 0.5 });
    batch.lastLease = 12;
    batch.compactRevision = 41;
    await log.append(batch);
    const revoke = new LogBatch();
    revoke.leasesRevoked.push(12);
    await log.append(revoke);
    expect(await log.header()).toEqual({ compactRevision: 41, leases: [{ id: 7, ttlSeconds: 10 }], lastLease: 12 });
  });
});
