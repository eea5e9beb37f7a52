/**
 * Defaults of HorizontalPodAutoscaler in both versions. v2 is stored.
 * @see pkg/apis/autoscaling/v2/defaults.go
 */
import type {
  AutoscalingV1HorizontalPodAutoscaler,
  HorizontalPodAutoscaler,
  HPAScalingRules,
} from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';

export const horizontalPodAutoscalerStrategy = strategyOf<HorizontalPodAutoscaler>({
  defaults(autoscaler: HorizontalPodAutoscaler) {
    const spec = autoscaler.spec;
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if (spec.metrics === undefined || spec.metrics.length === 0) {
      spec.metrics = [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ];
    }
    if (spec.behavior !== undefined) {
      spec.behavior.scaleUp = defaultRules(spec.behavior.scaleUp, 0, [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ]);
      spec.behavior.scaleDown = defaultRules(spec.behavior.scaleDown, undefined, [
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ]);
    }
  },
  initialStatus: () => ({ desiredReplicas: 0, currentMetrics: null }),
  generation: false,
  status: { keptMetadata: [] },
});

function defaultRules(
  rules: HPAScalingRules | undefined,
  stabilizationWindowSeconds: number | undefined,
  policies: HPAScalingRules['policies'],
): HPAScalingRules {
  const result = rules ?? {};
  result.selectPolicy ??= 'Max';
  if (stabilizationWindowSeconds !== undefined) result.stabilizationWindowSeconds ??= stabilizationWindowSeconds;
  // An empty list is not an absent one: validation refuses it.
  result.policies ??= policies;
  return result;
}

/** Strategy of the v1 form: its own defaults; all else happens in v2. */
export const horizontalPodAutoscalerV1Strategy = strategyOf<AutoscalingV1HorizontalPodAutoscaler>({
  defaults(autoscaler: AutoscalingV1HorizontalPodAutoscaler) {
    if (autoscaler.spec !== undefined) autoscaler.spec.minReplicas ??= 1;
  },
  status: { keptMetadata: [] },
});
