import { describe, expect, it } from 'vitest';
import { type ApiObject, type FieldError, fieldErrorText } from '../../../src/api/index.ts';
import {
  checkAddress,
  checkRange,
  strictAddressMessages,
  strictRangeMessages,
} from '../../../src/api/validation/addresses.ts';
import { Check, collect } from '../../../src/api/validation/check.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { type Body, contextOf, errorsOf } from './context.ts';

const details = (errors: readonly FieldError[]) => errors.map(({ detail }) => detail);
const addressDetails = (text: string, stored: readonly string[] = []) =>
  details(collect((check) => checkAddress(check, undefined, 'ip', text, stored)));
const rangeDetails = (text: string) => details(collect((check) => checkRange(check, undefined, 'cidr', text)));

const noAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const noRange = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

describe('addresses', () => {
  it.each([
    ['10.9.8.7', []],
    ['2001:DB8::0001', []],
    ['0.0.0.0', []],
    ['255.255.255.255', []],
    ['10.9.8', [noAddress]],
    ['10.9.8.7.6', [noAddress]],
    ['10.9..7', [noAddress]],
    ['10.9.8.', [noAddress]],
    ['.10.9.8', [noAddress]],
    ['10.9.8.256', [noAddress]],
    ['10.9.8.7a', [noAddress]],
    ['', [noAddress]],
    ['10.9.8.00', ['must not have leading 0s']],
    ['0.0.0.07', ['must not have leading 0s']],
    ['fe80::1%eth0', [noAddress]],
    ['010.009.008.007', ['must not have leading 0s']],
    ['::ffff:10.9.8.7', ['must not be an IPv4-mapped IPv6 address']],
    ['::FFFF:0a09:0807', ['must not be an IPv4-mapped IPv6 address']],
  ])('%s', (text, expected) => {
    expect(addressDetails(text)).toEqual(expected);
  });

  it('stay as they are stored', () => {
    expect(addressDetails('010.9.8.7', ['010.9.8.7'])).toEqual([]);
    expect(addressDetails('010.9.8.7', ['10.9.8.7'])).toEqual(['must not have leading 0s']);
  });

  it('have one form in newer kinds', () => {
    expect(strictAddressMessages('2001:db8::1')).toEqual([]);
    expect(strictAddressMessages('2001:DB8::0001')).toEqual(['must be in canonical form ("2001:db8::1")']);
    expect(strictAddressMessages('01.2.3.4')).toEqual(['must not have leading 0s']);
  });

  it('are no addresses where they are none', () => {
    const check = new Check();
    expect(checkAddress(check, undefined, 'ip', 'here')).toBe(false);
    expect(checkAddress(check, undefined, 'ip', '1.2.3.4')).toBe(true);
  });
});

describe('ranges', () => {
  it.each([
    ['10.9.8.0/24', []],
    ['2001:db8::/64', []],
    ['10.9.8.0', [noRange]],
    ['10.9.8.0/33', [noRange]],
    ['10.09.8.0/24', ['must not have leading 0s in IP or prefix length']],
    ['10.9.8.0/024', ['must not have leading 0s in IP or prefix length']],
    ['::ffff:10.9.8.0/120', ['must not have an IPv4-mapped IPv6 address']],
    ['10.9.8.7/24', ['must not have bits set beyond the prefix length']],
    ['2001:db8::1/64', ['must not have bits set beyond the prefix length']],
  ])('%s', (text, expected) => {
    expect(rangeDetails(text)).toEqual(expected);
  });

  it('have one form in newer kinds', () => {
    expect(strictRangeMessages('2001:DB8::/64')).toEqual(['must be in canonical form ("2001:db8::/64")']);
    expect(strictRangeMessages('2001:db8::/64')).toEqual([]);
  });
});

describe('ranges of network policies', () => {
  const policy = (cidr: string, ...except: string[]): Body => ({
    metadata: { name: 'p', namespace: 'n' },
    spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr, except } }] }] },
  });

  it('are told of with all that is wrong of their exceptions', () => {
    const block = 'spec.ingress[0].from[0].ipBlock';
    expect(errorsOf('networking.v1.NetworkPolicy', policy('10.0.0.1/8', '10.1.0.1/16', '11.0.0.0/16', 'x'))).toEqual([
      `${block}.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length`,
      `${block}.except[0]: Invalid value: "10.1.0.1/16": must not have bits set beyond the prefix length`,
      `${block}.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``,
      `${block}.except[2]: Invalid value: "x": ${noRange}`,
    ]);
    expect(errorsOf('networking.v1.NetworkPolicy', policy('x', 'y'))).toEqual([
      `${block}.cidr: Invalid value: "x": ${noRange}`,
    ]);
  });

  it('stay as they are stored', () => {
    const { validateUpdate } = validationOf('io.k8s.api.networking.v1.NetworkPolicy')!;
    const update = (now: Body, before: Body) =>
      validateUpdate!(now as unknown as ApiObject, before as unknown as ApiObject, contextOf()).map(fieldErrorText);
    expect(update(policy('10.0.0.1/8'), policy('10.0.0.1/8'))).toEqual([]);
    expect(update(policy('10.0.0.1/8'), policy('10.0.0.0/8'))).toHaveLength(1);
  });
});
