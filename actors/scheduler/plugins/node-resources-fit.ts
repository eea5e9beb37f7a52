/**
 * Requests must fit into what the node has left; scores favour emptier nodes (LeastAllocated), fuller ones
 * (MostAllocated), or follow a shape (RequestedToCapacityRatio). @see plugins/noderesources/fit.go
 */
import type { Pod } from '../../../src/api/index.ts';
import {
  Action,
  Code,
  type Cycle,
  DeviceClassResolver,
  Dimension,
  dimensionName,
  dimensionOf,
  isExtendedName,
  type PluginDefinition,
  type PodInfo,
  podRequests,
  type Requests,
  rememberLast,
  requestOf,
  type Verdict,
  verdict,
} from '../../../src/scheduling/index.ts';

const name = 'NodeResourcesFit';

interface ResourceWeight {
  readonly dimension: number;
  readonly weight: number;
}

interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** Score of one resource from what would be requested (pod included) and what there is; both above 0 or equal to it. */
type ResourceScorer = (requested: number, capacity: number) => number;

const leastAllocated: ResourceScorer = (requested, capacity) =>
  requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity);

const mostAllocated: ResourceScorer = (requested, capacity) =>
  Math.trunc((Math.min(requested, capacity) * 100) / capacity);

/** Straight lines between the points; before the first and after the last the score stays. */
function alongShape(shape: readonly ShapePoint[]): ResourceScorer {
  return (requested, capacity) => {
    const utilization = requested > capacity ? 100 : Math.trunc((requested * 100) / capacity);
    for (let i = 0; i < shape.length; i++) {
      const point = shape[i]!;
      if (utilization > point.utilization) continue;
      if (i === 0) return point.score;
      const before = shape[i - 1]!;
      const rise = (point.score - before.score) * (utilization - before.utilization);
      return before.score + Math.trunc(rise / (point.utilization - before.utilization));
    }
    return shape.at(-1)!.score;
  };
}

interface Strategy {
  readonly scorer: ResourceScorer;
  readonly resources: readonly ResourceWeight[];
  /** RequestedToCapacityRatio leaves resources that score 0 out of the average, and rounds it. */
  readonly ratio: boolean;
}

function parseStrategy(value: unknown): Strategy {
  const given = (value ?? {}) as {
    type?: string;
    resources?: { name: string; weight?: number }[];
    requestedToCapacityRatio?: { shape?: ShapePoint[] };
  };
  const listed = given.resources?.length ? given.resources : [{ name: 'cpu' }, { name: 'memory' }];
  // A weight of 0 is one that was left out.
  const resources = listed.map(({ name: resource, weight }) => ({
    dimension: dimensionOf(resource),
    weight: weight || 1,
  }));
  switch (given.type ?? 'LeastAllocated') {
    case 'LeastAllocated':
      return { scorer: leastAllocated, resources, ratio: false };
    case 'MostAllocated':
      return { scorer: mostAllocated, resources, ratio: false };
    case 'RequestedToCapacityRatio': {
      const shape = given.requestedToCapacityRatio?.shape ?? [];
      // Shapes are written with scores up to 10.
      const scaled = shape.map(({ utilization, score }) => ({ utilization, score: score * 10 }));
      return { scorer: alongShape(scaled), resources, ratio: true };
    }
    default:
      throw new Error(`unknown scoring strategy ${given.type}`);
  }
}

const textOf = rememberLast(
  ({ dimensions, amounts, nonzeroCpu, nonzeroMemory }: Requests) =>
    `${dimensions.join()}:${amounts.join()}:${nonzeroCpu}:${nonzeroMemory}`,
);

/** Resources outside the `kubernetes.io` domain, which operators may tell the filter to ignore. */
const isExtended = (resource: string) => resource.includes('/') && !resource.includes('kubernetes.io/');

