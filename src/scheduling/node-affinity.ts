/**
 * What a pod requires of a node's labels and name: `nodeSelector` and the required terms of node affinity, as a matcher
 * with a key that says the same for the same requirement, so that answers are remembered across identical pods.
 */
import type { Node, NodeSelector } from '../api/index.ts';
import type { NodeMask, NodeTable } from './node-table.ts';
import type { PodInfo } from './pod-info.ts';
import { compileLabelMap, compileNodeSelector, type NodeMatcher } from './selectors.ts';

export const requiredTerms = (info: PodInfo): NodeSelector | undefined =>
  info.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;

/** Does the pod require anything? */
export function hasNodeRequirement(info: PodInfo): boolean {
  return info.pod.spec?.nodeSelector !== undefined || requiredTerms(info) !== undefined;
}

function compile(info: PodInfo): NodeMatcher {
  const byLabels = compileLabelMap(info.pod.spec?.nodeSelector ?? {});
  const terms = requiredTerms(info);
  const byTerms = terms ? compileNodeSelector(terms) : () => true;
  return (node: Node) => byLabels(node.metadata?.labels ?? {}) && byTerms(node);
}

export const nodeRequirementKey = (info: PodInfo): string =>
  JSON.stringify([info.pod.spec?.nodeSelector, requiredTerms(info)]);

/** Remembered answers by row; undefined when the pod requires nothing. */
export function nodeRequirement(info: PodInfo, nodes: NodeTable): NodeMask | undefined {
  return hasNodeRequirement(info) ? nodes.mask(nodeRequirementKey(info), () => compile(info)) : undefined;
}
