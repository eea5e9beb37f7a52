/** Where nodes and pods are, for the messages about connections that could not be made. */
import type { KindDefinition, KindRegistry } from '../../../src/api/index.ts';
import type { KindCache } from '../cache/kind-cache.ts';

export const KUBELET_PORT = 10250;

export interface NodeAddresses {
  /** The node's address, as upstream picks it: its internal one, then any; its name when it has none. */
  addressOf(node: string): string;
  /** `dial tcp 10.0.0.7:10250: connect: connection refused`. */
  unreachable(node: string, port?: number): string;
}

/** @see pkg/kubelet/client/kubelet_client.go, --kubelet-preferred-address-types */
const PREFERENCE = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'];

export function createNodeAddresses(
  registry: KindRegistry,
  cacheOf: (kind: KindDefinition) => KindCache,
): NodeAddresses {
  const addressOf = (node: string): string => {
    const cache = cacheOf(registry.byResource('', 'v1', 'nodes') as KindDefinition);
    const status = cache.get(cache.keyOf(undefined, node))?.object['status'] as
      | { addresses?: { type: string; address: string }[] }
      | undefined;
    const addresses = status?.addresses ?? [];
    // A name would have to be resolved, and would be found to be the internal address.
    const internal = addresses.find(({ type }) => type === 'InternalIP');
    if (internal !== undefined) return internal.address;
    for (const type of PREFERENCE) {
      const found = addresses.find((address) => address.type === type);
      if (found !== undefined) return found.address;
    }
    return node;
  };
  return {
    addressOf,
    unreachable: (node, port = KUBELET_PORT) => `dial tcp ${addressOf(node)}:${port}: connect: connection refused`,
  };
}
