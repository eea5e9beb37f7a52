/**
 * How well pods were placed, beside how fast: a faster scheduler that places worse must show. Computed once from nodes and
 * pods as they are at the end of a workload.
 */
import { type Node, type Pod, quantityMilliValue } from '../src/api/index.ts';
import type { Client } from '../src/client/index.ts';
import { nodes as nodeResource, pods as podResource } from '../src/client/resources.ts';

export interface PlacementQuality {
  /** Requested CPU of all nodes' CPU, 0 to 1; and the standard deviation of that share over nodes: 0 is even. */
  readonly cpuUtilization: number;
  readonly cpuDeviation: number;
  /** Nodes that have at least one pod. */
  readonly nodesUsed: number;
  /** Share of the free CPU that lies on nodes where no pod of median size fits any more. */
  readonly fragmentation: number;
  /** Most pods of a zone less the fewest, over pods of measured namespaces; absent without zones. */
  readonly zoneSkew?: number;
  /** The same over nodes that have any. */
  readonly hostSkew: number;
  /** Share of preferred pod affinity (and anti-affinity) terms that hold where the pods are; absent without any. */
  readonly preferencesMet?: number;
  /** Pods that were evicted for others. */
  readonly victims: number;
}

const zoneLabel = 'topology.kubernetes.io/zone';
const cpuOf = (pod: Pod): number =>
  (pod.spec?.containers ?? []).reduce(
    (sum, { resources }) => sum + quantityMilliValue(resources?.requests?.['cpu'] ?? '0'),
    0,
  );

const skewOf = (counts: readonly number[]): number =>
  counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);

interface Placed {
  readonly pod: Pod;
  readonly node: Node;
}

/** Preferred terms that hold, and all of them. Terms count pods of the same namespace in the node's topology domain. */
function preferences(placed: readonly Placed[]): { met: number; all: number } {
  const terms = placed.flatMap(({ pod, node }) => {
    const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
    const of = (
      list: NonNullable<typeof podAffinity>['preferredDuringSchedulingIgnoredDuringExecution'],
      near: boolean,
    ) => (list ?? []).map(({ podAffinityTerm }) => ({ pod, node, near, ...podAffinityTerm }));
    return [
      ...of(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, true),
      ...of(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, false),
    ];
  });
  if (terms.length === 0) return { met: 0, all: 0 };
  const domainOf = (node: Node, key: string) => node.metadata?.labels?.[key] ?? '';
  const counts = new Map<string, number>();
  const keyOf = (namespace: string, label: string, topology: string, domain: string) =>
    `${namespace}\n${label}\n${topology}\n${domain}`;
  const topologies = new Set(terms.map(({ topologyKey }) => topologyKey));
  for (const { pod, node } of placed) {
    for (const [name, value] of Object.entries(pod.metadata?.labels ?? {})) {
      for (const topology of topologies) {
        const key = keyOf(pod.metadata?.namespace ?? '', `${name}=${value}`, topology, domainOf(node, topology));
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  }
  let met = 0;
  for (const { pod, node, near, topologyKey, labelSelector } of terms) {
    const [label] = Object.entries(labelSelector?.matchLabels ?? {});
    if (!label) continue;
    const own = pod.metadata?.labels?.[label[0]] === label[1] ? 1 : 0;
    const key = keyOf(pod.metadata?.namespace ?? '', label.join('='), topologyKey, domainOf(node, topologyKey));
    const others = (counts.get(key) ?? 0) - own;
    if (near === others > 0) met++;
  }
  return { met, all: terms.length };
}

/** `measured` says which pods skews are counted over. */
export function qualityOf(
  nodes: readonly Node[],
  pods: readonly Pod[],
  measured: (pod: Pod) => boolean,
  victims: number,
): PlacementQuality {
  const byName = new Map(nodes.map((node) => [node.metadata?.name ?? '', node]));
  const used = new Map<string, number>();
  const placed: Placed[] = [];
  for (const pod of pods) {
    const node = byName.get(pod.spec?.nodeName ?? '');
    if (!node) continue;
    placed.push({ pod, node });
    const name = node.metadata?.name ?? '';
    used.set(name, (used.get(name) ?? 0) + cpuOf(pod));
  }
  const sizes = placed.map(({ pod }) => cpuOf(pod)).sort((a, b) => a - b);
  const median = sizes[Math.floor(sizes.length / 2)] ?? 0;
  let capacity = 0;
  let requested = 0;
  let free = 0;
  let stranded = 0;
  const shares: number[] = [];
  for (const [name, node] of byName) {
    const total = quantityMilliValue(node.status?.allocatable?.['cpu'] ?? '0');
    const taken = used.get(name) ?? 0;
    capacity += total;
    requested += taken;
    free += total - taken;
    if (total - taken < median) stranded += total - taken;
    if (total > 0) shares.push(taken / total);
  }
  const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(shares.length, 1);
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / Math.max(shares.length, 1);
  const zones = new Map<string, number>();
  for (const node of nodes) {
    const zone = node.metadata?.labels?.[zoneLabel];
    if (zone !== undefined) zones.set(zone, 0);
  }
  const hosts = new Map<string, number>();
  for (const { pod, node } of placed) {
    if (!measured(pod)) continue;
    const zone = node.metadata?.labels?.[zoneLabel];
    if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1);
    const name = node.metadata?.name ?? '';
    hosts.set(name, (hosts.get(name) ?? 0) + 1);
  }
  const { met, all } = preferences(placed);
  return {
    cpuUtilization: capacity === 0 ? 0 : requested / capacity,
    cpuDeviation: Math.sqrt(variance),
    nodesUsed: used.size,
    fragmentation: free === 0 ? 0 : stranded / free,
    ...(zones.size > 0 ? { zoneSkew: skewOf([...zones.values()]) } : {}),
    hostSkew: skewOf([...hosts.values()]),
    ...(all > 0 ? { preferencesMet: met / all } : {}),
    victims,
  };
}

/** Reads the cluster and computes its {@link PlacementQuality}. */
export async function readQuality(
  client: Client,
  measured: (pod: Pod) => boolean,
  metricsText: string,
): Promise<PlacementQuality> {
  const [{ items: nodes }, { items: pods }] = await Promise.all([client.list(nodeResource), client.list(podResource)]);
  const victims = Number(/^scheduler_preemption_victims_sum (\d+)/m.exec(metricsText)?.[1] ?? 0);
  return qualityOf(nodes, pods, measured, victims);
}
