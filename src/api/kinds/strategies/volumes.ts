/**
 * Persistent volumes and claims: defaults, first status, and the two fields that name a claim's data source.
 * @see pkg/registry/core/persistentvolume, pkg/registry/core/persistentvolumeclaim
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';
import { warnOfSelectorTerm } from './node-labels.ts';
import { deprecatedVolumes, warnOfClaim } from './pod-warnings.ts';
import { isFractional, roundUpResources } from './resource-list.ts';
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
  warnings: volumeWarnings,
});

export const persistentVolumeClaimStrategy = strategyOf<PersistentVolumeClaim>({
  defaults(claim: PersistentVolumeClaim) {
    if (claim.status !== undefined) claim.status.phase ||= 'Pending';
    if (claim.spec !== undefined) defaultClaimSpec(claim.spec);
  },
  generation: false,
  initialStatus: () => ({ phase: 'Pending' }),
  prepareForCreate(claim: PersistentVolumeClaim) {
    dropOtherDataSources(claim, undefined);
    syncDataSources(claim);
  },
  prepareForUpdate: dropOtherDataSources,
  status: { keptMetadata: [] },
  warnings(claim: PersistentVolumeClaim) {
    const warnings: string[] = [];
    if (claim.metadata?.annotations?.[classAnnotation] !== undefined) warnings.push(classAnnotationWarning);
    if (claim.spec !== undefined) warnOfClaim('spec', claim.spec, warnings);
    return warnings;
  },
});

const classAnnotation = 'volume.beta.kubernetes.io/storage-class';
const classAnnotationWarning = `metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`;
const optionsAnnotation = 'volume.beta.kubernetes.io/mount-options';

/** @see pkg/api/persistentvolume/util.go */
function volumeWarnings(volume: PersistentVolume): string[] {
  const warnings: string[] = [];
  const { spec, metadata } = volume;
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  terms.forEach((term, index) => {
    warnOfSelectorTerm(`spec.nodeAffinity.required.nodeSelectorTerms[${index}]`, term, warnings);
  });
  if (metadata?.annotations?.[classAnnotation] !== undefined) warnings.push(classAnnotationWarning);
  if (metadata?.annotations?.[optionsAnnotation] !== undefined) {
    warnings.push(
      `metadata.annotations[${optionsAnnotation}]: deprecated since v1.31; use "mountOptions" attribute instead`,
    );
  }
  if (spec?.persistentVolumeReclaimPolicy === 'Recycle') {
    warnings.push(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  for (const [source, message] of deprecatedVolumes) {
    if (spec !== undefined && source in spec) warnings.push(`spec.${source}: ${message}`);
  }
  const size = spec?.capacity?.['storage'];
  if (size !== undefined && isFractional(size)) {
    warnings.push(`spec.capacity[storage]: fractional byte value "${size}" is invalid, must be an integer`);
  }
  return warnings;
}

/**
 * Sources that only `dataSourceRef` may name, and references into other namespaces, are dropped as if they had not been sent, unless the
 * stored claim has a source already.
 * @see KEP-1495, pkg/api/persistentvolumeclaim/util.go
 */
function dropOtherDataSources(claim: PersistentVolumeClaim, previous: PersistentVolumeClaim | undefined): void {
  const { spec } = claim;
  if (spec === undefined) return;
  const before = previous?.spec;
  if (spec.dataSourceRef?.namespace && before?.dataSourceRef === undefined) delete spec.dataSourceRef;
  if (before?.dataSource !== undefined || before?.dataSourceRef !== undefined) return;
  if (spec.dataSourceRef !== undefined || spec.dataSource === undefined) return;
  const { kind } = spec.dataSource;
  // Null where nobody gave it, since it is always written.
  const apiGroup = spec.dataSource.apiGroup ?? '';
  const isClaim = kind === 'PersistentVolumeClaim' && apiGroup === '';
  const isSnapshot = kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io';
  if (!isClaim && !isSnapshot) delete spec.dataSource;
}

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
