/**
 * Spreads pods over topology domains: DoNotSchedule constraints filter, ScheduleAnyway constraints and the defaults
 * score. @see plugins/podtopologyspread
 */
import type { LabelSelector, Node, Pod } from '../../../src/api/index.ts';
import { replicaSets, replicationControllers, services, statefulSets } from '../../../src/client/index.ts';
import {
  Action,
  compileLabelMap,
  DomainCounts,
  type LabelColumn,
  type NodeTable,
  type PluginDefinition,
  type PluginHandle,
  type PodInfo,
  type RowCounter,
  type SelectorSpec,
  type SpreadConstraint,
  SpreadScope,
  skip,
  spreadConstraints,
  spreadSelector,
  stateKey,
  unresolvable,
  unschedulable,
} from '../../../src/scheduling/index.ts';

const name = 'PodTopologySpread';
const hostname = 'kubernetes.io/hostname';
const skewed = unschedulable("node(s) didn't match pod topology spread constraints");
const unlabelled = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");

interface Filtering {
  readonly constraint: SpreadConstraint;
  readonly counts: DomainCounts;
  readonly self: number;
}

interface Scoring {
  readonly constraint: SpreadConstraint;
  readonly counts: DomainCounts;
  /** For the hostname key: pods are counted on the node itself. */
  readonly perNode: RowCounter | undefined;
  readonly weight: number;
}

interface ScoringState {
  readonly all: readonly Scoring[];
  /** Rows that lack a topology key: they score 0. */
  readonly ignored: ReadonlySet<number>;
}

const filterKey = stateKey<readonly Filtering[]>('PodTopologySpread/filter');
const scoreKey = stateKey<ScoringState>('PodTopologySpread/score');
const noConstraints: readonly SpreadConstraint[] = [];

type DefaultConstraint = Pick<SpreadConstraint, 'maxSkew' | 'topologyKey' | 'minDomains'> & {
  whenUnsatisfiable: string;
};

const systemDefaults: readonly DefaultConstraint[] = [
  { maxSkew: 3, topologyKey: hostname, minDomains: 1, whenUnsatisfiable: 'ScheduleAnyway' },
  { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', minDomains: 1, whenUnsatisfiable: 'ScheduleAnyway' },
];

/** The selector of whatever owns or serves the pod: what its default constraints count. Undefined: nothing does. */
function ownerSelector(handle: PluginHandle): (info: PodInfo) => SelectorSpec | undefined {
  const { informers } = handle;
  if (!informers) return () => undefined;
  const serviceLister = informers.informer(services).lister;
  const controllers = [
    { kind: 'ReplicationController', apiVersion: 'v1', lister: informers.informer(replicationControllers).lister },
    { kind: 'ReplicaSet', apiVersion: 'apps/v1', lister: informers.informer(replicaSets).lister },
    { kind: 'StatefulSet', apiVersion: 'apps/v1', lister: informers.informer(statefulSets).lister },
  ] as const;
  /** Of owners without a Service, by their own selector: ten thousand replicas are asked about one after the other. */
  const ofOwners = new WeakMap<object, SelectorSpec>();
  return ({ namespace, pod, labelClass }) => {
    const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller);
    const matchLabels: Record<string, string> = {};
    for (const service of serviceLister.list(namespace)) {
      const selector = service.spec?.selector;
      if (selector && Object.keys(selector).length > 0 && compileLabelMap(selector)(labelClass.labels)) {
        Object.assign(matchLabels, selector);
      }
    }
    const isServed = Object.keys(matchLabels).length > 0;
    const matchExpressions: NonNullable<LabelSelector['matchExpressions']> = [];
    const controller =
      owner && controllers.find(({ kind, apiVersion }) => kind === owner.kind && apiVersion === owner.apiVersion);
    const selector = controller?.lister.get(namespace, owner!.name)?.spec?.selector as
      | LabelSelector
      | Record<string, string>
      | undefined;
    const known = isServed || !selector ? undefined : ofOwners.get(selector);
    // Owners that look alike may share one selector, also in different namespaces.
    if (known?.parts[0]?.namespaces?.has(namespace) === true) return known;
    if (selector && owner!.kind === 'ReplicationController') Object.assign(matchLabels, selector);
    else if (selector) {
      Object.assign(matchLabels, (selector as LabelSelector).matchLabels);
      matchExpressions.push(...((selector as LabelSelector).matchExpressions ?? []));
    }
    if (Object.keys(matchLabels).length + matchExpressions.length === 0) return undefined;
    const spread = spreadSelector(namespace, { matchLabels, matchExpressions });
    if (selector && !isServed) ofOwners.set(selector, spread);
    return spread;
  };
}

function defaultsOf(args: Readonly<Record<string, unknown>>): readonly DefaultConstraint[] {
  const listed = (args['defaultConstraints'] as Partial<DefaultConstraint>[] | undefined) ?? [];
  if (((args['defaultingType'] as string | undefined) || 'System') === 'System') return systemDefaults;
  return listed.map(({ maxSkew = 1, topologyKey = '', minDomains = 1, whenUnsatisfiable = '' }) => ({
    maxSkew,
    topologyKey,
    minDomains,
    whenUnsatisfiable,
  }));
}

