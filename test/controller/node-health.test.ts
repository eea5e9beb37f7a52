/** When a node counts as silent, look by look. */
import { describe, expect, it } from 'vitest';
import type { Lease, Node } from '../../src/api/index.ts';
import { NodeHealths, unknownConditions } from '../../src/controller/index.ts';
import { VirtualClock } from '../../src/runtime/index.ts';

const created = '2026-01-01T00:00:00Z';
const node = (heartbeat?: string): Node => ({
  metadata: { name: 'n', creationTimestamp: created },
  status:
    heartbeat === undefined ? {} : { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: heartbeat }] },
});
const lease = (renewTime: string): Lease => ({ metadata: { name: 'n' }, spec: { renewTime } });

/** At so many seconds: the heartbeat, the renewal, and whether the node is silent. */
type Look = readonly [seconds: number, heartbeat: string | undefined, renewed: string | undefined, silent: boolean];

describe('NodeHealths', () => {
  it.each<[string, readonly Look[]]>([
    [
      'a node that reports gets the grace from its last report on',
      [
        [0, 'a', undefined, false],
        [50, 'a', undefined, false],
        [51, 'a', undefined, true],
        [52, 'b', undefined, false],
      ],
    ],
    [
      'a renewed lease counts, one from before does not',
      [
        [0, 'a', '1', false],
        [40, 'a', '2', false],
        [90, 'a', '1', false],
        [91, 'a', '2', true],
      ],
    ],
    [
      'a heartbeat has the lease counted once more',
      [
        [0, 'a', '1', false],
        [10, 'b', '1', false],
        [15, 'b', '1', false],
        [65, 'b', '1', false],
        [66, 'b', '1', true],
      ],
    ],
    [
      'a node that never reported gets a minute from its creation on, however late one looks first',
      [
        [45, undefined, undefined, false],
        [60, undefined, undefined, false],
        [61, undefined, undefined, true],
      ],
    ],
    [
      'a lease alone keeps a node that never reported',
      [
        [55, undefined, '1', false],
        [100, undefined, '2', false],
        [161, undefined, '2', true],
      ],
    ],
    [
      'a condition that is taken away is no sign of life, one that comes is',
      [
        [0, 'a', undefined, false],
        [40, undefined, undefined, false],
        [61, undefined, undefined, true],
        [62, 'a', undefined, false],
      ],
    ],
  ])('%s', async (_what, looks) => {
    const clock = new VirtualClock(Date.parse(created));
    const healths = new NodeHealths(clock, 50_000);
    const startMs = clock.monotonic();
    for (const [seconds, heartbeat, renewed, silent] of looks) {
      await clock.advance(startMs + seconds * 1000 - clock.monotonic());
      const is = healths.isSilent(node(heartbeat), renewed === undefined ? undefined : lease(renewed));
      expect([seconds, is]).toEqual([seconds, silent]);
    }
  });

  it('gives all nodes their time anew', async () => {
    const clock = new VirtualClock(Date.parse(created));
    const healths = new NodeHealths(clock, 50_000);
    healths.isSilent(node('a'), undefined);
    await clock.advance(60_000);
    expect(healths.isSilent(node('a'), undefined)).toBe(true);
    healths.renewAll();
    expect(healths.isSilent(node('a'), undefined)).toBe(false);
  });
});

it('unknownConditions leaves what is Unknown already, and NetworkUnavailable', () => {
  const own = { type: 'MemoryPressure', status: 'Unknown', reason: 'Mine' };
  const network = { type: 'NetworkUnavailable', status: 'False', reason: 'RouteCreated' };
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: created };
  const told = unknownConditions({ ...node(), status: { conditions: [own, network, ready] } }, Date.parse(created));
  expect(told.map(({ type, status, reason }) => [type, status, reason])).toEqual([
    ['MemoryPressure', 'Unknown', 'Mine'],
    ['NetworkUnavailable', 'False', 'RouteCreated'],
    ['Ready', 'Unknown', 'NodeStatusUnknown'],
    ['DiskPressure', 'Unknown', 'NodeStatusNeverUpdated'],
    ['PIDPressure', 'Unknown', 'NodeStatusNeverUpdated'],
  ]);
});
