/** Strategies of priority classes, leases and runtime classes: small kinds that others point to. */
import type { Lease, PriorityClass } from '../../generated/types.ts';
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

/** Coordinated leader election is off, as it is upstream by default: what it adds to leases is dropped. */
function dropElection(lease: Lease): void {
  delete lease.spec?.strategy;
  delete lease.spec?.preferredHolder;
}

export const leaseStrategy = strategyOf<Lease>({
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  prepareForCreate: dropElection,
  prepareForUpdate: dropElection,
});

export const runtimeClassStrategy: Strategy = { allowUnconditionalUpdate: false };
