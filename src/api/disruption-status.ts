/**
 * The condition DisruptionAllowed of a PodDisruptionBudget, which the disruption controller writes, and the API server when an
 * eviction uses up what is allowed.
 *
 * @see staging/src/k8s.io/component-helpers/apps/poddisruptionbudget/helpers.go, apimachinery/pkg/api/meta/conditions.go
 */
import type { Condition, PodDisruptionBudget, PodDisruptionBudgetStatus } from './generated/types.ts';

const type = 'DisruptionAllowed';

/** The conditions with this one in its place, or last. Its time is that of the last change of its status. */
export function withDisruptionAllowed(
  conditions: readonly Condition[] | undefined,
  verdict: Pick<Condition, 'status' | 'reason' | 'message' | 'observedGeneration'>,
  now: string,
): Condition[] {
  const current = disruptionAllowed(conditions);
  const { status, reason, message, observedGeneration } = verdict;
  const condition: Condition = {
    type,
    status,
    ...(observedGeneration ? { observedGeneration } : {}),
    lastTransitionTime: current?.status === status ? current.lastTransitionTime : now,
    reason,
    message,
  };
  if (current === undefined) return [...(conditions ?? []), condition];
  return (conditions ?? []).map((known) => (known === current ? condition : known));
}

/** The conditions that follow from a status. */
export function conditionsOfBudget(status: PodDisruptionBudgetStatus, now: string): Condition[] {
  const { conditions, disruptionsAllowed = 0, observedGeneration } = status;
  const [state, reason] = disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'];
  return withDisruptionAllowed(conditions, { status: state, reason, message: '', observedGeneration }, now);
}

export function disruptionAllowed(conditions: readonly Condition[] | undefined): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition says what the status does, for the budget as it is now. A failure that is over is not told apart. */
export function isDisruptionAllowedCurrent({ metadata, status }: PodDisruptionBudget): boolean {
  const condition = disruptionAllowed(status?.conditions);
  const { generation = 0 } = metadata ?? {};
  const { observedGeneration = 0, disruptionsAllowed = 0 } = status ?? {};
  return (
    condition !== undefined &&
    observedGeneration === generation &&
    condition.status === (disruptionsAllowed > 0 ? 'True' : 'False') &&
    (condition.observedGeneration ?? 0) === observedGeneration
  );
}
