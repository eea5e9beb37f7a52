/**
 * Persistent volumes and claims: defaults, first status, and the two fields that name a claim's data source.
 * @see pkg/registry/core/persistentvolume, pkg/registry/core/persistentvolumeclaim
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';
import { roundUpResources } from './resource-list.ts';
import { defaultClaimSpec, defaultNetworkSource } from './volume-defaults.ts';

export const persistentVolumeStrategy = strategyOf<PersistentVolume>({
  defaults(volume: PersistentVolume) {
    if (volume.status !== undefined) volume.status.phase ||= 'Pending';
    const spec = volume.spec;
    if (spec === undefined) return;
    spec.persistentVolumeReclaimPolicy ||= 'Retain';
    spec.volumeMode ??= 'Filesystem';
    if (spec.hostPath !== undefined) spec.hostPath.type ??= '';
    if (spec.capacity !== undefined) roundUpResources(spec.capacity);
    defaultNetworkSource(spec);
  },
  generation: false,
  initialStatus: () => ({ phase: 'Pending' }),
  prepareForCreate(volume: PersistentVolume, context) {
    volume.status!.lastPhaseTransitionTime = context.now;
  },
  status: {
    keptMetadata: [],
    prepareForUpdate(volume: PersistentVolume, previous: PersistentVolume, context) {
      volume.status ??= {};
      const status = volume.status;
      const before = previous.status ?? {};
      const stamp = status.lastPhaseTransitionTime;
      if (status.phase !== before.phase && (stamp === undefined || stamp === before.lastPhaseTransitionTime)) {
        status.lastPhaseTransitionTime = context.now;
      } else if (stamp === undefined && before.lastPhaseTransitionTime !== undefined) {
        status.lastPhaseTransitionTime = before.lastPhaseTransitionTime;
      }
    },
  },
  warnings(volume: PersistentVolume) {
    const warnings: string[] = [];
    const spec = volume.spec;
    if (volume.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) {
      warnings.push(
        'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
      );
    }
    if (spec?.persistentVolumeReclaimPolicy === 'Recycle') {
      warnings.push(
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      );
    }
    return warnings;
  },
});

export const persistentVolumeClaimStrategy = strategyOf<PersistentVolumeClaim>({
  defaults(claim: PersistentVolumeClaim) {
    if (claim.status !== undefined) claim.status.phase ||= 'Pending';
    if (claim.spec !== undefined) defaultClaimSpec(claim.spec);
  },
  generation: false,
  initialStatus: () => ({ phase: 'Pending' }),
  prepareForCreate: syncDataSources,
  prepareForUpdate: syncDataSources,
  status: { keptMetadata: [] },
  warnings(claim: PersistentVolumeClaim) {
    const warnings: string[] = [];
    for (const annotation of ['volume.beta.kubernetes.io/storage-class']) {
      if (claim.metadata?.annotations?.[annotation] !== undefined) {
        warnings.push(
          `metadata.annotations[${annotation}]: deprecated since v1.8; use "storageClassName" attribute instead`,
        );
      }
    }
    return warnings;
  },
});

/** Each of `dataSource` and `dataSourceRef` stands in for the other when only one is given. */
function syncDataSources(claim: PersistentVolumeClaim): void {
  const spec = claim.spec;
  if (spec === undefined) return;
  if (spec.dataSource !== undefined && spec.dataSourceRef === undefined) {
    spec.dataSourceRef = { ...spec.dataSource };
  } else if (spec.dataSourceRef !== undefined && !spec.dataSourceRef.namespace && spec.dataSource === undefined) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name };
  }
}
