/**
 * What pods asked for about their nodes and neighbours, looked up where they are: how many preferences hold, and how many
 * requirements do not. Terms that many pods share are counted once for all of them.
 */
import type { LabelSelector, Labels, Node, Pod, PodAffinityTerm } from '../src/api/index.ts';
import {
  compileLabelMap,
  compileLabelSelector,
  compileNodeSelector,
  compileNodeSelectorTerm,
} from '../src/scheduling/index.ts';

export interface Placed {
  readonly pod: Pod;
  readonly node: Node;
}

export interface TermFigures {
  /** Preferred terms that hold, and all of them. */
  readonly met: number;
  readonly preferences: number;
  /** Required terms that do not hold. */
  readonly violations: number;
}

type LabelsOfNamespace = (name: string) => Labels;

/** Answers how many pods that a term means are in a node's domain. */
class NeighbourCounts {
  private readonly byTerm = new Map<string, { counts: Map<string, number>; means: (pod: Pod) => boolean }>();

  constructor(
    private readonly placed: readonly Placed[],
    private readonly labelsOf: LabelsOfNamespace,
  ) {}

  /** Pods in the domain of `at` that the term means, and whether the pod itself is one of them. */
  count(at: Placed, term: PodAffinityTerm): { all: number; self: boolean } {
    const own = at.pod.metadata?.namespace ?? '';
    const { topologyKey, labelSelector, namespaces, namespaceSelector } = term;
    const key = JSON.stringify([own, topologyKey, labelSelector, namespaces, namespaceSelector]);
    let known = this.byTerm.get(key);
    if (known === undefined) {
      known = this.compute(own, term);
      this.byTerm.set(key, known);
    }
    const domain = at.node.metadata?.labels?.[topologyKey];
    return {
      all: domain === undefined ? 0 : (known.counts.get(domain) ?? 0),
      self: domain !== undefined && known.means(at.pod),
    };
  }

  private compute(own: string, { topologyKey, labelSelector, namespaces, namespaceSelector }: PodAffinityTerm) {
    const bySelector = compileLabelSelector(labelSelector as LabelSelector | undefined);
    const byNamespace =
      namespaceSelector === undefined ? undefined : compileLabelSelector(namespaceSelector as LabelSelector);
    const inNamespace = (name: string) =>
      (namespaces ?? []).includes(name) ||
      (byNamespace === undefined ? (namespaces ?? []).length === 0 && name === own : byNamespace(this.labelsOf(name)));
    const means = (pod: Pod) => inNamespace(pod.metadata?.namespace ?? '') && bySelector(pod.metadata?.labels ?? {});
    const counts = new Map<string, number>();
    for (const { pod, node } of this.placed) {
      const domain = node.metadata?.labels?.[topologyKey];
      if (domain !== undefined && means(pod)) counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    return { counts, means };
  }
}

/** Looks at every term of every placed pod. */
export function termFigures(placed: readonly Placed[], labelsOf: LabelsOfNamespace): TermFigures {
  const neighbours = new NeighbourCounts(placed, labelsOf);
  const others = (at: Placed, term: PodAffinityTerm) => {
    const { all, self } = neighbours.count(at, term);
    return all - Number(self);
  };
  const figures = { met: 0, preferences: 0, violations: 0 };
  const preferred = (holds: boolean) => {
    figures.preferences++;
    if (holds) figures.met++;
  };
  const required = (holds: boolean) => {
    if (!holds) figures.violations++;
  };
  for (const at of placed) {
    const { affinity, nodeSelector } = at.pod.spec ?? {};
    if (nodeSelector !== undefined) required(compileLabelMap(nodeSelector as Labels)(at.node.metadata?.labels ?? {}));
    if (affinity === undefined) continue;
    const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
    const selector = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (selector !== undefined) required(compileNodeSelector(selector)(at.node));
    for (const { preference } of nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      preferred(compileNodeSelectorTerm(preference)(at.node));
    // The first of a group has only itself, which upstream accepts.
    for (const term of podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      required(neighbours.count(at, term).all > 0);
    for (const term of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      required(others(at, term) === 0);
    for (const { podAffinityTerm } of podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      preferred(others(at, podAffinityTerm) > 0);
    for (const { podAffinityTerm } of podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
      preferred(others(at, podAffinityTerm) === 0);
  }
  return figures;
}
