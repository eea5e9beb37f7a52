/**
 * Gauges that count objects: worked out from the caches whenever metrics are read, so that they cost nothing in between. What was
 * there at the last reading and is no more counts 0.
 *
 * @see kubernetes/pkg/controller/volume/persistentvolume/metrics, volume/attachdetach/metrics and resourceclaim/metrics, k8s.io/endpointslice/metrics
 */
import type {
  EndpointSlice,
  PersistentVolume,
  PersistentVolumeClaim,
  ResourceClaim,
  Service,
  VolumeAttachment,
} from '../api/index.ts';
import type { Metrics } from '../runtime/index.ts';
import { type ControllerMetric, controllerMetrics } from './controller-metrics.ts';

/** A gauge, and the values of its labels: each time it is named, it counts one. */
export type Counted = readonly [name: ControllerMetric, labels: readonly string[]];

/** Keeps the gauges whose names begin with `prefix` at how often `named` names them. */
export function collectCounts(registry: Metrics, prefix: string, named: () => Iterable<Counted>): void {
  const metrics = controllerMetrics(registry, prefix);
  let known = new Map<string, Counted>();
  registry.beforeRead(() => {
    const counts = new Map<string, number>();
    const found = new Map<string, Counted>();
    for (const counted of named()) {
      const key = `${counted[0]}\n${counted[1].join('\n')}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      found.set(key, counted);
    }
    for (const [key, [name, labels]] of new Map([...known, ...found])) metrics.set(name, labels, counts.get(key) ?? 0);
    known = found;
  });
}

/** Upstream's name of what provides a volume; drivers are told apart by theirs. */
function pluginOf({ spec }: PersistentVolume): string {
  if (spec?.csi !== undefined) return `kubernetes.io/csi:${spec.csi.driver}`;
  if (spec?.hostPath !== undefined) return 'kubernetes.io/host-path';
  if (spec?.local !== undefined) return 'kubernetes.io/local-volume';
  if (spec?.nfs !== undefined) return 'kubernetes.io/nfs';
  if (spec?.iscsi !== undefined) return 'kubernetes.io/iscsi';
  if (spec?.fc !== undefined) return 'kubernetes.io/fc';
  return 'N/A';
}

/** Volumes and claims, bound and not. */
export function* countedVolumes(
  volumes: readonly PersistentVolume[],
  claims: readonly PersistentVolumeClaim[],
): Iterable<Counted> {
  for (const volume of volumes) {
    const { spec, status } = volume;
    yield ['pv_collector_total_pv_count', [pluginOf(volume), spec?.volumeMode ?? '']];
    const bound = status?.phase === 'Bound' ? 'pv_collector_bound_pv_count' : 'pv_collector_unbound_pv_count';
    yield [bound, [spec?.storageClassName ?? '']];
  }
  for (const { metadata, spec, status } of claims) {
    const bound = status?.phase === 'Bound' ? 'pv_collector_bound_pvc_count' : 'pv_collector_unbound_pvc_count';
    yield [bound, [metadata?.namespace ?? '', spec?.storageClassName ?? '', spec?.volumeAttributesClassName ?? '']];
  }
}

/** Attachments: wanted ones, those that are there, and those of each node. */
export function* countedAttachments(attachments: readonly VolumeAttachment[]): Iterable<Counted> {
  for (const { metadata, spec, status } of attachments) {
    const plugin = `kubernetes.io/csi:${spec.attacher}`;
    const isWanted = metadata?.deletionTimestamp === undefined;
    if (isWanted) yield ['attachdetach_controller_total_volumes', [plugin, 'desired_state_of_world']];
    if (status?.attached !== true) continue;
    yield ['attachdetach_controller_total_volumes', [plugin, 'actual_state_of_world']];
    if (isWanted) yield ['storage_count_attachable_volumes_in_use', [spec.nodeName, plugin]];
  }
}

/** How many slices and endpoints there are, and how many slices would do if each were as full as it may be. */
export function sliceTotals(
  slices: readonly EndpointSlice[],
  endpointsMax: number,
): { readonly slices: number; readonly endpoints: number; readonly slicesNeeded: number } {
  const groups = new Map<string, number>();
  for (const { metadata, addressType, ports, endpoints } of slices) {
    const service = metadata?.labels?.['kubernetes.io/service-name'];
    const group = `${metadata?.namespace}/${service}/${addressType}/${JSON.stringify(ports)}`;
    groups.set(group, (groups.get(group) ?? 0) + (endpoints?.length ?? 0));
  }
  const counts = [...groups.values()];
  return {
    slices: slices.length,
    endpoints: counts.reduce((sum, count) => sum + count, 0),
    slicesNeeded: counts.reduce((sum, count) => sum + Math.max(1, Math.ceil(count / endpointsMax)), 0),
  };
}

/** Services by what they want of the traffic to them. */
export function* countedDistributions(services: readonly Service[]): Iterable<Counted> {
  for (const { spec } of services) {
    if (!spec?.trafficDistribution) continue;
    yield ['endpoint_slice_controller_services_count_by_traffic_distribution', [spec.trafficDistribution]];
  }
}

/** Claims of devices by whether they are allocated, ask for administrators' access, and who made them. */
export function* countedClaims(claims: readonly ResourceClaim[]): Iterable<Counted> {
  for (const { metadata, spec, status } of claims) {
    const annotations = metadata?.annotations ?? {};
    const isAdmin = spec.devices?.requests?.some(({ exactly }) => exactly?.adminAccess === true) ?? false;
    const source =
      annotations['resource.kubernetes.io/pod-claim-name'] !== undefined
        ? 'resource_claim_template'
        : annotations['resource.kubernetes.io/extended-resource-claim'] === 'true'
          ? 'extended_resource'
          : '';
    yield ['resourceclaim_controller_resource_claims', [`${status?.allocation !== undefined}`, `${isAdmin}`, source]];
  }
}
