/**
 * Snapshots: the whole store as of one revision in one file, to be kept elsewhere and restored into a new data directory.
 *
 *     magic "kubehive-store-snapshot-1\n"
 *     frames   4 length, big-endian | bytes      the header as JSON, then for each record its position and body, then a frame of length 0
 *     32 bytes SHA-256 of everything before
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreCorruptError, StoreInUseError } from './errors.ts';
import { openLevelLog } from './level-log.ts';
import { LogBatch, type LogHeader } from './log.ts';
import type { LogRecord } from './record.ts';
import { decodeRecord, encodeBody, encodePosition, positionBytes } from './record-codec.ts';
import type { Values } from './values.ts';

const magic = Buffer.from('kubehive-store-snapshot-1\n');
const hashBytes = 32;
const pieceRecordsMax = 500;
/** No frame is longer: one that claims to be is damage. */
const frameBytesMax = 256 * 1024 * 1024;
/** A restore writes batches of about so many bytes. */
const restoreBytesMax = 4 * 1024 * 1024;

interface SnapshotHeader extends LogHeader {
  readonly revision: number;
}

/** Writes records, in log order, to a file that appears under its name only when it is whole and on disk. Returns its bytes. */
export async function writeSnapshot(
  path: string,
  header: LogHeader,
  revision: number,
  records: readonly LogRecord[],
  values: Values,
): Promise<number> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  const file = await open(partial, 'w');
  const hash = createHash('sha256');
  let written = 0;
  const write = async (bytes: Buffer): Promise<void> => {
    hash.update(bytes);
    written += bytes.length;
    await file.writeFile(bytes);
  };
  try {
    const head: SnapshotHeader = { ...header, revision };
    await write(Buffer.concat([magic, ...frame(Buffer.from(JSON.stringify(head)))]));
    for (let first = 0; first < records.length; first += pieceRecordsMax) {
      const piece = records.slice(first, first + pieceRecordsMax);
      const kvs = await values.load(piece, false);
      const frames = piece.flatMap((record, index) => [
        ...frame(encodePosition(record.revision, record.sub), encodeBody(record, kvs[index]!.value)),
      ]);
      await write(Buffer.concat(frames));
    }
    await write(Buffer.alloc(4));
    await file.writeFile(hash.digest());
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(partial, { force: true });
    throw error;
  }
  await file.close();
  await rename(partial, target);
  return written + hashBytes;
}

/**
 * Makes a new data directory from a snapshot file. Fails with `Corrupt` for a file that is damaged or no snapshot, and with
 * `InUse` for a directory that is not empty; nothing is left behind then.
 */
export async function restoreSnapshot(path: string, directory: string): Promise<{ readonly revision: number }> {
  await verify(path);
  const target = resolve(directory);
  await mkdir(target, { recursive: true });
  if ((await readdir(target)).length > 0) throw new StoreInUseError(target);
  const log = await openLevelLog(target, 'sync');
  try {
    let header: SnapshotHeader | undefined;
    let batch = new LogBatch();
    for await (const bytes of frames(path)) {
      if (header === undefined) {
        header = JSON.parse(bytes.toString('utf8')) as SnapshotHeader;
        batch.compactRevision = header.compactRevision;
        batch.leasesGranted.push(...header.leases);
        batch.lastLease = header.lastLease;
        continue;
      }
      const record = decodeRecord(bytes.subarray(0, positionBytes), bytes.subarray(positionBytes));
      batch.records.push(record);
      batch.bytes += record.bytes;
      if (batch.bytes < restoreBytesMax) continue;
      await log.append(batch);
      batch = new LogBatch();
    }
    await log.append(batch);
    return { revision: header?.revision ?? 0 };
  } finally {
    await log.close();
  }
}

function frame(...parts: readonly Buffer[]): Buffer[] {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(parts.reduce((sum, part) => sum + part.length, 0));
  return [length, ...parts];
}

/** Reads the file once, to see that it is whole before anything is made from it. */
async function verify(path: string): Promise<void> {
  const hash = createHash('sha256');
  let tail = Buffer.alloc(0);
  let isFirst = true;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const bytes = Buffer.concat([tail, chunk]);
    if (isFirst && bytes.length >= magic.length) {
      if (!bytes.subarray(0, magic.length).equals(magic)) throw new StoreCorruptError(`${path} is not a snapshot`);
      isFirst = false;
    }
    const end = Math.max(0, bytes.length - hashBytes);
    hash.update(bytes.subarray(0, end));
    tail = bytes.subarray(end);
  }
  if (isFirst || !hash.digest().equals(tail)) throw new StoreCorruptError(`the snapshot ${path} is damaged`);
}

/** The frames of a verified file, up to the empty one. */
async function* frames(path: string): AsyncGenerator<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  let position = magic.length;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    while (position + 4 <= bytes.length) {
      const length = bytes.readUInt32BE(position);
      if (length === 0) return;
      if (length > frameBytesMax) throw new StoreCorruptError(`the snapshot ${path} is damaged`);
      if (position + 4 + length > bytes.length) break;
      yield bytes.subarray(position + 4, position + 4 + length);
      position += 4 + length;
    }
    if (position <= bytes.length) {
      bytes = bytes.subarray(position);
      position = 0;
    }
  }
}
