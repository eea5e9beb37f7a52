// Virtual time, determinism and fault injection: what the inline placement is for.
import { describe, expect, it } from 'vitest';
import {
  type ActorContext,
  ActorSystem,
  callChannel,
  defineActor,
  type Interceptor,
  isBusError,
  type TapRecord,
} from '../../src/runtime/index.ts';

const ping = callChannel<number, number>('ping');
const report = callChannel<null, string[]>('report');

/** Waits a random time before it answers, and calls its neighbour in turn. */
const gossip = defineActor<{ neighbour: string }>({
  name: 'gossip',
  module: import.meta.url,
  start({ bus, clock, random }, { neighbour }) {
    bus.serve(ping, async (hops) => {
      await clock.sleep(random.integer(1_000));
      return hops === 0 ? 0 : 1 + (await bus.call(neighbour, ping, hops - 1));
    });
  },
});

/** Notes when its timers fire. */
const timers = defineActor({
  name: 'timers',
  module: import.meta.url,
  start({ bus, clock }: ActorContext) {
    const lines: string[] = [];
    const begin = clock.now();
    const line = (text: string) => () => void lines.push(`${clock.now() - begin} ${text}`);
    clock.after(30, line('foreground'));
    clock.every(20, line('background'), { background: true });
    clock.after(30, line('foreground, armed later'));
    clock.turn(line('turn'));
    bus.serve(report, () => lines);
  },
});

async function gossipTrace(seed: number, interceptor?: Interceptor): Promise<string[]> {
  const system = new ActorSystem({ placement: 'inline', clock: 'virtual', seed, logLevel: 'silent' });
  const trace: string[] = [];
  const record = ({ from, to, kind, channel, id, bytes }: TapRecord): void => {
    trace.push(`${system.clock.now()} ${from}>${to} ${kind} ${channel}#${id} ${bytes}`);
  };
  system.tap(record);
  if (interceptor !== undefined) system.intercept(interceptor);
  const names = ['a', 'b', 'c', 'd', 'e'];
  await system.start(
    names.map((address, at) => ({
      definition: gossip,
      address,
      options: { neighbour: names[(at + 1) % names.length]! },
    })),
  );
  const answers = Promise.allSettled(names.map((name) => system.bus.call(name, ping, 20, { deadlineMs: 60_000 })));
  await system.settled();
  trace.push(JSON.stringify(await answers));
  await system.stop();
  return trace;
}

describe('a seeded run', () => {
  it('repeats exactly, message for message and millisecond for millisecond', async () => {
    const first = await gossipTrace(42);
    expect(first.length).toBeGreaterThan(200);
    expect(await gossipTrace(42)).toEqual(first);
  });

  it('differs with another seed', async () => {
    expect(await gossipTrace(43)).not.toEqual(await gossipTrace(42));
  });

  it('repeats exactly with injected faults too', async () => {
    const lossy = (): Interceptor => {
      let at = 0;
      return () => {
        at++;
        if (at % 50 === 0) return 'drop';
        if (at % 31 === 0) return 'duplicate';
        return at % 7 === 0 ? { delayMs: at % 11 } : 'deliver';
      };
    };
    const first = await gossipTrace(42, lossy());
    expect(await gossipTrace(42, lossy())).toEqual(first);
    expect(first).not.toEqual(await gossipTrace(42));
  });
});

describe('virtual time', () => {
  it('fires timers in the order of their due times, those in the background on the way', async () => {
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
    await system.start({ definition: timers });
    await system.settled();
    expect(await system.bus.call('timers', report, null)).toEqual([
      '0 turn',
      '20 background',
      '30 foreground',
      '30 foreground, armed later',
    ]);
    await system.advance(50);
    expect((await system.bus.call('timers', report, null)).slice(4)).toEqual([
      '40 background',
      '60 background',
      '80 background',
    ]);
    await system.stop();
  });

  it('runs an hour in a moment, and stands still while nobody asks for it', async () => {
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual', startTime: 1_000 });
    await system.start({ definition: timers });
    const begin = system.clock.now();
    await system.advance(3_600_000);
    expect(system.clock.now() - begin).toBe(3_600_000);
    expect(await system.bus.call('timers', report, null)).toHaveLength(3_600_000 / 20 + 3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(system.clock.now() - begin).toBe(3_600_000);
    await system.stop();
  });

  it('reaches the deadline of a call whose answer was lost', async () => {
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
    await system.start({ definition: timers });
    const stop = system.intercept(({ kind }) => (kind === 'reply' ? 'drop' : 'deliver'));
    const begin = system.clock.now();
    const call = system.bus.call('timers', report, null, { deadlineMs: 30_000 });
    call.catch(() => {});
    await system.settled();
    await expect(call).rejects.toSatisfy((error) => isBusError(error, 'DeadlineExceeded'));
    expect(system.clock.now() - begin).toBeGreaterThanOrEqual(30_000);
    stop();
    expect(await system.bus.call('timers', report, null)).toBeDefined();
    await system.stop();
  });

  it('keeps the order of a pair of actors when one message is delayed', async () => {
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
    const seen: number[] = [];
    const collector = defineActor({
      name: 'collector',
      module: import.meta.url,
      start: ({ bus }) => bus.serve(ping, (value) => seen.push(value)),
    });
    await system.start({ definition: collector });
    let at = 0;
    system.intercept(({ kind }) => (kind === 'call' && at++ === 1 ? { delayMs: 500 } : 'deliver'));
    for (const value of [0, 1, 2, 3]) void system.bus.call('collector', ping, value);
    await system.settled();
    expect(seen).toEqual([0, 1, 2, 3]);
    await system.stop();
  });

  it('waits for work outside of the actor world before it moves', async () => {
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
    const order: string[] = [];
    const writer = defineActor({
      name: 'writer',
      module: import.meta.url,
      start({ activity, clock }) {
        clock.after(10, () => void order.push('timer'));
        const write = new Promise<void>((resolve) => setTimeout(resolve, 30));
        void activity.outside(write).then(() => order.push('written'));
      },
    });
    await system.start({ definition: writer });
    await system.settled();
    expect(order).toEqual(['written', 'timer']);
    await system.stop();
  });

  it('is refused with threads, which share no virtual time', async () => {
    expect(() => new ActorSystem({ placement: 'shared', clock: 'virtual' })).toThrow("needs placement 'inline'");
    const system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
    await expect(system.start({ definition: timers, placement: 'dedicated' })).rejects.toThrow('placed inline');
    await system.stop();
  });
});
