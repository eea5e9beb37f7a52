/**
 * The alpha and beta versions of release 1.36, which are served only when they are switched on (runtime-config.ts). Where a kind is
 * stable, too, its objects are stored as such and converted; else the best version is stored.
 *
 * @see pkg/controlplane/apiserver/config.go and the `prerelease-lifecycle` of each type, from which the warnings come
 */
import { nameAndAge, throughStored } from '../tables/columns.ts';
import { leaseCandidateTable, storageVersionTable, trustBundleTable } from '../tables/previews.ts';
import { admissionregistrationKinds } from './admissionregistration.ts';
import { networkingKinds } from './networking.ts';
import { resourceKinds } from './resource.ts';
import { rowsOf, STATUS } from './row.ts';
import { storageKinds } from './storage.ts';
import {
  deviceTaintRuleStrategy,
  podCertificateRequestSelectableFields,
  podCertificateRequestStrategy,
  podGroupStrategy,
  poolStatusRequestStrategy,
  storageVersionMigrationStrategy,
  trustBundleSelectableFields,
} from './strategies/preview-kinds.ts';
import {
  resourceClaimChange,
  resourceClaimTemplateChange,
  resourceSliceChange,
} from './strategies/resource-conversion.ts';
import { type Change, versionConversion } from './strategies/version-conversion.ts';
import type { KindDefinition } from './types.ts';

/** `deprecated` and `removed` are the minor versions of Kubernetes 1. */
interface Lifecycle {
  readonly deprecated?: number;
  readonly removed?: number;
  readonly change?: Change;
}

/** Another version of a kind that is stored as `stored` is. */
function versionOf(stored: KindDefinition, version: string, lifecycle: Lifecycle = {}): KindDefinition {
  const { deprecated, removed, change } = lifecycle;
  const conversion = versionConversion(() => stored, version, change);
  const { strategy: _stored, table, deprecationWarning: _warning, ...rest } = stored;
  return {
    ...rest,
    version,
    definition: stored.definition.replace(/\.v\w+\.(\w+)$/, `.${version}.$1`),
    conversion,
    ...(table !== undefined && { table: throughStored(table, conversion) }),
    ...(deprecated !== undefined && {
      deprecationWarning: `${stored.group}/${version} ${stored.kind} is deprecated in v1.${deprecated}+${
        removed === undefined ? '' : `, unavailable in v1.${removed}+`
      }`,
    }),
    ...(stored.unsupportedField !== undefined && {
      unsupportedField: (label: string) =>
        `field label not supported for ${stored.group}/${version}, Kind=${stored.kind}: ${label}`,
    }),
  };
}

/** The rows of those kinds, in the version that `lifecycle` is of. */
function versionsOf(
  kinds: readonly KindDefinition[],
  version: string,
  lifecycles: Readonly<Record<string, Lifecycle>>,
): KindDefinition[] {
  return Object.entries(lifecycles).map(([kind, lifecycle]) => {
    const stored = kinds.find((one) => one.kind === kind);
    if (stored === undefined) throw new Error(`there is no ${kind} to convert ${version} to`);
    return versionOf(stored, version, lifecycle);
  });
}

const deprecated = (minor: number): string => `v1.${minor}+, unavailable in v1.${minor + 3}+`;

const certificates = rowsOf('certificates.k8s.io', 'v1beta1', 'io.k8s.api.certificates.v1beta1');
const certificateKinds = [
  certificates('ClusterTrustBundle', {
    plural: 'clustertrustbundles',
    namespaced: false,
    selectableFields: trustBundleSelectableFields,
    table: trustBundleTable,
    deprecationWarning: `certificates.k8s.io/v1beta1 ClusterTrustBundle is deprecated in ${deprecated(36)}`,
  }),
  certificates('PodCertificateRequest', {
    plural: 'podcertificaterequests',
    subresources: [STATUS],
    strategy: podCertificateRequestStrategy,
    selectableFields: podCertificateRequestSelectableFields,
    table: nameAndAge,
  }),
];

