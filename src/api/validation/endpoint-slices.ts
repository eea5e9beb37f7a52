/**
 * EndpointSlices.
 * @see pkg/apis/discovery/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type { EndpointSlice } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validatePortName } from '../names.ts';
import { addressFamily, checkNonSpecialAddress } from './addresses.ts';
import { at, type Check, collect, type Path } from './check.ts';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
const families = ['FQDN', 'IPv4', 'IPv6'];

function checkSlice(check: Check, slice: EndpointSlice): void {
  const { addressType, metadata } = slice;
  const endpoints = slice.endpoints ?? [];
  const ports = slice.ports ?? [];
  if (!addressType) check.required(undefined, 'addressType');
  else check.oneOf(undefined, 'addressType', addressType, families);
  const isOwnServer = metadata?.namespace === 'default' && metadata.name === 'kubernetes';
  if (endpoints.length > 1000) check.tooMany(undefined, 'endpoints', endpoints.length, 1000);
  else
    endpoints.forEach((endpoint, index) => {
      checkEndpoint(check, at(fieldPath('endpoints'), index), endpoint, addressType ?? '', isOwnServer);
    });
  if (ports.length > 20_000) {
    check.tooMany(undefined, 'ports', ports.length, 20_000);
    return;
  }
  const names = new Set<string>();
  ports.forEach(({ name = '', protocol, appProtocol }, index) => {
    const place = at(fieldPath('ports'), index);
    if (name !== '') check.all(place, 'name', name, validatePortName(name));
    if (names.has(name)) check.duplicate(place, 'name', name);
    names.add(name);
    check.requiredOneOf(place, 'protocol', protocol, ['SCTP', 'TCP', 'UDP']);
    if (appProtocol !== undefined) check.qualifiedName(place, 'appProtocol', appProtocol);
  });
}

function checkEndpoint(check: Check, path: Path, endpoint: Endpoint, type: string, isOwnServer: boolean): void {
  const addresses = endpoint.addresses ?? [];
  const place = at(path, 'addresses');
  if (addresses.length === 0) check.required(place, '', 'must contain at least 1 address');
  else if (addresses.length > 100) check.tooMany(place, '', addresses.length, 100);
  addresses.forEach((address, index) => {
    if (type === 'FQDN') {
      check.dnsSubdomain(place, index, address.replace(/\.$/, ''));
      return;
    }
    if (type !== 'IPv4' && type !== 'IPv6') return;
    if (addressFamily(address) !== (type === 'IPv4' ? 4 : 6))
      check.invalid(place, index, address, `must be a valid ${type} address`);
    else if (!isOwnServer) checkNonSpecialAddress(check, place, index, address);
  });
  if (endpoint.nodeName !== undefined) check.dnsSubdomain(path, 'nodeName', endpoint.nodeName);
  const topology = endpoint.deprecatedTopology ?? {};
  if (Object.keys(topology).length > 16) check.tooMany(path, 'deprecatedTopology', Object.keys(topology).length, 16);
  if (endpoint.hostname !== undefined) check.dnsLabel(path, 'hostname', endpoint.hostname);
  const zones = endpoint.hints?.forZones ?? [];
  if (zones.length > 8) check.tooMany(at(path, 'hints'), 'forZones', zones.length, 8);
  zones.forEach(({ name }, index) => {
    const here = at(at(at(path, 'hints'), 'forZones'), index);
    if (zones.findIndex((zone) => zone.name === name) < index) check.duplicate(here, 'name', name);
    check.labelValue(here, 'name', name);
  });
}

export const endpointSliceValidation = strategyOf<EndpointSlice>({
  validate: (slice: EndpointSlice) => collect((check) => checkSlice(check, slice)),
  validateUpdate: (slice: EndpointSlice, previous: EndpointSlice) =>
    collect((check) => {
      checkSlice(check, slice);
      check.unchanged(undefined, 'addressType', slice.addressType, slice.addressType === previous.addressType);
    }),
});
