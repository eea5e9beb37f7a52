/** Conditions of a pod's status as strategic merge patches: what the scheduler writes about pods. */
import type { Pod, PodCondition } from '../api/index.ts';

export type ConditionText = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

const secondsOf = (nowMs: number) => `${new Date(nowMs).toISOString().slice(0, 19)}Z`;

/**
 * The part of a status patch that sets one condition and keeps the others in their order; undefined when the pod has it
 * like this already. The time of the last transition moves only with the status.
 * @see kubernetes/pkg/api/v1/pod/util.go UpdatePodCondition
 */
export function conditionPatch(pod: Pod, condition: ConditionText, nowMs: number): Record<string, unknown> | undefined {
  const existing = pod.status?.conditions ?? [];
  const current = existing.find(({ type }) => type === condition.type);
  const observedGeneration = pod.metadata?.generation;
  const same =
    current?.status === condition.status &&
    current.reason === condition.reason &&
    current.message === condition.message &&
    current.observedGeneration === observedGeneration;
  if (same) return undefined;
  const order = existing.map(({ type }) => ({ type }));
  if (!current) order.push({ type: condition.type });
  return {
    '$setElementOrder/conditions': order,
    conditions: [
      {
        ...condition,
        ...(observedGeneration === undefined ? {} : { observedGeneration }),
        lastProbeTime: null,
        lastTransitionTime: current?.status === condition.status ? current.lastTransitionTime : secondsOf(nowMs),
      },
    ],
  };
}
