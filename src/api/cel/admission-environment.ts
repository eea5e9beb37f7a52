/**
 * What expressions of admission may refer to: `object`, `oldObject`, `request`, and as asked for `params`, `namespaceObject`,
 * `variables` and `authorizer`.
 * @see k8s.io/apiserver/pkg/admission/plugin/cel/compile.go
 */
import type { Environment } from './environment.ts';
import {
  boolType,
  type CelType,
  dynType,
  intType,
  listOf,
  mapOf,
  opaque,
  type StructType,
  stringType,
  timestampType,
} from './types.ts';

export function structOf(name: string, fields: Readonly<Record<string, CelType>>): StructType {
  const entries = Object.entries(fields).map(([member, type]) => [member, { type, member }] as const);
  return { kind: 'struct', name, fields: new Map(entries) };
}

const strings = (...names: string[]): Record<string, CelType> =>
  Object.fromEntries(names.map((name) => [name, stringType]));

const kindType = structOf('kubernetes.GroupVersionKind', strings('group', 'version', 'kind'));
const resourceType = structOf('kubernetes.GroupVersionResource', strings('group', 'version', 'resource'));
const userType = structOf('kubernetes.UserInfo', {
  ...strings('username', 'uid'),
  groups: listOf(stringType),
  extra: mapOf(stringType, listOf(stringType)),
});

/** `request`: an AdmissionRequest. */
export const requestType: StructType = structOf('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: stringType,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: stringType,
  ...strings('name', 'namespace', 'operation'),
  userInfo: userType,
  dryRun: boolType,
  options: dynType,
});

/** `namespaceObject`: what of a Namespace expressions may read. */
export const namespaceType: StructType = structOf('kubernetes.Namespace', {
  metadata: structOf('kubernetes.NamespaceMetadata', {
    ...strings('name', 'generateName', 'namespace', 'UID', 'resourceVersion'),
    labels: mapOf(stringType, stringType),
    annotations: mapOf(stringType, stringType),
    creationTimestamp: timestampType,
    deletionTimestamp: timestampType,
    deletionGracePeriodSeconds: intType,
    generation: intType,
    finalizers: listOf(stringType),
  }),
  spec: structOf('kubernetes.NamespaceSpec', { finalizers: listOf(stringType) }),
  status: structOf('kubernetes.NamespaceStatus', strings('phase')),
});

export interface AdmissionEnvironmentOptions {
  readonly hasParams?: boolean;
  readonly hasAuthorizer?: boolean;
  readonly hasNamespace?: boolean;
  /** The types of `variables`' members; none: there is no such variable. */
  readonly variables?: Readonly<Record<string, CelType>>;
  /** The type of `object` and `oldObject` when it is known: for warnings about types. */
  readonly objectType?: CelType;
  readonly paramsType?: CelType;
  readonly message?: Environment['message'];
}

export function admissionEnvironment(options: AdmissionEnvironmentOptions): Environment {
  const { objectType = dynType, paramsType = dynType, variables, message } = options;
  return {
    variables: {
      object: objectType,
      oldObject: objectType,
      request: requestType,
      ...(options.hasParams === true ? { params: paramsType } : {}),
      ...(options.hasNamespace === true ? { namespaceObject: namespaceType } : {}),
      ...(variables === undefined ? {} : { variables: structOf('kubernetes.variables', variables) }),
      ...(options.hasAuthorizer === true
        ? {
            authorizer: opaque('kubernetes.authorization.Authorizer'),
            'authorizer.requestResource': opaque('kubernetes.authorization.ResourceCheck'),
          }
        : {}),
    },
    ...(message === undefined ? {} : { message }),
  };
}
