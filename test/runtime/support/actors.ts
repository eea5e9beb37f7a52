/**
 * Actors that the runtime's tests start in every placement. Worker threads load them from the build that `built-actors.ts`
 * makes; nothing here knows in which thread it runs.
 */
import { from, Observable, range } from 'rxjs';
import { type ActorContext, BusError, callChannel, defineActor, streamChannel } from '../../../src/runtime/index.ts';

export const echo = callChannel<unknown, unknown>('echo');
export const whoAmI = callChannel<null, { address: string; identity: unknown }>('whoAmI');
export const sleep = callChannel<number, string>('sleep');
export const never = callChannel<null, null>('never');
export const cancelled = callChannel<null, number>('cancelled');
export const failWith = callChannel<'plain' | 'details', null>('failWith');
export const misbehave = callChannel<Misdeed, null>('misbehave');
export const uuid = callChannel<null, string>('uuid');
export const next = callChannel<null, number>('next');
export const note = callChannel<{ from: string; value: number }, null>('note');
export const notes = callChannel<null, { from: string; value: number }[]>('notes');
export const numbers = streamChannel<number, number>('numbers');
export const endless = streamChannel<{ everyMs: number }, number>('endless');
export const blobs = streamChannel<{ count: number; bytes: number }, Uint8Array>('blobs');
export const broken = streamChannel<'throws' | 'errors' | 'bus', number>('broken');
export const producing = callChannel<null, number>('producing');

export type Misdeed = 'timer' | 'subscriber' | 'async-timer' | 'context' | 'rejection' | 'loop' | 'heap';

/** Answers everything that a well-behaved server answers, and misbehaves when told to. */
export const server = defineActor<{ greeting?: string } | undefined>({
  name: 'server',
  module: import.meta.url,
  start(context) {
    const { bus, clock } = context;
    let count = 0;
    let cancels = 0;
    let streams = 0;
    const noted: { from: string; value: number }[] = [];
    const calls = context.metrics.counter('test_calls_total', 'Calls of next.');
    bus.serve(echo, (request) => request);
    bus.serve(whoAmI, (_, { caller }) => ({ address: caller.address, identity: caller.identity }));
    bus.serve(sleep, async (ms) => {
      await clock.sleep(ms);
      return `slept ${ms}`;
    });
    bus.serve(never, (_, { signal }) => {
      signal.addEventListener('abort', () => cancels++);
      return new Promise<null>(() => {});
    });
    bus.serve(cancelled, () => cancels);
    bus.serve(failWith, (how) => {
      if (how === 'plain') throw new RangeError('out of range');
      throw new BusError('ResourceExhausted', 'too many', { limit: 3 });
    });
    bus.serve(uuid, () => context.random.uuid());
    bus.serve(next, () => {
      calls.add();
      return ++count;
    });
    bus.serve(note, (entry) => {
      noted.push(entry);
      return null;
    });
    bus.serve(notes, () => noted);
    bus.serve(producing, () => streams);
    bus.feed(numbers, (n) => range(0, n));
    bus.feed(
      endless,
      ({ everyMs }) =>
        new Observable<number>((subscriber) => {
          streams++;
          let n = 0;
          const timer = clock.every(everyMs, () => subscriber.next(n++), { background: true });
          return () => {
            streams--;
            timer.cancel();
          };
        }),
    );
    bus.feed(blobs, ({ count: n, bytes }) => from(Array.from({ length: n }, () => new Uint8Array(bytes))), {
      itemsMax: 100,
    });
    bus.feed(broken, (how) => {
      if (how === 'throws') throw new Error('no stream for you');
      return new Observable<number>((subscriber) => {
        subscriber.next(1);
        subscriber.error(how === 'bus' ? new BusError('NotServed', 'gone away', { at: 7 }) : new Error('broke'));
      });
    });
    bus.serve(misbehave, (misdeed) => {
      clock.after(1, () => commit(context, misdeed));
      return null;
    });
  },
});

function commit(context: ActorContext, misdeed: Misdeed): unknown {
  switch (misdeed) {
    case 'timer':
      throw new Error('bug in a timer');
    case 'async-timer':
      return Promise.reject(new Error('bug in an asynchronous timer'));
    case 'subscriber':
      return from([1]).subscribe(() => {
        throw new Error('bug in a subscriber');
      });
    case 'context':
      return context.fail(new Error('bug told to the context'));
    case 'rejection':
      void Promise.reject(new Error('bug in a promise that nobody awaits'));
      return undefined;
    case 'loop':
      for (;;);
    case 'heap': {
      const hoard: unknown[] = [];
      for (;;) hoard.push(new Array(1000).fill(Math.sqrt(hoard.length)));
    }
  }
}

export const relayCall = callChannel<{ to: string; value: unknown }, unknown>('relay.call');
export const flood = callChannel<{ to: string; count: number }, null>('flood');
export const consume = callChannel<{ from: string; count: number; bytes: number; busyMs: number }, Consumed>('consume');

export interface Consumed {
  readonly items: number;
  readonly outcome: string;
}

/** Calls and consumes from other actors when told to. */
export const client = defineActor({
  name: 'client',
  module: import.meta.url,
  start({ bus, clock }) {
    bus.serve(relayCall, ({ to, value }) => bus.call(to, echo, value));
    bus.serve(flood, async ({ to, count }) => {
      await Promise.all(Array.from({ length: count }, (_, value) => bus.call(to, note, { from: bus.address, value })));
      return null;
    });
    bus.serve(
      consume,
      ({ from: producer, count, bytes, busyMs }) =>
        new Promise((resolve) => {
          let items = 0;
          bus.open(producer, blobs, { count, bytes }).subscribe({
            next: () => {
              items++;
              const until = clock.monotonic() + busyMs;
              while (clock.monotonic() < until);
            },
            error: (error) => resolve({ items, outcome: error.code }),
            complete: () => resolve({ items, outcome: 'complete' }),
          });
        }),
    );
  },
});

/** Its start throws: at once, or from the second incarnation on, as told. */
export const faulty = defineActor<{ startFails: 'always' | 'never'; crashAfterMs: number }>({
  name: 'faulty',
  module: import.meta.url,
  start({ clock }, { startFails, crashAfterMs }) {
    if (startFails === 'always') throw new Error('cannot start');
    clock.after(crashAfterMs, () => {
      throw new Error('crashed again');
    });
  },
});

export const stopLog = callChannel<null, null>('stopLog');

/** Tells `server` when it stops, while its bus still works. */
export const polite = defineActor({
  name: 'polite',
  module: import.meta.url,
  start({ bus }) {
    return {
      async stop() {
        await bus.call('server', note, { from: bus.address, value: 0 });
      },
    };
  },
});