const coordination = rowsOf('coordination.k8s.io', 'v1beta1', 'io.k8s.api.coordination.v1beta1');
const coordinationKinds = [
  coordination('LeaseCandidate', {
    plural: 'leasecandidates',
    table: leaseCandidateTable,
    deprecationWarning: `coordination.k8s.io/v1beta1 LeaseCandidate is deprecated in ${deprecated(36)}`,
  }),
];

const resourceBeta = rowsOf('resource.k8s.io', 'v1beta2', 'io.k8s.api.resource.v1beta2');
const resourceAlpha = rowsOf('resource.k8s.io', 'v1alpha3', 'io.k8s.api.resource.v1alpha3');
const taintRuleKinds = [
  resourceBeta('DeviceTaintRule', {
    plural: 'devicetaintrules',
    namespaced: false,
    subresources: [STATUS],
    strategy: deviceTaintRuleStrategy,
    table: nameAndAge,
  }),
];

const scheduling = rowsOf('scheduling.k8s.io', 'v1alpha2', 'io.k8s.api.scheduling.v1alpha2');
const migration = rowsOf('storagemigration.k8s.io', 'v1beta1', 'io.k8s.api.storagemigration.v1beta1');
const internal = rowsOf('internal.apiserver.k8s.io', 'v1alpha1', 'io.k8s.api.apiserverinternal.v1alpha1');

const policies = { MutatingAdmissionPolicy: {}, MutatingAdmissionPolicyBinding: {} };
const oldPolicies = { MutatingAdmissionPolicy: { deprecated: 35 }, MutatingAdmissionPolicyBinding: { deprecated: 35 } };
const since = (minor: number, change?: Change): Lifecycle => ({
  deprecated: minor,
  removed: minor + 3,
  ...(change !== undefined && { change }),
});

/** Every alpha and beta version of every built-in kind. */
export const previewRows: readonly KindDefinition[] = [
  ...versionsOf(admissionregistrationKinds, 'v1beta1', policies),
  ...versionsOf(admissionregistrationKinds, 'v1alpha1', oldPolicies),
  ...certificateKinds,
  ...versionsOf(certificateKinds, 'v1alpha1', { ClusterTrustBundle: since(34) }),
  ...coordinationKinds,
  ...versionsOf(coordinationKinds, 'v1alpha2', { LeaseCandidate: { deprecated: 35 } }),
  ...versionsOf(networkingKinds, 'v1beta1', { IPAddress: since(34), ServiceCIDR: since(34) }),
  ...versionsOf(resourceKinds, 'v1beta2', {
    DeviceClass: since(36),
    ResourceClaim: since(36),
    ResourceClaimTemplate: since(36),
    ResourceSlice: since(36),
  }),
  ...taintRuleKinds,
  ...versionsOf(resourceKinds, 'v1beta1', {
    DeviceClass: since(35),
    ResourceClaim: since(35, resourceClaimChange),
    ResourceClaimTemplate: since(35, resourceClaimTemplateChange),
    ResourceSlice: since(35, resourceSliceChange),
  }),
  ...versionsOf(taintRuleKinds, 'v1alpha3', { DeviceTaintRule: { deprecated: 36 } }),
  resourceAlpha('ResourcePoolStatusRequest', {
    plural: 'resourcepoolstatusrequests',
    namespaced: false,
    subresources: [STATUS],
    strategy: poolStatusRequestStrategy,
    table: nameAndAge,
  }),
  scheduling('PodGroup', {
    plural: 'podgroups',
    subresources: [STATUS],
    strategy: podGroupStrategy,
    table: nameAndAge,
  }),
  scheduling('Workload', { plural: 'workloads', table: nameAndAge }),
  ...versionsOf(storageKinds, 'v1beta1', { VolumeAttributesClass: since(34) }),
  migration('StorageVersionMigration', {
    plural: 'storageversionmigrations',
    namespaced: false,
    subresources: [STATUS],
    strategy: storageVersionMigrationStrategy,
    table: nameAndAge,
  }),
  internal('StorageVersion', {
    plural: 'storageversions',
    namespaced: false,
    subresources: [STATUS],
    table: storageVersionTable,
  }),
];
