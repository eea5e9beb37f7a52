/** How networks are cut into those of nodes. */
import { describe, expect, it } from 'vitest';
import { SubnetAllocator } from '../../src/network/index.ts';

const take = (allocator: SubnetAllocator, count: number) => Array.from({ length: count }, () => allocator.allocate());

describe('SubnetAllocator', () => {
  it.each<[string, number, string[]]>([
    ['10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']],
    ['10.0.0.0/30', 31, ['10.0.0.0/31', '10.0.0.2/31']],
    ['127.123.234.0/24', 30, ['127.123.234.0/30', '127.123.234.4/30']],
    ['fd00::/48', 64, ['fd00::/64', 'fd00:0:0:1::/64', 'fd00:0:0:2::/64']],
    ['beef:1234::/60', 64, ['beef:1234::/64', 'beef:1234:0:1::/64']],
  ])('cuts %s into /%d in order', (cidr, maskSize, first) => {
    expect(take(new SubnetAllocator(cidr, maskSize), first.length)).toEqual(first);
  });

  it('has none left when all are taken, and starts over with one that was given back', () => {
    const allocator = new SubnetAllocator('10.0.0.0/30', 31);
    expect(take(allocator, 3)).toEqual(['10.0.0.0/31', '10.0.0.2/31', undefined]);
    allocator.release('10.0.0.2/31');
    expect(allocator.allocate()).toBe('10.0.0.2/31');
  });

  it('leaves out what somebody has, whether larger, smaller or elsewhere', () => {
    const allocator = new SubnetAllocator('10.0.0.0/29', 31);
    allocator.occupy('10.0.0.0/30');
    allocator.occupy('10.0.0.5/32');
    allocator.occupy('192.168.0.0/24');
    allocator.occupy('fd00::/64');
    expect(take(allocator, 2)).toEqual(['10.0.0.6/31', undefined]);
  });

  it('tells what it cuts, how much of it is taken, and how far it had to look', () => {
    const allocator = new SubnetAllocator('10.0.1.7/29', 31);
    allocator.occupy('10.0.1.0/30');
    allocator.allocate();
    expect(allocator).toMatchObject({ cidr: '10.0.1.0/29', size: 4, used: 3, passed: 2 });
    allocator.release('10.0.1.0/30');
    allocator.allocate();
    expect(allocator).toMatchObject({ used: 2, passed: 0 });
  });

  it.each<[string, number, RegExp]>([
    ['10.0.0.0/24', 16, /do not fit/],
    ['10.0.0.0/24', 33, /do not fit/],
    ['fd00::/32', 64, /too big/],
    ['nonsense', 24, /nonsense/],
  ])('refuses %s in /%d', (cidr, maskSize, message) => {
    expect(() => new SubnetAllocator(cidr, maskSize)).toThrow(message);
  });
});
