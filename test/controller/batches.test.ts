import { expect, it } from 'vitest';
import { slowStart } from '../../src/controller/index.ts';

it('a slow start doubles its batches up to the most, and tells each call which one it is', async () => {
  const batches: number[][] = [];
  let batch: number[] | undefined;
  const { succeeded, failure } = await slowStart(
    12,
    1,
    async (index) => {
      if (batch === undefined) {
        const started: number[] = [];
        batch = started;
        batches.push(started);
        queueMicrotask(() => {
          batch = undefined;
        });
      }
      batch.push(index);
    },
    4,
  );
  expect([succeeded, failure]).toEqual([12, undefined]);
  expect(batches).toEqual([[0], [1, 2], [3, 4, 5, 6], [7, 8, 9, 10], [11]]);
});

it('a slow start ends with the batch that something failed in', async () => {
  const called: number[] = [];
  const outcome = await slowStart(100, 1, async (index) => {
    called.push(index);
    if (index === 4) throw new Error('no');
  });
  expect(called).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(outcome).toEqual({ succeeded: 6, failure: new Error('no') });
});
