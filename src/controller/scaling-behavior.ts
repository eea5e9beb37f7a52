/**
 * How fast an autoscaler may go: recommendations of the recent past steady it, and rules bound how many replicas come and go in
 * a period. Pure but for the history that the caller keeps; the horizontal pod autoscaler calls it.
 *
 * @see kubernetes/pkg/controller/podautoscaler/horizontal.go
 */
import type { HorizontalPodAutoscaler, HPAScalingPolicy, HPAScalingRules } from '../api/index.ts';

/** A number of replicas that was recommended, or the change that was made, at a time. */
export interface Moment {
  readonly timeMs: number;
  readonly replicas: number;
}

/** What an autoscaler remembers of its past. */
export interface ScalingHistory {
  recommendations: Moment[];
  ups: Moment[];
  downs: Moment[];
}

/** A condition without its time. */
export interface ScalingVerdict {
  readonly type: 'AbleToScale' | 'ScalingLimited';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

const defaultWindowMs = 300_000;
const tooFew = 'the desired replica count is less than the minimum replica count';
const tooMany = 'the desired replica count is more than the maximum replica count';
const tooFastUp = 'the desired replica count is increasing faster than the maximum scale rate';
const tooFastDown = 'the desired replica count is decreasing faster than the maximum scale rate';

/** The replicas to go to, after steadying and within all bounds, and what to say of it. Records the recommendation. */
export function boundReplicas(
  autoscaler: HorizontalPodAutoscaler,
  history: ScalingHistory,
  current: number,
  recommended: number,
  nowMs: number,
): { readonly replicas: number; readonly verdicts: readonly ScalingVerdict[] } {
  const { behavior } = autoscaler.spec;
  const upWindowMs = behavior === undefined ? 0 : (behavior.scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downSeconds = behavior?.scaleDown?.stabilizationWindowSeconds;
  const downWindowMs = downSeconds === undefined ? defaultWindowMs : downSeconds * 1000;
  history.recommendations = history.recommendations.filter(
    ({ timeMs }) => timeMs > nowMs - Math.max(upWindowMs, downWindowMs),
  );
  const [least, most] = recent(history.recommendations, recommended, nowMs - upWindowMs, nowMs - downWindowMs);
  const steady = behavior === undefined ? most : Math.min(Math.max(current, least), most);
  history.recommendations.push({ timeMs: nowMs, replicas: recommended });
  const verdicts: ScalingVerdict[] = [steadyVerdict(steady, recommended, behavior !== undefined)];
  const bounded = withinBounds(autoscaler, history, current, steady, nowMs);
  verdicts.push(
    bounded.replicas === steady
      ? {
          type: 'ScalingLimited',
          status: 'False',
          reason: 'DesiredWithinRange',
          message: 'the desired count is within the acceptable range',
        }
      : { type: 'ScalingLimited', status: 'True', reason: bounded.reason, message: bounded.message },
  );
  return { replicas: bounded.replicas, verdicts };
}

/** The least of the recent recommendations, above which none goes up, and the most of them, below which none goes down. */
function recent(past: readonly Moment[], recommended: number, upFrom: number, downFrom: number): [number, number] {
  let least = recommended;
  let most = recommended;
  for (const { timeMs, replicas } of past) {
    if (timeMs > upFrom) least = Math.min(least, replicas);
    if (timeMs > downFrom) most = Math.max(most, replicas);
  }
  return [least, most];
}

function steadyVerdict(steady: number, recommended: number, withBehavior: boolean): ScalingVerdict {
  const type = 'AbleToScale';
  const status = 'True';
  if (steady === recommended) {
    const message = 'recommended size matches current size';
    return { type, status, reason: 'ReadyForNewScale', message };
  }
  if (withBehavior && steady < recommended) {
    const message = 'recent recommendations were lower than current one, applying the lowest recent recommendation';
    return { type, status, reason: 'ScaleUpStabilized', message };
  }
  const message = 'recent recommendations were higher than current one, applying the highest recent recommendation';
  return { type, status, reason: 'ScaleDownStabilized', message };
}

interface Bounded {
  readonly replicas: number;
  readonly reason: string;
  readonly message: string;
}

function withinBounds(
  { spec }: HorizontalPodAutoscaler,
  history: ScalingHistory,
  current: number,
  desired: number,
  nowMs: number,
): Bounded {
  const { behavior, maxReplicas, minReplicas = 1 } = spec;
  if (behavior === undefined) {
    const upLimit = Math.max(current * 2, 4);
    const most = Math.min(upLimit, maxReplicas);
    if (desired < minReplicas) return { replicas: minReplicas, reason: 'TooFewReplicas', message: tooFew };
    if (desired <= most) return { replicas: desired, reason: '', message: '' };
    if (maxReplicas > upLimit) return { replicas: most, reason: 'ScaleUpLimit', message: tooFastUp };
    return { replicas: most, reason: 'TooManyReplicas', message: tooMany };
  }
  if (desired > current) {
    const limit = Math.max(current, upLimitOf(behavior.scaleUp, history, current, nowMs));
    if (desired <= Math.min(limit, maxReplicas)) return { replicas: desired, reason: '', message: '' };
    if (maxReplicas > limit) return { replicas: limit, reason: 'ScaleUpLimit', message: tooFastUp };
    return { replicas: maxReplicas, reason: 'TooManyReplicas', message: tooMany };
  }
  if (desired < current) {
    const limit = Math.min(current, downLimitOf(behavior.scaleDown, history, current, nowMs));
    if (desired >= Math.max(limit, minReplicas)) return { replicas: desired, reason: '', message: '' };
    if (minReplicas < limit) return { replicas: limit, reason: 'ScaleDownLimit', message: tooFastDown };
    return { replicas: minReplicas, reason: 'TooFewReplicas', message: tooFew };
  }
  return { replicas: desired, reason: '', message: '' };
}

const changedSince = (moments: readonly Moment[], { periodSeconds }: HPAScalingPolicy, nowMs: number) =>
  moments
    .filter(({ timeMs }) => timeMs > nowMs - periodSeconds * 1000)
    .reduce((sum, { replicas }) => sum + replicas, 0);

const defaultUp: readonly HPAScalingPolicy[] = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];
const defaultDown: readonly HPAScalingPolicy[] = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

/** The period's start is now's replicas without what was done within it. */
function startOf(history: ScalingHistory, current: number, policy: HPAScalingPolicy, nowMs: number): number {
  return current - changedSince(history.ups, policy, nowMs) + changedSince(history.downs, policy, nowMs);
}

function upLimitOf(
  rules: HPAScalingRules | undefined,
  history: ScalingHistory,
  current: number,
  nowMs: number,
): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? defaultUp).map((policy) => {
    const start = startOf(history, current, policy, nowMs);
    return policy.type === 'Pods' ? start + policy.value : Math.ceil(start * (1 + policy.value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits);
}

function downLimitOf(
  rules: HPAScalingRules | undefined,
  history: ScalingHistory,
  current: number,
  nowMs: number,
): number {
  if (rules?.selectPolicy === 'Disabled') return current;
  const limits = (rules?.policies ?? defaultDown).map((policy) => {
    const start = startOf(history, current, policy, nowMs);
    return policy.type === 'Pods' ? start - policy.value : Math.trunc(start * (1 - policy.value / 100));
  });
  return rules?.selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits);
}
