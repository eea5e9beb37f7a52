import { describe, expect, it } from 'vitest';
import { type EndpointEntry, packSubsets, truncateSubsets } from '../../src/controller/index.ts';

const address = (number: number) => ({ ip: `10.0.0.${number}`, targetRef: { uid: `u${number}` } });
const many = (count: number) => Array.from({ length: count }, (_, at) => address(at));

describe('packSubsets', () => {
  it.each([
    [['http', 80, 'TCP'], ['https', 443, 'TCP'], 'https http'],
    [['https', 443, 'TCP'], ['http', 80, 'TCP'], 'https http'],
    [['dns', 53, 'UDP'], ['dns-tcp', 53, 'TCP'], 'dns-tcp dns'],
  ] as const)('lists ports in upstream’s order, whatever the order of the Service: %j %j', (first, second, order) => {
    const entries = [first, second].map(
      ([name, port, protocol]): EndpointEntry => ({ address: address(1), port: { name, port, protocol }, ready: true }),
    );
    const [subset, ...others] = packSubsets(entries);
    expect(others).toEqual([]);
    expect(subset?.ports?.map(({ name }) => name).join(' ')).toBe(order);
  });

  it('keeps the addresses of a Service without ports', () => {
    expect(packSubsets([{ address: address(1), port: undefined, ready: false }])).toEqual([
      { notReadyAddresses: [address(1)] },
    ]);
  });
});

describe('truncateSubsets', () => {
  it.each([
    {
      name: 'leaves what is within the bound',
      ready: [3, 3],
      notReady: [2, 2],
      left: [
        [3, 2],
        [3, 2],
      ],
      truncated: false,
    },
    {
      name: 'cuts only what is not ready',
      ready: [3, 3],
      notReady: [4, 4],
      left: [
        [3, 2],
        [3, 2],
      ],
      truncated: true,
    },
    {
      name: 'drops all that is not ready',
      ready: [15, 5],
      notReady: [2, 2],
      left: [
        [8, 0],
        [2, 0],
      ],
      truncated: true,
    },
    {
      name: 'rounds shares up, the last has less',
      ready: [7, 7, 7],
      notReady: [0, 0, 0],
      left: [
        [4, 0],
        [4, 0],
        [2, 0],
      ],
      truncated: true,
    },
  ])('$name', ({ ready, notReady, left, truncated }) => {
    const subsets = ready.map((count, at) => ({ addresses: many(count), notReadyAddresses: many(notReady[at] ?? 0) }));
    expect(truncateSubsets(subsets, 10)).toBe(truncated);
    expect(subsets.map((each) => [each.addresses?.length ?? 0, each.notReadyAddresses?.length ?? 0])).toEqual(left);
  });
});
