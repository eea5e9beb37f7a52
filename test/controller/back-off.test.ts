import { afterEach, beforeEach, expect, it } from 'vitest';
import { BackOff } from '../../src/controller/index.ts';
import { ActorSystem } from '../../src/runtime/index.ts';

let system: ActorSystem;
let backOff: BackOff;
beforeEach(() => {
  system = new ActorSystem({ placement: 'inline', clock: 'virtual' });
  backOff = new BackOff(system.clock, { firstMs: 1_000, mostMs: 4_000 });
});
afterEach(() => system.stop());

it('waits not at all at first, then twice as long each time, up to the limit', async () => {
  const waits: number[] = [];
  for (let step = 0; step < 5; step++) {
    waits.push(backOff.leftMs('a'));
    await system.advance(backOff.leftMs('a'));
    backOff.next('a');
  }
  expect(waits).toEqual([0, 1_000, 2_000, 4_000, 4_000]);
  expect(backOff.leftMs('b')).toBe(0);
});

it('starts anew after twice the longest wait', async () => {
  for (let step = 0; step < 4; step++) backOff.next('a');
  await system.advance(8_001);
  expect(backOff.leftMs('a')).toBe(0);
  backOff.next('a');
  expect(backOff.leftMs('a')).toBe(1_000);
});
