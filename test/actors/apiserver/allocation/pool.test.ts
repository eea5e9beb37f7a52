import { describe, expect, it } from 'vitest';
import { ipv4Range, ipv4ToNumber, numberToIpv4 } from '../../../../actors/apiserver/allocation/ipv4.ts';
import { NumberPool } from '../../../../actors/apiserver/allocation/pool.ts';
import { seededRandom } from '../../../../src/runtime/index.ts';

describe('NumberPool', () => {
  it('hands out each number once, the upper band first, and none when all are taken', () => {
    const pool = new NumberPool({ first: 100, size: 20, reserved: 5 }, seededRandom(1, 'pool'));
    const picked: number[] = [];
    for (let index = 0; index < 20; index++) {
      const value = pool.pick() as number;
      pool.take(value);
      picked.push(value);
    }
    expect(new Set(picked).size).toBe(20);
    expect(Math.min(...picked.slice(0, 15))).toBe(105);
    expect(pool.pick()).toBeUndefined();
    pool.release(110);
    expect(pool.pick()).toBe(110);
  });

  it('keeps a number until its last holder has let it go', () => {
    const pool = new NumberPool({ first: 1, size: 1, reserved: 0 }, seededRandom(1, 'pool'));
    pool.take(1);
    pool.take(1);
    pool.release(1);
    expect(pool.isTaken(1)).toBe(true);
    pool.release(1);
    expect(pool.isTaken(1)).toBe(false);
  });
});

describe('IPv4', () => {
  it('converts both ways and refuses what is no address', () => {
    expect(numberToIpv4(ipv4ToNumber('10.96.255.1') as number)).toBe('10.96.255.1');
    for (const bad of ['10.96.0', '10.96.0.256', 'a.b.c.d', '']) expect(ipv4ToNumber(bad)).toBeUndefined();
  });

  it('leaves the network and broadcast addresses out of a range', () => {
    expect(ipv4Range('10.96.0.0/24')).toEqual({ cidr: '10.96.0.0/24', first: ipv4ToNumber('10.96.0.1'), size: 254 });
    expect(() => ipv4Range('10.96.0.0')).toThrow(RangeError);
    expect(() => ipv4Range('fd00::/108')).toThrow(RangeError);
  });
});
