/**
 * Which volume serves which claim: modes, class, selector, size, and what each says of the other. Pure; the persistent volume
 * binder calls it.
 *
 * @see kubernetes/staging/src/k8s.io/component-helpers/storage/volume/pv_helpers.go
 */
import { compareQuantities, type PersistentVolume, type PersistentVolumeClaim } from '../api/index.ts';
import { matcherOf } from './label-selectors.ts';

export const bindCompleted = 'pv.kubernetes.io/bind-completed';
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
export const selectedNode = 'volume.kubernetes.io/selected-node';
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
const betaClass = 'volume.beta.kubernetes.io/storage-class';

/** The class of a claim or volume by annotation or field; the empty text when it has none. */
export function storageClassNameOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.metadata?.annotations?.[betaClass] ?? object.spec?.storageClassName ?? '';
}

export const hasClassAnnotation = ({ metadata }: PersistentVolumeClaim) =>
  metadata?.annotations?.[betaClass] !== undefined;

/** Whether the volume is promised to this claim and to no earlier one of its name. */
export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined) return false;
  if (reference.name !== claim.metadata?.name || reference.namespace !== claim.metadata?.namespace) return false;
  return (reference.uid ?? '') === '' || reference.uid === claim.metadata?.uid;
}

const askedBytes = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.['storage'] ?? '0';
const bytesOf = (volume: PersistentVolume) => volume.spec?.capacity?.['storage'] ?? '0';
const modeOf = (object: PersistentVolume | PersistentVolumeClaim) => object.spec?.volumeMode ?? 'Filesystem';

const attributesOf = (object: PersistentVolume | PersistentVolumeClaim) => object.spec?.volumeAttributesClassName ?? '';

/** Whether one is to be a block device and the other a file system. */
export const differInMode = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  modeOf(volume) !== modeOf(claim);

/** Why a volume that the claim names cannot serve it; undefined when it can. */
export function mismatchOf(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata?.deletionTimestamp !== undefined) {
    return `the volume is marked for deletion "${volume.metadata.name}"`;
  }
  if (compareQuantities(bytesOf(volume), askedBytes(claim)) < 0) return 'requested PV is too small';
  if (storageClassNameOf(volume) !== storageClassNameOf(claim)) return 'storageClassName does not match';
  if (attributesOf(volume) !== attributesOf(claim)) return 'volumeAttributesClassName does not match';
  if (differInMode(volume, claim)) return 'incompatible volumeMode';
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode';
}

function hasModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode) === true);
}

/**
 * The volume reserved for the claim, or else the smallest that serves it; with `onlyReserved` no other than the reserved one. As
 * upstream, a volume with fewer access modes comes before all with more, even before a reserved one.
 */
export function bestVolumeFor(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  onlyReserved: boolean,
): PersistentVolume | undefined {
  const matches = claim.spec?.selector === undefined ? () => true : matcherOf(claim.spec.selector);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    const reserved = isReservedFor(volume, claim);
    if (volume.spec?.claimRef !== undefined && !reserved) continue;
    if (volume.metadata?.deletionTimestamp !== undefined || !hasModes(volume, claim)) continue;
    if (compareQuantities(bytesOf(volume), askedBytes(claim)) < 0 || differInMode(volume, claim)) continue;
    if (!reserved) {
      if (onlyReserved || volume.status?.phase !== 'Available' || !matches(volume.metadata?.labels)) continue;
      if (storageClassNameOf(volume) !== storageClassNameOf(claim)) continue;
      if (attributesOf(volume) !== attributesOf(claim)) continue;
    }
    if (best === undefined || isNearer(volume, best, claim)) best = volume;
  }
  return best;
}

function isNearer(volume: PersistentVolume, other: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const modes = (each: PersistentVolume) => new Set(each.spec?.accessModes).size;
  const reserved = (each: PersistentVolume) => Number(isReservedFor(each, claim));
  const difference = modes(volume) - modes(other) || reserved(other) - reserved(volume);
  return (difference || compareQuantities(bytesOf(volume), bytesOf(other))) < 0;
}
