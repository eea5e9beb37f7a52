/** Defaults of volumes and of the claims that pods carry with them, in place. */
import type {
  DownwardAPIVolumeFile,
  PersistentVolumeClaimSpec,
  ProjectedVolumeSource,
  Volume,
} from '../../generated/types.ts';
import { imageTag } from './image-reference.ts';
import { roundUpResources } from './resource-list.ts';

/** Mode of files that come from secrets, config maps, the downward API and projections: 0644. */
const FILE_MODE = 0o644;

/**
 * Sets the defaults of one volume. A volume without a source becomes an `emptyDir`.
 * @see pkg/apis/core/v1/defaults.go
 */
export function defaultVolume(volume: Volume): void {
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= FILE_MODE;
  else if (volume.secret !== undefined) volume.secret.defaultMode ??= FILE_MODE;
  else if (volume.projected !== undefined) defaultProjected(volume.projected);
  else if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  else if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    defaultDownwardFiles(volume.downwardAPI.items);
  } else if (volume.ephemeral !== undefined) {
    const template = volume.ephemeral.volumeClaimTemplate;
    if (template !== undefined) {
      template.metadata ??= {};
      if (template.spec !== undefined) defaultClaimSpec(template.spec);
    }
  } else if (volume.image !== undefined) {
    volume.image.pullPolicy ||= imageTag(volume.image.reference ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  } else if (!hasSource(volume)) volume.emptyDir = {};
  else defaultNetworkSource(volume);
}

function hasSource(volume: Volume): boolean {
  for (const field in volume) if (field !== 'name' && volume[field as keyof Volume] !== undefined) return true;
  return false;
}

/** The sources that persistent volumes have too. Both share the names of the fields that have defaults. */
export interface NetworkVolumeSource {
  iscsi?: { iscsiInterface?: string | undefined } | undefined;
  rbd?: { pool?: string | undefined; user?: string | undefined; keyring?: string | undefined } | undefined;
  azureDisk?:
    | {
        cachingMode?: string | undefined;
        kind?: string | undefined;
        fsType?: string | undefined;
        readOnly?: boolean | undefined;
      }
    | undefined;
  scaleIO?: { storageMode?: string | undefined; fsType?: string | undefined } | undefined;
}

/** Sets the defaults of a source that a pod's volume and a persistent volume have in common. */
export function defaultNetworkSource(source: NetworkVolumeSource): void {
  if (source.iscsi !== undefined) source.iscsi.iscsiInterface ||= 'default';
  if (source.rbd !== undefined) {
    source.rbd.pool ||= 'rbd';
    source.rbd.user ||= 'admin';
    source.rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (source.azureDisk !== undefined) {
    source.azureDisk.cachingMode ??= 'ReadWrite';
    source.azureDisk.kind ??= 'Shared';
    source.azureDisk.fsType ??= 'ext4';
    source.azureDisk.readOnly ??= false;
  }
  if (source.scaleIO !== undefined) {
    source.scaleIO.storageMode ||= 'ThinProvisioned';
    source.scaleIO.fsType ||= 'xfs';
  }
}

/** Sets the defaults of a claim's specification, in claims, in pods and in stateful sets. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  spec.resources ??= {};
  if (spec.resources.limits !== undefined) roundUpResources(spec.resources.limits);
  if (spec.resources.requests !== undefined) roundUpResources(spec.resources.requests);
}

function defaultProjected(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= FILE_MODE;
  if (projected.sources === undefined || projected.sources === null) return;
  for (const source of projected.sources) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    if (source.podCertificate !== undefined) source.podCertificate.maxExpirationSeconds ??= 86400;
    defaultDownwardFiles(source.downwardAPI?.items);
  }
}

function defaultDownwardFiles(files: readonly DownwardAPIVolumeFile[] | undefined): void {
  if (files === undefined) return;
  for (const file of files) {
    if (file.fieldRef !== undefined) file.fieldRef.apiVersion ||= 'v1';
    if (file.resourceFieldRef !== undefined) file.resourceFieldRef.divisor ??= '0';
  }
}
