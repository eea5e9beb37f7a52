/** Strategy of pod disruption budgets. @see pkg/registry/policy/poddisruptionbudget/strategy.go */
import type { Strategy } from '../types.ts';

export const podDisruptionBudgetStrategy: Strategy = {
  generation: true,
  initialStatus: () => ({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }),
  status: { keptMetadata: [] },
  allowUnconditionalUpdate: false,
};