export const nodeResourcesFit: PluginDefinition = {
  name,
  create({ nodes, nominator, informers, featureGates, log }, args) {
    const strategy = parseStrategy(args['scoringStrategy']);
    const ignored = new Set((args['ignoredResources'] as string[] | undefined) ?? []);
    const ignoredGroups = new Set((args['ignoredResourceGroups'] as string[] | undefined) ?? []);
    const ignores = (dimension: number) => {
      if (ignored.size + ignoredGroups.size === 0 || dimension <= Dimension.EphemeralStorage) return false;
      const resource = dimensionName(dimension);
      return isExtended(resource) && (ignored.has(resource) || ignoredGroups.has(resource.split('/')[0]!));
    };
    const resolver = featureGates.enabled('DRAExtendedResource')
      ? new DeviceClassResolver(informers, {
          // What a resource name means is part of what was answered.
          onChange: () => nodes.forgetAnswers(),
          onProblem: (error) => log.error('watch failed', { plugin: name, error: String(error) }),
        })
      : undefined;
    /** Nodes that offer nothing of the resource serve it by devices, if at all: that is DynamicResources' business. */
    const byDevices = (dimension: number): boolean =>
      dimension > Dimension.EphemeralStorage &&
      isExtendedName(dimensionName(dimension)) &&
      resolver?.classOf(dimensionName(dimension)) !== undefined;
    const verdicts = new Map<string, Verdict>();

    const fits = (info: PodInfo, row: number): boolean => {
      if (nodes.podCount[row]! + 1 > nodes.podsAllowed[row]!) return false;
      const { dimensions, amounts } = info.requests;
      for (let i = 0; i < dimensions.length; i++) {
        const dimension = dimensions[i]!;
        const capacity = nodes.allocatable[dimension]?.[row] ?? 0;
        const used = nodes.requested[dimension]?.[row] ?? 0;
        if (amounts[i]! <= capacity - used || ignores(dimension)) continue;
        if (capacity > 0 || !byDevices(dimension)) return false;
      }
      return true;
    };

    /** The pods nominated for the row that was asked about last: one event is put to thousands of pods. */
    const nominated = { row: -1, version: -1, pods: [] as readonly PodInfo[] };
    const nominatedFor = (row: number): readonly PodInfo[] => {
      if (nominator.size === 0) return [];
      if (nominated.row !== row || nominated.version !== nodes.version) {
        nominated.row = row;
        nominated.version = nodes.version;
        nominated.pods = [...nominator.podsOn(nodes.names[row]!)].filter((other) => other.row < 0);
      }
      return nominated.pods;
    };

    /** Does the pod fit when the pods nominated for the node, of its priority or above, are there too? */
    const fitsBesideNominated = (info: PodInfo, row: number): boolean => {
      if (!fits(info, row)) return false;
      const beside = nominatedFor(row).filter((other) => other.uid !== info.uid && other.priority >= info.priority);
      if (beside.length === 0) return true;
      if (nodes.podCount[row]! + 1 + beside.length > nodes.podsAllowed[row]!) return false;
      return info.requests.dimensions.every((dimension, i) => {
        let left = (nodes.allocatable[dimension]?.[row] ?? 0) - (nodes.requested[dimension]?.[row] ?? 0);
        for (const other of beside) left -= requestOf(other.requests, dimension);
        return info.requests.amounts[i]! <= left || ignores(dimension) || byDevices(dimension);
      });
    };

    /** The verdict for a set of failures: bit 0 too many pods, bit 1 unresolvable, then the pod's dimensions. */
    const verdictFor = (info: PodInfo, failures: number): Verdict => {
      const reasons: string[] = (failures & 1) === 0 ? [] : ['Too many pods'];
      for (const [i, dimension] of info.requests.dimensions.entries()) {
        if (failures & (4 << i)) reasons.push(`Insufficient ${dimensionName(dimension)}`);
      }
      const unresolvable = (failures & 2) !== 0;
      const key = `${unresolvable}${reasons.join()}`;
      let known = verdicts.get(key);
      if (!known) {
        known = verdict(unresolvable ? Code.UnschedulableAndUnresolvable : Code.Unschedulable, ...reasons);
        verdicts.set(key, known);
      }
      return known;
    };
    /** Verdicts of the pod that was asked about last: a pod is explained for thousands of nodes in a row. */
    let explained: PodInfo['requests'] | undefined;
    const explanations = new Map<number, Verdict>();

    const explain = (info: PodInfo, row: number): Verdict => {
      let failures = nodes.podCount[row]! + 1 > nodes.podsAllowed[row]! ? 1 : 0;
      const { dimensions, amounts } = info.requests;
      for (let i = 0; i < dimensions.length; i++) {
        const dimension = dimensions[i]!;
        const capacity = nodes.allocatable[dimension]?.[row] ?? 0;
        if (amounts[i]! <= capacity - (nodes.requested[dimension]?.[row] ?? 0) || ignores(dimension)) continue;
        if (capacity === 0 && byDevices(dimension)) continue;
        failures |= 4 << i;
        // No preemption makes the node larger.
        if (amounts[i]! > capacity) failures |= 2;
      }
      if (explained !== info.requests) {
        explained = info.requests;
        explanations.clear();
      }
      let known = explanations.get(failures);
      if (!known) {
        known = verdictFor(info, failures);
        explanations.set(failures, known);
      }
      return known;
    };

    /** What the pod adds to a resource, and what is used of it, for scoring: with defaults for CPU and memory. */
    const askedOf = ({ requests }: PodInfo, dimension: number): number => {
      if (dimension === Dimension.Cpu) return requests.nonzeroCpu;
      if (dimension === Dimension.Memory) return requests.nonzeroMemory;
      return requestOf(requests, dimension);
    };
    const usedOf = (dimension: number): Float64Array | undefined => {
      if (dimension === Dimension.Cpu) return nodes.nonzeroCpu;
      if (dimension === Dimension.Memory) return nodes.nonzeroMemory;
      return nodes.requested[dimension];
    };
    let weights = new Float64Array(0);

    const scoreOf = (info: PodInfo, row: number): number => {
      let sum = 0;
      let total = 0;
      for (const { dimension, weight } of strategy.resources) {
        const asked = askedOf(info, dimension);
        // An extended resource that the pod does not ask for says nothing about the node.
        if (asked === 0 && dimension > Dimension.EphemeralStorage) continue;
        const capacity = nodes.allocatable[dimension]?.[row] ?? 0;
        if (capacity === 0) continue;
        const score = strategy.scorer((usedOf(dimension)?.[row] ?? 0) + asked, capacity);
        if (strategy.ratio && score <= 0) continue;
        sum += score * weight;
        total += weight;
      }
      if (total === 0) return 0;
      return strategy.ratio ? Math.round(sum / total) : Math.trunc(sum / total);
    };

    return {
      name,
      preFilter: () => undefined,
      sign: ({ requests }) => textOf(requests),
      filter: (_cycle: Cycle, info, row) => (fits(info, row) ? undefined : explain(info, row)),
      filterRows(_cycle, info, rows, count, failed, mark) {
        const { podCount, podsAllowed } = nodes;
        for (let i = 0; i < count; i++) {
          const row = rows[i]!;
          if (failed[i] === 0 && podCount[row]! >= podsAllowed[row]!) failed[i] = mark;
        }
        const { dimensions, amounts } = info.requests;
        for (let d = 0; d < dimensions.length; d++) {
          const dimension = dimensions[d]!;
          if (ignores(dimension)) continue;
          const amount = amounts[d]!;
          const capacity = nodes.allocatable[dimension];
          const used = nodes.requested[dimension];
          const devices = byDevices(dimension);
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            const there = capacity?.[row] ?? 0;
            if (failed[i] !== 0 || amount <= there - (used?.[row] ?? 0)) continue;
            if (there > 0 || !devices) failed[i] = mark;
          }
        }
      },
      score: (_cycle, info, row) => scoreOf(info, row),
      scoreRows(_cycle, info, rows, count, scores) {
        if (weights.length < count) weights = new Float64Array(count * 2);
        scores.fill(0, 0, count);
        weights.fill(0, 0, count);
        const { scorer, ratio } = strategy;
        for (const { dimension, weight } of strategy.resources) {
          const asked = askedOf(info, dimension);
          if (asked === 0 && dimension > Dimension.EphemeralStorage) continue;
          const capacities = nodes.allocatable[dimension];
          const used = usedOf(dimension);
          if (!capacities || !used) continue;
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            const capacity = capacities[row]!;
            if (capacity === 0) continue;
            const score = scorer(used[row]! + asked, capacity);
            if (ratio && score <= 0) continue;
            scores[i]! += score * weight;
            weights[i]! += weight;
          }
        }
        for (let i = 0; i < count; i++) {
          const total = weights[i]!;
          if (total > 0) scores[i] = ratio ? Math.round(scores[i]! / total) : Math.trunc(scores[i]! / total);
        }
      },
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Delete | Action.UpdatePodScaleDown,
          hint(info, previous, current) {
            // Only one node has more room now: without enough of it there, another attempt would end like the last.
            const row = nodes.rowOf((previous as Pod).spec?.nodeName ?? '');
            if (row >= 0 && !fitsBesideNominated(info, row)) return false;
            if (!current) return true;
            const before = podRequests(previous as Pod);
            const after = podRequests(current as Pod);
            return info.requests.dimensions.some((d) => requestOf(after, d) < requestOf(before, d));
          },
        },
        {
          resource: 'TargetPod',
          action: Action.UpdatePodScaleDown,
        },
        {
          resource: 'Node',
          action: Action.Add | Action.UpdateNodeAllocatable,
          hint(info, _previous, current) {
            const row = nodes.rowOf(current?.metadata?.name ?? '');
            return row < 0 || fits(info, row);
          },
        },
        ...(resolver
          ? [
              {
                resource: 'DeviceClass',
                action: Action.Add | Action.Update,
                hint: (info: PodInfo) => info.requests.dimensions.some(byDevices),
              } as const,
            ]
          : []),
      ],
    };
  },
};
