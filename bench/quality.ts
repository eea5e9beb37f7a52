/**
 * How well pods were placed, beside how fast: a faster scheduler that places worse must show. Computed once from nodes and
 * pods as they are at the end of a workload.
 */
import { type Labels, type Node, type Pod, quantityMilliValue } from '../src/api/index.ts';
import type { Client } from '../src/client/index.ts';
import { namespaces, nodes as nodeResource, pods as podResource } from '../src/client/resources.ts';
import { Dimension, podRequests, requestOf } from '../src/scheduling/index.ts';
import { type Placed, termFigures } from './affinity-terms.ts';

export interface PlacementQuality {
  /** Requested CPU of all nodes' CPU, 0 to 1; and the standard deviation of that share over nodes: 0 is even. */
  readonly cpuUtilization: number;
  readonly cpuDeviation: number;
  /** The same for memory. */
  readonly memoryUtilization: number;
  readonly memoryDeviation: number;
  /** Nodes that have at least one pod. */
  readonly nodesUsed: number;
  /** Share of the free CPU that lies on nodes where no pod of median size fits any more. */
  readonly fragmentation: number;
  /** Most pods of a zone less the fewest, over pods of measured namespaces; absent without zones. */
  readonly zoneSkew?: number;
  /** The same over nodes: those without a pod count too, or a scheduler that packs would look even. */
  readonly hostSkew: number;
  /** Share of preferred affinity (and anti-affinity) terms that hold where the pods are; absent without any. */
  readonly preferencesMet?: number;
  /** Required terms that do not hold, and nodes whose pods ask for more than there is: 0 for a scheduler that is correct. */
  readonly violations: number;
  /** Pods that were evicted for others. */
  readonly victims: number;
}

/** How each figure is called, written, and which way it is better; `neither` is a matter of taste (packing or spreading). */
export const qualityFigures: readonly {
  readonly name: keyof PlacementQuality;
  readonly title: string;
  readonly isShare: boolean;
  readonly better: 'more' | 'less' | 'neither';
}[] = [
  { name: 'cpuUtilization', title: 'CPU requested', isShare: true, better: 'more' },
  { name: 'cpuDeviation', title: 'CPU deviation', isShare: true, better: 'neither' },
  { name: 'memoryUtilization', title: 'memory requested', isShare: true, better: 'more' },
  { name: 'memoryDeviation', title: 'memory deviation', isShare: true, better: 'neither' },
  { name: 'nodesUsed', title: 'nodes used', isShare: false, better: 'neither' },
  { name: 'fragmentation', title: 'fragmentation', isShare: true, better: 'less' },
  { name: 'zoneSkew', title: 'zone skew', isShare: false, better: 'less' },
  { name: 'hostSkew', title: 'host skew', isShare: false, better: 'less' },
  { name: 'preferencesMet', title: 'preferences met', isShare: true, better: 'more' },
  { name: 'violations', title: 'violations', isShare: false, better: 'less' },
  { name: 'victims', title: 'victims', isShare: false, better: 'less' },
];

/** A figure for people; a dash when the workload has none. */
export const figureText = (value: number | undefined, isShare: boolean): string =>
  value === undefined ? '-' : isShare ? `${(value * 100).toFixed(1)} %` : String(value);

const zoneLabel = 'topology.kubernetes.io/zone';

const skewOf = (counts: readonly number[]): number =>
  counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

interface NodeUse {
  readonly node: Node;
  /** Milli-CPUs and bytes. */
  readonly cpu: { readonly total: number; used: number };
  readonly memory: { readonly total: number; used: number };
  pods: number;
  measured: number;
}

function usesOf(nodes: readonly Node[]): Map<string, NodeUse> {
  const allocatable = (node: Node, name: string) => quantityMilliValue(node.status?.allocatable?.[name] ?? '0');
  return new Map(
    nodes.map((node) => [
      node.metadata?.name ?? '',
      {
        node,
        cpu: { total: allocatable(node, 'cpu'), used: 0 },
        memory: { total: allocatable(node, 'memory') / 1000, used: 0 },
        pods: 0,
        measured: 0,
      },
    ]),
  );
}

