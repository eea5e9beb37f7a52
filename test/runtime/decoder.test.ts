import fc from 'fast-check';
import type { Options } from 'msgpackr';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { unpackOther, unpackRange } from '../../src/runtime/codec.ts';
import { Decoder } from '../../src/runtime/decoder.ts';
import { pack, unpack } from '../../src/runtime/index.ts';
import { names } from '../../src/runtime/names.ts';

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
          // Once with texts for keys, as what was stored before names had numbers, and once with numbers.
          const bytes = Uint8Array.from(reference.pack({ value }));
          expect(unpack(bytes)).toEqual(reference.unpack(bytes));
          expect(unpack(pack({ value }))).toEqual(reference.unpack(bytes));
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(names)('reads %s as its number and as a text', (name) => {
    const value = { [name]: { other: 1, [name]: [{ [name]: null }] } };
    expect(unpack(pack(value))).toEqual(value);
    expect(unpack(reference.pack(value))).toEqual(value);
  });

  it('refuses the number of a name that does not exist, and a key that is no text', () => {
    for (const key of [[0xcc, 0xff], [0xc0], [0x92, 1, 1], [0xcd, 0, 5]]) {
      expect(() => unpack(Uint8Array.from([0x81, ...key, 0x01]))).toThrow();
    }
  });

  it('makes objects alike, member for member in their order, before and after it knows their names', () => {
    const decoder = new Decoder(false, left);
    const values = Array.from({ length: 40 }, (_, at) => ({
      metadata: { name: `n${at}`, labels: { '9': 'nine', b: 'b', '1': 'one' } },
      spec: at % 3 === 0 ? { a: at, b: { a: at } } : { b: at, a: { b: {} } },
      [`own-${at}`]: { 'with "quotes" and \u2028': at, '\\': '`' },
    }));
    for (const value of [...values, ...values]) {
      const bytes = pack(value);
      const read = decoder.decode(bytes, 0, bytes.length);
      expect(JSON.stringify(read)).toBe(JSON.stringify(value));
      expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    }
  });

  it('reads on after a value that was malformed in the middle of nested maps', () => {
    const decoder = new Decoder(false, unpackOther);
    const whole = pack({ metadata: { labels: { app: 'web', tier: 'one' } }, spec: { a: 1 } });
    for (let round = 0; round < 20; round++) {
      for (let length = 1; length < whole.length; length++) {
        expect(() => decoder.decode(whole.subarray(0, length), 0, length)).toThrow();
      }
      expect(decoder.decode(whole, 0, whole.length)).toEqual(unpack(whole));
    }
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
      expect(unpackRange(message, at, at + part.length)).toEqual(unpack(part));
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

  it('leaves a value that it does not know to the other decoder', () => {
    const asked: number[][] = [];
    const decoder = new Decoder(false, (bytes, start, end) => {
      asked.push([start, end]);
      return unpackOther(bytes, start, end);
    });
    const bytes = pack({ name: 'a', list: [2n ** 60n, { at: new Date(5), kind: 'b' }] });
    const read = decoder.decode(bytes, 0, bytes.length);
    expect(read).toEqual({ name: 'a', list: [2n ** 60n, { at: new Date(5), kind: 'b' }] });
    expect(asked).toHaveLength(2);
  });

  it('keeps nothing of a message but the bytes in it', () => {
    const bytes = pack({ name: 'web', labels: { app: 'a text that is longer than the short ones' } });
    const value = unpack(bytes);
    bytes.fill(0xc0);
    expect(value).toEqual({ name: 'web', labels: { app: 'a text that is longer than the short ones' } });
  });
});
