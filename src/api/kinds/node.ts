/** The kinds of `node.k8s.io/v1`. */
import { runtimeClassTable } from '../tables/cluster.ts';
import { rowsOf } from './row.ts';
import { runtimeClassStrategy } from './strategies/scheduling.ts';
import type { KindDefinition } from './types.ts';

const node = rowsOf('node.k8s.io', 'v1', 'io.k8s.api.node.v1');

/** All resources of node.k8s.io/v1. */
export const nodeKinds: readonly KindDefinition[] = [
  node('RuntimeClass', {
    plural: 'runtimeclasses',
    namespaced: false,
    strategy: runtimeClassStrategy,
    table: runtimeClassTable,
  }),
];
