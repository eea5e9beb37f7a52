/**
 * `nodeSelector` and node affinity: required terms filter, preferred terms score, `addedAffinity` of the arguments counts
 * on top of the pod's own. @see plugins/nodeaffinity/node_affinity.go
 */
import type { Node, NodeAffinity, NodeSelectorTerm } from '../../../src/api/index.ts';
import {
  Action,
  compileNodeSelector,
  compileNodeSelectorTerm,
  hasNodeRequirement,
  type NodeMask,
  type NodeMatcher,
  nodeRequirement,
  nodeRequirementKey,
  normalizeByHighest,
  type PluginDefinition,
  type PodInfo,
  requiredTerms,
  skip,
  stateKey,
  unresolvable,
} from '../../../src/scheduling/index.ts';

const name = 'NodeAffinity';
const mismatch = unresolvable("node(s) didn't match Pod's node affinity/selector");
const enforced = unresolvable("node(s) didn't match scheduler-enforced node affinity");
const conflict = unresolvable('pod affinity terms conflict');

interface Preference {
  readonly mask: NodeMask;
  readonly weight: number;
}

const requiredKey = stateKey<NodeMask | undefined>('NodeAffinity/required');
const preferredKey = stateKey<readonly Preference[]>('NodeAffinity/preferred');

/** Node names that the terms allow by `metadata.name`; undefined when some term allows any name. */
function namesOf(terms: readonly NodeSelectorTerm[]): Set<string> | undefined {
  const union = new Set<string>();
  for (const term of terms) {
    let names: Set<string> | undefined;
    for (const { key, operator, values = [] } of term.matchFields ?? []) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      names = new Set(names ? values.filter((value) => names!.has(value)) : values);
    }
    if (!names) return undefined;
    for (const one of names) union.add(one);
  }
  return union;
}

export const nodeAffinity: PluginDefinition = {
  name,
  create({ nodes }, args) {
    const added = args['addedAffinity'] as NodeAffinity | undefined;
    const addedTerms = added?.requiredDuringSchedulingIgnoredDuringExecution;
    const addedMatcher: NodeMatcher | undefined = addedTerms && compileNodeSelector(addedTerms);
    const addedPreferred = added?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferredTerms = (info: PodInfo) => [
      ...(info.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
      ...addedPreferred,
    ];
    const preferencesOf = (info: PodInfo): Preference[] =>
      preferredTerms(info).map(({ preference, weight }) => ({
        mask: nodes.mask(JSON.stringify(['preferred', preference]), () => compileNodeSelectorTerm(preference)),
        weight,
      }));
    const fits = (info: PodInfo, node: Node): boolean => {
      if (addedMatcher && !addedMatcher(node)) return false;
      const required = requiredTerms(info);
      const labels = node.metadata?.labels ?? {};
      for (const [key, value] of Object.entries(info.pod.spec?.nodeSelector ?? {}))
        if (labels[key] !== value) return false;
      return !required || compileNodeSelector(required)(node);
    };
    return {
      name,
      preFilter(cycle, info) {
        if (!hasNodeRequirement(info) && !addedMatcher) return skip;
        cycle.write(requiredKey, nodeRequirement(info, nodes));
        const terms = requiredTerms(info)?.nodeSelectorTerms ?? [];
        if (terms.length === 0) return undefined;
        const nodeNames = namesOf(terms);
        if (!nodeNames) return undefined;
        return nodeNames.size === 0 ? conflict : { nodeNames };
      },
      sign: (info) => (hasNodeRequirement(info) ? nodeRequirementKey(info) : ''),
      filter(cycle, _info, row) {
        if (addedMatcher && !addedMatcher(nodes.nodes[row]!)) return enforced;
        const mask = cycle.read(requiredKey);
        return !mask || nodes.maskAt(mask, row) ? undefined : mismatch;
      },
      filterRows(cycle, _info, rows, count, failed, mark) {
        const mask = cycle.read(requiredKey);
        for (let i = 0; i < count; i++) {
          if (failed[i] !== 0) continue;
          const row = rows[i]!;
          if ((addedMatcher && !addedMatcher(nodes.nodes[row]!)) || (mask && !nodes.maskAt(mask, row)))
            failed[i] = mark;
        }
      },
      preScore(cycle, info) {
        const preferences = preferencesOf(info);
        if (preferences.length === 0) return skip;
        cycle.write(preferredKey, preferences);
        return undefined;
      },
      score(cycle, _info, row) {
        let score = 0;
        for (const { mask, weight } of cycle.need(preferredKey)) if (nodes.maskAt(mask, row)) score += weight;
        return score;
      },
      normalizeScore: (_cycle, _info, _rows, count, scores) => normalizeByHighest(scores, count, false),
      events: () => [
        {
          resource: 'Node',
          action: Action.Add | Action.UpdateNodeLabel,
          hint: (info, previous, current) =>
            fits(info, current as Node) && (previous === undefined || !fits(info, previous as Node)),
        },
      ],
    };
  },
};
