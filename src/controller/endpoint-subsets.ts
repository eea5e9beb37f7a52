/**
 * The subsets of v1 Endpoints from single addresses and ports, in canonical form: ports that have the same addresses share a
 * subset; an address that is not ready for a port once is not listed as ready for it; all sorted, ports by a digest. Pure functions.
 *
 * @see kubernetes/pkg/api/v1/endpoints
 */
import { createHash } from 'node:crypto';
import type { EndpointAddress, EndpointPort, EndpointSubset } from '../api/index.ts';

/** One address behind one port; no port for a headless Service without ports. */
export interface EndpointEntry {
  readonly address: EndpointAddress;
  readonly port: EndpointPort | undefined;
  readonly ready: boolean;
}

interface PortAddresses {
  readonly port: EndpointPort | undefined;
  readonly addresses: Map<string, { address: EndpointAddress; ready: boolean }>;
}

const addressKey = ({ ip, targetRef }: EndpointAddress): string => `${ip}/${targetRef?.uid ?? ''}`;

const portKey = (port: EndpointPort | undefined): string =>
  port === undefined ? '' : `${port.name ?? ''}/${port.protocol ?? 'TCP'}/${String(port.port).padStart(5, '0')}`;

export function packSubsets(entries: readonly EndpointEntry[]): EndpointSubset[] {
  const byPort = new Map<string, PortAddresses>();
  for (const { address, port, ready } of entries) {
    const key = portKey(port);
    let group = byPort.get(key);
    if (group === undefined) {
      group = { port, addresses: new Map() };
      byPort.set(key, group);
    }
    const known = group.addresses.get(addressKey(address));
    if (known === undefined) group.addresses.set(addressKey(address), { address, ready });
    else known.ready &&= ready;
  }
  const byAddresses = new Map<string, { ports: EndpointPort[]; addresses: PortAddresses['addresses'] }>();
  for (const key of [...byPort.keys()].sort()) {
    const { port, addresses } = byPort.get(key)!;
    const signature = [...addresses]
      .map(([address, { ready }]) => `${address}=${ready}`)
      .sort()
      .join();
    const group = byAddresses.get(signature) ?? { ports: [], addresses };
    if (port !== undefined) group.ports.push(port);
    byAddresses.set(signature, group);
  }
  return [...byAddresses.values()].map(({ ports, addresses }) => {
    const sorted = [...addresses.values()].sort((left, right) => compareAddresses(left.address, right.address));
    const ready = sorted.flatMap((entry) => (entry.ready ? entry.address : []));
    const notReady = sorted.flatMap((entry) => (entry.ready ? [] : entry.address));
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports: sortedByDigest(ports) }),
    };
  });
}

/** Upstream's order, which clients see: by the digest of how Go writes a port down. */
function sortedByDigest(ports: readonly EndpointPort[]): EndpointPort[] {
  const digested = ports.map((port) => ({ port, digest: createHash('md5').update(goText(port)).digest('hex') }));
  return digested.sort((left, right) => (left.digest < right.digest ? -1 : 1)).map(({ port }) => port);
}

function goText({ name = '', port, protocol = 'TCP', appProtocol }: EndpointPort): string {
  const fields = `Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol}`;
  return `(v1.EndpointPort){${fields} AppProtocol:(*string)${appProtocol ?? '<nil>'}}`;
}

function compareAddresses(left: EndpointAddress, right: EndpointAddress): number {
  return addressKey(left) < addressKey(right) ? -1 : 1;
}

/**
 * Leaves at most `most` addresses in all: ready ones before those that are not, of each subset as many as is its share of all,
 * rounded up. True when some were left out.
 */
export function truncateSubsets(subsets: EndpointSubset[], most: number): boolean {
  const sum = (field: AddressField) => subsets.reduce((total, subset) => total + (subset[field]?.length ?? 0), 0);
  const ready = sum('addresses');
  const notReady = sum('notReadyAddresses');
  if (ready + notReady <= most) return false;
  if (ready > most) {
    for (const subset of subsets) subset.notReadyAddresses = undefined;
    shareOut(subsets, 'addresses', ready, most);
  } else shareOut(subsets, 'notReadyAddresses', notReady, most - ready);
  return true;
}

type AddressField = 'addresses' | 'notReadyAddresses';

function shareOut(subsets: readonly EndpointSubset[], field: AddressField, total: number, most: number): void {
  let left = most;
  for (const subset of subsets) {
    const addresses = subset[field] ?? [];
    const kept = addresses.slice(0, Math.min(left, Math.ceil((addresses.length / total) * most)));
    left -= kept.length;
    subset[field] = kept.length === 0 ? undefined : kept;
  }
}
