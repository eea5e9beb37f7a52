import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, SharingDecoder, unpack } from '../../src/runtime/index.ts';
import { RecentParts } from '../../src/runtime/recent-parts.ts';

interface Version {
  metadata: { name: string; uid: string; generation?: number };
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** A decoder that has met enough objects to remember what becomes of single ones. */
function busyDecoder(): SharingDecoder {
  const decoder = new SharingDecoder();
  for (let i = 0; i < 100; i++) decoder.decode(pack({ metadata: { name: `early-${i}` } }));
  return decoder;
}

const pod = (name: string, more: Record<string, unknown> = {}, status?: Record<string, unknown>): Version => ({
  metadata: { name, uid: `uid-of-${name}-which-is-long-enough` },
  spec: { containers: [{ name: 'c', image: `only/for:${name}` }], restartPolicy: 'Always', ...more },
  ...(status === undefined ? {} : { status }),
});

describe('a sharing decoder that has met many objects', () => {
  it('takes members of an object from its version before, as far as they are the same', () => {
    const decoder = busyDecoder();
    const decode = (value: Version) => decoder.decode(pack(value)) as Version;
    const names = Array.from({ length: 100 }, (_, i) => `web-${i}`);
    const added = names.map((name) => decode(pod(name)));
    const bound = names.map((name) => decode(pod(name, { nodeName: 'node-1' })));
    const running = names.map((name) => decode(pod(name, { nodeName: 'node-1' }, { phase: 'Running' })));
    const gone = names.map((name) => {
      const last = pod(name, { nodeName: 'node-1' }, { phase: 'Running' });
      return decode({ ...last, metadata: { ...last.metadata, generation: 2 } });
    });
    expect(bound[7]).toEqual(pod('web-7', { nodeName: 'node-1' }));
    expect(gone[7]!.metadata.generation).toBe(2);
    const shared = (before: Version[], after: Version[], member: 'spec' | 'status') =>
      after.filter((value, i) => value[member] === before[i]![member]).length;
    const containers = (values: Version[]) => values.map(({ spec }) => spec['containers']);
    // Two may stand in each other's place.
    expect(containers(bound).filter((value, i) => value === containers(added)[i]).length).toBeGreaterThan(80);
    expect(shared(bound, running, 'spec')).toBeGreaterThan(80);
    expect(shared(running, gone, 'spec')).toBeGreaterThan(80);
    expect(shared(running, gone, 'status')).toBeGreaterThan(80);
    expect(shared(added, bound, 'spec')).toBe(0);
    expect(gone.every((value, i) => value.metadata !== running[i]!.metadata)).toBe(true);
  });

  it('makes what the codec makes of any versions of any objects', () => {
    const member = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'containers', 'metadata', '__proto__'),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.integer(), { maxLength: 20 })),
    );
    const version = fc.record(
      {
        metadata: fc.record({ name: fc.constantFrom('x', 'y', 'z') }),
        spec: fc.oneof(member, fc.array(fc.string()), fc.string()),
        status: member,
      },
      { noNullPrototype: true },
    );
    const decoder = busyDecoder();
    fc.assert(
      fc.property(fc.array(version, { maxLength: 8 }), (versions) => {
        for (const each of versions) {
          const bytes = pack(each);
          expect(decoder.decode(bytes)).toEqual(unpack(bytes));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('sees that a member ends earlier, goes on, or has another end than before', () => {
    const decoder = busyDecoder();
    const many = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`member-${i}`, i]));
    for (const spec of [
      { a: [1] },
      { a: [1], b: 2 },
      { a: [1] },
      { a: [1], c: 'x' },
      many,
      { ...many, o: 1, p: 2 },
      many,
    ]) {
      const value = { metadata: { name: 'the-same' }, spec };
      expect(decoder.decode(pack(value))).toEqual(value);
    }
  });

  it('refuses bytes that are cut off, however well their beginning is known', () => {
    const decoder = busyDecoder();
    const whole = pack(pod('web', { nodeName: 'node-1' }, { phase: 'Running' }));
    decoder.decode(whole);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decoder.decode(whole.slice(0, length)), `${length} bytes`).toThrow();
    }
    expect(decoder.decode(whole)).toEqual(unpack(whole));
  });

  it('keeps nothing of the message that it was given', () => {
    const decoder = busyDecoder();
    const bytes = pack(pod('web'));
    const first = decoder.decode(bytes) as Version;
    bytes.fill(0xc0);
    expect(decoder.decode(pack(pod('web')))).toEqual(pod('web'));
    expect(first).toEqual(pod('web'));
  });
});

describe('RecentParts', () => {
  const bytesOf = (index: number) => new Uint8Array(1_024).fill(index & 0xff);

  it('finds a part until its bytes are written over', () => {
    const parts = new RecentParts();
    parts.remember(1, bytesOf(1), 0, 1_024, 'one');
    const place = parts.find(1);
    expect(parts.valueOf(place)).toBe('one');
    expect(parts.isAt(place, 0, bytesOf(1), 0)).toBe(true);
    expect(parts.isAt(place, 0, bytesOf(2), 0)).toBe(false);
    expect(parts.isAt(place, 0, bytesOf(1), 1)).toBe(false);
    // Other numbers, of other places: five megabytes.
    for (let i = 2; i < 5_002; i++) parts.remember(i, bytesOf(i), 0, 1_024, i);
    expect(parts.find(1)).toBe(-1);
    expect(parts.valueOf(parts.find(5_001))).toBe(5_001);
    expect(parts.isAt(parts.find(5_001), 0, bytesOf(5_001), 0)).toBe(true);
  });

  it('never gives a part whose bytes are not the ones that were remembered with it', () => {
    const parts = new RecentParts();
    for (let i = 0; i < 20_000; i++) {
      const length = 1 + ((i * 7_919) % 3_000);
      parts.remember(i * 31, new Uint8Array(length).fill(i & 0xff), 0, length, i);
      const place = parts.find((i - 5) * 31);
      if (i < 5 || place < 0) continue;
      const value = parts.valueOf(place) as number;
      const expected = new Uint8Array(parts.lengthOf(place)).fill(value & 0xff);
      expect(parts.isAt(place, 0, expected, 0)).toBe(true);
    }
  });

  it('does not remember what would push out too much', () => {
    const parts = new RecentParts();
    parts.remember(1, new Uint8Array(100_000), 0, 100_000, 'large');
    expect(parts.find(1)).toBe(-1);
  });
});