const shareOf = ({ used, total }: { readonly used: number; readonly total: number }) =>
  total === 0 ? 0 : used / total;

function utilization(
  uses: readonly NodeUse[],
  of: (use: NodeUse) => { readonly used: number; readonly total: number },
) {
  const used = uses.reduce((sum, use) => sum + of(use).used, 0);
  const total = uses.reduce((sum, use) => sum + of(use).total, 0);
  const shares = uses.filter((use) => of(use).total > 0).map((use) => shareOf(of(use)));
  return { share: shareOf({ used, total }), deviation: deviationOf(shares) };
}

/** Free CPU on nodes where less than `size` is left, of all free CPU. */
function fragmentationOf(uses: readonly NodeUse[], size: number): number {
  const free = uses.map(({ cpu }) => Math.max(0, cpu.total - cpu.used));
  const all = free.reduce((sum, amount) => sum + amount, 0);
  const stranded = free.reduce((sum, amount) => sum + (amount < size ? amount : 0), 0);
  return all === 0 ? 0 : stranded / all;
}

/** `measured` says which pods skews are counted over; `labelsOf` gives a namespace's labels, for terms that select by them. */
export function qualityOf(
  nodes: readonly Node[],
  pods: readonly Pod[],
  measured: (pod: Pod) => boolean,
  victims: number,
  labelsOf: (namespace: string) => Labels = () => ({}),
): PlacementQuality {
  const byName = usesOf(nodes);
  const placed: Placed[] = [];
  const sizes: number[] = [];
  for (const pod of pods) {
    const use = byName.get(pod.spec?.nodeName ?? '');
    if (use === undefined) continue;
    const requests = podRequests(pod);
    const cpu = requestOf(requests, Dimension.Cpu);
    placed.push({ pod, node: use.node });
    sizes.push(cpu);
    use.cpu.used += cpu;
    use.memory.used += requestOf(requests, Dimension.Memory);
    use.pods++;
    if (measured(pod)) use.measured++;
  }
  sizes.sort((a, b) => a - b);
  const uses = [...byName.values()];
  const zones = new Map<string, number>();
  for (const { node, measured: count } of uses) {
    const zone = node.metadata?.labels?.[zoneLabel];
    if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + count);
  }
  const cpu = utilization(uses, (use) => use.cpu);
  const memory = utilization(uses, (use) => use.memory);
  const terms = termFigures(placed, labelsOf);
  const isOver = (use: NodeUse) => use.cpu.used > use.cpu.total || use.memory.used > use.memory.total;
  return {
    cpuUtilization: cpu.share,
    cpuDeviation: cpu.deviation,
    memoryUtilization: memory.share,
    memoryDeviation: memory.deviation,
    nodesUsed: uses.filter((use) => use.pods > 0).length,
    fragmentation: fragmentationOf(uses, sizes[Math.floor(sizes.length / 2)] ?? 0),
    ...(zones.size > 0 ? { zoneSkew: skewOf([...zones.values()]) } : {}),
    hostSkew: skewOf(uses.map((use) => use.measured)),
    ...(terms.preferences > 0 ? { preferencesMet: terms.met / terms.preferences } : {}),
    violations: terms.violations + uses.filter(isOver).length,
    victims,
  };
}

/** Reads the cluster and computes its {@link PlacementQuality}. */
export async function readQuality(
  client: Client,
  measured: (pod: Pod) => boolean,
  metricsText: string,
): Promise<PlacementQuality> {
  const [{ items: nodes }, { items: pods }, { items: spaces }] = await Promise.all([
    client.list(nodeResource),
    client.list(podResource),
    client.list(namespaces),
  ]);
  const labels = new Map(spaces.map(({ metadata }) => [metadata?.name ?? '', metadata?.labels ?? {}]));
  const victims = Number(/^scheduler_preemption_victims_sum (\d+)/m.exec(metricsText)?.[1] ?? 0);
  return qualityOf(nodes, pods, measured, victims, (name) => labels.get(name) ?? {});
}
