/** Bytes are walked as msgpackr would read them, and what is cut short is noticed. */
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { expect, it } from 'vitest';
import { pack } from '../../src/runtime/codec.ts';
import { endOfValue, MapReader } from '../../src/runtime/packed-value.ts';

const packr = new Packr({ useRecords: false, mapsAsObjects: true });

const anything = fc.anything({
  maxDepth: 4,
  key: fc.string().filter((name) => name !== '__proto__'),
  values: [
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.integer(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.boolean(),
    fc.constant(null),
    fc.date(),
    fc.uint8Array({ maxLength: 300 }),
  ],
});

it('finds the end of every value', () => {
  fc.assert(
    fc.property(anything, fc.uint8Array(), (value, behind) => {
      const packed = packr.pack(value);
      expect(endOfValue(Buffer.concat([packed, behind]), 0)).toBe(packed.length);
    }),
    { numRuns: 500 },
  );
});

it.each([15, 16, 31, 32, 255, 256, 65_535, 65_536])(
  'finds the end of texts, bytes, lists and maps of length %d',
  (length) => {
    const map = Object.fromEntries(Array.from({ length }, (_, at) => [`k${at}`, at]));
    for (const value of ['x'.repeat(length), new Uint8Array(length), new Array(length).fill(1), map]) {
      const packed = pack(value);
      expect(endOfValue(Buffer.concat([packed, packed]), 0)).toBe(packed.length);
    }
  },
);

it('refuses what is cut short or is no value', () => {
  const packed = packr.pack({ a: [1, 'text'], b: { c: 3.5 }, d: 'x'.repeat(40) });
  for (let length = 0; length < packed.length; length++) {
    expect(() => endOfValue(packed.subarray(0, length), 0)).toThrow('ends in the middle');
  }
  expect(() => endOfValue(new Uint8Array([0xc1]), 0)).toThrow('no packed value');
  expect(() => endOfValue(new Uint8Array([0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0]), 0)).toThrow('ends in the middle');
});

it('finds members in any order, again and again, and none that are not there', () => {
  const packed = packr.pack({ a: 1, long: 'x'.repeat(100), b: { a: 2 }, c: 3 });
  const reader = new MapReader(packed, 0);
  const at = (name: string) => {
    const start = reader.find(name);
    return start < 0 ? undefined : packr.unpack(packed.subarray(start, reader.end));
  };
  expect([at('a'), at('c'), at('b'), at('b'), at('a')]).toEqual([1, 3, { a: 2 }, { a: 2 }, 1]);
  expect([at('x'), at('__proto__'), at('é'), at('toString'), at('c')]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    3,
  ]);
  expect(new MapReader(packr.pack([1, 2]), 0).find('a')).toBe(-1);
});
