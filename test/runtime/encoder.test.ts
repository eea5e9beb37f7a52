/** Whatever the encoder writes, msgpackr must read as what went in, wherever buffers end; names that have numbers are told by names.ts. */
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { describe, expect, it } from 'vitest';
import { Encoder } from '../../src/runtime/encoder.ts';
import { names } from '../../src/runtime/names.ts';

const packr = new Packr({ useRecords: false, mapsAsObjects: true });
/** What msgpackr reads, with names for their numbers, which it takes for texts. */
const readBack = (bytes: Uint8Array): unknown => named(packr.unpack(bytes));
const named = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(named);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [/^\d+$/.test(key) ? names[Number(key)] : key, named(member)]),
  );
};
const encoderOf = () => new Encoder((value) => packr.pack(value));

const anything = fc.anything({
  maxDepth: 4,
  key: fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__' && !/^\d/.test(name)),
  values: [
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ maxLength: 100 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    fc.boolean(),
    fc.constant(null),
  ],
});

describe('the encoder', () => {
  it('writes what msgpackr reads', () => {
    const encoder = encoderOf();
    fc.assert(
      fc.property(anything, (value) => {
        const plain: unknown = packr.unpack(packr.pack(value));
        expect(readBack(encoder.exact(value))).toEqual(plain);
        expect(readBack(encoder.pooled(value))).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  });

  it('writes every name that has a number in at most two bytes', () => {
    for (const [number, name] of names.entries()) {
      expect([...encoderOf().exact({ [name]: 1 })]).toEqual([0x81, ...(number < 128 ? [number] : [0xcc, number]), 1]);
    }
  });

  it.each([0, 1, 15, 16, 31, 32, 63, 64, 84, 85, 86, 255, 256, 21_845, 21_846, 65_535, 65_536, 400_000])(
    'writes texts, bytes, lists and maps of length %d',
    (length) => {
      const encoder = encoderOf();
      const texts = ['x'.repeat(length), 'é'.repeat(length), '€'.repeat(length), '\u{1f642}'.repeat(length)];
      const bytes = new Uint8Array(length).fill(7);
      const list = new Array<number>(length).fill(-1);
      const map = Object.fromEntries(Array.from({ length: Math.min(length, 70_000) }, (_, at) => [`k${at}`, at]));
      const value = { texts, list, map, more: { map, nothing: undefined } };
      const read = readBack(encoder.exact({ ...value, bytes })) as typeof value & { bytes: Uint8Array };
      expect({ ...read, bytes: undefined }).toEqual({ ...value, more: { map }, bytes: undefined });
      expect(Buffer.compare(read.bytes, bytes)).toBe(0);
    },
  );

  it.each([
    0,
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
    -128,
    -129,
    -(2 ** 31),
    -(2 ** 31) - 1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.MIN_VALUE,
    Number.MAX_SAFE_INTEGER,
  ])('writes the number %d', (value) => {
    expect(readBack(encoderOf().exact([value]))).toEqual([value]);
  });

  it('leaves what was written before as it is, however often it takes another buffer', () => {
    const encoder = encoderOf();
    const values = Array.from({ length: 3000 }, (_, at) => ({
      at,
      text: `${at}`.repeat(at % 200),
      list: [at, { at }],
    }));
    const written = values.map((value, at) => (at % 3 === 0 ? encoder.exact(value) : encoder.pooled(value)));
    expect(written.map(readBack)).toEqual(values);
  });

  it('begins anew after a value that cannot be written', () => {
    const encoder = encoderOf();
    const circle: Record<string, unknown> = { name: 'a' };
    circle['self'] = circle;
    expect(() => encoder.exact(circle)).toThrow();
    expect(() => encoder.pooled({ large: 2n ** 70n })).toThrow();
    expect(readBack(encoder.pooled({ a: [1] }))).toEqual({ a: [1] });
  });

  it('leaves bigints, dates and undefined items to msgpackr', () => {
    const value = { at: new Date(5), large: 2n ** 62n, items: [undefined, 1] };
    expect(readBack(encoderOf().exact(value))).toEqual(packr.unpack(packr.pack(value)));
  });
});

describe('the encoder, told what was packed before', () => {
  const json = fc.dictionary(
    fc.string({ maxLength: 40 }).filter((name) => name !== '__proto__'),
    fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue(), { maxKeys: 20 }),
    ),
    { maxKeys: 40 },
  );
  const plain = (value: unknown): unknown => packr.unpack(packr.pack(value));

  it('writes the same as without', () => {
    const encoder = encoderOf();
    const parts = fc.tuple(json, json, fc.array(fc.nat(40)), fc.boolean());
    fc.assert(
      fc.property(parts, ([one, other, taken, reversed]) => {
        const earlier = plain(one) as Record<string, unknown>;
        const names = Object.keys(earlier).filter((_, at) => taken.includes(at));
        if (reversed) names.reverse();
        const shared = Object.fromEntries(names.map((name) => [name, earlier[name]]));
        // Members that are the same objects, at the top and one level down, among others that are not.
        const value = { ...other, ...shared, inner: { ...other, ...shared }, gone: undefined };
        const before = { ...earlier, inner: earlier, gone: { a: 1 } };
        const bytes = encoder.exact(before);
        const written = encoder.between(0, value, undefined, { value: before, bytes });
        expect(Buffer.compare(written, encoder.exact(value))).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('takes members over from the bytes, not from the object', () => {
    const encoder = encoderOf();
    const labels = { app: 'web' };
    const bytes = encoder.exact({ metadata: { labels: { app: 'old' } }, spec: { a: [1] }, status: { b: 1 } });
    const earlier = { value: { metadata: { labels }, spec: labels, status: { b: 1 } }, bytes };
    const value = { metadata: { labels, name: 'x' }, spec: labels, status: { b: 2 } };
    expect(readBack(encoder.between(0, value, undefined, earlier))).toEqual({
      metadata: { labels: { app: 'old' }, name: 'x' },
      spec: { a: [1] },
      status: { b: 2 },
    });
  });

  it('writes what the bytes do not have, or not as a map', () => {
    const encoder = encoderOf();
    const part = { a: 1 };
    const value = { part, deep: { part } };
    for (const packed of [{}, [], { part: 3, deep: [1, 2] }, 'text', { deep: {} }]) {
      const earlier = { value, bytes: encoder.exact(packed) };
      const read = readBack(encoder.between(0, { deep: { part }, x: part }, undefined, earlier));
      expect(read).toEqual({ deep: { part }, x: part });
    }
  });

  it('leaves room in front, puts what follows behind, and grows over large members', () => {
    const encoder = encoderOf();
    const large = { text: 'x'.repeat(300_000) };
    const before = { large, small: {} };
    const bytes = encoder.exact(before);
    const tail = new Uint8Array([1, 2, 3]);
    const written = encoder.between(5, { small: { b: 1 }, large }, tail, { value: before, bytes });
    expect(readBack(written.subarray(5, -3))).toEqual({ small: { b: 1 }, large });
    expect([...written.subarray(-3)]).toEqual([1, 2, 3]);
    expect(written.byteLength).toBe(written.buffer.byteLength);
  });
});
