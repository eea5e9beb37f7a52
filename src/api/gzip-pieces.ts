/**
 * Texts compressed piece by piece, so that a large document is put together from pieces that are kept, without doing anything over.
 *
 *     gzip file = header · piece · piece · … · empty last block · CRC-32 of the whole · length of the whole
 *
 * A piece is raw deflate that ends with a full flush: on a byte, and nothing after it refers back to it. The CRC of the whole follows
 * from those of the pieces. @see RFC 1952, RFC 1951, zlib's crc32_combine
 */
import { createHash } from 'node:crypto';
import { constants, deflateRawSync, gunzip } from 'node:zlib';

export interface Piece {
  readonly deflated: Uint8Array;
  readonly crc: number;
  /** Of the text, in bytes. */
  readonly length: number;
  /** Tells texts apart. */
  readonly digest: string;
}

/** Compresses at once: give it no more than some tens of kilobytes. */
export function pieceOf(text: string | Uint8Array): Piece {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const deflated = deflateRawSync(bytes, { level: 6, finishFlush: constants.Z_FULL_FLUSH });
  return {
    // A copy of exact size: what zlib returns is a view of something larger.
    deflated: Uint8Array.from(deflated),
    crc: crcOf(bytes),
    length: bytes.length,
    digest: createHash('sha256').update(bytes).digest('base64'),
  };
}

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
const LAST_BLOCK = Uint8Array.of(3, 0);

/** The bytes of a gzip file that holds the pieces one after the other. */
export function gzipOf(pieces: readonly Piece[]): Buffer {
  let crc = 0;
  let length = 0;
  for (const piece of pieces) {
    crc = combined(crc, piece.crc, piece.length);
    length += piece.length;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc >>> 0, 0);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return Buffer.concat([HEADER, ...pieces.map(({ deflated }) => deflated), LAST_BLOCK, trailer]);
}

/** The text of a gzip file; off the event loop. */
export function expand(bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, (error, text) => (error === null ? resolve(text) : reject(error)));
  });
}

const POLYNOMIAL = 0xedb88320;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A linear map of 32 bits: what each bit becomes. */
type Matrix = Uint32Array;

function times(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0, rest = vector; rest !== 0; bit++, rest >>>= 1) if (rest & 1) sum ^= matrix[bit] as number;
  return sum >>> 0;
}

const squareOf = (matrix: Matrix): Matrix => matrix.map((row) => times(matrix, row));

/** What 1, 2, 4, 8 … zero bytes do to a CRC; made as far as they are needed. */
const zeros: Matrix[] = [
  squareOf(squareOf(squareOf(Uint32Array.from({ length: 32 }, (_, bit) => (bit === 0 ? POLYNOMIAL : 2 ** (bit - 1)))))),
];

/** The CRC of two texts in a row, the second of `length` bytes. */
function combined(first: number, second: number, length: number): number {
  let crc = first;
  for (let power = 0, rest = length; rest !== 0; power++, rest >>>= 1) {
    zeros[power] ??= squareOf(zeros[power - 1] as Matrix);
    if (rest & 1) crc = times(zeros[power] as Matrix, crc);
  }
  return (crc ^ second) >>> 0;
}
