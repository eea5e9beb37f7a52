/** Conditions of workloads: found by type, replaced when status or reason changes, with upstream's rule for times. */
import type { Clock } from '../runtime/index.ts';
import { timeText } from './times.ts';

/** What conditions of all kinds share. */
export interface Condition {
  type: string;
  status: string;
  reason?: string | undefined;
  message?: string | undefined;
  lastTransitionTime?: string | undefined;
}

export function conditionOf<Type extends Condition>(
  conditions: readonly Type[] | undefined | null,
  type: string,
): Type | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** A condition that is new in every respect, with the current time. */
export function newCondition(clock: Clock, type: string, status: string, reason: string, message: string) {
  return { type, status, lastTransitionTime: timeText(clock.now()), reason, message };
}

/**
 * The conditions with `condition` in place of its type, moved to the end; the same list when status and reason are as before.
 * The transition time is kept while the status stays.
 */
export function withCondition<Type extends Condition>(
  conditions: readonly Type[] | undefined | null,
  condition: Type,
): Type[] {
  const current = conditionOf(conditions, condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return [...(conditions ?? [])];
  const next = { ...condition };
  if (current?.status === condition.status) next.lastTransitionTime = current.lastTransitionTime;
  return [...withoutCondition(conditions, condition.type), next];
}

export function withoutCondition<Type extends Condition>(
  conditions: readonly Type[] | undefined | null,
  type: string,
): Type[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}
