/**
 * Documents kept compressed, and the writer that makes them: it takes text in any portions, compresses what has come together and
 * asks after each piece whether to pause, so that nobody waits for a large document.
 */
import { createHash } from 'node:crypto';
import { expand, gzipOf, type Piece, pieceOf } from './gzip-pieces.ts';

/** A promise when it is time to let others work. */
export type Pause = () => Promise<void> | undefined;

export interface OpenApiDocument {
  /** In quotes. */
  readonly etag: string;
  /** Its bytes as a gzip file. */
  readonly gzip: Buffer;
  /** Of its bytes, uncompressed. */
  readonly length: number;
  /** Its bytes; expanded anew for each who asks. */
  bytes(): Promise<Buffer>;
}

/** What is compressed and hashed at a time; well below a millisecond's worth to a few. */
const PIECE_BYTES = 32 * 1024;

export class PieceWriter {
  readonly pieces: Piece[] = [];
  readonly #pause: Pause | undefined;
  #parts: (string | Uint8Array)[] = [];
  #size = 0;

  constructor(pause?: Pause) {
    this.#pause = pause;
  }

  write(part: string | Uint8Array): Promise<void> | undefined {
    this.#parts.push(part);
    this.#size += part.length;
    return this.#size < PIECE_BYTES ? undefined : this.flush();
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
    this.#parts = [];
    this.#size = 0;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.pieces.push(pieceOf(bytes.subarray(at, at + PIECE_BYTES)));
      const pause = this.#pause?.();
      if (pause !== undefined) await pause;
    }
  }
}

/** A document of pieces; its tag follows from them unless another is given. */
export function documentOf(pieces: readonly Piece[], etag = tagOf(pieces)): OpenApiDocument {
  const gzip = gzipOf(pieces);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { etag, gzip, length, bytes: () => expand(gzip) };
}

export async function documentOfText(text: string | Uint8Array, pause?: Pause): Promise<OpenApiDocument> {
  const writer = new PieceWriter(pause);
  await writer.write(text);
  await writer.flush();
  return documentOf(writer.pieces);
}

function tagOf(pieces: readonly Piece[]): string {
  const hash = createHash('sha512');
  for (const { digest } of pieces) hash.update(digest);
  return `"${hash.digest('hex').toUpperCase()}"`;
}
