import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AddressPool,
  contains,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  subnet,
} from '../../src/network/index.ts';

describe('addresses', () => {
  it('of IPv6 are printed in canonical form', () => {
    for (const [text, canonical] of [
      ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
      ['::', '::'],
      ['fd00:0:0:1:0:0:0:1', 'fd00:0:0:1::1'],
      ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
      ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ] as const) {
      expect(formatAddress(parseAddress(text), 6)).toBe(canonical);
    }
  });

  it('survive a round trip', () => {
    fc.assert(fc.property(fc.ipV4(), (text) => formatAddress(parseAddress(text), 4) === text));
    fc.assert(
      fc.property(fc.ipV6(), (text) => parseAddress(formatAddress(parseAddress(text), 6)) === parseAddress(text)),
    );
  });

  it('that are none are refused', () => {
    for (const text of ['10.0.0', '10.0.0.256', 'x', '']) expect(() => parseAddress(text)).toThrow(RangeError);
    for (const text of ['10.0.0.0', '10.0.0.0/33', '/8', 'fd00::/129', '10.0.0.0/x'])
      expect(() => parseCidr(text)).toThrow(RangeError);
  });
});

describe('ranges', () => {
  it('contain what is in them', () => {
    const cidr = parseCidr('10.1.2.3/24');
    expect(formatCidr(cidr)).toBe('10.1.2.0/24');
    expect(contains(cidr, '10.1.2.255')).toBe(true);
    expect(contains(cidr, '10.1.3.0')).toBe(false);
    expect(contains(cidr, 'fd00::1')).toBe(false);
  });

  it('are cut into blocks, none twice, none past the end', () => {
    const cluster = parseCidr('10.128.0.0/9');
    expect(formatCidr(subnet(cluster, 24, 0)!)).toBe('10.128.0.0/24');
    expect(formatCidr(subnet(cluster, 24, 32_767)!)).toBe('10.255.255.0/24');
    expect(subnet(cluster, 24, 32_768)).toBeUndefined();
  });
});

describe('a pool', () => {
  it('gives every address but network, gateway and broadcast once', () => {
    const pool = new AddressPool(parseCidr('10.0.0.0/28'));
    const given = Array.from({ length: 13 }, () => pool.allocate());
    expect(new Set(given).size).toBe(13);
    expect(given).not.toContain('10.0.0.0');
    expect(given).not.toContain('10.0.0.1');
    expect(given).not.toContain('10.0.0.15');
    expect(pool.allocate()).toBeUndefined();
    pool.release('10.0.0.7');
    expect(pool.allocate()).toBe('10.0.0.7');
  });

  it('lets a released address rest while others are free', () => {
    const pool = new AddressPool(parseCidr('10.0.0.0/24'));
    const first = pool.allocate()!;
    pool.release(first);
    expect(pool.allocate()).not.toBe(first);
  });

  it('leaves out what is reserved and ignores strangers', () => {
    const pool = new AddressPool(parseCidr('10.0.0.0/29'));
    pool.reserve('10.0.0.2');
    pool.reserve('192.168.0.1');
    pool.release('192.168.0.1');
    expect([pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()]).toEqual([
      '10.0.0.3',
      '10.0.0.4',
      '10.0.0.5',
      '10.0.0.6',
      undefined,
    ]);
  });
});
