/** The kinds of `scheduling.k8s.io/v1`. */
import { priorityClassTable } from '../tables/cluster.ts';
import { rowsOf } from './row.ts';
import { priorityClassStrategy } from './strategies/scheduling.ts';
import type { KindDefinition } from './types.ts';

const scheduling = rowsOf('scheduling.k8s.io', 'v1', 'io.k8s.api.scheduling.v1');

/** All resources of scheduling.k8s.io/v1. */
export const schedulingKinds: readonly KindDefinition[] = [
  scheduling('PriorityClass', {
    plural: 'priorityclasses',
    namespaced: false,
    shortNames: ['pc'],
    strategy: priorityClassStrategy,
    table: priorityClassTable,
  }),
];
