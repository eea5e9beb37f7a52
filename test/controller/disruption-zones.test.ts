/** How fast nodes of which much of a zone is unwell lose their pods. */
import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/api/index.ts';
import { DisruptionZones } from '../../src/controller/index.ts';
import { VirtualClock } from '../../src/runtime/index.ts';

const node = (name: string, zone = 'z1', labels: Record<string, string> = {}): Node =>
  ({ metadata: { name, labels: { 'topology.kubernetes.io/zone': zone, ...labels } } }) as Node;

function start() {
  const clock = new VirtualClock(0);
  const allowed: string[] = [];
  const switches: boolean[] = [];
  const zones = new DisruptionZones(
    clock,
    (name) => void allowed.push(name),
    (all) => void switches.push(all),
  );
  /** Counts `ready` and `silent` nodes in a zone, and asks for a turn for each silent one. */
  const fill = (ready: number, silent: number, zone = 'z1') => {
    for (let at = 0; at < ready; at++) zones.set(node(`${zone}-ready-${at}`, zone), true);
    for (let at = 0; at < silent; at++) zones.set(node(`${zone}-silent-${at}`, zone), false);
    for (let at = 0; at < silent; at++) zones.request(`${zone}-silent-${at}`);
  };
  return { clock, zones, allowed, switches, fill };
}

describe('DisruptionZones', () => {
  it.each<[string, number, number, number]>([
    ['two of three are silent, which are too few to count: normal rate', 1, 2, 2],
    ['half of a zone is silent: normal rate', 5, 5, 5],
    ['most of a small zone is silent: none', 4, 6, 0],
    ['most of a large zone is silent: a tenth of the rate', 40, 60, 1],
  ])('when %s', async (_what, ready, silent, gone) => {
    const { clock, allowed, fill, zones } = start();
    fill(ready, silent);
    await clock.advance(45_000);
    expect(allowed).toHaveLength(gone);
    zones.stop();
  });

  it('goes on at the normal rate in a zone without a ready node while another has one', async () => {
    const { clock, allowed, fill, zones } = start();
    fill(1, 0, 'z2');
    fill(0, 4);
    await clock.advance(25_000);
    expect(allowed).toEqual(['z1-silent-0', 'z1-silent-1', 'z1-silent-2']);
    zones.stop();
  });

  it('stops everywhere when no zone has a ready node, and says when that begins and ends', async () => {
    const { clock, allowed, switches, zones } = start();
    zones.set(node('a'), true);
    zones.set(node('b', 'z2'), false);
    expect(switches).toEqual([]);
    zones.set(node('a'), false);
    zones.request('a');
    zones.request('b');
    await clock.advance(60_000);
    expect([allowed, switches]).toEqual([[], [true]]);
    zones.set(node('a'), true);
    await clock.advance(10_000);
    expect([allowed, switches]).toEqual([['b'], [true, false]]);
    zones.stop();
  });

  it('does not count nodes that are excluded, yet gives them their turn', async () => {
    const { clock, allowed, switches, zones } = start();
    const excluded = { 'node.kubernetes.io/exclude-disruption': '' };
    zones.set(node('a', 'z1', excluded), true);
    zones.set(node('b'), false);
    expect(switches).toEqual([true]);
    zones.set(node('b'), true);
    zones.set(node('a', 'z1', excluded), false);
    zones.request('a');
    await clock.advance(1_000);
    expect(allowed).toEqual(['a']);
    zones.stop();
  });

  it('takes a node from the queue that is ready again or gone', async () => {
    const { clock, allowed, fill, zones } = start();
    fill(9, 3);
    zones.set(node('z1-silent-1'), true);
    zones.remove('z1-silent-2');
    await clock.advance(60_000);
    expect(allowed).toEqual(['z1-silent-0']);
    zones.stop();
  });
});
