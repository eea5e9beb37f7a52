/** The kinds of `apiregistration.k8s.io/v1`. */
import { apiServiceTable } from '../tables/admission.ts';
import { rowsOf, STATUS } from './row.ts';
import { apiServiceStrategy } from './strategies/extensions.ts';
import type { KindDefinition } from './types.ts';

const apiregistration = rowsOf('apiregistration.k8s.io', 'v1', 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1');

/** All resources of apiregistration.k8s.io/v1. */
export const apiregistrationKinds: readonly KindDefinition[] = [
  apiregistration('APIService', {
    plural: 'apiservices',
    namespaced: false,
    categories: ['api-extensions'],
    storagePrefix: '/registry/apiregistration.k8s.io/apiservices',
    subresources: [STATUS],
    strategy: apiServiceStrategy,
    table: apiServiceTable,
  }),
];
