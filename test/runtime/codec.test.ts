import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, unpack } from '../../src/runtime/index.ts';

describe('the codec', () => {
  it('gives back plain data', () => {
    const data = fc.json().filter((text) => !text.includes('__proto__'));
    fc.assert(
      fc.property(data, (text) => {
        const value = JSON.parse(text, (_, member) => (Object.is(member, -0) ? 0 : member));
        expect(unpack(pack(value))).toEqual(value);
      }),
    );
  });

  it('fills its buffer exactly, so that the buffer can be transferred', () => {
    const bytes = pack({ a: 'x'.repeat(100) });
    expect(bytes.buffer.byteLength).toBe(bytes.length);
    expect(bytes.byteOffset).toBe(0);
  });

  it('drops members that are undefined, and keeps null', () => {
    expect(Object.keys(unpack<object>(pack({ a: undefined, b: null })))).toEqual(['b']);
  });

  it.each([0, -1, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER, 2 ** 53 + 2, 0.1, -1e300])(
    'keeps the number %d',
    (value) => {
      expect(unpack(pack(value))).toBe(value);
    },
  );

  it('keeps integers beyond 2^53 exact when they are bigint', () => {
    expect(unpack(pack(2n ** 62n + 1n))).toBe(2n ** 62n + 1n);
    expect(unpack(pack(-(2n ** 63n)))).toBe(-(2n ** 63n));
    expect(() => pack(2n ** 70n)).toThrow();
  });

  it('decodes bytes as views of the message', () => {
    const message = pack({ body: new Uint8Array([1, 2, 3]) });
    const { body } = unpack<{ body: Uint8Array }>(message);
    expect(Array.from(body)).toEqual([1, 2, 3]);
    expect(body.buffer).toBe(message.buffer);
  });

  it('never lets a key reach a prototype', () => {
    const evil = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}');
    const decoded = unpack<Record<string, unknown>>(pack(evil));
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(decoded['polluted']).toBeUndefined();
  });

  it('carries objects with more than 65 535 members', () => {
    const large = Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`k${at}`, at]));
    expect(unpack(pack(large))).toEqual(large);
  });

  it('throws on bytes that are no message', () => {
    expect(() => unpack(new Uint8Array([0xdc, 0xff, 0xff]))).toThrow();
  });
});
