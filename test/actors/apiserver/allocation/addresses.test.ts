import { describe, expect, it } from 'vitest';
import { canonical, firstAddress, ServiceAddresses } from '../../../../actors/apiserver/allocation/addresses.ts';
import { seededRandom } from '../../../../src/runtime/index.ts';

const addressesOf = (...cidrs: string[]) => {
  const addresses = new ServiceAddresses(seededRandom(1, 'addresses'), (address) => address === '10.96.0.77');
  addresses.setRanges(cidrs);
  return addresses;
};

describe('addresses of Services', () => {
  it('are each handed out once, but for the network itself and the broadcast address', () => {
    const addresses = addressesOf('10.96.0.0/29');
    const picked = new Set<string>();
    for (let address = addresses.pick('IPv4'); address !== undefined; address = addresses.pick('IPv4')) {
      addresses.take(address);
      picked.add(address);
    }
    expect([...picked].sort()).toEqual([1, 2, 3, 4, 5, 6].map((last) => `10.96.0.${last}`));
  });

  it('come from the next range of the family when one is full', () => {
    const addresses = addressesOf('10.96.0.0/30', '10.97.0.0/30', 'fd00::/64');
    for (let count = 0; count < 2; count++) addresses.take(addresses.pick('IPv4') as string);
    expect(addresses.pick('IPv4')).toMatch(/^10\.97\.0\.[12]$/);
    expect(addresses.pick('IPv6')).toMatch(/^fd00::/);
    expect(addressesOf('10.96.0.0/30').pick('IPv6')).toBeUndefined();
  });

  it('are refused outside of every range and when somebody has them', () => {
    const addresses = addressesOf('10.96.0.0/24', 'fd00::/112');
    addresses.take('10.96.0.5');
    const outside = 'the provided network does not match the current range';
    expect(addresses.refusal('10.96.0.4')).toBeUndefined();
    expect(addresses.refusal('10.96.0.5')).toBe('provided IP is already allocated');
    expect(addresses.refusal('10.96.0.77')).toBe('provided IP is already allocated');
    for (const address of ['10.97.0.1', '10.96.0.0', '10.96.0.255', 'fd00::1:0', 'fd00::']) {
      expect(addresses.refusal(address), address).toBe(outside);
    }
    expect(addresses.refusal('fd00::ffff')).toBeUndefined();
  });

  it('are the same however they are written', () => {
    expect(canonical('fd00:0:0:0::0001')).toBe('fd00::1');
    expect(canonical('10.96.0.1')).toBe('10.96.0.1');
    expect(firstAddress('fd00::/112')).toBe('fd00::1');
    expect(firstAddress('10.96.0.0/16')).toBe('10.96.0.1');
  });
});
