/** Strategies of priority classes, leases and runtime classes: small kinds that others point to. */
import type { PriorityClass } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';

export const priorityClassStrategy = strategyOf<PriorityClass>({
  defaults(priorityClass: PriorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
    priorityClass.value ??= 0;
  },
  // Counted on creation and never again: what matters of a priority class cannot change.
  generation: () => false,
});

export const leaseStrategy: Strategy = { allowCreateOnUpdate: true, allowUnconditionalUpdate: false };

export const runtimeClassStrategy: Strategy = { allowUnconditionalUpdate: false };
