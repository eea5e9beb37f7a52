import { describe, expect, it } from 'vitest';
import { type Body, errorsOf } from './context.ts';

const errorsOfEndpoint = (endpoint: Body, addressType = 'IPv4'): string[] =>
  errorsOf('discovery.v1.EndpointSlice', { addressType, endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }] });

describe('endpoint slices', () => {
  it.each<[addressType: string, address: string, errors: readonly string[]]>([
    ['IPv4', '10.0.0.1', []],
    ['IPv4', '::2', ['"::2": must be an IPv4 address']],
    ['IPv6', '10.0.0.1', ['"10.0.0.1": must be an IPv6 address']],
    ['IPv4', 'x', ['"x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['IPv4', '127.0.0.1', ['"127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ['FQDN', 'a.example.', []],
    ['FQDN', 'a', ['"a": should be a domain with at least two segments separated by dots']],
  ])('of %s look at %s', (addressType, address, errors) => {
    const place = 'endpoints[0].addresses[0]: Invalid value:';
    expect(errorsOfEndpoint({ addresses: [address] }, addressType)).toEqual(errors.map((text) => `${place} ${text}`));
  });

  it('take long names of ports, but no name twice', () => {
    const ports = [
      { name: 'a-name-of-many-letters', protocol: 'TCP' },
      { name: 'a-name-of-many-letters', protocol: 'X' },
    ];
    expect(errorsOf('discovery.v1.EndpointSlice', { addressType: 'IPv4', ports })).toEqual([
      'ports[1].name: Duplicate value: "a-name-of-many-letters"',
      'ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    ]);
  });

  it('hint at a few zones and nodes, each once', () => {
    const twice = [{ name: 'a' }, { name: 'a' }];
    expect(errorsOfEndpoint({ hints: { forZones: twice, forNodes: twice } })).toEqual([
      'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
      'endpoints[0].hints.forNodes[1].name: Duplicate value: "a"',
    ]);
    const many = Array.from({ length: 9 }, (_, index) => ({ name: `z${index}` }));
    expect(errorsOfEndpoint({ hints: { forZones: many, forNodes: twice } })).toEqual([
      'endpoints[0].hints.forZones: Too many: 9: must have at most 8 items',
    ]);
    expect(errorsOfEndpoint({ hints: { forNodes: many } })).toEqual([
      'endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items',
    ]);
  });
});
