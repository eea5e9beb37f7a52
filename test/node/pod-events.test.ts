import { expect, it } from 'vitest';
import { TokenBucket } from '../../src/client/index.ts';
import { PodEvents } from '../../src/node/pod-events.ts';
import { VirtualClock } from '../../src/runtime/index.ts';
import { boundPod } from './fixtures.ts';

function recorded(verbosity: 'all' | 'warnings' | 'none', bucket = new TokenBucket(new VirtualClock(), 10, 10)) {
  const reasons: string[] = [];
  const events = new PodEvents(() => ({ event: (_object, _type, reason) => reasons.push(reason) }), bucket, verbosity);
  return { events, reasons };
}

it('a bucket gives its burst, then as fast as it refills', async () => {
  const clock = new VirtualClock();
  const bucket = new TokenBucket(clock, 2, 3);
  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, true, false]);
  await clock.advance(500);
  expect([bucket.take(), bucket.take()]).toEqual([true, false]);
  await clock.advance(3_600_000);
  expect(Array.from({ length: 5 }, () => bucket.take()).filter(Boolean)).toHaveLength(3);
});

it('Normal events beyond the budget are left out, warnings never', () => {
  const { events, reasons } = recorded('all', new TokenBucket(new VirtualClock(), 1, 1));
  events.normal(boundPod(), undefined, 'Started', '');
  events.normal(boundPod(), undefined, 'Started', '');
  events.warning(boundPod(), undefined, 'BackOff', '');
  expect(reasons).toEqual(['Started', 'BackOff']);
});

it('the verbosity turns kinds of events off', () => {
  for (const [verbosity, expected] of [
    ['all', ['A', 'B']],
    ['warnings', ['B']],
    ['none', []],
  ] as const) {
    const { events, reasons } = recorded(verbosity);
    events.normal(boundPod(), undefined, 'A', '');
    events.warning(boundPod(), undefined, 'B', '');
    expect(reasons).toEqual(expected);
  }
});
