/** The kinds of `coordination.k8s.io/v1`. */
import { leaseTable } from '../tables/cluster.ts';
import { rowsOf } from './row.ts';
import { leaseStrategy } from './strategies/scheduling.ts';
import type { KindDefinition } from './types.ts';

const coordination = rowsOf('coordination.k8s.io', 'v1', 'io.k8s.api.coordination.v1');

/** All resources of coordination.k8s.io/v1. */
export const coordinationKinds: readonly KindDefinition[] = [
  coordination('Lease', { plural: 'leases', strategy: leaseStrategy, table: leaseTable }),
];
