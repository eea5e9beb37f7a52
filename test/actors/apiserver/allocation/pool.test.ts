import { describe, expect, it } from 'vitest';
import { Holders, pickFree } from '../../../../actors/apiserver/allocation/pool.ts';
import { seededRandom } from '../../../../src/runtime/index.ts';

describe('picking a free number', () => {
  it('hands out each once, the upper band first, and none when all are taken', () => {
    const random = seededRandom(1, 'pool');
    const taken = new Set<number>();
    const picked: number[] = [];
    for (let index = 0; index < 20; index++) {
      const value = pickFree({ size: 20, reserved: 5 }, random, (one) => taken.has(one)) as number;
      taken.add(value);
      picked.push(value);
    }
    expect(taken.size).toBe(20);
    expect(Math.min(...picked.slice(0, 15))).toBe(5);
    expect(pickFree({ size: 20, reserved: 5 }, random, (one) => taken.has(one))).toBeUndefined();
    taken.delete(10);
    expect(pickFree({ size: 20, reserved: 5 }, random, (one) => taken.has(one))).toBe(10);
  });
});

describe('holders', () => {
  it('keep an item until the last of them has let it go', () => {
    const holders = new Holders<number>();
    holders.take(1);
    holders.take(1);
    holders.release(1);
    expect(holders.has(1)).toBe(true);
    holders.release(1);
    expect(holders.has(1)).toBe(false);
  });
});
