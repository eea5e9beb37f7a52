import { describe, expect, it } from 'vitest';
import { ActorSystem, defineActor, type Placement } from '../../src/runtime/index.ts';
import { Turns } from '../../src/runtime/turns.ts';

const make = (idle: () => boolean = () => false) => {
  const flushed: number[] = [];
  const turns = new Turns({
    deliver: () => {
      throw new Error('nobody sends messages here');
    },
    flush: () => flushed.push(turns.length),
    idle,
  });
  return { turns, flushed };
};

/** Lets the event loop come round once. */
const loop = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('the queue of turns', () => {
  it('delivers what is pushed meanwhile before the event loop comes round', async () => {
    const { turns } = make();
    const order: string[] = [];
    const again = (left: number) => {
      order.push(`turn ${left}`);
      if (left > 1) turns.push(() => again(left - 1));
    };
    turns.push(() => again(3));
    setImmediate(() => setImmediate(() => order.push('loop')));
    while (!order.includes('loop')) await loop();
    expect(order).toEqual(['turn 3', 'turn 2', 'turn 1', 'loop']);
  });

  it('keeps what is to come after input until the event loop has come round', async () => {
    const { turns } = make();
    const order: string[] = [];
    let loops = 0;
    const count = () => {
      loops++;
      if (loops < 50) setImmediate(count);
    };
    setImmediate(count);
    const again = (left: number) => {
      order.push(`slice at ${loops}`);
      turns.push(() => order.push('its message'));
      if (left > 1) turns.pushAfterInput(() => again(left - 1));
    };
    turns.pushAfterInput(() => again(4));
    while (order.length < 8) await loop();
    const at = order.filter((text) => text.startsWith('slice')).map((text) => Number(text.slice(9)));
    expect(new Set(at).size).toBe(4);
    expect(order.filter((_, index) => index % 2 === 1)).toEqual(Array(4).fill('its message'));
  });

  it('counts what waits for the event loop, and is not idle before', async () => {
    const seen: number[] = [];
    const { turns, flushed } = make(() => {
      seen.push(turns.length);
      return false;
    });
    let done = false;
    turns.push(() => {
      turns.pushAfterInput(() => {
        done = true;
      });
      expect(turns.length).toBe(1);
    });
    while (!done || turns.length > 0) await loop();
    await loop();
    expect(seen).toEqual([0]);
    expect(flushed).toEqual([1, 0]);
  });
});

const slicer = defineActor({
  name: 'slicer',
  module: import.meta.url,
  start({ clock }) {
    const slice = (left: number) => {
      slices.push(left);
      if (left > 1) clock.afterInput(() => slice(left - 1));
    };
    clock.afterInput(() => slice(3));
  },
});
let slices: number[] = [];

it.each(['real', 'virtual'] as const)(
  'an actor works in slices on the %s clock, and is settled after the last',
  async (clock) => {
    slices = [];
    const system = new ActorSystem({ placement: 'inline' satisfies Placement, clock, seed: 1 });
    await system.start({ definition: slicer });
    await system.settled();
    expect(slices).toEqual([3, 2, 1]);
    await system.stop();
  },
);
