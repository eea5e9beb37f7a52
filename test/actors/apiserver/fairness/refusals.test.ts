import { expect, it } from 'vitest';
import { Refusals } from '../../../../actors/apiserver/fairness/refusals.ts';
import { VirtualClock } from '../../../../src/runtime/index.ts';

it('tells of a refusal a moment later, and of many one after the other', async () => {
  const clock = new VirtualClock();
  const refusals = new Refusals(clock);
  const begin = clock.monotonic();
  const told: number[] = [];
  const refuse = () => refusals.later(new Error('too many')).catch(() => told.push(clock.monotonic() - begin));
  void refuse();
  await clock.advance(199);
  expect(told).toEqual([]);
  await clock.advance(1);
  expect(told).toEqual([200]);
  for (let request = 0; request < 500; request++) void refuse();
  await clock.advance(400);
  // One came at first, and one every two milliseconds from the two hundredth on.
  expect(told).toHaveLength(1 + 101);
  await clock.advance(800);
  expect(told).toHaveLength(501);
  void refuse();
  await clock.advance(200);
  expect(told).toHaveLength(502);
});

it('rejects with what it was given', async () => {
  const clock = new VirtualClock();
  const error = new Error('too many');
  const told = new Refusals(clock).later(error).catch((reason: unknown) => reason);
  await clock.advance(200);
  expect(await told).toBe(error);
});
