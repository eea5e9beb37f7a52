/** How endpoints are shared out between zones, and when they are not. */
import { describe, expect, it } from 'vitest';
import type { Endpoint, Node } from '../../src/api/index.ts';
import { setTopologyHints, zoneShares } from '../../src/controller/index.ts';

const node = (zone: string | undefined, cpu: string, more: { ready?: string; labels?: object } = {}): Node =>
  ({
    metadata: { labels: { ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }), ...more.labels } },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: more.ready ?? 'True' }] },
  }) as Node;

const endpoints = (...zones: string[]): Endpoint[] =>
  zones.map((zone, at) => ({
    addresses: [`10.0.0.${at}`],
    conditions: { ready: !zone.startsWith('-') },
    ...(zone === '' ? {} : { zone: zone.replace('-', '') }),
  }));
const hintsOf = (list: readonly Endpoint[]) => list.map(({ hints }) => hints?.forZones?.[0]?.name).join();
const equal = new Map([
  ['a', 0.5],
  ['b', 0.5],
]);

describe('zoneShares', () => {
  it.each<[string, Node[], [string, number][] | undefined]>([
    [
      'by processors',
      [node('a', '3'), node('b', '1')],
      [
        ['a', 0.75],
        ['b', 0.25],
      ],
    ],
    [
      'without nodes that are not ready',
      [node('a', '1'), node('b', '1'), node('b', '9', { ready: 'False' })],
      [
        ['a', 0.5],
        ['b', 0.5],
      ],
    ],
    [
      'without the control plane',
      [
        node('a', '1'),
        node('b', '1'),
        node(undefined, '1', { labels: { 'node-role.kubernetes.io/control-plane': '' } }),
      ],
      [
        ['a', 0.5],
        ['b', 0.5],
      ],
    ],
    ['not with one zone', [node('a', '1')], undefined],
    ['not when a node has no zone', [node('a', '1'), node('b', '1'), node(undefined, '1')], undefined],
  ])('%s', (_, nodes, expected) => {
    const shares = zoneShares(nodes);
    expect(shares === undefined ? undefined : [...shares]).toEqual(expected);
  });
});

describe('setTopologyHints', () => {
  it.each<[string, string[], string, string | undefined]>([
    ['keeps endpoints in their zones when that is even', ['a', 'b', 'a', 'b'], 'a,b,a,b', undefined],
    ['lends endpoints to a zone that has too few', ['a', 'a', 'a', 'b'], 'b,a,a,b', undefined],
    ['gives none to endpoints that are not ready', ['a', 'b', '-a'], 'a,b,', undefined],
    [
      'gives none when there are fewer endpoints than zones',
      ['a'],
      '',
      'Insufficient number of endpoints (1 endpoints, 2 zones)',
    ],
    [
      'gives none when an endpoint has no zone',
      ['a', 'b', 'b', ''],
      ',,,',
      'One or more endpoints do not have a zone specified',
    ],
    [
      'gives none when a zone would have to take too much',
      ['a', 'b', 'a'],
      ',,',
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)',
    ],
  ])('%s', (_, zones, expected, why) => {
    const list = endpoints(...zones);
    expect([setTopologyHints({ changing: list, settled: [] }, equal), hintsOf(list)]).toEqual([why, expected]);
  });

  it('hints endpoints of slices that change anew, whatever they had', () => {
    const list = endpoints('a', 'a', 'a', 'b');
    list[2]!.hints = { forZones: [{ name: 'b' }] };
    expect(setTopologyHints({ changing: list, settled: [] }, equal)).toBeUndefined();
    expect(hintsOf(list)).toBe('b,a,a,b');
  });

  it('leaves slices alone that need not be written', () => {
    const [settled, changing] = [endpoints('a', 'a', 'a'), endpoints('b')];
    for (const [at, name] of ['a', 'a', 'b'].entries()) settled[at]!.hints = { forZones: [{ name }] };
    expect(setTopologyHints({ changing, settled: [settled] }, equal)).toBeUndefined();
    expect([hintsOf(settled), hintsOf(changing)]).toEqual(['a,a,b', 'b']);
  });

  it.each<[string, string[]]>([
    ['a zone may not have so many any more', ['a', 'a', 'a']],
    ['a zone is there no more', ['a', 'a', 'c']],
    ['an endpoint has no hint', ['a', 'a', '']],
  ])('hints a slice anew when %s', (_, before) => {
    const [settled, changing] = [endpoints('a', 'a', 'a'), endpoints('b')];
    for (const [at, name] of before.entries()) if (name !== '') settled[at]!.hints = { forZones: [{ name }] };
    expect(setTopologyHints({ changing, settled: [settled] }, equal)).toBeUndefined();
    expect([hintsOf(settled), hintsOf(changing)]).toEqual(['b,a,a', 'b']);
  });

  it('says when the nodes do not tell enough', () => {
    expect(setTopologyHints({ changing: endpoints('a', 'b'), settled: [] }, undefined)).toMatch(
      /^Insufficient Node information/,
    );
  });
});
