/**
 * EndpointSlices.
 * @see pkg/apis/discovery/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type { EndpointHints, EndpointSlice } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDnsLabel, validateDnsSubdomain } from '../names.ts';
import { addressFamily, checkAddress, checkNonSpecialAddress } from './addresses.ts';
import { at, type Check, collect, type Path, type Step } from './check.ts';
import { checkLabels } from './metadata.ts';

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];
const families = ['FQDN', 'IPv4', 'IPv6'];
const endpointsMax = 1000;
const addressesMax = 100;
const portsMax = 20_000;
const topologyMax = 16;
/** Of zones, and of nodes. */
const hintsMax = 8;

function checkSlice(check: Check, slice: EndpointSlice, previous?: EndpointSlice): void {
  const { addressType, metadata } = slice;
  const endpoints = slice.endpoints ?? [];
  const ports = slice.ports ?? [];
  check.requiredOneOf(undefined, 'addressType', addressType, families);
  const stored = previous?.endpoints?.flatMap(({ addresses }) => addresses);
  const isOwnServer = metadata?.namespace === 'default' && metadata.name === 'kubernetes';
  if (endpoints.length > endpointsMax) check.tooMany(undefined, 'endpoints', endpoints.length, endpointsMax);
  else
    endpoints.forEach((endpoint, index) => {
      checkEndpoint(check, at(fieldPath('endpoints'), index), endpoint, addressType ?? '', isOwnServer, stored);
    });
  if (ports.length > portsMax) {
    check.tooMany(undefined, 'ports', ports.length, portsMax);
    return;
  }
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at(fieldPath('ports'), index);
    const name = port.name ?? '';
    if (name !== '') check.dnsLabel(place, 'name', name);
    if (names.has(name)) check.duplicate(place, 'name', name);
    names.add(name);
    if ((port.protocol ?? undefined) === undefined) check.required(place, 'protocol');
    else check.oneOf(place, 'protocol', port.protocol, ['SCTP', 'TCP', 'UDP']);
    if ((port.appProtocol ?? undefined) !== undefined)
      check.qualifiedName(place, 'appProtocol', port.appProtocol ?? '');
  });
}

function checkEndpoint(
  check: Check,
  path: Path,
  endpoint: Endpoint,
  type: string,
  isOwnServer: boolean,
  stored: readonly string[] | undefined,
): void {
  const addresses = endpoint.addresses ?? [];
  const place = at(path, 'addresses');
  if (addresses.length === 0) check.required(place, '', 'must contain at least 1 address');
  else if (addresses.length > addressesMax) check.tooMany(place, '', addresses.length, addressesMax);
  addresses.forEach((address, index) => {
    if (type === 'FQDN') {
      checkDomainName(check, place, index, address);
      return;
    }
    if (type !== 'IPv4' && type !== 'IPv6') return;
    if (!checkAddress(check, place, index, address, stored)) return;
    if (addressFamily(address) !== (type === 'IPv4' ? 4 : 6))
      check.invalid(place, index, address, `must be an ${type} address`);
    if (!isOwnServer) checkNonSpecialAddress(check, place, index, address);
  });
  if (endpoint.nodeName !== undefined) check.dnsSubdomain(path, 'nodeName', endpoint.nodeName);
  const topology = endpoint.deprecatedTopology ?? {};
  const labels = Object.keys(topology).length;
  if (labels > topologyMax) check.tooMany(path, 'deprecatedTopology', labels, topologyMax);
  checkLabels(check, topology, path, 'deprecatedTopology');
  if (endpoint.hostname !== undefined) check.dnsLabel(path, 'hostname', endpoint.hostname);
  if (endpoint.hints) checkHints(check, at(path, 'hints'), endpoint.hints);
}

/** A name of two labels or more, which may end in a dot; the first rule that it breaks is the one that is told. */
function checkDomainName(check: Check, path: Path, step: Step, text: string): void {
  if (text === '') {
    check.required(path, step);
    return;
  }
  const name = text.replace(/\.$/, '');
  const labels = name.split('.');
  const messages = validateDnsSubdomain(name);
  const broken = labels.find((label) => validateDnsLabel(label).length > 0);
  if (messages.length > 0) check.invalid(path, step, name, messages.join(','));
  else if (labels.length < 2)
    check.invalid(path, step, name, 'should be a domain with at least two segments separated by dots');
  else if (broken !== undefined) check.invalid(path, step, broken, validateDnsLabel(broken).join(','));
}

/** The zones and nodes that an endpoint is for; nothing more is said once there are too many of one. */
function checkHints(check: Check, path: Path, hints: EndpointHints): void {
  const zones = hints.forZones ?? [];
  if (zones.length > hintsMax) {
    check.tooMany(path, 'forZones', zones.length, hintsMax);
    return;
  }
  zones.forEach(({ name = '' }, index) => {
    const here = at(at(path, 'forZones'), index);
    if (zones.findIndex((zone) => (zone.name ?? '') === name) < index) check.duplicate(here, 'name', name);
    check.labelValue(here, 'name', name);
  });
  const nodes = hints.forNodes ?? [];
  if (nodes.length > hintsMax) {
    check.tooMany(path, 'forNodes', nodes.length, hintsMax);
    return;
  }
  nodes.forEach(({ name = '' }, index) => {
    const here = at(at(path, 'forNodes'), index);
    if (nodes.findIndex((node) => (node.name ?? '') === name) < index) check.duplicate(here, 'name', name);
    check.dnsSubdomain(here, 'name', name);
  });
}

export const endpointSliceValidation = strategyOf<EndpointSlice>({
  validate: (slice: EndpointSlice) => collect((check) => checkSlice(check, slice)),
  validateUpdate: (slice: EndpointSlice, previous: EndpointSlice) =>
    collect((check) => {
      checkSlice(check, slice, previous);
      check.unchanged(undefined, 'addressType', slice.addressType, slice.addressType === previous.addressType);
    }),
});
