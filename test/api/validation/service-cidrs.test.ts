import { describe, expect, it } from 'vitest';
import { validationOf } from '../../../src/api/validation/index.ts';
import { errorsOf } from './context.ts';

const kind = 'networking.v1.ServiceCIDR';
const of = (...cidrs: readonly string[]) => ({ spec: { cidrs } });

describe('ranges of service addresses', () => {
  it.each<[range: string, message: string]>([
    ['x', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['010.0.0.0/8', 'must not have leading 0s in IP or prefix length'],
    ['10.0.0.0/08', 'must not have leading 0s in IP or prefix length'],
    ['::ffff:10.0.0.0/104', 'must not have an IPv4-mapped IPv6 address'],
    ['10.0.0.1/8', 'must not have bits set beyond the prefix length'],
    ['2001:DB8::/64', 'must be in canonical form ("2001:db8::/64")'],
  ])('are not %s', (range, message) => {
    expect(errorsOf(kind, of(range))).toEqual([`spec.cidrs[0]: Invalid value: ${JSON.stringify(range)}: ${message}`]);
  });

  it('are one or two, of a family each', () => {
    expect(errorsOf(kind, of())).toEqual(['spec.cidrs: Required value: at least one CIDR required']);
    expect(errorsOf(kind, of('10.0.0.0/8', '2001:db8::/64'))).toEqual([]);
    expect(errorsOf(kind, of('10.0.0.0/8', '11.0.0.0/8'))).toEqual([
      'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ]);
    expect(errorsOf(kind, of('a', 'b', 'c'))).toEqual([
      'spec.cidrs: Invalid value: {"CIDRs":["a","b","c"]}: may only hold up to 2 values',
    ]);
  });

  it('stay, but for a second family that is added', () => {
    const before = of('10.0.0.0/8');
    expect(errorsOf(kind, of('10.0.0.0/8', '2001:db8::/64'), before)).toEqual([]);
    expect(errorsOf(kind, of('11.0.0.0/8'), before)).toEqual([
      'spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable',
    ]);
    expect(errorsOf(kind, of('10.0.0.0/8'), of('10.0.0.0/8', '2001:db8::/64'))).toEqual([
      'spec.cidrs: Invalid value: ["10.0.0.0/8"]: field is immutable',
    ]);
  });
});

describe('addresses as names', () => {
  const messages = (name: string) => validationOf('io.k8s.api.networking.v1.IPAddress')?.validateName?.(name, false);

  it.each<[name: string, messages: readonly string[]]>([
    ['10.0.0.1', []],
    ['2001:db8::1', []],
    ['x', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['010.0.0.1', ['must not have leading 0s']],
    ['::ffff:10.0.0.1', ['must not be an IPv4-mapped IPv6 address']],
    ['2001:DB8::1', ['must be in canonical form ("2001:db8::1")']],
  ])('%s', (name, expected) => {
    expect(messages(name)).toEqual(expected);
  });
});
