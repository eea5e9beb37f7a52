/** How fast nodes of which much of a zone is unwell lose their pods. */
import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/api/index.ts';
import { DisruptionZones, type ZoneCount, zoneOf } from '../../src/controller/index.ts';
import { VirtualClock } from '../../src/runtime/index.ts';

function start() {
  const clock = new VirtualClock(0);
  const gone: string[] = [];
  const refused = new Set<string>();
  const zones = new DisruptionZones(clock, async (name) => {
    gone.push(name);
    return !refused.has(name);
  });
  /** A look at the zones, each with so many ready and silent nodes; silent ones ask for a turn. */
  const look = (counts: Readonly<Record<string, readonly [ready: number, silent: number]>>) => {
    for (const [zone, [, silent]] of Object.entries(counts)) {
      zones.open(zone);
      for (let at = 0; at < silent; at++) zones.add(zone, `${zone}-${at}`);
    }
    const counted = Object.entries(counts).map(([zone, [ready, silent]]): [string, ZoneCount] => [
      zone,
      { ready, notReady: silent },
    ]);
    const change = zones.settle(new Map(counted));
    zones.drain();
    return change;
  };
  return { clock, zones, gone, refused, look };
}

describe('DisruptionZones', () => {
  it.each<[string, number, number, number]>([
    ['two of three are silent, which are too few to count: normal rate', 1, 2, 2],
    ['half of a zone is silent: normal rate', 5, 5, 5],
    ['most of a small zone is silent: none', 4, 6, 0],
    ['most of a large zone is silent: a tenth of the rate', 40, 60, 1],
  ])('when %s', async (_what, ready, silent, gone) => {
    const cluster = start();
    cluster.look({ a: [ready, silent] });
    await cluster.clock.advance(45_000);
    expect(cluster.gone).toHaveLength(gone);
    cluster.zones.stop();
  });

  it('goes on at the normal rate in a zone without a ready node while another has one', async () => {
    const { clock, gone, look, zones } = start();
    look({ b: [1, 0], a: [0, 4] });
    await clock.advance(25_000);
    expect(gone).toEqual(['a-0', 'a-1', 'a-2']);
    zones.stop();
  });

  it('stops everywhere when no zone has a ready node, says when that begins and ends, and then waits a whole turn', async () => {
    const { clock, gone, look, zones } = start();
    expect(look({ a: [1, 0], b: [0, 0] })).toBeUndefined();
    expect(look({ a: [0, 1], b: [0, 1] })).toBe('entered');
    expect(look({ a: [0, 1], b: [0, 1] })).toBeUndefined();
    await clock.advance(60_000);
    expect(gone).toEqual([]);
    expect(look({ a: [1, 0], b: [0, 1] })).toBe('left');
    await clock.advance(9_000);
    expect(gone).toEqual([]);
    await clock.advance(1_000);
    expect(gone).toContain('b-0');
    zones.stop();
  });

  it('waits a whole turn of the new rate when somebody was waiting, and else none', async () => {
    const { clock, gone, look, zones } = start();
    look({ a: [97, 3] });
    expect(gone).toEqual(['a-0']);
    look({ a: [40, 60] });
    await clock.advance(99_000);
    expect(gone).toEqual(['a-0']);
    await clock.advance(1_000);
    expect(gone).toEqual(['a-0', 'a-1']);
    zones.stop();
    const other = start();
    other.look({ a: [100, 0] });
    other.look({ a: [40, 60] });
    expect(other.gone).toEqual(['a-0']);
    other.zones.stop();
  });

  it('does not call it a disruption of everything when a zone is new, or when none is counted', () => {
    const { look, zones } = start();
    expect(look({})).toBeUndefined();
    expect(look({ a: [0, 1] })).toBe('entered');
    expect(look({ a: [0, 1], b: [0, 1] })).toBe('entered');
    expect(look({})).toBeUndefined();
    zones.stop();
  });

  it('gives each node one turn, and another one when it is taken out, or when the first came to nothing', async () => {
    const { clock, gone, look, refused, zones } = start();
    refused.add('a-0');
    look({ a: [9, 2] });
    await clock.advance(25_000);
    expect(gone).toEqual(['a-0', 'a-1', 'a-0']);
    refused.clear();
    await clock.advance(60_000);
    look({ a: [9, 2] });
    await clock.advance(60_000);
    expect(gone).toEqual(['a-0', 'a-1', 'a-0', 'a-0']);
    zones.remove('a', 'a-1');
    look({ a: [9, 2] });
    expect(gone.at(-1)).toBe('a-1');
    zones.stop();
  });

  it('takes a node from the queue', async () => {
    const { clock, gone, look, zones } = start();
    look({ a: [9, 3] });
    zones.remove('a', 'a-1');
    zones.remove('a', 'a-2');
    await clock.advance(60_000);
    expect(gone).toEqual(['a-0']);
    zones.stop();
  });
});

it.each<[string, Record<string, string>, string]>([
  ['none', {}, ''],
  ['a zone alone', { 'topology.kubernetes.io/zone': 'z' }, ':\u0000:z'],
  [
    'the labels of old first',
    {
      'topology.kubernetes.io/region': 'new',
      'topology.kubernetes.io/zone': 'z',
      'failure-domain.beta.kubernetes.io/region': 'old',
    },
    'old:\u0000:z',
  ],
])('zoneOf: %s', (_what, labels, zone) => {
  expect(zoneOf({ metadata: { name: 'n', labels } } satisfies Node)).toBe(zone);
});
