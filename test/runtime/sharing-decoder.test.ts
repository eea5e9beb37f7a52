import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, SharingDecoder, unpack, type WantedMembers } from '../../src/runtime/index.ts';

interface Sample {
  metadata: { name: string };
  spec: { nodeName?: string; containers: { name: string; image: string }[] };
}

const sample = (name: string, nodeName?: string): Sample => ({
  metadata: { name },
  spec: {
    containers: [{ name: 'web', image: 'registry.example.org/web:1.2.3' }],
    ...(nodeName === undefined ? {} : { nodeName }),
  },
});

describe('SharingDecoder', () => {
  it('makes what the codec makes of any value, however often it comes', () => {
    const decoder = new SharingDecoder();
    const value = fc.anything({
      values: [
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.double(),
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
        fc.boolean(),
        fc.constant(null),
      ],
      key: fc.oneof(fc.constantFrom('spec', 'containers', 'metadata', '__proto__', 'ä'), fc.string()),
    });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (values) => {
        for (const each of [...values, ...values]) {
          const bytes = pack({ object: each });
          expect(decoder.decode(bytes)).toEqual(unpack(bytes));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('shares the parts that are alike and no others', () => {
    const decoder = new SharingDecoder();
    const [first, second, other] = [sample('a'), sample('b', 'node-1'), sample('c')].map((value) => {
      if (value.metadata.name === 'c') value.spec.containers[0]!.image = 'registry.example.org/web:1.2.4';
      return decoder.decode(pack(value)) as Sample;
    }) as [Sample, Sample, Sample];
    expect(second.spec.containers).toBe(first.spec.containers);
    expect(second.spec).not.toBe(first.spec);
    expect(other.spec.containers).toEqual([{ name: 'web', image: 'registry.example.org/web:1.2.4' }]);
  });

  it('never shares metadata, nor the value as a whole', () => {
    const decoder = new SharingDecoder();
    const bytes = pack(sample('a-name-long-enough-to-be-remembered'));
    const first = decoder.decode(bytes) as Sample;
    const second = decoder.decode(bytes) as Sample;
    expect(second).not.toBe(first);
    expect(second.metadata).not.toBe(first.metadata);
    expect(second.spec).toBe(first.spec);
  });

  it('goes on sharing what comes again after a thousand parts that did not', () => {
    const decoder = new SharingDecoder();
    const partOf = (text: string) => (decoder.decode(pack({ labels: { text } })) as { labels: object }).labels;
    for (let i = 0; i < 1_000; i++) partOf(`never-twice-${i}`);
    const later = new Set<object>();
    for (let i = 0; i < 1_000; i++) later.add(partOf('the same again'));
    expect(later.size).toBeLessThan(600);
  });

  it('tells parts apart of which one begins like the other', () => {
    const decoder = new SharingDecoder();
    const long = { labels: { app: 'web', tier: 'front-of-the-house' } };
    const short = { labels: { app: 'web', tier: 'front-of-the-hous' } };
    for (const value of [long, short, long, short]) expect(decoder.decode(pack(value))).toEqual(value);
  });

  it('refuses bytes that are cut off, as the codec does', () => {
    const decoder = new SharingDecoder();
    const whole = pack(sample('a', 'node-1'));
    decoder.decode(whole);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decoder.decode(whole.slice(0, length)), `${length} bytes`).toThrow();
    }
  });

  it('leaves out the maps and arrays of an object that nobody wants', () => {
    const object = {
      kind: 'Pod',
      metadata: { name: 'web-1', labels: { app: 'web' } },
      spec: { containers: [{ name: 'c' }], nodeName: 'node-1', priority: 0, hostNetwork: { deep: ['x'] } },
      status: { phase: 'Running', conditions: [{ type: 'Ready' }] },
      items: [1, 2],
      empty: {},
    };
    const { kind, metadata, spec, status, empty } = object;
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`member-${at}`, [at]]));
    const cases = [
      { wanted: { metadata: undefined }, of: object, is: { kind, metadata, empty } },
      {
        wanted: { spec: new Set(['nodeName']), status: new Set(['phase', 'reason']) },
        of: object,
        is: { kind, spec: { nodeName: 'node-1' }, status: { phase: 'Running' }, empty },
      },
      { wanted: { spec: undefined, status: undefined }, of: object, is: { kind, spec, status, empty } },
      { wanted: { spec: new Set(['member-17']) }, of: { spec: many }, is: { spec: { 'member-17': [17] } } },
      { wanted: { spec: new Set(['x']) }, of: { spec: 'text', status }, is: { spec: 'text' } },
      { wanted: { spec: new Set(['x']) }, of: { spec: [7] }, is: { spec: [7] } },
      { wanted: { spec: new Set(['x']) }, of: [object], is: [object] },
    ];
    for (const each of cases) {
      const decoder = new SharingDecoder();
      const wanted: WantedMembers = new Map(Object.entries(each.wanted));
      for (let times = 0; times < 100; times++) expect(decoder.decode(pack(each.of), wanted)).toEqual(each.is);
      const whole = pack(each.of);
      for (let length = 0; length < whole.length; length++) {
        expect(() => decoder.decode(whole.slice(0, length), wanted), `${length} bytes`).toThrow();
      }
    }
  });

  it('keeps nothing of the message that it was given', () => {
    const decoder = new SharingDecoder();
    const bytes = pack(sample('a'));
    const first = decoder.decode(bytes) as Sample;
    bytes.fill(0xc0);
    expect(first).toEqual(sample('a'));
    expect((decoder.decode(pack(sample('b'))) as Sample).spec.containers).toBe(first.spec.containers);
  });
});
