/** The kinds of `apiextensions.k8s.io/v1`. */
import { rowsOf, STATUS } from './row.ts';
import { customResourceDefinitionStrategy } from './strategies/extensions.ts';
import type { KindDefinition } from './types.ts';

const apiextensions = rowsOf('apiextensions.k8s.io', 'v1', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1');

/** All resources of apiextensions.k8s.io/v1. */
export const apiextensionsKinds: readonly KindDefinition[] = [
  apiextensions('CustomResourceDefinition', {
    plural: 'customresourcedefinitions',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    storagePrefix: '/registry/apiextensions.k8s.io/customresourcedefinitions',
    subresources: [STATUS],
    strategy: customResourceDefinitionStrategy,
  }),
];
