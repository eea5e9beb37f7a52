/**
 * The header blocks of SPDY/3.1: names and values, compressed with zlib over the protocol's own dictionary. Blocks that come in
 * share one zlib stream a connection, so they are read in order. Blocks that go out are stored, not compressed: they are few and small.
 * @see The SPDY protocol, draft 3.1, section 2.6.10
 */
import { constants, createInflate, type Inflate, type ZlibOptions } from 'node:zlib';

const words =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length content-location ' +
  'content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
  'if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer ' +
  'retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status ' +
  '200_OK version HTTP/1.1 url public set-cookie keep-alive origin';
const rest =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden' +
  '404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,' +
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

/** Each word after its length in four bytes, then what has no lengths. */
export const spdyDictionary: Buffer = Buffer.concat([
  ...words.split(' ').map((word) => lengthPrefixed(word.replace('_', ' '))),
  Buffer.from(rest),
]);

const blockBytesMax = 256 * 1024;
const headersMax = 256;

/** A whole block must fit into the stream's own buffer, since it is taken out when the block is done. */
const inflateOptions = {
  dictionary: spdyDictionary,
  flush: constants.Z_SYNC_FLUSH,
  readableHighWaterMark: blockBytesMax,
} as ZlibOptions;

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const prefixed = Buffer.alloc(4 + bytes.length);
  prefixed.writeUInt32BE(bytes.length);
  prefixed.set(bytes, 4);
  return prefixed;
}

/** Reads the header blocks of one connection. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate(inflateOptions);
  #failed: Error | undefined;

  constructor() {
    this.#inflate.on('error', (error) => {
      this.#failed = error;
    });
  }

  /** The headers by lower-case name. Rejects when the block is malformed or too large. */
  async read(block: Uint8Array): Promise<Map<string, string>> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(error);
      this.#inflate.once('error', fail);
      this.#inflate.write(block, () => {
        this.#inflate.removeListener('error', fail);
        if (this.#failed === undefined) resolve();
        else reject(this.#failed);
      });
    });
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const part = this.#inflate.read() as Buffer | null;
      if (part === null) break;
      size += part.length;
      if (size > blockBytesMax) throw new Error('a SPDY header block is too large');
      parts.push(part);
    }
    return parse(Buffer.concat(parts));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function parse(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length;
    if (end > bytes.length) throw new Error('a SPDY header block is cut off');
    const found = bytes.toString('latin1', at + 4, end);
    at = end;
    return found;
  };
  const count = bytes.readUInt32BE(0);
  if (count > headersMax) throw new Error('a SPDY header block has too many headers');
  for (let index = 0; index < count; index++) {
    const name = text().toLowerCase();
    headers.set(name, text());
  }
  return headers;
}

/** An empty stored block: readers hand on what they have, and do not look for more. */
const flushed = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** Writes header blocks as stored blocks of one zlib stream. */
export class HeaderWriter {
  #begun = false;

  write(headers: Readonly<Record<string, string>>): Buffer {
    const entries = Object.entries(headers);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(entries.length);
    const content = Buffer.concat([count, ...entries.flat().map(lengthPrefixed)]);
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(content.length, 1);
    stored.writeUInt16LE(~content.length & 0xffff, 3);
    const head = this.#begun ? [] : [Buffer.from([0x78, 0x01])];
    this.#begun = true;
    return Buffer.concat([...head, stored, content, flushed]);
  }
}
