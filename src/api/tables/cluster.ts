/** Tables of leases, priority and runtime classes, and of dynamic resource allocation. @see pkg/printers/internalversion/printers.go */
import type { Lease, PriorityClass, ResourceClaim, ResourceSlice, RuntimeClass } from '../generated/types.ts';
import { ageColumn, ageOf, column, isTerminating, nameColumn, nameOf, tableOf } from './columns.ts';

export const leaseTable = tableOf<Lease>({
  columns: [
    nameColumn,
    column('Holder', 'string', ['io.k8s.api.coordination.v1.LeaseSpec', 'holderIdentity']),
    ageColumn,
  ],
  row: (lease, context) => [nameOf(lease), lease.spec?.holderIdentity ?? '', ageOf(lease, context)],
});

const PRIORITY_CLASS = 'io.k8s.api.scheduling.v1.PriorityClass';

export const priorityClassTable = tableOf<PriorityClass>({
  columns: [
    nameColumn,
    column('Value', 'integer', [PRIORITY_CLASS, 'value']),
    column('Global-Default', 'boolean', [PRIORITY_CLASS, 'globalDefault']),
    ageColumn,
    column('PreemptionPolicy', 'string', [PRIORITY_CLASS, 'preemptionPolicy']),
  ],
  row: (priorityClass, context) => [
    nameOf(priorityClass),
    priorityClass.value ?? 0,
    priorityClass.globalDefault ?? false,
    ageOf(priorityClass, context),
    priorityClass.preemptionPolicy ?? '',
  ],
});

export const runtimeClassTable = tableOf<RuntimeClass>({
  // Upstream looks this description up in the wrong type, where there is none.
  columns: [nameColumn, column('Handler', 'string', ''), ageColumn],
  row: (runtimeClass, context) => [nameOf(runtimeClass), runtimeClass.handler ?? '', ageOf(runtimeClass, context)],
});

export const resourceClaimTable = tableOf<ResourceClaim>({
  columns: [
    nameColumn,
    column('State', 'string', 'A summary of the current state (allocated, pending, reserved, etc.).'),
    ageColumn,
  ],
  row: (claim, context) => [nameOf(claim), claimState(claim), ageOf(claim, context)],
});

function claimState(claim: ResourceClaim): string {
  const states: string[] = [];
  if (isTerminating(claim)) states.push('deleted');
  if (claim.status?.allocation === undefined) {
    if (!isTerminating(claim)) states.push('pending');
  } else {
    states.push('allocated');
    if (claim.status.reservedFor?.length) states.push('reserved');
  }
  return states.join(',');
}

const SLICE_SPEC = 'io.k8s.api.resource.v1.ResourceSliceSpec';

export const resourceSliceTable = tableOf<ResourceSlice>({
  columns: [
    nameColumn,
    column('Node', 'string', [SLICE_SPEC, 'nodeName']),
    column('Driver', 'string', [SLICE_SPEC, 'driver']),
    column('Pool', 'string', ['io.k8s.api.resource.v1.ResourcePool', 'name']),
    ageColumn,
  ],
  row: (slice, context) => [
    nameOf(slice),
    slice.spec?.nodeName ?? '',
    slice.spec?.driver ?? '',
    slice.spec?.pool?.name ?? '',
    ageOf(slice, context),
  ],
});
