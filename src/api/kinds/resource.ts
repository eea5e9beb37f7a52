/** The kinds of `resource.k8s.io/v1`: dynamic resource allocation. */
import { resourceClaimTable, resourceSliceTable } from '../tables/cluster.ts';
import { nameAndAge } from '../tables/columns.ts';
import { rowsOf, STATUS } from './row.ts';
import {
  deviceClassStrategy,
  resourceClaimStrategy,
  resourceClaimTemplateStrategy,
  resourceSliceSelectableFields,
  resourceSliceStrategy,
} from './strategies/resource.ts';
import type { KindDefinition } from './types.ts';

const resource = rowsOf('resource.k8s.io', 'v1', 'io.k8s.api.resource.v1');

/** All resources of resource.k8s.io/v1, in alphabetical order. */
export const resourceKinds: readonly KindDefinition[] = [
  resource('DeviceClass', {
    plural: 'deviceclasses',
    namespaced: false,
    strategy: deviceClassStrategy,
    table: nameAndAge,
  }),
  resource('ResourceClaim', {
    plural: 'resourceclaims',
    subresources: [STATUS],
    strategy: resourceClaimStrategy,
    table: resourceClaimTable,
  }),
  resource('ResourceClaimTemplate', {
    plural: 'resourceclaimtemplates',
    strategy: resourceClaimTemplateStrategy,
    table: nameAndAge,
  }),
  resource('ResourceSlice', {
    plural: 'resourceslices',
    namespaced: false,
    strategy: resourceSliceStrategy,
    selectableFields: resourceSliceSelectableFields,
    unsupportedField: (label) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${label}`,
    table: resourceSliceTable,
  }),
];
