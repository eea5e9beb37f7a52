import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deal, hashOf, Level, type LevelSpec, type SeatPool } from '../../../../actors/apiserver/fairness/level.ts';

/** Turns that the levels wait for, which come when a test says so. */
let turns: (() => void)[] = [];
const nextTurn = (callback: () => void) => {
  turns.push(callback);
};
const turn = () => {
  for (const callback of turns.splice(0)) callback();
};
const make = (of: LevelSpec, shared: SeatPool) => {
  turns = [];
  return new Level(of, shared, nextTurn);
};

const pool = (seats: number): SeatPool => ({ seats, taken: 0, waiting: 0 });
const spec = (more: Partial<LevelSpec> = {}): LevelSpec => ({
  name: 'l',
  uid: 'u',
  seats: 2,
  seatsKept: 2,
  seatsBorrowedMax: 0,
  queuing: { queues: 64, handSize: 6, queueLengthLimit: 5 },
  ...more,
});

const told = () => {
  throw new Error('nobody asks who waits');
};

/** Requests of flows, and the order in which they got their seats. */
function bench(level: Level) {
  const served: string[] = [];
  const leaves: (() => void)[] = [];
  return {
    served,
    ask(flow: string, width = 1) {
      const place = level.enter(
        () => hashOf(flow),
        width,
        () => {
          served.push(flow);
          leaves.push(place.leave);
        },
        told,
      );
      if (place.refusal === undefined && place.queued === undefined) {
        served.push(flow);
        leaves.push(place.leave);
      }
      return place.refusal;
    },
    finishOne() {
      leaves.shift()?.();
      turn();
    },
  };
}

describe('a level', () => {
  it('gives seats at once while there are some, then makes requests wait', () => {
    const level = make(spec(), pool(10));
    const { ask, served, finishOne } = bench(level);
    for (const flow of ['a', 'b', 'c']) expect(ask(flow)).toBeUndefined();
    expect(served).toEqual(['a', 'b']);
    finishOne();
    expect(served).toEqual(['a', 'b', 'c']);
  });

  it('serves a quiet flow before the backlog of a busy one', () => {
    const level = make(spec(), pool(10));
    const { ask, served, finishOne } = bench(level);
    for (let request = 0; request < 20; request++) ask('flooder');
    ask('quiet');
    // Six queues of the flooder's are before it at most, and not its eighteen requests.
    for (let seat = 0; seat < 7; seat++) finishOne();
    expect(served.slice(2)).toContain('quiet');
  });

  it('refuses what finds its queues full, or no queue at all', () => {
    const level = make(spec({ queuing: { queues: 1, handSize: 1, queueLengthLimit: 2 } }), pool(10));
    const { ask } = bench(level);
    const refusals = Array.from({ length: 6 }, () => ask('flooder'));
    expect(refusals).toEqual([undefined, undefined, undefined, undefined, 'queue-full', 'queue-full']);
    const { queuing: _queuing, ...rejecting } = spec();
    const bare = bench(make(rejecting, pool(10)));
    expect([bare.ask('a'), bare.ask('a'), bare.ask('a')]).toEqual([undefined, undefined, 'concurrency-limit']);
  });

  it('borrows only what the others leave', () => {
    const shared = pool(6);
    const lender = bench(make(spec({ seats: 4, seatsKept: 2 }), shared));
    const borrower = bench(make(spec({ seatsBorrowedMax: 2 }), shared));
    for (let request = 0; request < 8; request++) borrower.ask(`flow-${request}`);
    expect(borrower.served).toHaveLength(4);
    for (let request = 0; request < 8; request++) lender.ask(`flow-${request}`);
    // What it keeps for itself is there whatever others have borrowed.
    expect(lender.served).toHaveLength(2);
  });

  it('starts only some requests a turn, so that those of others come between', () => {
    const { ask, served } = bench(make(spec({ seats: 100, seatsKept: 100 }), pool(100)));
    for (let request = 0; request < 20; request++) ask('flooder');
    expect(served).toHaveLength(8);
    ask('quiet');
    turn();
    expect(served).toContain('quiet');
    expect(served).toHaveLength(16);
  });

  it('lets a request that is wider than the level run alone', () => {
    const level = make(spec(), pool(10));
    const { ask, served, finishOne } = bench(level);
    ask('wide', 5);
    ask('narrow');
    expect(served).toEqual(['wide']);
    finishOne();
    expect(served).toEqual(['wide', 'narrow']);
  });

  it('never runs more than its seats and leaves none waiting beside a free one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 60 }), (steps) => {
        const shared = pool(10);
        const level = make(spec(), shared);
        const { ask, finishOne } = bench(level);
        for (const [flow, finishes] of steps) {
          if (finishes) finishOne();
          else ask(`flow-${flow}`);
          expect(level.executing).toBeLessThanOrEqual(2);
          expect(shared.taken).toBe(level.executing);
          if (level.waiting > 0) expect(level.executing).toBe(2);
        }
      }),
    );
  });
});

it('deals every flow a hand of different queues', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 8 }), (flow, queues, hand) => {
      const cards = deal(hashOf(flow), queues, hand);
      expect(new Set(cards).size).toBe(Math.min(queues, hand));
      for (const card of cards) expect(card).toBeLessThan(queues);
    }),
  );
});

it('takes and gives back a seat in less than five microseconds', () => {
  const level = make(spec({ seats: 100, seatsKept: 100 }), pool(100));
  const rounds = 20_000;
  const costs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    for (let round = 0; round < rounds; round++) {
      level
        .enter(
          () => hashOf('global-default\njane'),
          1,
          () => undefined,
          told,
        )
        .leave();
      turn();
    }
    return process.cpuUsage(before).user / rounds;
  });
  expect(Math.min(...costs)).toBeLessThan(5);
});