function prepare(nodes: NodeTable, scope: SpreadScope, info: PodInfo, constraints: readonly SpreadConstraint[]) {
  const keys = constraints.map(({ topologyKey }) => topologyKey);
  return constraints.map(
    (constraint) => new DomainCounts(nodes, constraint, scope.participation(info, constraint, keys)),
  );
}

/** How many domains the rows are in, those left out aside; -1 (no label) counts as one. */
function domainsAmong(
  column: LabelColumn,
  nodeCount: number,
  rows: Int32Array,
  count: number,
  ignored: ReadonlySet<number>,
): number {
  const most = column.nodes.distinct + (column.nodes.total < nodeCount ? 1 : 0);
  const seen = new Set<number>();
  for (let i = 0; i < count && seen.size < most; i++) {
    if (ignored.size === 0 || !ignored.has(rows[i]!)) seen.add(column.values[rows[i]!]!);
  }
  return seen.size;
}

export const podTopologySpread: PluginDefinition = {
  name,
  create(handle, args) {
    const { nodes } = handle;
    const scope = new SpreadScope(nodes);
    const defaults = defaultsOf(args);
    const selectorOf = ownerSelector(handle);
    const constraintsWhen = (when: 'DoNotSchedule' | 'ScheduleAnyway') => {
      const relevant = defaults.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
      /** Of pods without constraints of their own: made once for all replicas. */
      const made = new WeakMap<SelectorSpec, readonly SpreadConstraint[]>();
      return (info: PodInfo): readonly SpreadConstraint[] => {
        if (info.pod.spec?.topologySpreadConstraints?.length) return spreadConstraints(info, when);
        const selector = relevant.length > 0 ? selectorOf(info) : undefined;
        if (!selector) return noConstraints;
        let constraints = made.get(selector);
        if (!constraints) {
          constraints = relevant.map(({ maxSkew, topologyKey, minDomains }) => ({
            maxSkew,
            topologyKey,
            minDomains,
            selector,
            honorAffinity: true,
            honorTaints: false,
          }));
          made.set(selector, constraints);
        }
        return constraints;
      };
    };
    const hard = constraintsWhen('DoNotSchedule');
    const soft = constraintsWhen('ScheduleAnyway');
    /** By constraint: does its selector match the pod? */
    const matches = ({ selector }: SpreadConstraint, pod: Pod | undefined): boolean =>
      pod !== undefined &&
      nodes.index.matches(selector, nodes.index.classOf(pod.metadata?.namespace ?? '', pod.metadata?.labels ?? {}));
    /** A pod that came, went or changed its labels is counted by a constraint otherwise than before. */
    const countsOtherwise = (info: PodInfo, previous: Pod | undefined, current: Pod | undefined): boolean =>
      hard(info).some((constraint) => matches(constraint, previous) !== matches(constraint, current));
    const hasKeys = (constraints: readonly SpreadConstraint[], node: Node | undefined): boolean =>
      node !== undefined && constraints.every(({ topologyKey }) => node.metadata?.labels?.[topologyKey] !== undefined);
    /** A node begins or ends to take part, or takes part in another domain or with other taints. */
    const spreadsOtherwise = (info: PodInfo, previous: Node | undefined, current: Node | undefined): boolean => {
      const constraints = hard(info);
      const after = hasKeys(constraints, current);
      if (hasKeys(constraints, previous) !== after) return true;
      if (!previous || !current || !after) return false;
      return (
        JSON.stringify(previous.spec?.taints) !== JSON.stringify(current.spec?.taints) ||
        constraints.some(
          ({ topologyKey }) => previous.metadata?.labels?.[topologyKey] !== current.metadata?.labels?.[topologyKey],
        )
      );
    };
    return {
      name,
      preFilter(cycle, info) {
        const constraints = hard(info);
        if (constraints.length === 0) return skip;
        const counts = prepare(nodes, scope, info, constraints);
        cycle.write(
          filterKey,
          constraints.map((constraint, i) => ({
            constraint,
            counts: counts[i]!,
            self: nodes.index.matches(constraint.selector, info.labelClass) ? 1 : 0,
          })),
        );
        return undefined;
      },
      addPod(cycle, _info, other, row) {
        for (const { constraint, counts } of cycle.need(filterKey)) {
          if (!other.terminating && nodes.index.matches(constraint.selector, other.labelClass)) counts.shift(row, 1);
        }
      },
      removePod(cycle, _info, other, row) {
        for (const { constraint, counts } of cycle.need(filterKey)) {
          if (!other.terminating && nodes.index.matches(constraint.selector, other.labelClass)) counts.shift(row, -1);
        }
      },
      filter(cycle, _info, row) {
        for (const { constraint, counts, self } of cycle.need(filterKey)) {
          const domain = counts.column.values[row]!;
          if (domain < 0) return unlabelled;
          if (counts.of(domain) + self - counts.least(constraint.minDomains) > constraint.maxSkew) return skewed;
        }
        return undefined;
      },
      filterRows(cycle, _info, rows, count, failed, mark) {
        for (const { constraint, counts, self } of cycle.need(filterKey)) {
          const { values } = counts.column;
          const most = constraint.maxSkew + counts.least(constraint.minDomains) - self;
          for (let i = 0; i < count; i++) {
            if (failed[i] !== 0) continue;
            const domain = values[rows[i]!]!;
            if (domain < 0 || counts.of(domain) > most) failed[i] = mark;
          }
        }
      },
      preScore(cycle, info, rows, count) {
        const constraints = soft(info);
        if (constraints.length === 0) return skip;
        // System defaults must not punish clusters whose nodes have no zone label.
        const all = (info.pod.spec?.topologySpreadConstraints?.length ?? 0) > 0 || defaults !== systemDefaults;
        const columns = constraints.map(({ topologyKey }) => nodes.column(topologyKey));
        const ignored = new Set<number>();
        const partial = all ? columns.filter((column) => column.nodes.total < nodes.nodeCount) : [];
        if (partial.length > 0) {
          for (let i = 0; i < count; i++) {
            if (partial.some((column) => column.values[rows[i]!]! < 0)) ignored.add(rows[i]!);
          }
        }
        const keys = all ? constraints.map(({ topologyKey }) => topologyKey) : [];
        const scorings: Scoring[] = [];
        for (let c = 0; c < constraints.length; c++) {
          const column = columns[c]!;
          // A label that no node has tells none of them from another.
          if (column.nodes.total === 0) continue;
          const constraint = constraints[c]!;
          const perNode = constraint.topologyKey === hostname;
          // Domains count more where there are many of them; otherwise few zones would drown in many hosts.
          const size = perNode ? count - ignored.size : domainsAmong(column, nodes.nodeCount, rows, count, ignored);
          scorings.push({
            constraint,
            counts: new DomainCounts(nodes, constraint, scope.participation(info, constraint, keys)),
            perNode: perNode ? nodes.index.lasting(constraint.selector) : undefined,
            weight: Math.log(size + 2),
          });
        }
        cycle.write(scoreKey, { ignored, all: scorings });
        return undefined;
      },
      score(cycle, _info, row) {
        const { all, ignored } = cycle.need(scoreKey);
        if (ignored.has(row)) return 0;
        let score = 0;
        for (const { constraint, counts, perNode, weight } of all) {
          const domain = counts.column.values[row]!;
          if (domain < 0) continue;
          const pods = perNode ? perNode.rows.get(row) : counts.of(domain);
          score += pods * weight + (constraint.maxSkew - 1);
        }
        return Math.round(score);
      },
      scoreRows(cycle, _info, rows, count, scores) {
        const { all, ignored } = cycle.need(scoreKey);
        scores.fill(0, 0, count);
        for (const { constraint, counts, perNode, weight } of all) {
          const { values } = counts.column;
          for (let i = 0; i < count; i++) {
            const row = rows[i]!;
            const domain = values[row]!;
            if (domain < 0 || (ignored.size > 0 && ignored.has(row))) continue;
            const pods = perNode ? perNode.rows.get(row) : counts.of(domain);
            scores[i]! += pods * weight + (constraint.maxSkew - 1);
          }
        }
        for (let i = 0; i < count; i++) scores[i] = Math.round(scores[i]!);
      },
      normalizeScore(cycle, _info, rows, count, scores) {
        const { ignored } = cycle.need(scoreKey);
        let least = Number.MAX_SAFE_INTEGER;
        let most = 0;
        for (let i = 0; i < count; i++) {
          if (ignored.size > 0 && ignored.has(rows[i]!)) continue;
          least = Math.min(least, scores[i]!);
          most = Math.max(most, scores[i]!);
        }
        for (let i = 0; i < count; i++) {
          if (ignored.size > 0 && ignored.has(rows[i]!)) scores[i] = 0;
          else if (most === 0) scores[i] = 100;
          else scores[i] = Math.trunc((100 * (most + least - scores[i]!)) / most);
        }
      },
      events: () => [
        {
          resource: 'AssignedPod',
          action: Action.Add | Action.Delete | Action.UpdatePodLabel,
          hint: (info, previous, current) =>
            countsOtherwise(info, previous as Pod | undefined, current as Pod | undefined),
        },
        {
          resource: 'TargetPod',
          action: Action.UpdatePodLabel,
          // Its labels may also be part of its own constraints.
          hint: (info, previous, current) =>
            (info.pod.spec?.topologySpreadConstraints ?? []).some(({ matchLabelKeys }) => matchLabelKeys?.length) ||
            countsOtherwise(info, previous as Pod | undefined, current as Pod | undefined),
        },
        {
          resource: 'TargetPod',
          action: Action.UpdatePodToleration,
          hint: (info) => hard(info).some(({ honorTaints }) => honorTaints),
        },
        {
          resource: 'Node',
          action: Action.Add | Action.Delete | Action.UpdateNodeLabel | Action.UpdateNodeTaint,
          hint: (info, previous, current) =>
            spreadsOtherwise(info, previous as Node | undefined, current as Node | undefined),
        },
      ],
    };
  },
};
