/** The kinds of `discovery.k8s.io/v1`. */
import { endpointSliceTable } from '../tables/network.ts';
import { rowsOf } from './row.ts';
import { endpointSliceStrategy } from './strategies/networking.ts';
import type { KindDefinition } from './types.ts';

const discovery = rowsOf('discovery.k8s.io', 'v1', 'io.k8s.api.discovery.v1');

/** All resources of discovery.k8s.io/v1. */
export const discoveryKinds: readonly KindDefinition[] = [
  discovery('EndpointSlice', { plural: 'endpointslices', strategy: endpointSliceStrategy, table: endpointSliceTable }),
];
