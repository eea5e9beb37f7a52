import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deal,
  ESTIMATED_SECONDS,
  hashOf,
  Level,
  type LevelRequest,
  type LevelSpec,
  type SeatPool,
} from '../../../../actors/apiserver/fairness/level.ts';
import { VirtualClock } from '../../../../src/runtime/index.ts';

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
  widthMax: 2,
  seatsKept: 2,
  seatsBorrowedMax: 0,
  queuing: { queues: 64, handSize: 6, queueLengthLimit: 5 },
  ...more,
});

/** A request of a flow that tells when it gets its seat. */
const requestOf = (flow: string, width: number, begun: () => void, moreWork = 0): LevelRequest => ({
  width,
  work: width * ESTIMATED_SECONDS + moreWork,
  queue: undefined,
  hash: () => hashOf(flow),
  settle: begun,
});

/** Requests of flows, and the order in which they got their seats. */
function bench(level: Level) {
  const served: string[] = [];
  const running: LevelRequest[] = [];
  return {
    served,
    ask(flow: string, width = 1, moreWork = 0) {
      const request = requestOf(
        flow,
        width,
        () => {
          served.push(flow);
          running.push(request);
        },
        moreWork,
      );
      const place = level.enter(request);
      if (place === 'begun') request.settle();
      return place === 'begun' || place === 'queued' ? undefined : place;
    },
    finishOne(ranMs = 0) {
      const request = running.shift();
      if (request !== undefined) level.leave(request, ranMs, ranMs);
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

  it('starts one wide request a turn, and none before the event loop has come round', () => {
    const { ask, served } = bench(make(spec({ seats: 100, seatsKept: 100 }), pool(100)));
    for (let request = 0; request < 20; request++) ask('flooder', 8);
    expect(served).toHaveLength(1);
    turn();
    expect(served).toHaveLength(2);
  });

  it('waits for the event loop after requests that ran long, however few they were', () => {
    const level = make(spec({ seats: 100, seatsKept: 100 }), pool(100));
    const { ask, served } = bench(level);
    const slow = requestOf('slow', 1, () => undefined);
    expect(level.enter(slow)).toBe('begun');
    level.leave(slow, 50, 50);
    ask('flooder');
    expect(served).toEqual([]);
    turn();
    expect(served).toEqual(['flooder']);
  });

  it('does not wait for the event loop after requests that waited for something themselves', () => {
    const level = make(spec({ seats: 100, seatsKept: 100 }), pool(100));
    const { ask, served } = bench(level);
    const patient = requestOf('patient', 1, () => undefined);
    level.enter(patient);
    level.leave(patient, 50, 0);
    ask('next');
    expect(served).toEqual(['next']);
  });

  it('serves the shorter of two that have had the same', () => {
    const { ask, served, finishOne } = bench(make(spec({ seats: 10, seatsKept: 10 }), pool(10)));
    for (let request = 0; request < 4; request++) ask('flooder', 8);
    ask('quiet');
    finishOne();
    expect(served.slice(0, 2)).toEqual(['flooder', 'quiet']);
  });

  it('lets who took longer than it was taken for wait for the others', () => {
    const { ask, served, finishOne } = bench(
      make(spec({ seats: 1, seatsKept: 1, queuing: { queues: 64, handSize: 1, queueLengthLimit: 50 } }), pool(1)),
    );
    ask('first');
    for (let request = 0; request < 4; request++) ask('slow');
    for (let request = 0; request < 4; request++) ask('quick');
    finishOne();
    finishOne(served.at(-1) === 'slow' ? 100 : 0);
    finishOne(served.at(-1) === 'slow' ? 100 : 0);
    finishOne();
    finishOne();
    expect(served.slice(1).filter((flow) => flow === 'quick')).toHaveLength(4);
  });

  it('charges what a request leaves to be done after its end', () => {
    const level = make(
      spec({ seats: 1, seatsKept: 1, queuing: { queues: 64, handSize: 1, queueLengthLimit: 9 } }),
      pool(1),
    );
    const { ask, served, finishOne } = bench(level);
    ask('first');
    for (let request = 0; request < 3; request++) ask('told to many', 1, 0.05);
    for (let request = 0; request < 3; request++) ask('told to nobody');
    for (let seat = 0; seat < 3; seat++) finishOne();
    expect(served.slice(1)).toEqual(['told to nobody', 'told to nobody', 'told to nobody']);
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

describe('a flood of one flow, on the virtual clock', () => {
  /** How many of the flood's requests get a seat between a quiet request's arrival and its own, at each of many moments. */
  async function overtaken(width: number, ranMs: number, flow: string, moments = 50): Promise<number[]> {
    const clock = new VirtualClock();
    const level = new Level(
      spec({
        seats: 49,
        seatsKept: 25,
        seatsBorrowedMax: 24,
        queuing: { queues: 128, handSize: 6, queueLengthLimit: 50 },
      }),
      pool(600),
      (callback) => clock.afterInput(callback),
    );
    let served = 0;
    const counts: number[] = [];
    const send = (name: string, seats: number, ms: number, begun: () => void) => {
      const request = requestOf(name, seats, () => {
        begun();
        // It runs to its end at once, as a read from the cache does, and leaves once its promises have settled.
        void Promise.resolve().then(() => level.leave(request, ms, ms));
      });
      if (level.enter(request) === 'begun') request.settle();
    };
    const flood = () =>
      send('flooder', width, ranMs, () => {
        served++;
        // Its client sends the next one, which is read in a later turn.
        clock.afterInput(flood);
      });
    for (let connection = 0; connection < 250; connection++) flood();
    for (let moment = 0; moment < moments; moment++) {
      // The flood never ends, so time is never asked to stand still: one turn after the other is let go by.
      await new Promise(setImmediate);
      const before = served;
      clock.afterInput(() => send(flow, 1, 0, () => counts.push(served - before)));
      for (let turns = 0; counts.length <= moment && turns < 1000; turns++) await new Promise(setImmediate);
    }
    return counts;
  }

  it.each([
    ['lists of many objects', 8, 1],
    ['lists of some objects', 3, 0.3],
    ['gets', 1, 0.1],
    ['requests that look cheap and are not', 1, 20],
  ])('of %s lets a quiet one by after a few', async (_what, width, ranMs) => {
    const counts = await overtaken(width, ranMs, 'quiet');
    expect(counts).toHaveLength(50);
    // Two turns of eight seats at most, and no more than its hand of queues in the second.
    expect(Math.max(...counts)).toBeLessThanOrEqual(width === 1 && ranMs < 2 ? 16 : Math.ceil(16 / width) + 1);
  });

  it('makes its own further requests wait behind it', async () => {
    expect(Math.min(...(await overtaken(8, 1, 'flooder', 5)))).toBeGreaterThan(100);
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
      const request = requestOf('global-default\njane', 1, () => undefined);
      level.enter(request);
      level.leave(request, 0, 0);
      turn();
    }
    return process.cpuUsage(before).user / rounds;
  });
  expect(Math.min(...costs)).toBeLessThan(5);
});
