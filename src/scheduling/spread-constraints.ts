/**
 * Topology spreading as counts: which nodes take part for a pod, how many matching pods each domain has, and the least
 * of them. The counts themselves are kept live by the pod index; when every node takes part they are used as they are.
 */
import type { LabelSelector } from '../api/index.ts';
import type { LabelColumn } from './label-column.ts';
import { hasNodeRequirement, nodeRequirement, nodeRequirementKey } from './node-affinity.ts';
import type { NodeTable } from './node-table.ts';
import type { SelectorSpec } from './pod-index.ts';
import { mergeLabelKeys, type PodInfo } from './pod-info.ts';
import { compileLabelSelector } from './selectors.ts';
import { TaintAnswers } from './taints.ts';
import { Tally } from './tally.ts';

/** A constraint of one pod, compiled. */
export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly minDomains: number;
  readonly selector: SelectorSpec;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

/** Pods of one namespace that match a label selector. */
export function spreadSelector(namespace: string, selector: LabelSelector | undefined): SelectorSpec {
  return {
    key: JSON.stringify([[namespace], undefined, selector]),
    parts: [{ namespaces: new Set([namespace]), namespaceMatcher: undefined, matcher: compileLabelSelector(selector) }],
  };
}

/** The pod's own constraints of one kind. */
export function spreadConstraints(info: PodInfo, when: 'DoNotSchedule' | 'ScheduleAnyway'): SpreadConstraint[] {
  const compiled: SpreadConstraint[] = [];
  for (const constraint of info.pod.spec?.topologySpreadConstraints ?? []) {
    if (constraint.whenUnsatisfiable !== when) continue;
    const selector = mergeLabelKeys(constraint.labelSelector, info.labelClass.labels, constraint.matchLabelKeys);
    compiled.push({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      minDomains: constraint.minDomains ?? 1,
      selector: spreadSelector(info.namespace, selector),
      honorAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorTaints: constraint.nodeTaintsPolicy === 'Honor',
    });
  }
  return compiled;
}

/** Which rows take part for one constraint of a pod, and how many of them each domain has. */
interface Participation {
  readonly rows: Uint8Array;
  readonly domains: Tally;
}

const participationsMax = 256;

/** Remembers who takes part, for identical pods, until nodes change. */
export class SpreadScope {
  readonly #nodes: NodeTable;
  #version = -1;
  readonly #participations = new Map<string, Participation>();

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  /** Undefined: every node takes part. `keys`: labels that a node must have to take part at all. */
  participation(info: PodInfo, constraint: SpreadConstraint, keys: readonly string[]): Participation | undefined {
    const nodes = this.#nodes;
    const byAffinity = constraint.honorAffinity && hasNodeRequirement(info);
    const byTaints = constraint.honorTaints && nodes.hardTaintCount > 0;
    const complete = keys.every((key) => nodes.column(key).nodes.total === nodes.nodeCount);
    if (!byAffinity && !byTaints && complete) return undefined;
    if (this.#version !== nodes.nodesVersion || this.#participations.size >= participationsMax) {
      this.#participations.clear();
      this.#version = nodes.nodesVersion;
    }
    const key = JSON.stringify([
      constraint.topologyKey,
      keys,
      byAffinity && nodeRequirementKey(info),
      byTaints && info.tolerations,
    ]);
    let found = this.#participations.get(key);
    if (!found) {
      found = this.#select(info, constraint, keys, byAffinity, byTaints);
      this.#participations.set(key, found);
    }
    return found;
  }

  #select(
    info: PodInfo,
    constraint: SpreadConstraint,
    keys: readonly string[],
    byAffinity: boolean,
    byTaints: boolean,
  ): Participation {
    const nodes = this.#nodes;
    const mask = byAffinity ? nodeRequirement(info, nodes) : undefined;
    const taints = byTaints ? new TaintAnswers(nodes, info.tolerations) : undefined;
    const columns = keys.map((key) => nodes.column(key));
    const own = nodes.column(constraint.topologyKey);
    const rows = new Uint8Array(nodes.capacity);
    const domains = new Tally();
    for (const row of nodes.order()) {
      if (columns.some((column) => column.values[row]! < 0)) continue;
      if (mask && !nodes.maskAt(mask, row)) continue;
      if (taints && !taints.tolerated(row)) continue;
      rows[row] = 1;
      const domain = own.values[row]!;
      if (domain >= 0) domains.add(domain, 1);
    }
    return { rows, domains };
  }
}

/** Matching pods by domain, for one constraint in one cycle. */
export class DomainCounts {
  readonly column: LabelColumn;
  readonly #participation: Participation | undefined;
  readonly #counts: Tally;
  readonly #domains: Tally;
  #least = 0;
  /** Domains at the least count; 0: not known, look again. */
  #atLeast = 0;

  constructor(nodes: NodeTable, constraint: SpreadConstraint, participation: Participation | undefined) {
    this.column = nodes.column(constraint.topologyKey);
    this.#participation = participation;
    const pods = nodes.index.lasting(constraint.selector);
    this.#domains = participation?.domains ?? this.column.nodes;
    if (!participation) this.#counts = pods.byDomain(this.column);
    else {
      const counts = new Tally();
      pods.rows.forEach((row, count) => {
        const domain = this.column.values[row]!;
        if (domain >= 0 && participation.rows[row] === 1) counts.add(domain, count);
      });
      this.#counts = counts;
    }
  }

  of(domain: number): number {
    return this.#counts.get(domain);
  }

  /** The least count of any domain that has a node; 0 when there are fewer than `minDomains`. */
  least(minDomains: number): number {
    if (this.#domains.distinct < minDomains) return 0;
    if (this.#atLeast === 0) this.#look();
    return this.#least;
  }

  #look(): void {
    if (!this.#participation) {
      // Every node takes part, so every domain that counts something is one of them.
      const empty = this.#domains.distinct - this.#counts.distinct;
      const { count, indexes } = empty > 0 ? { count: 0, indexes: empty } : this.#counts.least();
      this.#least = count;
      this.#atLeast = indexes;
      return;
    }
    let least = Number.POSITIVE_INFINITY;
    let at = 0;
    const counts = this.#counts;
    this.#domains.forEach((domain) => {
      const count = counts.get(domain);
      if (count < least) {
        least = count;
        at = 1;
      } else if (count === least) at++;
    });
    this.#least = least;
    this.#atLeast = at;
  }

  /** A matching pod came to (1) or left (-1) the row in a what-if. Live counts have moved already. */
  shift(row: number, amount: 1 | -1): void {
    const domain = this.column.values[row]!;
    if (domain < 0 || (this.#participation && this.#participation.rows[row] !== 1)) return;
    if (this.#participation) this.#counts.add(domain, amount);
    if (this.#atLeast === 0) return;
    const after = this.#counts.get(domain);
    if (amount > 0) {
      if (after - 1 === this.#least) this.#atLeast--;
    } else if (after < this.#least) {
      this.#least = after;
      this.#atLeast = 1;
    } else if (after === this.#least) this.#atLeast++;
  }
}
