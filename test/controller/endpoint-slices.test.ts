import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint, EndpointSlice } from '../../src/api/index.ts';
import { hintsFor, planSlices } from '../../src/controller/index.ts';

const ports = [{ name: '', port: 80, protocol: 'TCP' }];
const endpoint = (number: number): Endpoint => ({ addresses: [`10.0.0.${number}`], targetRef: { uid: `u${number}` } });
const slice = (name: string, numbers: readonly number[]): EndpointSlice => ({
  metadata: { name },
  addressType: 'IPv4',
  ports,
  endpoints: numbers.map(endpoint),
});
const numbersOf = (endpoints: readonly Endpoint[] | undefined) =>
  (endpoints ?? []).map(({ addresses }) => Number(addresses[0]?.split('.')[3]));

describe('endpoint slices', () => {
  it('writes nothing when nothing has changed', () => {
    const plan = planSlices([slice('a', [1, 2])], [{ ports, endpoints: [1, 2].map(endpoint) }], 3, () => false);
    expect(plan).toEqual({ create: [], update: [], remove: [] });
  });

  it('fills a slice that changes anyway before it makes another', () => {
    const existing = [slice('a', [1, 2, 3]), slice('b', [4])];
    const plan = planSlices(existing, [{ ports, endpoints: [1, 2, 4, 5].map(endpoint) }], 3, () => false);
    expect(plan.create).toEqual([]);
    expect(plan.update.map(({ metadata, endpoints }) => [metadata?.name, numbersOf(endpoints)])).toEqual([
      ['a', [1, 2, 5]],
    ]);
  });

  it('gives a slice that would go to endpoints with other ports', () => {
    const other = [{ name: 'x', port: 81, protocol: 'TCP' }];
    const plan = planSlices([slice('a', [1])], [{ ports: other, endpoints: [endpoint(1)] }], 3, () => false);
    expect(plan).toMatchObject({ create: [], remove: [], update: [{ metadata: { name: 'a' }, ports: other }] });
  });

  it('always ends with exactly the wanted endpoints, each once, in slices within their bound', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });
    fc.assert(
      fc.property(numbers, numbers, fc.integer({ min: 1, max: 7 }), (before, wanted, most) => {
        const existing: EndpointSlice[] = [];
        for (let at = 0; at < before.length; at += most) existing.push(slice(`s${at}`, before.slice(at, at + most)));
        const groups = wanted.length === 0 ? [] : [{ ports, endpoints: wanted.map(endpoint) }];
        const plan = planSlices(existing, groups, most, () => false);
        const touched = new Set([...plan.update, ...plan.remove].map(({ metadata }) => metadata?.name));
        const after = [
          ...existing
            .filter(({ metadata }) => !touched.has(metadata?.name))
            .map(({ endpoints }) => numbersOf(endpoints)),
          ...plan.update.map(({ endpoints }) => numbersOf(endpoints)),
          ...plan.create.map(({ endpoints }) => numbersOf(endpoints)),
        ];
        expect(after.every((list) => list.length <= most)).toBe(true);
        expect(after.flat().sort((left, right) => left - right)).toEqual(
          [...wanted].sort((left, right) => left - right),
        );
      }),
    );
  });
});

describe('hints of trafficDistribution', () => {
  const zone = { forZones: [{ name: 'z' }] };
  const node = { forNodes: [{ name: 'n' }] };
  it.each([
    ['PreferClose', 'z', 'n', true, zone],
    ['PreferSameZone', 'z', 'n', true, zone],
    ['PreferSameNode', 'z', 'n', true, { ...zone, ...node }],
    ['PreferSameNode', undefined, 'n', true, node],
    ['PreferSameNode', 'z', undefined, true, zone],
    ['PreferSameNode', undefined, undefined, true, undefined],
    ['PreferSameZone', undefined, 'n', true, undefined],
    ['PreferClose', 'z', 'n', false, undefined],
    [undefined, 'z', 'n', true, undefined],
  ])('%s in zone %s on node %s, ready %s', (distribution, zoneName, nodeName, ready, hints) => {
    const placed = {
      addresses: ['10.0.0.1'],
      conditions: { ready },
      ...(zoneName === undefined ? {} : { zone: zoneName }),
      ...(nodeName === undefined ? {} : { nodeName }),
    };
    expect(hintsFor(placed, distribution)).toEqual(hints);
  });
});
