import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand, gzipOf, pieceOf } from '../../src/api/gzip-pieces.ts';

describe('pieces of a gzip file', () => {
  it('are the texts one after the other, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 8 }), (texts) => {
        // Checks the CRC and the length too.
        const bytes = gunzipSync(gzipOf(texts.map(pieceOf)));
        expect(bytes.equals(Buffer.concat(texts.map((text) => Buffer.from(text))))).toBe(true);
      }),
    );
  });

  it('may be large, and used more than once', async () => {
    const long = pieceOf('x'.repeat(70_000));
    const text = await expand(gzipOf([long, pieceOf('é'), long]));
    expect(text.toString()).toBe(`${'x'.repeat(70_000)}é${'x'.repeat(70_000)}`);
    await expect(expand(Buffer.from('no'))).rejects.toThrow();
  });

  it('tell texts apart', () => {
    expect(pieceOf('a').digest).toEqual(pieceOf('a').digest);
    expect(pieceOf('a').digest).not.toEqual(pieceOf('b').digest);
  });
});
