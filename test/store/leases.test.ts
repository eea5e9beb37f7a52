/** When leases run out: many at once, in any order, kept alive in between. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../src/runtime/index.ts';
import { Leases } from '../../src/store/leases.ts';

test('each lease runs out at its own time, however they were granted and kept alive', async () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('grant' as const), ttlSeconds: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ do: fc.constant('keepAlive' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('revoke' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('advance' as const), seconds: fc.integer({ min: 1, max: 20 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
      const clock = new VirtualClock();
      const leases = new Leases(clock, (ids) => {
        for (const id of ids) leases.revoke(id);
      });
      /** Time of expiry by id. */
      const expected = new Map<number, number>();
      for (const each of actions) {
        const ids = [...expected.keys()];
        const id = 'which' in each ? ids[each.which % Math.max(1, ids.length)] : undefined;
        if (each.do === 'grant') {
          const lease = leases.grant(each.ttlSeconds, undefined);
          expected.set(lease.id, clock.monotonic() + each.ttlSeconds * 1000);
        } else if (each.do === 'keepAlive' && id !== undefined) {
          expected.set(id, clock.monotonic() + leases.keepAlive(id).ttlSeconds * 1000);
        } else if (each.do === 'revoke' && id !== undefined) {
          leases.revoke(id);
          expected.delete(id);
        } else if (each.do === 'advance') {
          await clock.advance(each.seconds * 1000);
          for (const [lease, atMs] of expected) if (atMs <= clock.monotonic()) expected.delete(lease);
        }
        expect(leases.list().map((lease) => lease.id)).toEqual(
          [...expected.keys()].sort((left, right) => left - right),
        );
      }
    }),
    { numRuns: 100 },
  );
});

test('a lease of longer than a timer can wait holds', async () => {
  const clock = new VirtualClock();
  const ended: number[] = [];
  const leases = new Leases(clock, (ids) => ended.push(...ids));
  const days60 = 60 * 24 * 3600;
  const { id } = leases.grant(days60, undefined);
  await clock.advance((days60 - 1) * 1000);
  expect(leases.timeToLive(id).remainingSeconds).toBe(1);
  expect(ended).toEqual([]);
  await clock.advance(1000);
  expect(ended).toEqual([id]);
});
