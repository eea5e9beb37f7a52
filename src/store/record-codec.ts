/**
 * Records as bytes, for the LevelDB log and for snapshots.
 *
 *     position   8 revision, big-endian | 4 sub, big-endian                      orders as the log does
 *     body       8 createRevision | 8 version | 8 lease | 4 keyBytes | key (UTF-8) | value       doubles, big-endian
 *
 * A version of 0 is a delete. Revisions are below 2^53, so the first byte of a position is always 0.
 */
import { StoreCorruptError } from './errors.ts';
import { LogRecord } from './record.ts';

export const positionBytes = 12;
const headerBytes = 28;

export function encodePosition(revision: number, sub: number): Buffer {
  const bytes = Buffer.allocUnsafe(positionBytes);
  bytes.writeUInt32BE(Math.floor(revision / 0x1_0000_0000), 0);
  bytes.writeUInt32BE(revision >>> 0, 4);
  bytes.writeUInt32BE(sub, 8);
  return bytes;
}

/** Encodes a record whose value is in memory. */
export function encodeBody(record: LogRecord, value: Uint8Array): Buffer {
  const { key } = record;
  const keyBytes = Buffer.byteLength(key);
  const bytes = Buffer.allocUnsafe(headerBytes + keyBytes + value.length);
  bytes.writeDoubleBE(record.createRevision, 0);
  bytes.writeDoubleBE(record.version, 8);
  bytes.writeDoubleBE(record.lease, 16);
  bytes.writeUInt32BE(keyBytes, 24);
  bytes.write(key, headerBytes, 'utf8');
  bytes.set(value, headerBytes + keyBytes);
  return bytes;
}

/** Decodes a record. Its value is a view of `body`. Throws `Corrupt` for anything else than a record. */
export function decodeRecord(position: Uint8Array, body: Uint8Array): LogRecord {
  const at = Buffer.from(position.buffer, position.byteOffset, position.length);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (at.length !== positionBytes || bytes.length < headerBytes) throw new StoreCorruptError('a record is cut short');
  const keyEnd = headerBytes + bytes.readUInt32BE(24);
  if (keyEnd > bytes.length) throw new StoreCorruptError('a record is cut short');
  return new LogRecord(
    bytes.toString('utf8', headerBytes, keyEnd),
    at.readUInt32BE(0) * 0x1_0000_0000 + at.readUInt32BE(4),
    at.readUInt32BE(8),
    bytes.readDoubleBE(0),
    bytes.readDoubleBE(8),
    bytes.readDoubleBE(16),
    bytes.subarray(keyEnd),
  );
}

/** The value within an encoded body. */
export function valueOfBody(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  if (bytes.length < headerBytes) throw new StoreCorruptError('a record is cut short');
  return bytes.subarray(headerBytes + bytes.readUInt32BE(24));
}
