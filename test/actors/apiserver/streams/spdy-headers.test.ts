import { createDeflate, type Deflate } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HeaderReader, HeaderWriter, spdyDictionary } from '../../../../actors/apiserver/streams/spdy-headers.ts';

/** A client's compressor: one zlib stream for all blocks of a connection. */
class Compressor {
  readonly #deflate: Deflate = createDeflate({ dictionary: spdyDictionary });
  readonly #chunks: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  block(headers: Record<string, string>): Promise<Buffer> {
    const texts = Object.entries(headers).flat();
    const size = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    this.#deflate.write(
      Buffer.concat([size(texts.length / 2), ...texts.flatMap((text) => [size(text.length), Buffer.from(text)])]),
    );
    return new Promise((resolve) => {
      this.#deflate.flush(() => resolve(Buffer.concat(this.#chunks.splice(0))));
    });
  }
}

describe('SPDY header blocks', () => {
  it('are read one after the other from one compressed stream', async () => {
    const compressor = new Compressor();
    const reader = new HeaderReader();
    for (const headers of [{ streamtype: 'error', port: '80' }, { streamtype: 'data', port: '80' }, {}]) {
      expect(Object.fromEntries(await reader.read(await compressor.block(headers)))).toEqual(headers);
    }
    reader.close();
  });

  it('have the dictionary of the protocol', () => {
    expect(spdyDictionary).toHaveLength(1423);
  });

  it('that are written can be read', async () => {
    const reader = new HeaderReader();
    const writer = new HeaderWriter();
    expect(await reader.read(writer.write({}))).toEqual(new Map());
    expect(await reader.read(writer.write({ a: 'b', c: '' }))).toEqual(
      new Map([
        ['a', 'b'],
        ['c', ''],
      ]),
    );
    reader.close();
  });

  it('that are no compressed headers are refused', async () => {
    const reader = new HeaderReader();
    await expect(reader.read(Buffer.from('not zlib at all'))).rejects.toThrow();
    reader.close();
  });
});
