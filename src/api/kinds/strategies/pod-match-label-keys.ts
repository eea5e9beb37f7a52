/**
 * Merges the values of `matchLabelKeys` and `mismatchLabelKeys`, taken from the new pod's own labels, into the label selectors that
 * stand beside them, so that the scheduler sees plain selectors. Done once, when a pod is created.
 * @see KEP-3633, pkg/registry/core/pod/strategy.go applyMatchLabelKeysAndMismatchLabelKeys
 */
import type { LabelSelector, Pod, PodAffinityTerm } from '../../generated/types.ts';

/** Rewrites the selectors of the pod's affinity terms and topology spread constraints, in place. */
export function mergeMatchLabelKeys(pod: Pod): void {
  const spec = pod.spec;
  if (spec === undefined) return;
  const labels = pod.metadata?.labels ?? {};
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    if (affinity === undefined) continue;
    for (const term of affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeIntoTerm(term, labels);
    for (const weighted of affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      mergeIntoTerm(weighted.podAffinityTerm, labels);
    }
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    if (constraint.labelSelector !== undefined)
      merge(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
  }
}

function mergeIntoTerm(term: PodAffinityTerm, labels: Record<string, string>): void {
  if (term.labelSelector === undefined) return;
  merge(term.labelSelector, term.matchLabelKeys, 'In', labels);
  merge(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels);
}

function merge(
  selector: LabelSelector,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Record<string, string>,
): void {
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value === undefined) continue;
    selector.matchExpressions ??= [];
    selector.matchExpressions.push({ key, operator, values: [value] });
  }
}
