/** The consistency hash: equal for stores that hold the same keys, versions and values, wherever the bytes lie. */
import { createHash } from 'node:crypto';
import type { LogRecord } from './record.ts';
import { encodeBody, encodePosition } from './record-codec.ts';
import type { Values } from './values.ts';

/** So many records are loaded and hashed between two looks at the event loop. */
const pieceRecordsMax = 500;

/** Hashes records in the order given, which must be the same for equal contents. */
export async function hashContents(
  records: readonly LogRecord[],
  values: Values,
  compactRevision: number,
): Promise<string> {
  const hash = createHash('sha256').update(String(compactRevision));
  for (let first = 0; first < records.length; first += pieceRecordsMax) {
    const piece = records.slice(first, first + pieceRecordsMax);
    const kvs = await values.load(piece, false);
    piece.forEach((record, index) => {
      hash.update(encodePosition(record.revision, record.sub));
      hash.update(encodeBody(record, kvs[index]!.value));
    });
  }
  return hash.digest('hex');
}
