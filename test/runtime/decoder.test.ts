import fc from 'fast-check';
import type { Options } from 'msgpackr';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { unpackOther, unpackRange } from '../../src/runtime/codec.ts';
import { Decoder } from '../../src/runtime/decoder.ts';
import { pack, unpack } from '../../src/runtime/index.ts';

const options = { useRecords: false, mapsAsObjects: true, int64AsType: 'auto', skipValues: [undefined] };
const reference = new Packr(options as Options);

const left = () => {
  throw new Error('left to the other decoder');
};

const anyValue = fc.anything({
  values: [
    fc.string(),
    fc.string({ unit: 'binary', minLength: 10, maxLength: 300 }),
    fc.string({ minLength: 20, maxLength: 100 }),
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
  ],
  key: fc.oneof(fc.constantFrom('spec', 'metadata', '__proto__', 'ä'), fc.string()),
});

describe('Decoder', () => {
  it('makes what msgpackr makes of any value, however often it comes', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 6 }), (values) => {
        for (const value of [...values, ...values]) {
          const bytes = pack({ value });
          expect(unpack(bytes)).toEqual(reference.unpack(bytes));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    0,
    1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    -1,
    -32,
    -33,
    -129,
    -(2 ** 31),
    0.1,
    -1e300,
  ])('knows the number %d by itself', (value) => {
    const bytes = pack([value]);
    expect(new Decoder(false, left).decode(bytes, 0, bytes.length)).toEqual([value]);
  });

  it.each([0, 1, 2, 15, 16, 31, 32, 64, 65, 255, 256, 65_535, 65_536])(
    'knows texts, bytes, lists and maps of the length %d by itself',
    (length) => {
      const value = {
        ascii: 'a'.repeat(length),
        other: 'ä'.repeat(length),
        bytes: new Uint8Array(length).fill(7),
        list: new Array(length).fill(null),
        map: Object.fromEntries(Array.from({ length: Math.min(length, 256) }, (_, at) => [`k${at}`, at])),
      };
      const bytes = pack(value);
      expect(new Decoder(false, left).decode(bytes, 0, bytes.length)).toEqual(value);
    },
  );

  it('reads a part of a message and nothing beyond it', () => {
    const parts = [pack({ name: 'first' }), pack(['second', 2]), pack(7n)];
    const message = Buffer.concat([Buffer.alloc(3, 0xff), ...parts, Buffer.alloc(3, 0xff)]);
    let at = 3;
    for (const part of parts) {
      expect(unpackRange(message, at, at + part.length)).toEqual(reference.unpack(part));
      expect(() => unpackRange(message, at, at + part.length - 1)).toThrow();
      expect(() => unpackRange(message, at, at + part.length + 1)).toThrow();
      at += part.length;
    }
  });

  it('refuses bytes that are cut off', () => {
    const whole = pack({ text: 'x'.repeat(70), short: 'abc', list: [1, 0.5, new Uint8Array(4)], big: 2n ** 60n });
    for (let length = 0; length < whole.length; length++) {
      expect(() => unpack(whole.slice(0, length)), `${length} bytes`).toThrow();
    }
  });

  it('leaves what it does not know to the other decoder, with the place where it begins', () => {
    const asked: number[][] = [];
    const decoder = new Decoder(false, (bytes, start, end) => {
      asked.push([start, end]);
      return unpackOther(bytes, start, end);
    });
    const bytes = pack({ big: 2n ** 60n });
    expect(decoder.decode(bytes, 0, bytes.length)).toEqual({ big: 2n ** 60n });
    expect(asked).toEqual([[0, bytes.length]]);
  });

  it('keeps nothing of a message but the bytes in it', () => {
    const bytes = pack({ name: 'web', labels: { app: 'a text that is longer than the short ones' } });
    const value = unpack(bytes);
    bytes.fill(0xc0);
    expect(value).toEqual({ name: 'web', labels: { app: 'a text that is longer than the short ones' } });
  });
});
