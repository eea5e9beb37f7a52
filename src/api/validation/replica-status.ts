/** Counts in the status of replica sets and their like, which cannot be negative or more than there are. */
import { fieldPath } from '../field-errors.ts';
import type { Check } from './check.ts';

const path = fieldPath('status');

export interface ReplicaCounts {
  readonly replicas: number;
  readonly fullyLabeledReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly observedGeneration: number;
  readonly terminatingReplicas: number;
}

/** The counts of a status, zero where there are none. */
export function replicaStatusOf(status: Partial<Record<keyof ReplicaCounts, number | undefined>> = {}): ReplicaCounts {
  const {
    replicas = 0,
    fullyLabeledReplicas = 0,
    readyReplicas = 0,
    availableReplicas = 0,
    observedGeneration = 0,
    terminatingReplicas = 0,
  } = status;
  return {
    replicas,
    fullyLabeledReplicas,
    readyReplicas,
    availableReplicas,
    observedGeneration,
    terminatingReplicas,
  };
}

/** @see ValidateReplicaSetStatus */
export function checkReplicaStatus(check: Check, counts: ReplicaCounts): void {
  for (const field of Object.keys(counts) as (keyof ReplicaCounts)[]) check.nonNegative(path, field, counts[field]);
  for (const field of ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    if (counts[field] > counts.replicas)
      check.invalid(path, field, counts[field], 'cannot be greater than status.replicas');
  }
  if (counts.availableReplicas > counts.readyReplicas)
    check.invalid(path, 'availableReplicas', counts.availableReplicas, 'cannot be greater than readyReplicas');
}
