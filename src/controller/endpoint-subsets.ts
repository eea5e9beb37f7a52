/**
 * The subsets of v1 Endpoints from single addresses and ports, in canonical form: ports that have the same addresses share a
 * subset; an address that is ready for a port is not listed as not ready for it; all sorted. Pure functions.
 *
 * @see kubernetes/pkg/api/v1/endpoints
 */
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
    else known.ready ||= ready;
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
      ...(ports.length === 0 ? {} : { ports }),
    };
  });
}

function compareAddresses(left: EndpointAddress, right: EndpointAddress): number {
  return addressKey(left) < addressKey(right) ? -1 : 1;
}

/** At most `most` addresses, ready ones first; true when some were left out. */
export function truncateSubsets(subsets: EndpointSubset[], most: number): boolean {
  let left = most;
  let truncated = false;
  const cut = (addresses: EndpointAddress[] | undefined): EndpointAddress[] | undefined => {
    if (addresses === undefined) return undefined;
    truncated ||= addresses.length > left;
    const kept = addresses.slice(0, left);
    left -= kept.length;
    return kept.length === 0 ? undefined : kept;
  };
  for (const subset of subsets) subset.addresses = cut(subset.addresses);
  for (const subset of subsets) subset.notReadyAddresses = cut(subset.notReadyAddresses);
  return truncated;
}
